#include "base/check.h"
#include "record/reflect.h"
#include "server/store/store_priv.h"

#include <stdlib.h>

enum err store_message_pack(const ProtobufCMessage *message, struct buf *out)
{
	const size_t size = protobuf_c_message_get_packed_size(message);
	TRY(buf_reserve(out, size));
	const size_t wrote = protobuf_c_message_pack(message, out->p + out->len);
	INSIST(wrote == size);
	out->len += wrote;
	return ERR_OK;
}

enum err store_message_unpack(const struct kind_info *info, struct view bytes,
			      ProtobufCMessage **ret)
{
	*ret = protobuf_c_message_unpack(info->message, NULL, bytes.len, bytes.p);
	return *ret != NULL ? ERR_OK : ERR_CORRUPT;
}

void store_message_freep(ProtobufCMessage **m)
{
	if (*m != NULL) protobuf_c_message_free_unpacked(*m, NULL);
}

static enum err patient_encode(const Roomkeep__Patient *m, struct buf *out)
{
	Roomkeep__Patient s = ROOMKEEP__PATIENT__INIT;
	s.has_patient_id = 1;
	s.patient_id = m->patient_id;
	return store_message_pack(&s.base, out);
}

static enum err text_encode(const Roomkeep__SessionText *m, struct buf *out)
{
	static char no_text[] = "";
	Roomkeep__SessionText s = ROOMKEEP__SESSION_TEXT__INIT;
	s.has_session_id = 1;
	s.session_id = m->session_id;
	s.has_field = 1;
	s.field = m->field;
	s.text = no_text;
	s.n_parents = m->n_parents;
	s.parents = m->parents;
	return store_message_pack(&s.base, out);
}

static enum err measure_encode(const Roomkeep__Measure *m, struct buf *out)
{
	Roomkeep__Measure s = ROOMKEEP__MEASURE__INIT;
	s.has_session_id = 1;
	s.session_id = m->session_id;
	s.has_measure_id = 1;
	s.measure_id = m->measure_id;
	return store_message_pack(&s.base, out);
}

static enum err addendum_encode(const Roomkeep__Addendum *m, struct buf *out)
{
	Roomkeep__Addendum s = ROOMKEEP__ADDENDUM__INIT;
	s.has_session_id = 1;
	s.session_id = m->session_id;
	s.has_addendum_id = 1;
	s.addendum_id = m->addendum_id;
	return store_message_pack(&s.base, out);
}

/* Frames and Signs have no words, only ids, times and a hash: the session they hold together
 * must not fall apart. What a newer build put beside them goes. */
static enum err frame_encode(const Roomkeep__SessionFrame *m, struct buf *out)
{
	Roomkeep__SessionFrame s = *m;
	s.base.n_unknown_fields = 0;
	return store_message_pack(&s.base, out);
}

static enum err sign_encode(const Roomkeep__Sign *m, struct buf *out)
{
	Roomkeep__Sign s = *m;
	s.base.n_unknown_fields = 0;
	return store_message_pack(&s.base, out);
}

/* Of a plain record only the ids: which it is, and whose. */
static enum err plain_encode(const struct payload *payload, struct buf *out)
{
	const struct kind_info *info = payload->info;
	const char *const ids[] = { info->subject_field, info->patient_field, info->session_field };
	CLEANUP(freep) ProtobufCMessage *s = calloc(1, info->message->sizeof_message);
	ENSURE(s != NULL, ERR_NOMEM);
	protobuf_c_message_init(info->message, s);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		if (ids[i] == NULL) continue;
		reflect_copy(s, payload->is.any, reflect_field(info->message, ids[i]));
	}
	return store_message_pack(s, out);
}

enum err skeleton_encode(const struct payload *payload, struct buf *out)
{
	switch (payload->info->kind) {
	case KIND_PATIENT: return patient_encode(payload->is.patient, out);
	case KIND_SESSION_FRAME: return frame_encode(payload->is.session_frame, out);
	case KIND_SESSION_TEXT: return text_encode(payload->is.session_text, out);
	case KIND_MEASURE: return measure_encode(payload->is.measure, out);
	case KIND_SIGN: return sign_encode(payload->is.sign, out);
	case KIND_ADDENDUM: return addendum_encode(payload->is.addendum, out);
	case KIND_OPENED:
	case KIND_TOMBSTONE:
	case KIND_NOTE:
	case KIND_SEALED_TOMBSTONE: return ERR_OK;
	case KIND_ANY_PLAIN: return plain_encode(payload, out);
	}
	return ERR_OK;
}

enum err skeleton_decode(uint64_t kind, struct view bytes, struct payload *ret)
{
	const struct kind_info *info = kind_find(kind);
	REQUIRE(info != NULL);
	ProtobufCMessage *message = NULL;
	TRY(store_message_unpack(info, bytes, &message));
	*ret = (struct payload){ .info = info, .is.any = message };
	return ERR_OK;
}

void skeleton_free(struct payload *p)
{
	if (p->is.any != NULL) protobuf_c_message_free_unpacked(p->is.any, NULL);
	p->is.any = NULL;
}
