/* Shares that do not belong together, are too few or altered: each named, never a wrong key. */
#include "tests/unit/crypto_world.h"

#include "restore/share_collection.h"
#include "vault/crypto/escrow.h"

typedef struct {
    VaultMaster master;
    VaultShareSet set;
    VaultShareSheet sheets[5];
    VaultShareSheet plain[5]; /* the same, as words that were typed */
} World;

/* Never of the same number as the one made before. */
static World world_of_role(VaultShareRole role, const VaultMaster *master, guint threshold,
                           guint count)
{
    static gint last_identifier = -1;
    World world = {
        .set = {.role = role, .count = count, .threshold = threshold, .made = "2026-11-27"}};

    world.master = *master;
    assert_true(vault_shares_split(master, last_identifier, &world.set, world.sheets, NULL));
    last_identifier = world.set.identifier;
    for (guint i = 0; i < count; i++)
        world.plain[i] = (VaultShareSheet){.share = world.sheets[i].share};
    return world;
}

static World world_of(const VaultMaster *master, guint threshold, guint count)
{
    return world_of_role(VAULT_SHARE_MASTER, master, threshold, count);
}

static World new_world(guint threshold, guint count)
{
    VaultMaster master;

    vault_master_create(&master);
    return world_of(&master, threshold, count);
}

/* A set of the same number as `like`, by chance. */
static World twin_of(const World *like)
{
    World twin = new_world(like->set.threshold, like->set.count);

    for (guint i = 0; i < twin.set.count; i++)
        twin.plain[i].share.identifier = like->set.identifier;
    return twin;
}

static void add(RestoreShares *shares, const VaultShareSheet *sheet, const char *name)
{
    assert_true(restore_shares_add(shares, sheet, name, NULL));
}

/* Combining fails, with each of the three in its message. */
static void assert_blames(const RestoreShares *shares, const char *who, const char *why,
                          const char *what_to_do)
{
    g_auto(VaultMaster) master = {0};
    g_autoptr(GError) error = NULL;

    assert_false(restore_shares_combine(shares, &master, &error));
    assert_error(error, VAULT_ERROR_NO_KEY);
    if (strstr(error->message, who) == NULL || strstr(error->message, why) == NULL ||
        strstr(error->message, what_to_do) == NULL)
        fail_msg("\"%s\" does not say \"%s\", \"%s\" and \"%s\"", error->message, who, why,
                 what_to_do);
    for (gsize i = 0; i < sizeof master; i++)
        assert_int_equal(((const guint8 *)&master)[i], 0);
}

static void assert_combines(const RestoreShares *shares, const World *world)
{
    g_auto(VaultMaster) master = {0};
    g_autoptr(GError) error = NULL;

    if (!restore_shares_combine(shares, &master, &error))
        fail_msg("%s", error->message);
    assert_memory_equal(master.seed, world->master.seed, 32);
}

static void enough_shares_combine_in_any_order_and_more_too(void **state)
{
    World world = new_world(3, 5);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);

    assert_int_equal(restore_shares_missing(shares), -1);
    add(shares, &world.plain[4], "e");
    assert_int_equal(restore_shares_missing(shares), 2);
    add(shares, &world.sheets[0], "a");
    add(shares, &world.plain[2], "c");
    assert_int_equal(restore_shares_missing(shares), 0);
    assert_combines(shares, &world);
    add(shares, &world.sheets[1], "b");
    add(shares, &world.sheets[3], "d");
    assert_combines(shares, &world);
}

static void too_few_are_counted_and_named(void **state)
{
    World world = new_world(3, 5);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);

    assert_blames(shares, "no share", "", "");
    add(shares, &world.sheets[1], "b.txt");
    assert_blames(shares, "1 share of set", "2 (b.txt)", "2 more of that set");
    add(shares, &world.sheets[4], "e.txt");
    assert_blames(shares, "2 shares of set", "5 (e.txt)", "1 more of that set");
}

static void share_that_is_there_twice_is_named(void **state)
{
    World world = new_world(2, 3);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);

    add(shares, &world.sheets[1], "b.txt");
    add(shares, &world.plain[1], "copy.txt");
    assert_blames(shares, "(copy.txt) is the same as b.txt", "counts once", "another keeper");
    restore_shares_drop_last(shares);
    assert_int_equal(restore_shares_count(shares), 1);
    add(shares, &world.plain[0], "a.txt");
    assert_combines(shares, &world);
}

static void share_of_another_set_is_named(void **state)
{
    World world = new_world(3, 5), next = world_of(&world.master, 3, 5);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);

    add(shares, &next.plain[0], "old.txt");
    add(shares, &world.plain[1], "b.txt");
    assert_blames(shares, "(b.txt) and share 1", "(old.txt) do not belong together",
                  "leave one of them out");
    add(shares, &world.plain[2], "c.txt");
    assert_blames(shares, "(old.txt) does not belong to the others", "leave it out",
                  "take another share of set");
}

static void share_of_another_threshold_is_named(void **state)
{
    World world = new_world(3, 5), other = new_world(2, 5);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);

    other.plain[3].share.identifier = world.set.identifier;
    add(shares, &world.plain[0], "a");
    add(shares, &world.plain[1], "b");
    add(shares, &other.plain[3], "stray");
    assert_blames(shares, "(stray) does not belong", "one number by chance", "leave it out");
}

/* Two sets of different masters, whose numbers are equal: once in 32,768 times. */
static void sets_with_one_number_give_no_wrong_key(void **state)
{
    World world = new_world(2, 3), twin = twin_of(&world);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);

    add(shares, &world.plain[0], "a");
    add(shares, &twin.plain[1], "theirs");
    assert_blames(shares, "1 (a), 2 (theirs)", "the same number", "check-share");
    add(shares, &world.plain[2], "c");
    assert_blames(shares, "(theirs) is not as it was made", "combine without it", "leave it out");
}

static void altered_share_is_named_when_there_is_one_to_spare(void **state)
{
    for (guint altered = 0; altered < 4; altered++) {
        World world = new_world(3, 4);
        g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);
        g_autofree char *who = g_strdup_printf("(%u.txt) is not as it was made", altered);

        world.plain[altered].share.value[altered] ^= 0x80;
        for (guint i = 0; i < 4; i++) {
            g_autofree char *name = g_strdup_printf("%u.txt", i);

            add(shares, &world.plain[i], name);
        }
        assert_blames(shares, who, "combine without it", "reshare");
    }
}

static void altered_share_without_one_to_spare_gives_no_key(void **state)
{
    World world = new_world(2, 2);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);

    world.plain[0].share.value[7] ^= 1;
    add(shares, &world.plain[0], "a");
    add(shares, &world.plain[1], "b");
    assert_blames(shares, "1 (a), 2 (b)", "not as it was made", "check-share");
}

static void two_that_claim_one_number_are_named(void **state)
{
    World world = new_world(2, 3);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);
    VaultShareSheet forged = world.plain[0];

    forged.share.value[0] ^= 1;
    add(shares, &world.plain[0], "a");
    add(shares, &forged, "forged");
    assert_blames(shares, "(forged) and a", "but differ", "leave both out");
}

static void sheet_of_another_master_than_the_words_give_is_named(void **state)
{
    World world = new_world(2, 3), other = new_world(2, 3);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);
    VaultShareSheet lying = world.sheets[1];

    lying.set.pair = other.master.public;
    add(shares, &world.plain[0], "a");
    add(shares, &lying, "lying.txt");
    assert_blames(shares, "(lying.txt)", "the shares give the master key", "is of");
}

static void all_shares_are_wanted_when_a_set_is_confirmed(void **state)
{
    World world = new_world(2, 3), other = new_world(2, 3);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);

    restore_shares_expect_all(shares, &world.set);
    assert_int_equal(restore_shares_missing(shares), 3);
    assert_blames(shares, "no share", "", "");
    add(shares, &other.plain[0], "stray");
    assert_blames(shares, "(stray) is not of set", "which is asked for", "leave it out");
    restore_shares_drop_last(shares);
    add(shares, &world.plain[0], "a");
    add(shares, &world.plain[1], "b");
    assert_blames(shares, "2 shares", "3 are needed", "1 more");
    add(shares, &world.plain[2], "c");
    assert_combines(shares, &world);
}

static void shares_of_another_master_do_not_confirm_a_set(void **state)
{
    World world = new_world(2, 3), twin = twin_of(&world);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);

    restore_shares_expect_all(shares, &world.set);
    for (guint i = 0; i < 3; i++)
        add(shares, &twin.plain[i], "theirs");
    assert_blames(shares, "the shares give the master key", "asked for", "");
}

static void more_shares_than_any_set_has_are_refused(void **state)
{
    World world = new_world(2, 2);
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < RESTORE_SHARES_MAX; i++)
        add(shares, &world.plain[0], "same");
    assert_false(restore_shares_add(shares, &world.plain[1], "b", &error));
    assert_error(error, VAULT_ERROR_TOO_LARGE);
}

static void share_of_something_else_is_refused(void **state)
{
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_MASTER);
    VaultShareSheet sheet = {.share = {.group_count = 2, .group_threshold = 1, .value_len = 32}};
    g_autoptr(GError) error = NULL;

    assert_false(restore_shares_add(shares, &sheet, "wallet.txt", &error));
    assert_error(error, VAULT_ERROR_UNSUPPORTED);
    assert_true(g_str_has_prefix(error->message, "wallet.txt: "));
    assert_int_equal(restore_shares_count(shares), 0);
}

static void assert_not_taken(RestoreShares *shares, const VaultShareSheet *sheet, const char *why)
{
    guint count = restore_shares_count(shares);
    g_autoptr(GError) error = NULL;

    assert_false(restore_shares_add(shares, sheet, "theirs.txt", &error));
    assert_error(error, VAULT_ERROR_NO_KEY);
    if (!g_str_has_prefix(error->message, "theirs.txt: ") || strstr(error->message, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error->message, why);
    assert_int_equal(restore_shares_count(shares), count);
}

/* From the same seed, even: by sheet and by words alone. */
static void share_of_the_other_role_is_refused(void **state)
{
    g_autoptr(RestoreShares) of_master = restore_shares_new(VAULT_SHARE_MASTER);
    g_autoptr(RestoreShares) of_escrow = restore_shares_new(VAULT_SHARE_ESCROW);
    World master = new_world(2, 3), escrow;
    VaultEscrow same_seed;

    vault_escrow_from_seed(master.master.seed, &same_seed);
    escrow = world_of_role(VAULT_SHARE_ESCROW, &same_seed.pair, 2, 3);
    assert_not_taken(of_master, &escrow.sheets[0], "of an escrow key");
    assert_not_taken(of_master, &escrow.plain[0], "one of a master key is wanted");
    assert_not_taken(of_escrow, &master.sheets[0], "of a master key");
    assert_not_taken(of_escrow, &master.plain[0], "one of an escrow key is wanted");
    add(of_escrow, &escrow.plain[0], "a");
    add(of_escrow, &escrow.sheets[2], "c");
    assert_combines(of_escrow, &escrow);
}

static void words_of_another_program_are_taken_for_either(void **state)
{
    World world = new_world(2, 2);

    for (guint i = 0; i < 2; i++)
        world.plain[i].share.iteration_exponent = 0;
    for (VaultShareRole role = VAULT_SHARE_MASTER; role <= VAULT_SHARE_ESCROW; role++) {
        g_autoptr(RestoreShares) shares = restore_shares_new(role);

        add(shares, &world.plain[0], "a");
        assert_int_equal(restore_shares_missing(shares), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enough_shares_combine_in_any_order_and_more_too),
        cmocka_unit_test(too_few_are_counted_and_named),
        cmocka_unit_test(share_that_is_there_twice_is_named),
        cmocka_unit_test(share_of_another_set_is_named),
        cmocka_unit_test(share_of_another_threshold_is_named),
        cmocka_unit_test(sets_with_one_number_give_no_wrong_key),
        cmocka_unit_test(altered_share_is_named_when_there_is_one_to_spare),
        cmocka_unit_test(altered_share_without_one_to_spare_gives_no_key),
        cmocka_unit_test(two_that_claim_one_number_are_named),
        cmocka_unit_test(sheet_of_another_master_than_the_words_give_is_named),
        cmocka_unit_test(all_shares_are_wanted_when_a_set_is_confirmed),
        cmocka_unit_test(shares_of_another_master_do_not_confirm_a_set),
        cmocka_unit_test(more_shares_than_any_set_has_are_refused),
        cmocka_unit_test(share_of_something_else_is_refused),
        cmocka_unit_test(share_of_the_other_role_is_refused),
        cmocka_unit_test(words_of_another_program_are_taken_for_either),
    };

    return run_crypto_tests(tests);
}
