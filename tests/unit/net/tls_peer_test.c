/* What the pipe makes of peers that are not ours: each is refused, on both sides. */
#include "net/tls_pipe.h"

#include "base/check.h"

#include "tls_peer.h"

#define OUR_ALPN "\005crs/1"

static struct tls_pair pair;

static int setup(void **state)
{
	(void)state;
	pair_open_ctxs(&pair);
	pair_open_pipes(&pair);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pair_close(&pair);
	return 0;
}

/* Our other side: a peer that is a server meets our room. */
static struct tls_pipe *ours(const struct peer_options *o)
{
	return o->is_server ? &pair.room : &pair.server;
}

static enum err meet(const struct peer_options *o, bool *ret_known)
{
	struct tls_peer peer;
	peer_open(&peer, o);
	struct tls_pipe *pipe = ours(o);
	const enum err e = peer_run(&peer, pipe);
	*ret_known = pipe->ready && memcmp(pipe->peer_spki.b, peer.spki, 32) == 0;
	peer_close(&peer);
	return e;
}

static void check_accepted(const struct peer_options *o)
{
	bool known = false;
	assert_int_equal(meet(o, &known), ERR_OK);
	assert_true(known);
}

static void check_refused(const struct peer_options *o)
{
	bool known = false;
	assert_int_equal(meet(o, &known), ERR_TLS);
	assert_false(ours(o)->ready);
	assert_string_not_equal(tls_pipe_reason(ours(o)), "none");
}

static void test_a_right_peer_is_accepted(void **state)
{
	(void)state;
	check_accepted(&(struct peer_options){ .cert = PEER_CERT_P256, .alpn = OUR_ALPN });
	check_accepted(&(struct peer_options){
		.is_server = true, .cert = PEER_CERT_P256, .alpn = OUR_ALPN });
}

/* Nothing expires (SECURITY 2.8): a room closed for a season still delivers. */
static void test_an_expired_certificate_is_accepted(void **state)
{
	(void)state;
	check_accepted(&(struct peer_options){ .cert = PEER_CERT_P256_EXPIRED, .alpn = OUR_ALPN });
	check_accepted(&(struct peer_options){
		.is_server = true, .cert = PEER_CERT_P256_EXPIRED, .alpn = OUR_ALPN });
}

static void test_a_room_without_a_certificate_is_refused(void **state)
{
	(void)state;
	check_refused(&(struct peer_options){ .cert = PEER_CERT_NONE, .alpn = OUR_ALPN });
	/* The refusal reached the room as an alert. */
	assert_int_equal(tls_pipe_pending_out(&pair.server), 0);
}

static void test_alpn_is_required(void **state)
{
	(void)state;
	const char *wrong[] = { NULL, "\002h2", "\005crs/2", "\004crs/", "\006crs/12" };
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		for (int server = 0; server < 2; server++) {
			pair_close_pipes(&pair);
			pair_open_pipes(&pair);
			check_refused(&(struct peer_options){ .is_server = server != 0,
							      .cert = PEER_CERT_P256,
							      .alpn = wrong[i] });
		}
	}
}

static void test_ours_may_be_one_of_many(void **state)
{
	(void)state;
	check_accepted(&(struct peer_options){ .cert = PEER_CERT_P256,
					       .alpn = "\002h2\005crs/1\010http/1.1" });
}

/* The room's last flight holds its certificate; a server of another protocol must not get it. */
static void test_a_room_does_not_show_itself_to_a_wrong_server(void **state)
{
	(void)state;
	struct tls_peer peer;
	peer_open(&peer, &(struct peer_options){ .is_server = true, .cert = PEER_CERT_P256 });
	assert_int_equal(tls_pipe_step(&pair.room), ERR_MORE);
	peer_take(&peer, &pair.room);
	(void)SSL_do_handshake(peer.ssl);
	peer_give(&peer, &pair.room);
	assert_int_equal(tls_pipe_step(&pair.room), ERR_TLS);
	assert_int_equal(tls_pipe_pending_out(&pair.room), 0);
	peer_close(&peer);
}

static void test_other_keys_are_refused(void **state)
{
	(void)state;
	const enum peer_cert certs[] = { PEER_CERT_P256_COMPRESSED, PEER_CERT_P256_EXPLICIT,
					 PEER_CERT_P384, PEER_CERT_ED25519, PEER_CERT_RSA };
	for (size_t i = 0; i < COUNT_OF(certs); i++) {
		for (int server = 0; server < 2; server++) {
			pair_close_pipes(&pair);
			pair_open_pipes(&pair);
			check_refused(&(struct peer_options){
				.is_server = server != 0, .cert = certs[i], .alpn = OUR_ALPN });
		}
	}
}

static void test_older_tls_is_refused(void **state)
{
	(void)state;
	check_refused(&(struct peer_options){
		.cert = PEER_CERT_P256, .alpn = OUR_ALPN, .version_max = TLS1_2_VERSION });
	check_refused(&(struct peer_options){ .is_server = true,
					      .cert = PEER_CERT_P256,
					      .alpn = OUR_ALPN,
					      .version_max = TLS1_2_VERSION });
}

static void test_our_server_gives_no_tickets(void **state)
{
	(void)state;
	struct tls_peer peer;
	peer_open(&peer, &(struct peer_options){ .cert = PEER_CERT_P256, .alpn = OUR_ALPN });
	assert_int_equal(peer_run(&peer, &pair.server), ERR_OK);
	assert_int_equal(tls_pipe_write(&pair.server, view_str("x")), ERR_OK);
	peer_take(&peer, &pair.server);
	char got[8];
	assert_int_equal(SSL_read(peer.ssl, got, sizeof(got)), 1);
	assert_int_equal(SSL_SESSION_is_resumable(SSL_get0_session(peer.ssl)), 0);
	peer_close(&peer);
}

/* A server that gives tickets all the same: they are read past and never used. */
static void test_tickets_of_others_are_ignored(void **state)
{
	(void)state;
	struct tls_peer peer;
	peer_open(&peer, &(struct peer_options){
				 .is_server = true, .cert = PEER_CERT_P256, .alpn = OUR_ALPN });
	assert_int_equal(peer_run(&peer, &pair.room), ERR_OK);
	assert_int_equal(SSL_write(peer.ssl, "hello", 5), 5);
	peer_give(&peer, &pair.room);
	struct buf got = { 0 };
	assert_int_equal(pair_read_all(&pair.room, &got), ERR_MORE);
	assert_true(view_equal(buf_view(&got), view_str("hello")));
	buf_fini(&got);
	peer_close(&peer);
}

/* Every request for a new key makes us answer; a flood of them must end, not grow. */
static void test_a_flood_of_key_updates_is_bounded(void **state)
{
	(void)state;
	struct tls_peer peer;
	peer_open(&peer, &(struct peer_options){ .cert = PEER_CERT_P256, .alpn = OUR_ALPN });
	assert_int_equal(peer_run(&peer, &pair.server), ERR_OK);
	enum err e = ERR_MORE;
	for (int i = 0; i < 2000 && e == ERR_MORE; i++) {
		assert_int_equal(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		assert_int_equal(SSL_do_handshake(peer.ssl), 1);
		peer_give(&peer, &pair.server);
		struct view plain;
		e = tls_pipe_read(&pair.server, &plain);
	}
	assert_true(e == ERR_MORE || e == ERR_TLS);
	assert_true(tls_pipe_pending_out(&pair.server) <= 2000u * 64u);
	peer_close(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_a_right_peer_is_accepted),
		T(test_an_expired_certificate_is_accepted),
		T(test_a_room_without_a_certificate_is_refused),
		T(test_alpn_is_required),
		T(test_ours_may_be_one_of_many),
		T(test_a_room_does_not_show_itself_to_a_wrong_server),
		T(test_other_keys_are_refused),
		T(test_older_tls_is_refused),
		T(test_our_server_gives_no_tickets),
		T(test_tickets_of_others_are_ignored),
		T(test_a_flood_of_key_updates_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
