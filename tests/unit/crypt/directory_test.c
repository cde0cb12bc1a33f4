/* directory: a lying server offers every kind of wrong entry (SECURITY 6.1 K1); none is taken, and
 * the chain stays as it was. */
#include "crypt/directory.h"
#include "unit/crypt/helpers.h"

/* A clinic with its root, and people with keys of three generations each. */
struct person {
	struct id id;
	const char *name;
	struct sign_key sign[4]; /* [g]; [0] unused */
	struct box_pk box[4];
};

struct world {
	struct directory dir;
	struct sign_key root;
	struct person jo, mara, eve;
	struct buf bytes; /* of the entry made last */
};

static void person_init(struct person *p, uint8_t n, const char *name)
{
	*p = (struct person){ .id = test_id(n), .name = name };
	for (uint8_t g = 1; g <= 3; g++) {
		p->sign[g] = test_sign_key((uint8_t)(n + 40 * g));
		CLEANUP(box_key_finip) struct box_key box = test_box_key((uint8_t)(n + 40 * g));
		p->box[g] = box.pk;
	}
}

static void person_fini(struct person *p)
{
	for (int g = 1; g <= 3; g++) sign_key_fini(&p->sign[g]);
}

static struct dir_entry entry_for(const struct person *p, uint64_t g, uint64_t roles,
				  const struct person *signer, uint64_t signer_g)
{
	struct dir_entry e = { .user_id = p->id,
			       .g = g,
			       .name = view_str(p->name),
			       .roles = roles,
			       .sign_pk = p->sign[g].pk,
			       .box_pk = p->box[g],
			       .status = DIR_ACTIVE };
	if (signer != NULL) {
		e.signer_id = signer->id;
		e.signer_g = signer_g;
	}
	return e;
}

static enum err world_offer(struct world *w, struct dir_entry e, const struct sign_key *by_signer,
			    const struct sign_key *by_new, const struct sign_key *by_old)
{
	const struct dir_signers keys = { by_signer, by_new, by_old };
	struct dir_signed s;
	struct hash32 before, after;
	const uint64_t seq = dir_head(&w->dir, &before);
	const size_t users = w->dir.user_count, key_count = w->dir.key_count;
	enum err result = dir_entry_make(&w->dir, &e, &keys, &w->bytes, &s);
	if (result == ERR_OK) result = dir_apply(&w->dir, &s);
	if (result != ERR_OK) { /* nothing changed */
		assert_int_equal(dir_head(&w->dir, &after), seq);
		assert_true(hash_equal(&before, &after));
		assert_int_equal(w->dir.user_count, users);
		assert_int_equal(w->dir.key_count, key_count);
	}
	return result;
}

/* Jo is the first owner (entry 1), Mara a therapist (entry 2). */
static int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	if (w == NULL) return 1;
	const struct id clinic = test_id(0xcc);
	w->root = test_sign_key(200);
	person_init(&w->jo, 1, "Jo Park");
	person_init(&w->mara, 2, "Mara Lind");
	person_init(&w->eve, 3, "Eve");
	dir_init(&w->dir, &clinic, &w->root.pk);
	assert_ok(world_offer(w, entry_for(&w->jo, 1, DIR_OWNER | DIR_THERAPIST, NULL, 0), &w->root,
			      &w->jo.sign[1], NULL));
	assert_ok(world_offer(w, entry_for(&w->mara, 1, DIR_THERAPIST, &w->jo, 1), &w->jo.sign[1],
			      &w->mara.sign[1], NULL));
	*state = w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;
	dir_fini(&w->dir);
	sign_key_fini(&w->root);
	person_fini(&w->jo);
	person_fini(&w->mara);
	person_fini(&w->eve);
	buf_fini(&w->bytes);
	free(w);
	return 0;
}

static void test_lookups(void **state)
{
	struct world *w = *state;
	const struct dir_user *mara = dir_user(&w->dir, &w->mara.id);
	assert_non_null(mara);
	assert_string_equal(mara->name, "Mara Lind");
	assert_true(mara->active);
	assert_int_equal(mara->g, 1);
	assert_int_equal(mara->dir_seq, 2);
	assert_null(dir_user(&w->dir, &w->eve.id));
	const struct dir_key *key = dir_key(&w->dir, &w->jo.id, 1);
	assert_non_null(key);
	assert_true(sign_pk_equal(&key->sign_pk, &w->jo.sign[1].pk));
	assert_null(dir_key(&w->dir, &w->jo.id, 2));
	assert_true(dir_user_has(&w->dir, &w->jo.id, DIR_OWNER | DIR_THERAPIST));
	assert_false(dir_user_has(&w->dir, &w->mara.id, DIR_OWNER));
	assert_false(dir_user_has(&w->dir, &w->eve.id, 0));
}

static void test_first_entry_is_the_roots_and_an_owner(void **state)
{
	struct world *w = *state;
	const struct dir_entry good = entry_for(&w->jo, 1, DIR_OWNER, NULL, 0);
	struct dir_entry e = good;
	dir_fini(&w->dir);
	const struct id clinic = test_id(0xcc);
	dir_init(&w->dir, &clinic, &w->root.pk);
	const struct sign_key *jo = &w->jo.sign[1];
	assert_err(world_offer(w, good, jo, jo, NULL), ERR_AUTH); /* signed by himself */
	assert_err(world_offer(w, good, &w->root, &w->root, NULL), ERR_AUTH);
	assert_err(world_offer(w, good, &w->root, NULL, NULL), ERR_AUTH);
	e.roles = DIR_THERAPIST;
	assert_err(world_offer(w, e, &w->root, jo, NULL), ERR_BAD_VALUE);
	e = good;
	e.status = DIR_DISABLED;
	assert_err(world_offer(w, e, &w->root, jo, NULL), ERR_BAD_VALUE);
	e = entry_for(&w->jo, 2, DIR_OWNER, NULL, 0);
	assert_err(world_offer(w, e, &w->root, &w->jo.sign[2], jo), ERR_BAD_VALUE);
	e = entry_for(&w->jo, 1, DIR_OWNER, &w->jo, 1);
	assert_err(world_offer(w, e, jo, jo, NULL), ERR_DENIED);
	assert_ok(world_offer(w, good, &w->root, jo, NULL));
}

static void test_only_active_owners_sign(void **state)
{
	struct world *w = *state;
	const struct sign_key *eve = &w->eve.sign[1];
	/* a therapist, the root after the first entry, a stranger, an owner's name with another
	 * key */
	assert_err(world_offer(w, entry_for(&w->eve, 1, DIR_DESK, &w->mara, 1), &w->mara.sign[1],
			       eve, NULL),
		   ERR_DENIED);
	assert_err(world_offer(w, entry_for(&w->eve, 1, DIR_DESK, NULL, 0), &w->root, eve, NULL),
		   ERR_DENIED);
	assert_err(world_offer(w, entry_for(&w->eve, 1, DIR_OWNER, &w->eve, 1), eve, eve, NULL),
		   ERR_DENIED);
	assert_err(world_offer(w, entry_for(&w->eve, 1, DIR_DESK, &w->jo, 1), &w->mara.sign[1], eve,
			       NULL),
		   ERR_AUTH);
	assert_err(world_offer(w, entry_for(&w->eve, 1, DIR_DESK, &w->jo, 2), &w->jo.sign[2], eve,
			       NULL),
		   ERR_DENIED); /* a generation he does not have */
	assert_ok(world_offer(w, entry_for(&w->eve, 1, DIR_DESK, &w->jo, 1), &w->jo.sign[1], eve,
			      NULL));
}

static void test_disabled_owner_signs_no_more(void **state)
{
	struct world *w = *state;
	struct dir_entry e = entry_for(&w->mara, 1, DIR_OWNER, &w->jo, 1);
	assert_ok(world_offer(w, e, &w->jo.sign[1], NULL, NULL)); /* Mara becomes an owner */
	e = entry_for(&w->jo, 1, DIR_OWNER, &w->mara, 1);
	e.status = DIR_DISABLED;
	assert_ok(world_offer(w, e, &w->mara.sign[1], NULL, NULL));
	assert_false(dir_user_has(&w->dir, &w->jo.id, DIR_OWNER));
	assert_non_null(dir_key(&w->dir, &w->jo.id, 1)); /* old ops still verify */
	e = entry_for(&w->eve, 1, DIR_DESK, &w->jo, 1);
	assert_err(world_offer(w, e, &w->jo.sign[1], &w->eve.sign[1], NULL), ERR_DENIED);
	/* and can be taken back by an owner */
	e = entry_for(&w->jo, 1, DIR_THERAPIST, &w->mara, 1);
	assert_ok(world_offer(w, e, &w->mara.sign[1], NULL, NULL));
	assert_true(dir_user_has(&w->dir, &w->jo.id, DIR_THERAPIST));
}

static void test_last_owner_cannot_go(void **state)
{
	struct world *w = *state;
	struct dir_entry e = entry_for(&w->jo, 1, DIR_OWNER, &w->jo, 1);
	e.status = DIR_DISABLED;
	assert_err(world_offer(w, e, &w->jo.sign[1], NULL, NULL), ERR_DENIED);
	e = entry_for(&w->jo, 1, DIR_THERAPIST, &w->jo, 1);
	assert_err(world_offer(w, e, &w->jo.sign[1], NULL, NULL), ERR_DENIED);
}

/* SECURITY 2.9: a changed key must be wanted by the old one, or be flagged. */
static void test_new_generation(void **state)
{
	struct world *w = *state;
	const struct sign_key *jo = &w->jo.sign[1], *old = &w->mara.sign[1],
			      *new = &w->mara.sign[2];
	struct dir_entry e = entry_for(&w->mara, 2, DIR_THERAPIST, &w->jo, 1);
	assert_err(world_offer(w, e, jo, new, NULL), ERR_AUTH);
	assert_err(world_offer(w, e, jo, new, new), ERR_AUTH);
	assert_err(world_offer(w, e, jo, NULL, old), ERR_AUTH);
	assert_err(world_offer(w, e, jo, old, old), ERR_AUTH);
	e.status = DIR_DISABLED;
	assert_err(world_offer(w, e, jo, new, old), ERR_BAD_VALUE);
	e.status = DIR_ACTIVE;
	assert_ok(world_offer(w, e, jo, new, old));
	assert_int_equal(dir_user(&w->dir, &w->mara.id)->g, 2);
	assert_false(dir_user(&w->dir, &w->mara.id)->recovered);
	assert_non_null(dir_key(&w->dir, &w->mara.id, 1));

	e = entry_for(&w->mara, 3, DIR_THERAPIST, &w->jo, 1);
	e.status = DIR_RECOVERED; /* the old key is lost: shown to everybody instead */
	assert_ok(world_offer(w, e, jo, &w->mara.sign[3], NULL));
	assert_true(dir_user(&w->dir, &w->mara.id)->recovered);
	assert_true(dir_user(&w->dir, &w->mara.id)->active);
}

static void test_generations_have_no_gap_and_no_return(void **state)
{
	struct world *w = *state;
	const struct sign_key *jo = &w->jo.sign[1];
	struct dir_entry e = entry_for(&w->mara, 3, DIR_THERAPIST, &w->jo, 1);
	assert_err(world_offer(w, e, jo, &w->mara.sign[3], &w->mara.sign[1]), ERR_BAD_VALUE);
	e = entry_for(&w->eve, 2, DIR_DESK, &w->jo, 1);
	assert_err(world_offer(w, e, jo, &w->eve.sign[2], NULL), ERR_BAD_VALUE);
	e = entry_for(&w->eve, 1, DIR_DESK, &w->jo, 1);
	e.status = DIR_RECOVERED;
	assert_err(world_offer(w, e, jo, &w->eve.sign[1], NULL), ERR_BAD_VALUE);
	e = entry_for(&w->mara, 2, DIR_THERAPIST, &w->jo, 1);
	assert_ok(world_offer(w, e, jo, &w->mara.sign[2], &w->mara.sign[1]));
	e = entry_for(&w->mara, 1, DIR_THERAPIST, &w->jo, 1);
	assert_err(world_offer(w, e, jo, &w->mara.sign[1], NULL), ERR_BAD_VALUE);
}

/* SECURITY 6.1 K1: the same generation with another key. */
static void test_keys_cannot_be_swapped(void **state)
{
	struct world *w = *state;
	const struct sign_key *jo = &w->jo.sign[1];
	struct dir_entry e = entry_for(&w->mara, 1, DIR_THERAPIST, &w->jo, 1);
	e.box_pk = w->eve.box[1];
	assert_err(world_offer(w, e, jo, &w->mara.sign[1], NULL), ERR_BAD_VALUE);
	e = entry_for(&w->mara, 1, DIR_THERAPIST, &w->jo, 1);
	e.sign_pk = w->eve.sign[1].pk;
	assert_err(world_offer(w, e, jo, &w->eve.sign[1], NULL), ERR_BAD_VALUE);
	e = entry_for(&w->mara, 1, DIR_THERAPIST, &w->jo, 1);
	e.status = DIR_RECOVERED;
	assert_err(world_offer(w, e, jo, NULL, NULL), ERR_BAD_VALUE);
}

static void test_keys_belong_to_one_person(void **state)
{
	struct world *w = *state;
	const struct sign_key *jo = &w->jo.sign[1];
	struct dir_entry e = entry_for(&w->eve, 1, DIR_DESK, &w->jo, 1);
	e.sign_pk = w->mara.sign[1].pk;
	assert_err(world_offer(w, e, jo, &w->mara.sign[1], NULL), ERR_EXISTS);
	e = entry_for(&w->eve, 1, DIR_DESK, &w->jo, 1);
	e.box_pk = w->mara.box[1];
	assert_err(world_offer(w, e, jo, &w->eve.sign[1], NULL), ERR_EXISTS);
	e = entry_for(&w->eve, 1, DIR_DESK, &w->jo, 1);
	e.sign_pk = w->root.pk;
	assert_err(world_offer(w, e, jo, &w->root, NULL), ERR_EXISTS);
}

static void test_values_outside_the_table(void **state)
{
	struct world *w = *state;
	static char long_name[NAME_BYTES_MAX + 1];
	for (size_t i = 0; i < sizeof(long_name); i++) long_name[i] = 'n';
	const struct dir_entry good = entry_for(&w->eve, 1, DIR_DESK, &w->jo, 1);
	const struct view names[] = { VIEW_EMPTY, VIEW_OF(long_name), view_str("\xff"),
				      view_str("two\nlines") };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct dir_entry e = good;
		e.name = names[i];
		assert_err(world_offer(w, e, &w->jo.sign[1], &w->eve.sign[1], NULL), ERR_BAD_VALUE);
	}
	static const uint64_t roles[] = { 0, 64, 65, UINT64_MAX };
	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		struct dir_entry e = good;
		e.roles = roles[i];
		assert_err(world_offer(w, e, &w->jo.sign[1], &w->eve.sign[1], NULL), ERR_BAD_VALUE);
	}
	struct dir_entry e = good;
	e.status = (enum dir_status)4;
	assert_err(world_offer(w, e, &w->jo.sign[1], &w->eve.sign[1], NULL), ERR_BAD_VALUE);
	e = good;
	e.name = view_of(long_name, NAME_BYTES_MAX);
	assert_ok(world_offer(w, e, &w->jo.sign[1], &w->eve.sign[1], NULL));
	assert_int_equal(strlen(dir_user(&w->dir, &w->eve.id)->name), NAME_BYTES_MAX);
}

/* Copies the world's chain entry by entry so that it can be offered in other orders. */
struct copy {
	struct buf bytes[3];
	struct dir_signed s[3];
};

static void copy_make(struct world *w, struct copy *c)
{
	struct directory d;
	dir_init(&d, &w->dir.clinic_id, &w->root.pk);
	struct dir_entry e[3] = {
		entry_for(&w->jo, 1, DIR_OWNER | DIR_THERAPIST, NULL, 0),
		entry_for(&w->mara, 1, DIR_THERAPIST, &w->jo, 1),
		entry_for(&w->eve, 1, DIR_DESK, &w->jo, 1),
	};
	const struct dir_signers keys[3] = { { &w->root, &w->jo.sign[1], NULL },
					     { &w->jo.sign[1], &w->mara.sign[1], NULL },
					     { &w->jo.sign[1], &w->eve.sign[1], NULL } };
	for (int i = 0; i < 3; i++) {
		c->bytes[i] = (struct buf){ 0 };
		assert_ok(dir_entry_make(&d, &e[i], &keys[i], &c->bytes[i], &c->s[i]));
		assert_ok(dir_apply(&d, &c->s[i]));
	}
	dir_fini(&d);
}

static void copy_fini(struct copy *c)
{
	for (int i = 0; i < 3; i++) buf_fini(&c->bytes[i]);
}

static void test_order_repeats_gaps_and_forks(void **state)
{
	struct world *w = *state;
	struct copy c;
	copy_make(w, &c);
	assert_ok(dir_apply(&w->dir, &c.s[0])); /* there already: fine, and nothing happens */
	assert_ok(dir_apply(&w->dir, &c.s[1]));
	assert_int_equal(w->dir.entry_count, 2);

	struct directory fresh;
	dir_init(&fresh, &w->dir.clinic_id, &w->root.pk);
	assert_err(dir_apply(&fresh, &c.s[1]), ERR_LANE_GAP);
	assert_ok(dir_apply(&fresh, &c.s[0]));
	assert_err(dir_apply(&fresh, &c.s[2]), ERR_LANE_GAP);
	dir_fini(&fresh);

	/* Another entry at a place that is taken; then one that follows another past. */
	assert_ok(world_offer(w, entry_for(&w->eve, 1, DIR_ADMIN, &w->jo, 1), &w->jo.sign[1],
			      &w->eve.sign[1], NULL));
	assert_err(dir_apply(&w->dir, &c.s[2]), ERR_FORK);
	struct dir_entry e;
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	assert_ok(dir_entry_parse(c.s[2].entry, &e));
	e.dir_seq = 4;
	assert_ok(dir_entry_encode(&e, &bytes));
	struct dir_signed s = { .entry = buf_view(&bytes) };
	s.by_signer = sign_bytes(&w->jo.sign[1], s.entry);
	assert_err(dir_apply(&w->dir, &s), ERR_FORK);
	copy_fini(&c);
}

struct damage_case {
	struct world *w;
	const struct dir_signed *good;
};

static void refuse_entry(struct view bad, void *ctx)
{
	const struct damage_case *d = ctx;
	struct dir_signed s = *d->good;
	s.entry = bad;
	assert_int_not_equal(dir_apply(&d->w->dir, &s), ERR_OK);
	assert_int_equal(d->w->dir.entry_count, 2);
}

static void test_every_flipped_byte_is_refused(void **state)
{
	struct world *w = *state;
	struct copy c;
	copy_make(w, &c);
	struct damage_case d = { w, &c.s[2] };
	test_each_damage(c.s[2].entry, refuse_entry, &d);
	for (size_t i = 0; i < SIGN_SIG_BYTES; i++) {
		struct dir_signed s = c.s[2];
		s.by_signer.b[i] ^= 1;
		assert_err(dir_apply(&w->dir, &s), ERR_AUTH);
		s = c.s[2];
		s.by_new.b[i] ^= 1;
		assert_err(dir_apply(&w->dir, &s), ERR_AUTH);
	}
	assert_ok(dir_apply(&w->dir, &c.s[2]));
	copy_fini(&c);
}

static void test_another_clinics_entry_is_refused(void **state)
{
	struct world *w = *state;
	struct copy c;
	copy_make(w, &c);
	struct directory other;
	const struct id clinic = test_id(0xdd);
	dir_init(&other, &clinic, &w->root.pk);
	assert_err(dir_apply(&other, &c.s[0]), ERR_AUTH);
	dir_fini(&other);
	copy_fini(&c);
}

static void test_pins_find_rollback_and_fork(void **state)
{
	struct world *w = *state;
	struct hash32 head, wrong;
	assert_int_equal(dir_head(&w->dir, &head), 2);
	wrong = head;
	wrong.b[9] ^= 1;
	assert_ok(dir_check_pin(&w->dir, 2, &head));
	assert_ok(dir_check_pin(&w->dir, 1, &w->dir.hashes[0]));
	assert_ok(dir_check_pin(&w->dir, 0, &wrong));
	assert_err(dir_check_pin(&w->dir, 3, &head), ERR_MORE);
	assert_err(dir_check_pin(&w->dir, 2, &wrong), ERR_FORK);
	assert_err(dir_check_pin(&w->dir, 1, &head), ERR_FORK);
}

static void test_people_are_bounded(void **state)
{
	struct world *w = *state;
	struct directory *d = &w->dir;
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	for (uint64_t n = d->user_count; n <= DIR_USERS_MAX; n++) {
		CLEANUP(secret_freep) struct secret *seed = test_secret(0, KEY_BYTES);
		CLEANUP(sign_key_finip) struct sign_key key = { 0 };
		store_be64(seed->p, n + 1);
		assert_ok(sign_key_from_seed(seed, &key));
		struct dir_entry e = entry_for(&w->eve, 1, DIR_DESK, &w->jo, 1);
		store_be64(e.user_id.b, n);
		store_be64(e.box_pk.b, n);
		e.sign_pk = key.pk;
		const struct dir_signers keys = { &w->jo.sign[1], &key, NULL };
		struct dir_signed s;
		assert_ok(dir_entry_make(d, &e, &keys, &bytes, &s));
		assert_err(dir_apply(d, &s), n < DIR_USERS_MAX ? ERR_OK : ERR_FULL);
	}
	assert_int_equal(d->user_count, DIR_USERS_MAX);
	/* People who are there can still change. */
	assert_ok(world_offer(w, entry_for(&w->mara, 1, DIR_DESK, &w->jo, 1), &w->jo.sign[1], NULL,
			      NULL));
}

static void test_fingerprint_depends_on_everything(void **state)
{
	struct world *w = *state;
	const struct id clinic = test_id(1), user = test_id(2);
	char base[FINGERPRINT_TEXT_BYTES], other[5][FINGERPRINT_TEXT_BYTES];
	const struct sign_pk *s = &w->jo.sign[1].pk;
	const struct box_pk *b = &w->jo.box[1];
	assert_ok(fingerprint_print(&clinic, &user, 1, s, b, base));
	assert_ok(fingerprint_print(&user, &user, 1, s, b, other[0]));
	assert_ok(fingerprint_print(&clinic, &clinic, 1, s, b, other[1]));
	assert_ok(fingerprint_print(&clinic, &user, 2, s, b, other[2]));
	assert_ok(fingerprint_print(&clinic, &user, 1, &w->mara.sign[1].pk, b, other[3]));
	assert_ok(fingerprint_print(&clinic, &user, 1, s, &w->mara.box[1], other[4]));
	for (size_t i = 0; i < COUNT_OF(other); i++) assert_string_not_equal(base, other[i]);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_lookups),
		world_test(test_first_entry_is_the_roots_and_an_owner),
		world_test(test_only_active_owners_sign),
		world_test(test_disabled_owner_signs_no_more),
		world_test(test_last_owner_cannot_go),
		world_test(test_new_generation),
		world_test(test_generations_have_no_gap_and_no_return),
		world_test(test_keys_cannot_be_swapped),
		world_test(test_keys_belong_to_one_person),
		world_test(test_values_outside_the_table),
		world_test(test_order_repeats_gaps_and_forks),
		world_test(test_every_flipped_byte_is_refused),
		world_test(test_another_clinics_entry_is_refused),
		world_test(test_pins_find_rollback_and_fork),
		world_test(test_people_are_bounded),
		world_test(test_fingerprint_depends_on_everything),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
