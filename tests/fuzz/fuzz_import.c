/* fuzz_import: the three CSV files of a clinic's past, imported twice: as a dry run, then in
 * earnest.
 * Input:   a byte (bit i: the right header stands before file i), then patients, sessions and
 *          measures, each ended by a line "=".
 * Targets: verb_import and csv_file_read behind it.
 * Holds:   a dry run says what the real one will say, and leaves nothing; a refusal names a code
 *          and a sentence, and leaves nothing; what was taken is as many records as the files have
 *          lines, and waits to be sent; no file looks like a bug or a broken disk of this room. */
#include "fuzz/fuzz_room.h"

#include "client/api/verbs.h"

#include <fcntl.h>
#include <unistd.h>

#define RUNS_PER_WORLD 200u
#define FILES 3u

enum { PATIENTS, SESSIONS, MEASURES };

static const char *const names[FILES] = { "patients.csv", "sessions.csv", "measures.csv" };
static const char sessions_header[] =
	"ref,patient_ref,staff_login,room,days_ago,start_hhmm,minutes,subjective,objective,"
	"assessment,plan,signed\n";
static const char *const headers[FILES] = {
	"ref,name,name_used,born,phone,email,household\n",
	sessions_header,
	"session_ref,phase,ref,side,value,result\n",
};

struct outcome {
	enum err err;
	char message[FAULT_TEXT_BYTES];
	json_int_t counts[FILES];
};

/* ---- files ---- */

static char folder[] = "/tmp/roomkeep-fuzz-XXXXXX";
static int folder_fd = -1;

static void remove_folder(void)
{
	for (size_t i = 0; i < FILES; i++) (void)unlinkat(folder_fd, names[i], 0);
	(void)rmdir(folder);
}

static void start_once(void)
{
	if (folder_fd >= 0) return;
	INSIST(mkdtemp(folder) != NULL);
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	INSIST(folder_fd >= 0);
	INSIST(atexit(remove_folder) == 0);
	json_start();
}

static void put(int fd, struct view bytes)
{
	INSIST(bytes.len == 0 || write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len);
}

/* Up to a line that is "=", which is taken too. */
static void write_file(struct fuzz_in *in, size_t file, bool header)
{
	CLEANUP(closep)
	int fd = openat(folder_fd, names[file], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	INSIST(fd >= 0);
	if (header) put(fd, view_str(headers[file]));
	while (fuzz_has(in)) {
		const struct view line = fuzz_line(in);
		if (view_equal(line, view_str("="))) return;
		put(fd, line);
		put(fd, view_str("\n"));
	}
}

/* ---- the verb ---- */

static const struct verb_row *find_import(void)
{
	size_t count = 0;
	const struct verb_row *rows = verb_table(&count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].path, "import") == 0) return &rows[i];
	return NULL;
}

static bool is_trouble_of_ours(enum err e)
{
	return e == ERR_IO || e == ERR_DISK_FULL || e == ERR_STORE || e == ERR_CORRUPT ||
	       e == ERR_NOMEM || e == ERR_BUG;
}

static void read_outcome(const struct verb *v, enum err e, struct outcome *ret)
{
	*ret = (struct outcome){ .err = e };
	if (e != ERR_OK) {
		INSIST(v->fault.err != ERR_OK && v->fault.code[0] != '\0');
		INSIST(v->fault.message[0] != '\0' && !is_trouble_of_ours(e));
		(void)snprintf(ret->message, sizeof(ret->message), "%s", v->fault.message);
		return;
	}
	static const char *const keys[FILES] = { "patients", "sessions", "measures" };
	for (size_t i = 0; i < FILES; i++)
		ret->counts[i] = json_integer_value(json_object_get(v->answer, keys[i]));
}

static void run_import(struct room *r, bool dry_run, struct outcome *ret)
{
	static struct room_names room_names;
	struct verb v;
	enum err e = ERR_OK;

	json_t *request = json_pack("{s:s, s:b}", "folder", folder, "dry_run", (int)dry_run);
	INSIST(request != NULL);
	INSIST(verb_init(&v, find_import(), request) == ERR_OK);
	room_names.count = 0;
	v.desk = &r->desk;
	v.room_names = &room_names;
	v.link.link = SYNC_LINK_OFFLINE;
	v.now_ms = r->w->wall;
	do {
		e = verb_run(&v);
		buf_clear(&v.reply);
		v.reply_err = ERR_OFFLINE;
	} while (e == ERR_OK && v.ask.len > 0);
	read_outcome(&v, e, ret);
	verb_fini(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { view_of(data, size) };
	struct outcome dry;
	struct outcome real;
	struct id mara;

	start_once();
	struct room *r = fuzz_room(RUNS_PER_WORLD, NULL, &mara);
	const uint8_t has_header = fuzz_u8(&in);
	for (size_t i = 0; i < FILES; i++) write_file(&in, i, (has_header >> i & 1u) != 0);
	const uint64_t before = room_queued(r);
	run_import(r, true, &dry);
	INSIST(room_queued(r) == before);
	run_import(r, false, &real);
	INSIST(dry.err == real.err && strcmp(dry.message, real.message) == 0);
	INSIST(memcmp(dry.counts, real.counts, sizeof(dry.counts)) == 0);
	const uint64_t made = room_queued(r) - before;
	if (real.err != ERR_OK) INSIST(made == 0);
	/* Each line is one op at least; a session has texts and a Sign besides. */
	const json_int_t lines =
		real.counts[PATIENTS] + real.counts[SESSIONS] + real.counts[MEASURES];
	INSIST(lines >= 0 && made >= (uint64_t)lines);
	return 0;
}
