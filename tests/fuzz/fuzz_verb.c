/* fuzz_verb: a request to a room's verbs, and what a lying server answers when a verb asks it.
 * Input:   three lines: the verb's path, "+" when the server can be reached, the request's
 *          JSON. Then answers: a length and a frame body each; a length of 0 is no answer. In
 *          the request "@p", "@s", "@g", "@n", "@u" stand for a patient, a draft, a signed
 *          session, a note and another person.
 * Targets: the verbs of client/api/verbs.c but those that take a passphrase, a folder or a file.
 * Holds:   a verb answers with an object of its schema, or with a code, a sentence and an exit
 *          status.
 * A room's database cannot go back between runs, so it is made anew after a thousand of them. */
#include "fuzz/fuzz_room.h"

#include "client/api/verbs.h"

#define RUNS_PER_WORLD 1000u

static struct room *room;
static struct room_names names;
static struct {
	char p[ID_TEXT_BYTES], s[ID_TEXT_BYTES], g[ID_TEXT_BYTES], n[ID_TEXT_BYTES],
		u[ID_TEXT_BYTES];
} texts;

/* ---- the room ---- */

/* NULL: none of that name, or one that this target leaves alone. */
static const struct verb_row *choose_verb(struct view path)
{
	static const char *const left_out[] = { "sign-in", "lock", "set/passphrase", "import",
						"export/proof" };
	size_t count = 0;
	const struct verb_row *rows = verb_table(&count);

	for (size_t i = 0; i < COUNT_OF(left_out); i++)
		if (view_equal(path, view_str(left_out[i]))) return NULL;
	for (size_t i = 0; i < count; i++)
		if (view_equal(path, view_str(rows[i].path))) return &rows[i];
	return NULL;
}

static void make_records(struct room *r)
{
	struct id note;
	struct id op;
	const struct id p = room_add_patient(r, "Ann Reed", "1980-02-29");
	const struct id s = room_start_session(r, &p);
	const struct id g = room_start_session(r, &p);

	for (int i = 0; i < 2; i++) {
		OK(room_text(r, i == 0 ? &s : &g, ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
		OK(room_measure(r, i == 0 ? &s : &g, 52000));
	}
	OK(local_sign_session(r->local, &r->desk.vault, &g, r->w->wall, &op));
	OK(local_add_note(r->local, &r->desk.vault, &p, NULL, view_str("between us"), r->w->wall,
			  &note, NULL));
	id_print(&p, texts.p);
	id_print(&s, texts.s);
	id_print(&g, texts.g);
	id_print(&note, texts.n);
	names.count = 0;
}

static void start_run(void)
{
	static struct id mara;

	if (room == NULL) json_start();
	room = fuzz_room(RUNS_PER_WORLD, make_records, &mara);
	id_print(&mara, texts.u);
}

/* ---- the request ---- */

static const char *text_for(const char *text)
{
	static const struct {
		const char *name;
		const char *text;
	} known[] = { { "@p", texts.p },
		      { "@s", texts.s },
		      { "@g", texts.g },
		      { "@n", texts.n },
		      { "@u", texts.u } };

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strcmp(text, known[i].name) == 0) return known[i].text;
	return NULL;
}

static void put_ids(json_t *request)
{
	const char *key = NULL;
	json_t *value = NULL;

	json_object_foreach(request, key, value)
	{
		const char *text = json_string_value(value);
		if (text != NULL && text_for(text) != NULL)
			INSIST(json_string_set(value, text_for(text)) == 0);
	}
}

/* ---- the server ---- */

static bool is_trouble_of_ours(enum err e)
{
	return e == ERR_IO || e == ERR_DISK_FULL || e == ERR_STORE || e == ERR_CORRUPT ||
	       e == ERR_NOMEM || e == ERR_BUG;
}

/* What sync lets through: frames that a server may send, and no error that would be this room's own
 * (sync_result_err of client/core/sync.c). */
static void give_reply(struct verb *v, struct fuzz_in *in)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	const struct view body = fuzz_take(in, fuzz_u16(in));
	Roomkeep__Frame *f = NULL;

	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	buf_clear(&v->reply);
	v->reply_err = ERR_OFFLINE;
	v->reply_conn = (struct sync_conn){ .serial = 1 };
	if (frame_decode(&a, body, &f) != ERR_OK) return;
	if (f->body_case < ROOMKEEP__FRAME__BODY_WELCOME) return;
	v->reply_err = ERR_OK;
	if (f->body_case == ROOMKEEP__FRAME__BODY_RESULT)
		v->reply_err = err_from_wire(f->result->code);
	if (is_trouble_of_ours(v->reply_err)) v->reply_err = ERR_OFFLINE;
	INSIST(buf_append(&v->reply, body) == ERR_OK);
}

/* ---- the answer ---- */

static void check_answer(const struct verb *v, enum err e)
{
	CLEANUP(json_text_freep) char *text = NULL;

	if (e != ERR_OK) {
		INSIST(v->fault.err != ERR_OK && v->fault.code[0] != '\0');
		INSIST(v->fault.message[0] != '\0' && v->fault.exit != EXIT_DONE);
		/* No request and no server may look like a bug or a broken disk of this room. */
		INSIST(!is_trouble_of_ours(e));
		return;
	}
	INSIST(json_is_object(v->answer));
	INSIST(strcmp(json_text_of(v->answer, "schema"), v->row->schema) == 0);
	INSIST(json_text_dump(v->answer, &text) == ERR_OK);
}

static void run_verb(struct fuzz_in *in, const struct verb_row *row, json_t *request, bool online)
{
	struct verb v;
	enum err e = ERR_OK;

	INSIST(verb_init(&v, row, request) == ERR_OK);
	v.desk = &room->desk;
	v.room_names = &names;
	v.link.link = online ? SYNC_LINK_ONLINE : SYNC_LINK_OFFLINE;
	v.now_ms = room->w->wall;
	do {
		e = verb_run(&v);
		INSIST(v.step <= VERB_STEPS_MAX + 2);
		if (v.ask.len > 0) give_reply(&v, in);
	} while (e == ERR_OK && v.ask.len > 0);
	check_answer(&v, e);
	verb_fini(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { view_of(data, size) };
	json_t *request = NULL;

	const struct verb_row *row = choose_verb(fuzz_line(&in));
	const struct view link = fuzz_line(&in);
	const struct view text = fuzz_line(&in);
	if (row == NULL) return 0;
	start_run();
	if (json_object_read(text, &request) != ERR_OK) return 0;
	const bool online = view_equal(link, view_str("+"));
	put_ids(request);
	run_verb(&in, row, request, online);
	return 0;
}
