/* bench: the timed part of `./dev bench`; tests/tools/bench.py starts the server and the agents,
 * says where they are, and prints what this finds.
 *
 *   bench ADDRESS SERVER_PID ROUNDS [SOCKET_A SOCKET_B PATIENT_ID]   in a folder on the disk to
 *   measure; the setup code comes on standard input. One JSON array on standard output;
 * the last element is about saves that got lost on the way between the agents.
 *
 *   bench watch PATIENTS ROUNDS   the relationship watch alone: watch.h */
#include "base/check.h"
#include "bench/agents.h"
#include "bench/peers.h"
#include "bench/saves.h"
#include "bench/watch.h"
#include "crypt/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(call) INSIST((call) == ERR_OK)

/* Of each thing per round: little, so that all stand close together in time. */
#define SINGLES 80u
#define BATCH_COMMITS 40u
#define BATCH_ROWS 64u
#define SAVES_EACH 40u
#define AGENT_SAVES 3u

/* On a slow or busy machine there are fewer rounds instead of a longer run. */
#define ROUNDS_MIN 3u
#define ROUNDS_NS_MAX UINT64_C(55000000000)

enum measure {
	DISK,
	TLS_ECHO,
	RAW_ONE,
	SAVE_ACK,
	SAVE_ACK_READ,
	SAVE_FEED,
	RAW_BATCH,
	SAVE_ALL,
	AGENT_SAVED,
	AGENT_COMMITTED,
	AGENT_SHOWN,
	MEASURES
};

static const char *const names[MEASURES] = {
	[DISK] = "fdatasync",
	[TLS_ECHO] = "tls_echo",
	[RAW_ONE] = "raw_commit_1",
	[SAVE_ACK] = "save_to_ack",
	[SAVE_ACK_READ] = "save_to_ack_with_reader",
	[SAVE_FEED] = "save_to_other_room",
	[RAW_BATCH] = "raw_commit_64",
	[SAVE_ALL] = "save_to_ack_all_rooms",
	[AGENT_SAVED] = "agent_save_to_answer",
	[AGENT_COMMITTED] = "agent_save_to_committed",
	[AGENT_SHOWN] = "agent_save_to_shown_in_other_room",
};

struct bench {
	struct loop loop;
	struct disk disk;
	struct raw raw;
	struct echo echo;
	struct saves saves;
	struct agents agents;
	pid_t server;
	struct samples all[MEASURES];
};

static void begin(struct bench *b, enum measure m)
{
	samples_begin_round(&b->all[m], b->server);
}

static void end(struct bench *b, enum measure m, bool keep)
{
	samples_end_round(&b->all[m], b->server, keep);
}

static void run_peers(struct bench *b, bool keep)
{
	begin(b, DISK);
	disk_run(&b->disk, SINGLES, &b->all[DISK]);
	end(b, DISK, keep);
	begin(b, TLS_ECHO);
	echo_run(&b->echo, SINGLES, &b->all[TLS_ECHO]);
	end(b, TLS_ECHO, keep);
	begin(b, RAW_ONE);
	raw_run(&b->raw, SINGLES, 1, &b->all[RAW_ONE]);
	end(b, RAW_ONE, keep);
	begin(b, RAW_BATCH);
	raw_run(&b->raw, BATCH_COMMITS, BATCH_ROWS, &b->all[RAW_BATCH]);
	end(b, RAW_BATCH, keep);
}

static void run_saves(struct bench *b, bool keep)
{
	saves_run_alone(&b->saves, SINGLES, &b->all[SAVE_ACK], keep);
	saves_run_read(&b->saves, SINGLES, &b->all[SAVE_ACK_READ], &b->all[SAVE_FEED], keep);
	saves_run_all(&b->saves, SAVES_EACH, &b->all[SAVE_ALL], keep);
}

static void run_agents(struct bench *b, bool keep)
{
	if (b->agents.a == NULL) return;
	struct agents_samples s = { .saved = &b->all[AGENT_SAVED],
				    .committed = &b->all[AGENT_COMMITTED],
				    .shown = &b->all[AGENT_SHOWN] };
	for (int m = AGENT_SAVED; m <= AGENT_SHOWN; m++) samples_begin_round(&b->all[m], 0);
	agents_run(&b->agents, AGENT_SAVES, &s);
	for (int m = AGENT_SAVED; m <= AGENT_SHOWN; m++) samples_end_round(&b->all[m], 0, keep);
}

static void print_json(json_t *out)
{
	INSIST(json_dumpf(out, stdout, JSON_INDENT(1)) == 0);
	INSIST(printf("\n") > 0 && fflush(stdout) == 0);
	json_decref(out);
}

static void report(struct bench *b)
{
	json_t *out = json_array();
	for (int m = 0; m < MEASURES; m++) {
		if (b->all[m].count == 0) continue;
		INSIST(json_array_append_new(out, samples_report(&b->all[m], names[m])) == 0);
	}
	INSIST(json_array_append_new(out, json_pack("{s:s, s:i}", "name", "agents_lost", "n",
						    (int)b->agents.lost)) == 0);
	print_json(out);
}

static void read_code(char *ret_code, int cap)
{
	INSIST(fgets(ret_code, cap, stdin) != NULL);
	ret_code[strcspn(ret_code, "\n")] = '\0';
}

int main(int argc, char **argv)
{
	static struct bench b;
	char code[256];
	INSIST(argc == 4 || argc == 7);
	if (strcmp(argv[1], "watch") == 0) {
		print_json(watch_measure(strtoull(argv[2], NULL, 10),
					 (unsigned)strtoul(argv[3], NULL, 10)));
		return 0;
	}
	read_code(code, sizeof(code));
	b.server = (pid_t)strtol(argv[2], NULL, 10);
	const unsigned long rounds = strtoul(argv[3], NULL, 10);
	INSIST(rounds > 0 && rounds <= SAMPLES_ROUNDS_MAX);
	if (argc == 7)
		b.agents = (struct agents){ .a = argv[4], .b = argv[5], .patient_id = argv[6] };
	echo_fork(&b.echo);
	MUST(crypt_init());
	MUST(loop_init(&b.loop));
	disk_open(&b.disk, ".");
	raw_open(&b.raw, ".");
	echo_open(&b.echo, &b.loop);
	saves_open(&b.saves, &b.loop, argv[1], code, b.server);
	const uint64_t end = now_ns() + ROUNDS_NS_MAX;
	for (unsigned long i = 0; i <= rounds && (i <= ROUNDS_MIN || now_ns() < end); i++) {
		run_peers(&b, i > 0);
		run_saves(&b, i > 0);
		run_agents(&b, i > 0);
	}
	report(&b);
	saves_close(&b.saves);
	echo_close(&b.echo);
	raw_close(&b.raw);
	disk_close(&b.disk);
	MUST(loop_close(&b.loop));
	return 0;
}
