/* fuzz_directory: a chain of directory entries, made and signed as the input says, by people
 * who may and people who may not.
 * Targets: dir_entry_make, dir_entry_parse, dir_apply, dir_user, dir_key, dir_user_has,
 *          dir_check_pin.
 * Holds:   dir_apply takes exactly what SECURITY 2.9 allows, said here a second time and plainly;
 *          what it refuses changes nothing. */
#include "base/cleanup.h"
#include "crypt/directory.h"
#include "fuzz/fuzz_keys.h"

#define PEOPLE 4u
#define GENS 4u
#define ENTRIES_MAX 24u

/* One entry as the input says it. Keys are numbers into fuzz_keys()->sign. */
struct said {
	uint8_t user, g, roles, status;
	uint8_t key;                       /* what the entry brings */
	uint8_t signer, signer_g;          /* whom it names; PEOPLE: nobody */
	uint8_t by_signer, by_new, by_old; /* who signed in truth; FUZZ_SIGN_KEYS: nobody */
};

/* The rule's second home. */
struct model {
	struct {
		uint8_t g; /* 0: not known */
		uint8_t keys[GENS + 1];
		uint8_t roles;
		bool active, recovered;
	} people[PEOPLE];
	bool used[FUZZ_SIGN_KEYS];
	size_t count;
};

static struct id person_id(uint8_t n)
{
	struct id id = { { 0 } };

	if (n < PEOPLE) id.b[0] = (uint8_t)(n + 1);
	return id;
}

static struct said read_said(struct fuzz_in *in)
{
	struct said s = { .user = fuzz_below(in, PEOPLE) };

	s.g = (uint8_t)(1 + fuzz_below(in, GENS));
	s.roles = fuzz_below(in, DIR_ROLES_ALL + 1);
	s.status = (uint8_t)(DIR_ACTIVE + fuzz_below(in, 3));
	s.key = fuzz_below(in, FUZZ_SIGN_KEYS);
	s.signer = fuzz_below(in, PEOPLE + 1);
	s.signer_g = fuzz_below(in, GENS + 1);
	s.by_signer = fuzz_below(in, FUZZ_SIGN_KEYS);
	s.by_new = fuzz_below(in, FUZZ_SIGN_KEYS + 1);
	s.by_old = fuzz_below(in, FUZZ_SIGN_KEYS + 1);
	return s;
}

static bool model_owner(const struct model *m, uint8_t user)
{
	return m->people[user].g > 0 && m->people[user].active &&
	       (m->people[user].roles & DIR_OWNER) != 0;
}

static bool model_signed(const struct model *m, const struct said *s)
{
	if (m->count == 0)
		return s->signer == PEOPLE && s->by_signer == 0 && (s->roles & DIR_OWNER) != 0 &&
		       s->status == DIR_ACTIVE;
	if (s->signer == PEOPLE || !model_owner(m, s->signer)) return false;
	return s->signer_g == m->people[s->signer].g &&
	       s->by_signer == m->people[s->signer].keys[s->signer_g];
}

static bool model_keys(const struct model *m, const struct said *s)
{
	const uint8_t g = m->people[s->user].g;
	if (s->g == g) {
		return s->key == m->people[s->user].keys[g] &&
		       (s->status != DIR_RECOVERED || m->people[s->user].recovered);
	}
	if (s->g != g + 1 || s->status == DIR_DISABLED) return false;
	if (s->key == 0 || m->used[s->key] || s->by_new != s->key) return false;
	if (s->g == 1) return s->status != DIR_RECOVERED;
	return s->status == DIR_RECOVERED || s->by_old == m->people[s->user].keys[g];
}

static bool model_owner_left(const struct model *m, const struct said *s)
{
	bool left = s->status != DIR_DISABLED && (s->roles & DIR_OWNER) != 0;
	for (uint8_t i = 0; i < PEOPLE; i++)
		if (i != s->user && model_owner(m, i)) left = true;
	return left;
}

static bool model_takes(const struct model *m, const struct said *s)
{
	return s->roles != 0 && model_signed(m, s) && model_keys(m, s) && model_owner_left(m, s);
}

static void model_add(struct model *m, const struct said *s)
{
	if (s->g > m->people[s->user].g) {
		m->people[s->user].recovered = s->status == DIR_RECOVERED;
		m->used[s->key] = true;
	}
	m->people[s->user].g = s->g;
	m->people[s->user].keys[s->g] = s->key;
	m->people[s->user].roles = s->roles;
	m->people[s->user].active = s->status != DIR_DISABLED;
	m->count++;
}

static const struct sign_key *key_or_none(uint8_t n)
{
	return n < FUZZ_SIGN_KEYS ? &fuzz_keys()->sign[n] : NULL;
}

static enum err make_and_apply(struct directory *d, const struct said *s)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	struct dir_signed made;
	struct dir_entry e = { .user_id = person_id(s->user),
			       .g = s->g,
			       .name = view_str("Jo Ng"),
			       .roles = s->roles,
			       .sign_pk = fuzz_keys()->sign[s->key].pk,
			       .box_pk = { { 9, s->key } },
			       .status = (enum dir_status)s->status,
			       .signer_id = person_id(s->signer),
			       .signer_g = s->signer == PEOPLE ? 0 : s->signer_g };
	const struct dir_signers keys = { .by_signer = key_or_none(s->by_signer),
					  .by_new = key_or_none(s->by_new),
					  .by_old = key_or_none(s->by_old) };

	TRY(dir_entry_make(d, &e, &keys, &bytes, &made));
	TRY(dir_apply(d, &made));
	INSIST(dir_apply(d, &made) == ERR_OK); /* the same again is fine and changes nothing */
	return ERR_OK;
}

static void check_same(const struct directory *d, const struct model *m)
{
	struct hash32 head;

	INSIST(dir_head(d, &head) == m->count);
	INSIST(dir_check_pin(d, m->count, &head) == ERR_OK);
	INSIST(dir_check_pin(d, m->count + 1, &head) == ERR_MORE);
	for (uint8_t i = 0; i < PEOPLE; i++) {
		const struct id id = person_id(i);
		const struct dir_user *u = dir_user(d, &id);
		INSIST((u != NULL) == (m->people[i].g > 0));
		INSIST(dir_user_has(d, &id, DIR_OWNER) == model_owner(m, i));
		if (u == NULL) continue;
		INSIST(u->g == m->people[i].g && u->roles == m->people[i].roles);
		INSIST(u->active == m->people[i].active);
		INSIST(u->recovered == m->people[i].recovered);
		for (uint8_t g = 1; g <= u->g; g++) {
			const struct dir_key *k = dir_key(d, &id, g);
			INSIST(k != NULL);
			INSIST(sign_pk_equal(&k->sign_pk,
					     &fuzz_keys()->sign[m->people[i].keys[g]].pk));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(dir_finip) struct directory d;
	struct fuzz_in in = { view_of(data, size) };
	struct model m = { .count = 0 };

	fuzz_keys_reset();
	dir_init(&d, &fuzz_keys()->clinic, &fuzz_keys()->sign[0].pk);
	for (size_t i = 0; i < ENTRIES_MAX && fuzz_has(&in); i++) {
		const struct said s = read_said(&in);
		const bool takes = model_takes(&m, &s);
		INSIST((make_and_apply(&d, &s) == ERR_OK) == takes);
		if (takes) model_add(&m, &s);
		check_same(&d, &m);
	}
	return 0;
}
