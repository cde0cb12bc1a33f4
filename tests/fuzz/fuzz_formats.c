/* fuzz_formats: the bytes of signed records and sealed blobs. The first byte chooses the format.
 * Targets: server_record_parse, policy_parse, epoch_record_parse, dir_entry_parse, join_blob_open,
 *          keyring_read_head, keyring_open, keyring_open_recovery, vault_read_head, vault_open,
 *          courier rows and boot keys, sealed boxes, wire_id and the like by their callers.
 * Holds:   a record that was read is exactly what would be written.
 * Blobs stand here twice: as they come, and with the input as their inside, sealed by a known key,
 * because no feedback finds the way through a seal. */
#include "base/cleanup.h"
#include "crypt/aead.h"
#include "crypt/courier.h"
#include "crypt/directory.h"
#include "crypt/join_blob.h"
#include "crypt/records.h"
#include "fuzz/fuzz_keys.h"
#include "seal/keyring.h"
#include "seal/vault.h"

static void check_written(enum err e, const struct buf *again, struct view in)
{
	INSIST(e == ERR_OK);
	INSIST(view_equal(buf_view(again), in));
}

/* ---- signed records ---- */

static void run_server_record(struct view in)
{
	CLEANUP(buf_finip) struct buf again = { 0 };
	struct server_record r;

	if (server_record_parse(in, &r) != ERR_OK) return;
	INSIST(r.spki_count >= 1 && r.spki_count <= SERVER_SPKI_MAX);
	INSIST(server_record_has_spki(&r, &r.spki[r.spki_count - 1]));
	check_written(server_record_encode(&r, &again), &again, in);
}

static void run_policy(struct view in)
{
	CLEANUP(buf_finip) struct buf again = { 0 };
	struct policy p;

	if (policy_parse(in, &p) != ERR_OK) return;
	INSIST(p.clinic_name.len >= 1 && p.clinic_name.len <= NAME_BYTES_MAX);
	INSIST(p.k <= p.n && p.n <= RECOVERY_SHARES_MAX);
	check_written(policy_encode(&p, &again), &again, in);
}

static void run_epoch(struct view in)
{
	CLEANUP(buf_finip) struct buf again = { 0 };
	struct epoch_record r;

	if (epoch_record_parse(in, &r) != ERR_OK) return;
	INSIST(r.n >= 1 && r.reason.len <= EPOCH_REASON_BYTES_MAX);
	check_written(epoch_record_encode(&r, &again), &again, in);
}

static void run_dir_entry(struct view in)
{
	CLEANUP(buf_finip) struct buf again = { 0 };
	struct dir_entry e;

	if (dir_entry_parse(in, &e) != ERR_OK) return;
	INSIST(e.dir_seq >= 1 && e.g >= 1);
	INSIST(e.roles != 0 && (e.roles & ~(uint64_t)DIR_ROLES_ALL) == 0);
	check_written(dir_entry_encode(&e, &again), &again, in);
}

/* ---- join blobs ---- */

static void open_join(struct view sealed)
{
	CLEANUP(join_blob_finip) struct join_blob b = { 0 };

	if (join_blob_open(&fuzz_keys()->join, &fuzz_keys()->clinic, 1, sealed, &b) != ERR_OK)
		return;
	INSIST(b.cs != NULL && b.cs->len == KEY_BYTES && b.cs_id > b.prev_cs_id);
	INSIST((b.prev_cs == NULL) == (b.prev_cs_id == 0));
	CLEANUP(buf_finip) struct buf again = { 0 };
	INSIST(join_blob_seal(&fuzz_keys()->join, &b, 1, &again) == ERR_OK);
	INSIST(again.len == sealed.len);
}

static void run_join_inside(struct view in)
{
	static const uint8_t magic[] = { 'C', 'R', 'S', 'J', 1, 1, 0, 0 };
	CLEANUP(buf_finip) struct buf blob = { 0 };
	CLEANUP(enc_finip) struct enc aad;

	enc_begin(&aad, "crs1/join");
	enc_add_id(&aad, &fuzz_keys()->clinic);
	enc_add_id(&aad, &fuzz_keys()->join.join_id);
	enc_add_u64(&aad, 1);
	INSIST(buf_append(&blob, VIEW_OF(magic)) == ERR_OK);
	INSIST(aead_seal_enc(fuzz_keys()->join.wrap, &aad, in, &blob) == ERR_OK);
	open_join(buf_view(&blob));
}

/* ---- keyrings ---- */

static struct keyring_expect expected(void)
{
	return (struct keyring_expect){ .clinic_id = fuzz_keys()->clinic,
					.user_id = fuzz_keys()->user };
}

static void check_keyring(const struct keyring *k)
{
	CLEANUP(secret_freep) struct secret *seed = NULL;
	const uint64_t g = keyring_gen(k);

	INSIST(g >= 1 && g <= KEYRING_GENS_MAX);
	INSIST(keyring_seed(k, g, &seed) == ERR_OK);
	INSIST(id_equal(keyring_user_id(k), &fuzz_keys()->user));
}

static void open_keyring(struct view blob)
{
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	const struct keyring_expect expect = expected();

	if (keyring_open(blob, &expect, &fuzz_keys()->pass, &k) == ERR_OK) check_keyring(k);
}

static void open_recovery(struct view blob)
{
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	const struct keyring_expect expect = expected();

	if (keyring_open_recovery(blob, &expect, &fuzz_keys()->box, &k) == ERR_OK) check_keyring(k);
}

static void run_keyring(struct view in)
{
	struct keyring_head h;

	if (keyring_read_head(in, &h) == ERR_OK) {
		INSIST(h.rev >= 1 && in.len <= KEYRING_BLOB_BYTES_MAX);
		INSIST(h.kind == KEYRING_BY_RECOVERY || h.kdf.m_kib <= KDF_M_KIB_MAX);
	}
	open_keyring(in);
	open_recovery(in);
}

static void run_keyring_inside(struct view in)
{
	CLEANUP(buf_finip) struct buf blob = { 0 };
	const struct view head = fuzz_keyring_head();

	INSIST(buf_append(&blob, head) == ERR_OK);
	INSIST(aead_seal(fuzz_keys()->pass.uwk, head, in, &blob) == ERR_OK);
	open_keyring(buf_view(&blob));
}

/* ---- vaults ---- */

static void open_vault(struct view blob)
{
	CLEANUP(buf_finip) struct buf plain = { 0 };
	const struct vault_context c = { .clinic_id = fuzz_keys()->clinic,
					 .user_id = fuzz_keys()->user,
					 .g = 1 };
	uint64_t rev = 0;

	if (vault_open(fuzz_keys()->secret, &c, blob, &rev, &plain) == ERR_OK) INSIST(rev >= 1);
}

static void run_vault(struct view in)
{
	struct vault_context c;

	if (vault_read_head(in, &c) == ERR_OK) INSIST(c.g >= 1 && c.rev >= 1);
	open_vault(in);
}

/* ---- what the server opens ---- */

static void run_courier(struct view in)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	CLEANUP(boot_key_finip) struct boot_key opened = { 0 };
	const struct boot_key known = { .boot_id = fuzz_keys()->user, .key = fuzz_keys()->secret };
	const struct outbox_row row = { .room_id = fuzz_keys()->clinic, .lane_seq = 1 };

	INSIST(outbox_row_open(&known, &row, in, &out) != ERR_OK || out.len <= OP_BYTES_MAX);
	err_ignore(boot_key_open(&fuzz_keys()->box, &fuzz_keys()->clinic, &fuzz_keys()->user, in,
				 &opened)); /* what counts is that it ends */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const formats[])(struct view) = {
		run_server_record, run_policy,  run_epoch,          run_dir_entry, open_join,
		run_join_inside,   run_keyring, run_keyring_inside, run_vault,     run_courier,
	};
	struct fuzz_in in = { view_of(data, size) };

	fuzz_keys_reset();
	formats[fuzz_below(&in, COUNT_OF(formats))](in.rest);
	return 0;
}
