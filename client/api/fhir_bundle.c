#include "client/api/fhir_bundle.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

static enum err put_uri(json_t *object, const char *key, const char *id)
{
	char text[FHIR_REFERENCE_BYTES];

	(void)snprintf(text, sizeof(text), "urn:uuid:%s", id);
	return json_put(object, key, json_string(text));
}

enum err fhir_add(struct fhir *f, const char *type, const char *id, json_t **ret_resource)
{
	json_t *entry = json_object();
	json_t *resource = json_object();

	ENSURE(json_array_append_new(f->entries, entry) == 0, ERR_NOMEM);
	TRY(put_uri(entry, "fullUrl", id));
	TRY(json_put(entry, "resource", resource));
	TRY(json_put(resource, "resourceType", json_string(type)));
	TRY(json_put(resource, "id", json_string(id)));
	*ret_resource = resource;
	return ERR_OK;
}

/* The last twelve digits are the id's, so the number goes before them. */
void fhir_id_of(const char *id, unsigned number, char ret_id[37])
{
	char digits[9];

	(void)snprintf(digits, sizeof(digits), "%08x", number);
	memcpy(ret_id, id, 36);
	ret_id[36] = '\0';
	for (size_t i = 0; i < 8; i++) {
		static const char hex[] = "0123456789abcdef";
		const char *a = strchr(hex, ret_id[i]);
		const char *b = strchr(hex, digits[i]);
		const size_t mixed = (a == NULL ? 0 : (size_t)(a - hex)) ^
				     (b == NULL ? 0 : (size_t)(b - hex));
		ret_id[i] = hex[mixed & 15u];
	}
}

enum err fhir_put_reference(json_t *object, const char *key, const char *id)
{
	json_t *reference = json_object();

	TRY(json_put(object, key, reference));
	return put_uri(reference, "reference", id);
}

enum err fhir_put_words(json_t *object, const char *key, const char *words)
{
	json_t *concept = json_object();

	TRY(json_put(object, key, concept));
	return json_put(concept, "text", json_string(words));
}

enum err fhir_put_code(json_t *object, const char *key, const char *system, const char *code,
		       const char *words)
{
	json_t *concept = json_object();
	json_t *coding = json_object();

	TRY(json_put(object, key, concept));
	TRY(fhir_put_list(concept, "coding", coding));
	TRY(json_put(coding, "system", json_string(system)));
	TRY(json_put(coding, "code", json_string(code)));
	return words == NULL ? ERR_OK : json_put(concept, "text", json_string(words));
}

/* FHIR has no empty texts. */
enum err fhir_put_text(json_t *object, const char *key, const char *text)
{
	if (text == NULL || text[0] == '\0') return ERR_OK;
	return json_put(object, key, json_string(text));
}

enum err fhir_put_list(json_t *object, const char *key, json_t *only)
{
	json_t *list = json_array();

	if (list == NULL || json_array_append_new(list, only) != 0) {
		json_decref(list);
		return ERR_NOMEM;
	}
	return json_put(object, key, list);
}

static const char *user_of(const struct fhir *f, const char *login)
{
	const json_t *people = json_object_get(f->chart, "people");

	return login == NULL ? NULL : json_text_of(json_object_get(people, login), "user_id");
}

enum err fhir_put_person(const struct fhir *f, json_t *object, const char *key, const char *login)
{
	const char *id = user_of(f, login);

	return id == NULL ? ERR_OK : fhir_put_reference(object, key, id);
}

enum err fhir_add_provenance(struct fhir *f, const char *id, const char *login, const char *at)
{
	const char *user = user_of(f, login);
	char own_id[37];
	json_t *p = NULL;
	json_t *agent = NULL;
	json_t *target = NULL;

	if (user == NULL || at == NULL) return ERR_OK;
	fhir_id_of(id, 0x9e3779b9u, own_id);
	TRY(fhir_add(f, "Provenance", own_id, &p));
	target = json_object();
	TRY(fhir_put_list(p, "target", target));
	TRY(put_uri(target, "reference", id));
	TRY(json_put(p, "recorded", json_string(at)));
	agent = json_object();
	TRY(fhir_put_list(p, "agent", agent));
	return fhir_put_reference(agent, "who", user);
}
