/* The agent as a process: its door, its lock, its end. The room is founded in memory beforehand
 * (support/rooms_world.h); its server cannot be reached. */
#include "support/rooms_world.h"

#include "client/api/agent.h"
#include "client/api/home.h"
#include "client/api/json.h"
#include "net/loop.h"
#include "net/sock_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOWHERE "127.0.0.1:1" /* tcpmux; nobody serves it here, and a refusal comes at once */

struct running {
	pid_t pid;
	int out; /* its standard output */
	int dir_fd;
};

/* A founded room with Jo known to it, its database closed again. */
static struct world *founded(void)
{
	struct world *w = world_new();
	struct room *r = &w->rooms[0];
	struct home home = { .fd = -1 };
	struct tls_identity id = { 0 };

	json_start();
	/* Signing in without a server asks how long ago it was seen: now. */
	w->wall = loop_wall_ms();
	server_box_set_time(w->box, w->now, w->wall);
	world_found(w);
	OK(room_sign_in(r, "jo", JO_PASS));
	OK(local_set_address(r->local, NOWHERE));
	room_close(r);
	OK(home_open(r->folder, true, &home));
	OK(home_identity(&home, true, &id));
	tls_identity_fini(&id);
	home_close(&home);
	return w;
}

/* Runs an agent in a child; the exit status is the fault's. */
static struct running start(const char *folder, uint64_t idle_ms)
{
	struct running a = { .dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	int out[2];

	assert_int_equal(pipe(out), 0);
	(void)fflush(NULL);
	a.pid = fork();
	assert_true(a.pid >= 0);
	if (a.pid == 0) {
		struct fault fault = { 0 };
		const struct agent_options options = { .home_path = folder, .idle_ms = idle_ms };
		(void)dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		const enum err e = agent_serve(&options, &fault);
		_exit(e == ERR_OK ? 0 : fault.exit);
	}
	close(out[1]);
	a.out = out[0];
	return a;
}

static void expect_ready(const struct running *a)
{
	char line[8] = { 0 };
	size_t len = 0;

	while (len < 6) {
		const ssize_t n = read(a->out, line + len, 6 - len);
		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_string_equal(line, "READY\n");
}

static int finish(struct running *a)
{
	int status = 0;

	assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
	close(a->out);
	close(a->dir_fd);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int stop(struct running *a)
{
	assert_int_equal(kill(a->pid, SIGTERM), 0);
	return finish(a);
}

/* One call; returns the HTTP status, 0 when nobody answers. */
static int call(const struct running *a, const char *path, const char *body, json_t **ret)
{
	char reply[16384] = { 0 };
	size_t len = 0;
	int fd = -1;
	char *head = NULL;
	int status = 0;

	if (ret != NULL) *ret = NULL;
	if (sock_file_connect(a->dir_fd, HOME_SOCKET, &fd) != ERR_OK) return 0;
	const int head_len =
		asprintf(&head, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s",
			 path, strlen(body), body);
	assert_true(head_len > 0);
	assert_int_equal(send(fd, head, (size_t)head_len, MSG_NOSIGNAL), head_len);
	for (ssize_t n = 1; n > 0 && len < sizeof(reply) - 1; len += (size_t)n) {
		n = read(fd, reply + len, sizeof(reply) - 1 - len);
		assert_true(n >= 0);
	}
	close(fd);
	free(head);
	if (len == 0) return 0;
	assert_int_equal(strncmp(reply, "HTTP/1.1 ", 9), 0);
	status = (int)strtol(reply + 9, NULL, 10);
	const char *text = strstr(reply, "\r\n\r\n");
	assert_non_null(text);
	if (ret != NULL) OK(json_object_read(view_str(text + 4), ret));
	return status;
}

static char *user_of(const struct running *a)
{
	json_t *answer = NULL;

	assert_int_equal(call(a, "/1/status", "{}", &answer), 200);
	const char *user = json_text_of(answer, "user");
	char *copy = user != NULL ? strdup(user) : NULL;
	json_decref(answer);
	return copy;
}

static void expect_error(const struct running *a, const char *path, const char *body, int status,
			 const char *code)
{
	json_t *answer = NULL;

	assert_int_equal(call(a, path, body, &answer), status);
	const json_t *error = json_object_get(answer, "error");
	assert_string_equal(json_text_of(error, "code"), code);
	assert_non_null(json_text_of(error, "message"));
	assert_true(json_is_integer(json_object_get(error, "exit")));
	json_decref(answer);
}

static void sign_in(const struct running *a)
{
	json_t *answer = NULL;

	assert_int_equal(
		call(a, "/1/sign-in", "{\"login\":\"jo\",\"passphrase\":\"" JO_PASS "\"}", &answer),
		200);
	assert_string_equal(json_text_of(answer, "user"), "jo");
	assert_true(json_is_false(json_object_get(answer, "online")));
	json_decref(answer);
}

static void test_serves_and_ends(void **state)
{
	(void)state;
	struct world *w = founded();
	struct running a = start(w->rooms[0].folder, 0);
	struct stat st;

	expect_ready(&a);
	expect_error(&a, "/1/no/such", "{}", 400, "no_such_verb");
	expect_error(&a, "/status", "{}", 400, "no_such_verb");
	expect_error(&a, "/1/status", "[]", 400, "bad_json");
	expect_error(&a, "/1/status", "{\"a\":1,\"a\":2}", 400, "bad_json");
	expect_error(&a, "/1/list/patients", "{}", 403, "signed_out");
	expect_error(&a, "/1/sign-in", "{\"login\":\"jo\",\"passphrase\":\"wrong wrong wrong\"}",
		     403, "login_failed");
	sign_in(&a);
	assert_int_equal(
		call(&a, "/1/add/patient", "{\"name\":\"Maya\",\"born\":\"1988-04-02\"}", NULL),
		200);
	expect_error(&a, "/1/sync", "{}", 503, "still_queued");
	char *user = user_of(&a);
	assert_string_equal(user, "jo");
	free(user);
	assert_int_equal(fstatat(a.dir_fd, HOME_SOCKET, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	const int dir_fd = dup(a.dir_fd);
	assert_int_equal(stop(&a), 0);
	assert_int_not_equal(fstatat(dir_fd, HOME_SOCKET, &st, 0), 0);
	close(dir_fd);
	world_free(w);
}

static void test_what_was_saved_is_there_after_kill(void **state)
{
	(void)state;
	struct world *w = founded();
	struct running a = start(w->rooms[0].folder, 0);
	json_t *answer = NULL;
	int status = 0;

	expect_ready(&a);
	sign_in(&a);
	assert_int_equal(
		call(&a, "/1/add/patient", "{\"name\":\"Maya\",\"born\":\"1988-04-02\"}", NULL),
		200);
	assert_int_equal(kill(a.pid, SIGKILL), 0);
	assert_int_equal(waitpid(a.pid, &status, 0), a.pid);
	close(a.out);
	close(a.dir_fd);

	a = start(w->rooms[0].folder, 0);
	expect_ready(&a); /* over the socket file that was left */
	assert_null(user_of(&a));
	sign_in(&a);
	assert_int_equal(call(&a, "/1/list/patients", "{}", &answer), 200);
	assert_int_equal(json_array_size(json_object_get(answer, "patients")), 1);
	json_decref(answer);
	assert_int_equal(stop(&a), 0);
	world_free(w);
}

static void test_one_agent_per_home(void **state)
{
	(void)state;
	struct world *w = founded();
	struct running a = start(w->rooms[0].folder, 0);

	expect_ready(&a);
	struct running second = start(w->rooms[0].folder, 0);
	assert_int_equal(finish(&second), 69);
	assert_int_equal(call(&a, "/1/status", "{}", NULL), 200); /* undisturbed */
	assert_int_equal(stop(&a), 0);
	world_free(w);
}

static void test_a_home_that_is_no_room(void **state)
{
	(void)state;
	struct world *w = world_new();
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/none", w->folder);
	struct running a = { .pid = 0 };
	a = start(path, 0);
	assert_int_equal(finish(&a), 78);
	assert_int_equal(mkdir(path, 0700), 0);
	a = start(path, 0);
	assert_int_equal(finish(&a), 78);
	assert_int_equal(chmod(path, 0755), 0);
	a = start(path, 0);
	assert_int_equal(finish(&a), 78);
	world_free(w);
}

/* `status` is asked by scripts: it neither keeps a person in nor shows one who is gone. */
static void test_idle_lock(void **state)
{
	(void)state;
	struct world *w = founded();
	struct running a = start(w->rooms[0].folder, 150);

	expect_ready(&a);
	sign_in(&a);
	char *user = NULL;
	do {
		free(user);
		user = user_of(&a);
	} while (user != NULL); /* the test's own time limit ends it otherwise */
	expect_error(&a, "/1/list/patients", "{}", 403, "signed_out");
	assert_int_equal(stop(&a), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serves_and_ends),
		cmocka_unit_test(test_what_was_saved_is_there_after_kill),
		cmocka_unit_test(test_one_agent_per_home),
		cmocka_unit_test(test_a_home_that_is_no_room),
		cmocka_unit_test(test_idle_lock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
