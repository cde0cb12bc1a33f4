/* seeds_formats: signed records, sealed blobs and their insides, and chains of directory
 * entries. The numbers in front are places in the table of fuzz_formats.c. */
#include "crypt/courier.h"
#include "crypt/directory.h"
#include "crypt/join_blob.h"
#include "fuzz/fuzz_keys.h"
#include "fuzz/seeds.h"
#include "seal/keyring.h"
#include "seal/vault.h"

enum {
	AS_SERVER_RECORD,
	AS_POLICY,
	AS_EPOCH,
	AS_DIR_ENTRY,
	AS_JOIN,
	AS_JOIN_INSIDE,
	AS_KEYRING,
	AS_KEYRING_INSIDE,
	AS_VAULT,
	AS_COURIER,
};

static struct buf make_server_record(void)
{
	struct buf out = { 0 };
	const struct server_record r = { .clinic_id = fuzz_keys()->clinic,
					 .seq = 2,
					 .spki = { { { 1 } }, { { 2 } } },
					 .spki_count = 2,
					 .ingest_pk = { { 9 } },
					 .log_pk = { { 8 } } };
	INSIST(server_record_encode(&r, &out) == ERR_OK);
	return out;
}

static struct buf make_policy(void)
{
	struct buf out = { 0 };
	const struct policy p = { .clinic_id = fuzz_keys()->clinic,
				  .version = 1,
				  .clinic_name = view_str("Harbour Massage"),
				  .crk_pk = { { 7 } },
				  .k = 2,
				  .n = 3 };
	INSIST(policy_encode(&p, &out) == ERR_OK);
	return out;
}

static struct buf make_epoch(void)
{
	struct buf out = { 0 };
	const struct epoch_record e = { .clinic_id = fuzz_keys()->clinic,
					.epoch = { { 1 } },
					.n = 2,
					.restored_seq = 77,
					.reason = view_str("disk failure"),
					.signer_id = fuzz_keys()->user,
					.signer_g = 1 };
	INSIST(epoch_record_encode(&e, &out) == ERR_OK);
	return out;
}

static void seeds_records(void)
{
	CLEANUP(buf_finip) struct buf server = make_server_record();
	CLEANUP(buf_finip) struct buf policy = make_policy();
	CLEANUP(buf_finip) struct buf epoch = make_epoch();
	CLEANUP(buf_finip) struct buf entry = { 0 };
	const struct dir_entry e = { .clinic_id = fuzz_keys()->clinic,
				     .dir_seq = 1,
				     .user_id = fuzz_keys()->user,
				     .g = 1,
				     .name = view_str("Jo Ng"),
				     .roles = DIR_OWNER | DIR_THERAPIST,
				     .sign_pk = fuzz_keys()->sign[1].pk,
				     .box_pk = fuzz_keys()->box.pk,
				     .status = DIR_ACTIVE };

	INSIST(dir_entry_encode(&e, &entry) == ERR_OK);
	seed_write_as("formats", AS_SERVER_RECORD, "server_record", buf_view(&server));
	seed_write_as("formats", AS_POLICY, "policy", buf_view(&policy));
	seed_write_as("formats", AS_EPOCH, "epoch", buf_view(&epoch));
	seed_write_as("formats", AS_DIR_ENTRY, "dir_entry", buf_view(&entry));
}

/* ---- sealed ---- */

/* The inside, as join_blob.c puts it together. */
static void join_inside(const struct join_blob *b, struct buf *out)
{
	CLEANUP(enc_finip) struct enc e;
	struct view bytes;

	enc_begin(&e, "crs1/join-plain");
	enc_add_id(&e, &b->clinic_id);
	enc_add_u64(&e, b->cs_id);
	enc_add_bytes(&e, secret_view(b->cs));
	enc_add_u64(&e, 0);
	enc_add_bytes(&e, VIEW_EMPTY);
	enc_add_bytes(&e, sign_pk_view(&b->root_pk));
	enc_add_bytes(&e, buf_view(&b->server_record));
	enc_add_bytes(&e, sign_sig_view(&b->server_record_sig));
	enc_add_bytes(&e, buf_view(&b->epoch_record));
	enc_add_bytes(&e, sign_sig_view(&b->epoch_record_sig));
	enc_add_u64(&e, b->dir_seq);
	enc_add_hash(&e, &b->dir_hash);
	enc_add_bytes(&e, buf_view(&b->policy));
	enc_add_bytes(&e, sign_sig_view(&b->policy_sig));
	INSIST(enc_end(&e, &bytes) == ERR_OK);
	seed_put(out, bytes);
}

static void seeds_join(void)
{
	const struct sign_key *root = &fuzz_keys()->sign[0];
	struct join_blob b = { .clinic_id = fuzz_keys()->clinic, .cs_id = 1, .dir_seq = 1 };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	CLEANUP(buf_finip) struct buf inside = { 0 };
	CLEANUP(join_blob_finip) struct join_blob opened = { 0 };

	INSIST(secret_dup(fuzz_keys()->secret, &b.cs) == ERR_OK);
	b.root_pk = root->pk;
	b.server_record = make_server_record();
	b.epoch_record = make_epoch();
	b.policy = make_policy();
	b.server_record_sig = sign_bytes(root, buf_view(&b.server_record));
	b.epoch_record_sig = sign_bytes(&fuzz_keys()->sign[1], buf_view(&b.epoch_record));
	b.policy_sig = sign_bytes(root, buf_view(&b.policy));
	INSIST(join_blob_seal(&fuzz_keys()->join, &b, 1, &sealed) == ERR_OK);
	INSIST(join_blob_open(&fuzz_keys()->join, &b.clinic_id, 1, buf_view(&sealed), &opened) ==
	       ERR_OK);
	join_inside(&b, &inside);
	seed_write_as("formats", AS_JOIN, "join", buf_view(&sealed));
	seed_write_as("formats", AS_JOIN_INSIDE, "join_inside", buf_view(&inside));
	join_blob_fini(&b);
}

static void seeds_keyring(void)
{
	const struct kdf_params kdf = { .t = KDF_T_MAX, .m_kib = KDF_M_KIB_MAX };
	const uint8_t salt[KDF_SALT_BYTES] = { 1 };
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	CLEANUP(buf_finip) struct buf blob = { 0 };
	CLEANUP(buf_finip) struct buf recovery = { 0 };
	CLEANUP(enc_finip) struct enc e;
	struct view inside;

	INSIST(keyring_from_seed(&fuzz_keys()->clinic, &fuzz_keys()->user, fuzz_keys()->secret,
				 &k) == ERR_OK);
	INSIST(keyring_add_gen(k) == ERR_OK);
	INSIST(keyring_seal(k, &fuzz_keys()->pass, 1, &kdf, salt, 1, &blob) == ERR_OK);
	INSIST(keyring_seal_recovery(k, &fuzz_keys()->box.pk, 1, &recovery) == ERR_OK);
	enc_begin(&e, "crs1/keyring");
	enc_add_u64(&e, 1);
	enc_add_id(&e, &fuzz_keys()->clinic);
	enc_add_id(&e, &fuzz_keys()->user);
	enc_add_bytes(&e, secret_view(fuzz_keys()->secret));
	INSIST(enc_end(&e, &inside) == ERR_OK);
	seed_write_as("formats", AS_KEYRING, "keyring", buf_view(&blob));
	seed_write_as("formats", AS_KEYRING, "keyring_recovery", buf_view(&recovery));
	seed_write_as("formats", AS_KEYRING_INSIDE, "keyring_inside", inside);
}

static void seeds_server_opens(void)
{
	const struct vault_context c = {
		.clinic_id = fuzz_keys()->clinic, .user_id = fuzz_keys()->user, .g = 1, .rev = 1
	};
	const struct boot_key boot = { .boot_id = fuzz_keys()->user, .key = fuzz_keys()->secret };
	const struct outbox_row row = { .room_id = fuzz_keys()->clinic, .lane_seq = 1 };
	CLEANUP(buf_finip) struct buf vault = { 0 };
	CLEANUP(buf_finip) struct buf sealed_row = { 0 };
	CLEANUP(buf_finip) struct buf sealed_key = { 0 };

	INSIST(vault_seal(fuzz_keys()->secret, &c, view_str("pins"), &vault) == ERR_OK);
	INSIST(outbox_row_seal(&boot, &row, view_str("an op"), &sealed_row) == ERR_OK);
	INSIST(boot_key_seal(&boot, &fuzz_keys()->box.pk, &fuzz_keys()->clinic, &sealed_key) ==
	       ERR_OK);
	seed_write_as("formats", AS_VAULT, "vault", buf_view(&vault));
	seed_write_as("formats", AS_COURIER, "outbox_row", buf_view(&sealed_row));
	seed_write_as("formats", AS_COURIER, "boot_key", buf_view(&sealed_key));
}

/* ---- directory: ten bytes an entry, in the order of read_said (fuzz_directory.c) ---- */

#define ROOT_SIGNS 4, 0, 0
#define BY_JO 0, 1, 1 /* person 0, generation 1, key 1 */
#define NONE 8
#define SAID_BYTES 10

static void seeds_directory(void)
{
	/* user, g - 1, roles, status - 1, key, signer, signer_g, by_signer, by_new, by_old */
	static const uint8_t founding[] = { 0, 0, 3, 0, 1, ROOT_SIGNS, 1, NONE };
	static const uint8_t people[][SAID_BYTES] = {
		{ 0, 0, 3, 0, 1, ROOT_SIGNS, 1, NONE }, /* Jo founds */
		{ 1, 0, 2, 0, 2, BY_JO, 2, NONE },      /* a therapist */
		{ 2, 0, 4, 0, 3, BY_JO, 3, NONE },      /* the desk */
		{ 1, 0, 3, 0, 2, BY_JO, NONE, NONE },   /* becomes an owner */
		{ 2, 0, 4, 1, 3, BY_JO, NONE, NONE },   /* is disabled */
	};
	static const uint8_t keys[][SAID_BYTES] = {
		{ 0, 0, 3, 0, 1, ROOT_SIGNS, 1, NONE },
		{ 1, 0, 2, 0, 2, BY_JO, 2, NONE },
		{ 1, 1, 2, 0, 4, BY_JO, 4, 2 },    /* new keys, signed by the old ones */
		{ 1, 2, 2, 2, 5, BY_JO, 5, NONE }, /* recovered */
	};
	static const uint8_t refused[][SAID_BYTES] = {
		{ 0, 0, 3, 0, 1, ROOT_SIGNS, 1, NONE },
		{ 0, 0, 2, 0, 1, BY_JO, NONE, NONE }, /* the last owner goes */
		{ 1, 0, 2, 0, 1, BY_JO, 1, NONE },    /* with somebody else's keys */
		{ 1, 0, 2, 0, 2, 1, 1, 2, 2, NONE },  /* signed by herself */
	};
	seed_write("directory", "founding", VIEW_OF(founding));
	seed_write("directory", "people", VIEW_OF(people));
	seed_write("directory", "keys", VIEW_OF(keys));
	seed_write("directory", "refused", VIEW_OF(refused));
}

void seeds_formats(void)
{
	seeds_records();
	seeds_join();
	seeds_keyring();
	seeds_server_opens();
	seeds_directory();
}
