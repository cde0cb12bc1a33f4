/* What is readable where: on the room's disk with nobody signed in, on the server's disk, and in
 * the room's memory after a lock. The words that are looked for exist in this program only
 * scrambled. */
#include "support/maps.h"
#include "support/rooms_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MASK 0x5au
#define CANARY_MAX 48u

/* "Zephyrine Quackenbos", "kumquat sessionline", "the lighthouse confession", scrambled with
 * MASK. */
static const uint8_t name_mask[] = { 0x00, 0x3f, 0x2a, 0x32, 0x23, 0x28, 0x33, 0x34, 0x3f, 0x7a,
				     0x0b, 0x2f, 0x3b, 0x39, 0x31, 0x3f, 0x34, 0x38, 0x35, 0x29 };
static const uint8_t text_mask[] = { 0x31, 0x2f, 0x37, 0x2b, 0x2f, 0x3b, 0x2e, 0x7a, 0x29, 0x3f,
				     0x29, 0x29, 0x33, 0x35, 0x34, 0x36, 0x33, 0x34, 0x3f };
static const uint8_t note_mask[] = { 0x2e, 0x32, 0x3f, 0x7a, 0x36, 0x33, 0x3d, 0x32, 0x2e,
				     0x32, 0x35, 0x2f, 0x29, 0x3f, 0x7a, 0x39, 0x35, 0x34,
				     0x3c, 0x3f, 0x29, 0x29, 0x33, 0x35, 0x34 };

struct canary {
	const uint8_t *mask;
	size_t len;
};
static const struct canary name_canary = { name_mask, sizeof(name_mask) };
static const struct canary text_canary = { text_mask, sizeof(text_mask) };
static const struct canary note_canary = { note_mask, sizeof(note_mask) };

static void canary_write(const struct canary *c, char out[CANARY_MAX])
{
	for (size_t i = 0; i < c->len; i++) out[i] = (char)(c->mask[i] ^ MASK);
	out[c->len] = '\0';
}

static bool canary_at(const struct canary *c, const uint8_t *p)
{
	for (size_t i = 0; i < c->len; i++)
		if ((p[i] ^ MASK) != c->mask[i]) return false;
	return true;
}

static size_t canary_count(const struct canary *c, const uint8_t *p, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i + c->len <= len; i++) n += canary_at(c, p + i);
	return n;
}

/* ---- files ----------------------------------------------------------------------------------- */

static size_t folder_count(const char *folder, const struct canary *c)
{
	size_t n = 0;
	size_t files = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		char path[512];
		struct stat st;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) continue;
		const int fd = open(path, O_RDONLY);
		assert_true(fd >= 0);
		uint8_t *bytes = malloc((size_t)st.st_size);
		assert_non_null(bytes);
		const ssize_t got = read(fd, bytes, (size_t)st.st_size);
		assert_int_equal(got, st.st_size);
		n += canary_count(c, bytes, (size_t)st.st_size);
		files++;
		free(bytes);
		(void)close(fd);
	}
	(void)closedir(dir);
	assert_true(files > 0);
	return n;
}

static void write_everything(struct room *r, struct id *ret_patient, struct id *ret_session)
{
	char text[CANARY_MAX];
	canary_write(&name_canary, text);
	*ret_patient = room_add_patient(r, text, "1984-05-06");
	*ret_session = room_start_session(r, ret_patient);
	canary_write(&text_canary, text);
	OK(room_text(r, ret_session, ROOMKEEP__TEXT_FIELD__SUBJECTIVE, text));
	canary_write(&note_canary, text);
	struct id note;
	OK(local_add_note(r->local, &r->desk.vault, ret_patient, ret_session, view_str(text),
			  r->w->wall, &note, NULL));
	OK(local_set_note(r->local, &r->desk.vault, &note, view_str(text), r->w->wall, NULL));
}

static void test_no_file_of_a_room_can_be_read(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	struct id patient;
	struct id session;
	OK(room_sign_in(r2, "mara", MARA_PASS));
	write_everything(r2, &patient, &session);
	/* While it is only queued, while signed in, after delivery, after lock: never in clear. */
	assert_int_equal(folder_count(r2->folder, &name_canary), 0);
	room_saved(r2);
	room_lock(r2);
	room_lock(r1);
	for (size_t k = 0; k < 2; k++) {
		const char *folder = w->rooms[k].folder;
		assert_int_equal(folder_count(folder, &name_canary), 0);
		assert_int_equal(folder_count(folder, &text_canary), 0);
		assert_int_equal(folder_count(folder, &note_canary), 0);
	}
	/* The search does find what is there: the server may read sessions, and no note. */
	assert_true(folder_count(w->server_folder, &name_canary) > 0);
	assert_true(folder_count(w->server_folder, &text_canary) > 0);
	assert_int_equal(folder_count(w->server_folder, &note_canary), 0);
	world_free(w);
}

static void test_outbox_opens_with_the_servers_key_only(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	room_cut(r2, true);
	(void)room_add_patient(r2, "Maya Rosen", "1984-05-06");
	room_lock(r2);
	struct buf body = { 0 };
	OK(feed_next_courier(r2->local, &(struct id){ 0 }, &body));
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, 16u * MIB);
	Roomkeep__Frame *f = NULL;
	OK(frame_decode(&a, buf_view(&body), &f));
	const Roomkeep__CourierPush *m = f->courier_push;
	assert_int_equal(m->n_rows, 1);
	struct id boot_id;
	struct outbox_row row = { .room_id = local_room(r2->local)->room_id,
				  .lane_seq = m->rows[0]->lane_seq };
	OK(wire_id(m->boot_id, &boot_id));
	OK(wire_id(m->rows[0]->op_id, &row.op_id));
	memcpy(row.lane_id.b, m->rows[0]->lane_id.data, 32);
	CLEANUP(boot_key_finip) struct boot_key boot = { 0 };
	CLEANUP(box_key_finip) struct box_key other = { 0 };
	OK(box_key_new(&other));
	assert_int_equal(
		boot_key_open(&other, &row.room_id, &boot_id, wire_view(m->sealed_boot_key), &boot),
		ERR_AUTH);
	OK(boot_key_open(&server_box_secrets(w->box)->ingest, &row.room_id, &boot_id,
			 wire_view(m->sealed_boot_key), &boot));
	struct buf op = { 0 };
	OK(outbox_row_open(&boot, &row, wire_view(m->rows[0]->sealed), &op));
	assert_true(op.len > 0);
	row.lane_seq++; /* bound to its place */
	assert_int_equal(outbox_row_open(&boot, &row, wire_view(m->rows[0]->sealed), &op),
			 ERR_AUTH);
	buf_fini(&op);
	buf_fini(&body);
	world_free(w);
}

static void test_another_person_of_the_room_cannot_open_the_rows(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r2 = &w->rooms[1];
	struct id patient;
	struct id session;
	OK(room_sign_in(r2, "jo", JO_PASS));
	OK(room_sign_in(r2, "mara", MARA_PASS));
	room_cut(r2, true);
	write_everything(r2, &patient, &session);
	OK(room_sign_in(r2, "jo", JO_PASS));
	/* Jo has not pulled them; Mara's copies in the same file are not his. */
	struct local_patient p;
	assert_int_equal(local_get_patient(r2->local, &r2->desk.vault, &patient, &p),
			 ERR_NOT_FOUND);
	struct session_fold fold;
	struct session_state s;
	assert_int_equal(room_load(r2, &session, &fold, &s), ERR_NOT_FOUND);
	room_cut(r2, false);
	OK(local_get_patient(r2->local, &r2->desk.vault, &patient, &p));
	OK(room_load(r2, &session, &fold, &s));
	session_fold_fini(&fold);
	struct local_note note;
	size_t at = 0;
	assert_int_equal(local_next_note(r2->local, &r2->desk.vault, NULL, &at, &note),
			 ERR_NOT_FOUND);
	world_free(w);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static size_t region_count(int fd, unsigned long long from, unsigned long long to,
			   const struct canary *c)
{
	const size_t len = (size_t)(to - from);
	uint8_t *copy = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(copy != MAP_FAILED);
	size_t n = 0;
	const ssize_t got = pread(fd, copy, len, (off_t)from);
	if (got > 0) n = canary_count(c, copy, (size_t)got);
	explicit_bzero(copy, len);
	(void)munmap(copy, len);
	return n;
}

/* In all writable memory of this process. Regions too large to be ours (a sanitizer's) are left
 * out. */
static size_t memory_count(const struct canary *c)
{
	struct maps_span spans[1024];
	size_t count = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	assert_non_null(maps);
	char line[512];
	while (fgets(line, sizeof(line), maps) != NULL && count < COUNT_OF(spans)) {
		struct maps_span s;
		if (!maps_read_span(line, &s)) continue;
		if (s.mode[0] == 'r' && s.mode[1] == 'w' && s.to - s.from < 256ull * MIB)
			spans[count++] = s;
	}
	(void)fclose(maps);
	const int fd = open("/proc/self/mem", O_RDONLY);
	assert_true(fd >= 0);
	size_t n = 0;
	for (size_t i = 0; i < count; i++) n += region_count(fd, spans[i].from, spans[i].to, c);
	(void)close(fd);
	return n;
}

static void read_everything(struct local *l, struct vault *v, struct id *patient)
{
	struct local_patient p;
	size_t at = 0;
	OK(local_find_patient(l, v, VIEW_EMPTY, &at, &p));
	*patient = p.id;
	struct local_sessions all = { 0 };
	size_t count = 0;
	OK(local_find_sessions(l, v, patient, &all));
	assert_int_equal(all.count, 1);
	struct session_fold fold;
	struct session_state s;
	OK(local_load_session(l, v, &all.held[0].session_id, &fold, &s));
	assert_int_equal(s.text[0].value->text.len, text_canary.len);
	session_fold_fini(&fold);
	local_sessions_fini(&all);
	struct local_note note;
	struct view text;
	at = 0;
	OK(local_next_note(l, v, NULL, &at, &note));
	OK(local_note_text(l, v, &note.op_id, &text));
	assert_int_equal(text.len, note_canary.len);
	struct local_pending *pending = NULL;
	OK(local_list_pending(l, v, 10, &pending, &count));
	local_pending_free(pending, count);
}

/* A process of its own, which has seen the words only through the product. */
static void memory_child(const char *folder)
{
	struct local *l = NULL;
	struct desk d;
	OK(local_open(folder, rand_system(), &l));
	desk_init(&d, l);
	struct sign_in *in = NULL;
	struct buf frame = { 0 };
	uint64_t wait = 0;
	OK(desk_sign_in_begin(&d, "mara", view_str(MARA_PASS), &in, &frame));
	OK(desk_sign_in_offline(&d, in, 1764000000000u, &wait));
	desk_sign_in_free(in);
	struct id patient;
	read_everything(l, &d.vault, &patient);
	/* The search can find them while somebody is signed in. */
	assert_true(memory_count(&name_canary) > 0);
	assert_true(memory_count(&note_canary) > 0);
	desk_lock(&d, 1764000000000u, NULL);
	assert_int_equal(memory_count(&note_canary), 0);
	assert_int_equal(memory_count(&text_canary), 0);
	assert_int_equal(memory_count(&name_canary), 0);
	struct local_patient p;
	size_t at = 0;
	assert_int_equal(local_find_patient(l, &d.vault, VIEW_EMPTY, &at, &p), ERR_SIGNED_OUT);
	desk_fini(&d);
	local_close(l);
	buf_fini(&frame);
}

static void test_lock_leaves_nothing_in_memory(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r2 = &w->rooms[1];
	struct id patient;
	struct id session;
	OK(room_sign_in(r2, "mara", MARA_PASS));
	write_everything(r2, &patient, &session);
	room_saved(r2);
	room_close(r2);
	(void)fflush(NULL);
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execl("/proc/self/exe", "secret_test", "--memory", r2->folder, (char *)NULL);
		_exit(99);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	world_free(w);
}

static const char *memory_folder;

static void memory_main(void **state)
{
	(void)state;
	memory_child(memory_folder);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--memory") == 0) {
		memory_folder = argv[2];
		const struct CMUnitTest child[] = { cmocka_unit_test(memory_main) };
		return cmocka_run_group_tests(child, NULL, NULL);
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_file_of_a_room_can_be_read),
		cmocka_unit_test(test_outbox_opens_with_the_servers_key_only),
		cmocka_unit_test(test_another_person_of_the_room_cannot_open_the_rows),
		cmocka_unit_test(test_lock_leaves_nothing_in_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
