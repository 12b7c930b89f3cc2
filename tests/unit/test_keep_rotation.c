/* A rotation in a vault: what is wrapped to a master is asked for, taken up and the master retired,
 * whatever comes between; and nothing is taken that is not the vault's. */
#include "tests/unit/release_world.h"

#include "vault/act/drill_file.h"
#include "vault/keep/internal.h"
#include "vault/open/rotation.h"

#include <string.h>

typedef struct {
    ReleaseWorld *release;
    KeepFixture *fixture; /* its */
    VaultMaster to;
} World;

static World *world_new(void)
{
    World *world = g_new0(World, 1);

    world->release = release_world_new();
    world->fixture = world->release->fixture;
    vault_master_create(&world->to);
    keep_fixture_deliver(world->fixture, "the first", "a@example.org");
    keep_fixture_deliver(world->fixture, "the second", "b@example.org");
    return world;
}

static void world_free(World *world)
{
    release_world_free(world->release);
    vault_master_wipe(&world->to);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static gboolean append_part(const char *text, gsize len, gpointer user, GError **error)
{
    g_ptr_array_add(user, vault_rotation_asked_parse(text, len, NULL));
    return TRUE;
}

/* GPtrArray of VaultRotationAsked. */
static GPtrArray *begin(World *world, const MasterPublic *from)
{
    GPtrArray *parts = g_ptr_array_new_with_free_func((GDestroyNotify)vault_rotation_asked_free);
    g_autoptr(GError) error = NULL;
    guint64 months;

    if (!vault_keep_begin_rotation(world->fixture->keep, from, append_part, parts, &months, &error))
        fail_msg("%s", error->message);
    return parts;
}

static VaultRotationAnswered *answered_by(World *world, const VaultMaster *from,
                                          const VaultMaster *to, gboolean is_proved)
{
    g_autoptr(GPtrArray) parts = begin(world, &from->public);
    VaultRotationAnswered *answered;

    assert_int_equal(parts->len, 1);
    answered = vault_rotation_answer(g_ptr_array_index(parts, 0), from, &to->public,
                                     is_proved ? to : NULL, NULL);
    assert_non_null(answered);
    return answered;
}

static VaultRotationAnswered *answered(World *world)
{
    return answered_by(world, &world->fixture->master, &world->to, TRUE);
}

static char *take_text(World *world, const char *text, GError **error)
{
    char *answer = NULL;

    vault_keep_operate(world->fixture->keep, "rotation-take", text, strlen(text), &answer, error);
    return answer;
}

static char *take(World *world, const VaultRotationAnswered *part, GError **error)
{
    g_autofree char *text = vault_rotation_answered_format(part);

    return take_text(world, text, error);
}

static void assert_taken(World *world, const VaultRotationAnswered *part, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = take(world, part, &error);

    if (answer == NULL)
        fail_msg("%s", error->message);
    assert_string_equal(answer, expected);
}

static void assert_finished(World *world, const char *state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = NULL;
    g_autofree char *line = g_strdup_printf("state: %s\n", state);

    if (!vault_keep_operate(world->fixture->keep, "rotation-finish", "", 0, &answer, &error))
        fail_msg("%s", error->message);
    if (!g_str_has_prefix(answer, line) && *state != '\0')
        fail_msg("%s", answer);
    assert_true(*state != '\0' || *answer == '\0');
}

static VaultMasterValue master_row(World *world, guint i)
{
    g_autoptr(GArray) rows = vault_keep_master_rows(world->fixture->keep, NULL);

    assert_true(i < rows->len);
    return g_array_index(rows, VaultMasterValue, i);
}

static guint master_count(World *world)
{
    g_autoptr(GArray) rows = vault_keep_master_rows(world->fixture->keep, NULL);

    return rows->len;
}

/* How many months have a wrap for this master. */
static guint wrapped_count(World *world, const VaultMaster *master)
{
    VaultKeep *keep = world->fixture->keep;
    g_autoptr(GPtrArray) mailboxes = vault_keep_mailboxes(keep, VAULT_MAILBOX_NAMES, NULL);
    KeyId key_id = vault_master_key_id(&master->public);
    guint count = 0;

    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = g_ptr_array_index(mailboxes, i);
        g_autoptr(GPtrArray) months =
            vault_keep_months(keep, &mailbox->id, 1, 0, G_MAXUINT64, NULL);

        for (guint m = 0; m < months->len; m++) {
            const VaultMonthKeys *month = g_ptr_array_index(months, m);

            for (guint w = 0; w < month->wraps->len; w++)
                count += VAULT_ID_EQUAL(g_array_index(month->wraps, VaultWrap, w).key_id, key_id);
        }
    }
    return count;
}

static void assert_not_taken(World *world, const char *text, VaultErrorCode code)
{
    guint masters = master_count(world), wraps = wrapped_count(world, &world->to);
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = take_text(world, text, &error);

    assert_null(answer);
    assert_vault_error(error, code);
    assert_int_equal(master_count(world), masters);
    assert_int_equal(wrapped_count(world, &world->to), wraps);
}

/* Signed again after a change. */
static void assert_part_refused(World *world, VaultRotationAnswered *part, const VaultMaster *from)
{
    g_autofree char *text = NULL;

    vault_rotation_answered_sign(part, &from->signing_key, NULL);
    text = vault_rotation_answered_format(part);
    assert_not_taken(world, text, VAULT_ERROR_REFUSED);
}

/* ---- the way it goes ------------------------------------------------------------------------- */

static void new_master_takes_the_place_and_the_old_ones_wraps_are_gone(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultRotationAnswered) part = answered(world);

    assert_int_equal(part->wraps->len, 3);
    assert_taken(world, part, "taken: 3\nknown: 0\ngone: 0\nfull: 0\n");
    assert_int_equal(master_row(world, 1).state, VAULT_MASTER_ACTIVE);
    assert_int_equal(master_row(world, 1).drilled_s, part->name.created_s);
    assert_int_equal(wrapped_count(world, &world->fixture->master), 3);
    assert_finished(world, "retired");
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
    assert_int_equal(master_row(world, 0).state, VAULT_MASTER_RETIRED);
    assert_int_equal(wrapped_count(world, &world->fixture->master), 0);
    assert_int_equal(wrapped_count(world, &world->to), 3);
    keep_fixture_deliver(world->fixture, "the third", "c@example.org");
    assert_int_equal(wrapped_count(world, &world->fixture->master), 0);
    assert_int_equal(wrapped_count(world, &world->to), 4);
    assert_finished(world, "");
    assert_int_equal(keep_fixture_verify(world->fixture->keep, VAULT_VERIFY_DEEP).finding_count, 0);
}

static void new_months_are_wrapped_to_both_and_those_between_are_asked_for_again(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultRotationAnswered) part = answered(world);
    g_autoptr(VaultRotationAnswered) second = NULL;

    keep_fixture_deliver(world->fixture, "between", "c@example.org");
    assert_taken(world, part, "taken: 3\nknown: 0\ngone: 0\nfull: 0\n");
    keep_fixture_deliver(world->fixture, "after", "d@example.org");
    assert_int_equal(wrapped_count(world, &world->to), 4);
    assert_finished(world, "lacking");
    assert_int_equal(master_row(world, 0).state, VAULT_MASTER_ACTIVE);
    second = answered(world);
    assert_int_equal(second->wraps->len, 1);
    assert_taken(world, second, "taken: 1\nknown: 0\ngone: 0\nfull: 0\n");
    assert_taken(world, part, "taken: 0\nknown: 3\ngone: 0\nfull: 0\n");
    assert_finished(world, "retired");
    assert_int_equal(wrapped_count(world, &world->fixture->master), 0);
    assert_int_equal(wrapped_count(world, &world->to), 5);
}

static void month_that_was_dropped_meanwhile_stays_so(void **state)
{
    g_autoptr(World) world = world_new();
    KeepDelivery dropped = keep_fixture_deliver(world->fixture, "dropped", "c@example.org");
    g_autoptr(VaultRotationAnswered) part = answered(world);

    keep_damage_drop_month(world->fixture, &dropped.months[0]);
    assert_taken(world, part, "taken: 3\nknown: 0\ngone: 1\nfull: 0\n");
    assert_finished(world, "retired");
    assert_int_equal(wrapped_count(world, &world->to), 3);
}

static void old_master_stays_until_the_new_one_was_drilled(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultRotationAnswered) part =
        answered_by(world, &world->fixture->master, &world->to, FALSE);
    g_autofree char *challenge_text = NULL;
    g_autofree char *text = NULL;
    g_autoptr(VaultDrillChallenge) challenge = NULL;
    VaultDrillResult result;

    assert_taken(world, part, "taken: 3\nknown: 0\ngone: 0\nfull: 0\n");
    assert_finished(world, "unproved");
    assert_int_equal(master_row(world, 0).state, VAULT_MASTER_ACTIVE);
    challenge_text = vault_keep_drill_challenge(world->fixture->keep, NULL);
    challenge = vault_drill_challenge_parse(challenge_text, strlen(challenge_text), NULL);
    vault_drill_result_sign(&challenge->name, &world->to.signing_key, &world->to.public.verify_key,
                            &result);
    text = vault_drill_result_format(&result);
    assert_true(vault_keep_take_drill(world->fixture->keep, text, strlen(text), NULL));
    assert_finished(world, "retired");
}

static void grants_of_a_retired_master_are_refused_and_the_policy_stays(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultRotationAnswered) part = answered(world);
    VaultCopyEntry entry = release_world_deliver(world->release, "to read", "a@example.org");
    g_autofree char *before = release_world_grant(world->release, &world->release->anna);
    g_autofree char *policy = vault_keep_policy(world->fixture->keep, NULL);
    g_autofree char *policy_after = NULL;
    g_autofree char *after = NULL;
    g_autoptr(GBytes) good = NULL, refused = NULL, again = NULL;
    g_autoptr(GError) error = NULL;

    good = release_world_ask(world->release, before, &entry.record_id, 1, NULL);
    assert_non_null(good);
    assert_taken(world, part, "taken: 3\nknown: 0\ngone: 0\nfull: 0\n");
    good =
        (g_bytes_unref(good), release_world_ask(world->release, before, &entry.record_id, 1, NULL));
    assert_non_null(good);
    assert_finished(world, "retired");
    refused = release_world_ask(world->release, before, &entry.record_id, 1, &error);
    assert_null(refused);
    assert_vault_error(error, VAULT_ERROR_REFUSED);
    assert_non_null(strstr(error->message, "make a new request"));
    after = release_world_grant_by(
        world->release, release_world_request(world->release, &world->release->anna), &world->to);
    again = release_world_ask(world->release, after, &entry.record_id, 1, NULL);
    assert_non_null(again);
    policy_after = vault_keep_policy(world->fixture->keep, NULL);
    assert_string_equal(policy, policy_after);
}

/* Many months of one mailbox, in one change. */
static void add_months(World *world, guint count)
{
    VaultKeep *keep = world->fixture->keep;
    MailboxId mailbox = keep_fixture_mailbox(world->fixture, "a@example.org");
    g_autoptr(VaultKeyringChange) change = vault_keyring_begin(keep->keyring, NULL);

    for (guint i = 0; i < count; i++) {
        g_autoptr(VaultMonthValue) month = vault_open_months_make(
            keep->months, &mailbox, "a@example.org", 200001 + i % 12 + 100 * (i / 12), 0, NULL);

        assert_true(vault_keyring_add_month(keep->keyring, month, NULL));
    }
    assert_true(vault_keyring_commit(g_steal_pointer(&change), NULL));
}

/* 512 months a part: more of them make a second. */
static void months_of_a_large_vault_come_in_parts(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) parts = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *answer = NULL;

    add_months(world, VAULT_ROTATION_PART_MONTHS_MAX);
    parts = begin(world, &world->fixture->master.public);
    assert_int_equal(parts->len, 2);
    for (guint i = 0; i < 2; i++) {
        VaultRotationAsked *asked = g_ptr_array_index(parts, i);
        g_autoptr(VaultRotationAnswered) one = vault_rotation_answer(
            asked, &world->fixture->master, &world->to.public, &world->to, NULL);
        g_autofree char *part = vault_rotation_answered_format(one);

        assert_int_equal(asked->months->len, i == 0 ? VAULT_ROTATION_PART_MONTHS_MAX : 3);
        assert_int_equal(asked->name.is_last, i == 1);
        g_string_append(text, part);
    }
    answer = take_text(world, text->str, NULL);
    assert_string_equal(answer, "taken: 515\nknown: 0\ngone: 0\nfull: 0\n");
    assert_finished(world, "retired");
    assert_int_equal(wrapped_count(world, &world->to), 515);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void part_that_is_not_the_vaults_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    const VaultMaster *from = &world->fixture->master;
    g_auto(VaultMaster) stranger = {0};

    vault_master_create(&stranger);
    for (guint field = 0; field < 5; field++) {
        g_autoptr(VaultRotationAnswered) part = answered(world);

        part->name.vault_id.bytes[0] ^= field == 0;
        part->name.created_s += field == 1 ? 1 : 0;
        if (field == 2)
            part->name.from.public_key.bytes[0] ^= 1;
        if (field == 3)
            part->name.from = stranger.public;
        if (field == 4)
            memset(part->to.public_key.bytes, 0, VAULT_KEY_LEN); /* nothing can be wrapped to it */
        assert_part_refused(world, part, field == 3 ? &stranger : from);
    }
    assert_not_taken(world, "", VAULT_ERROR_MALFORMED);
    assert_not_taken(world, "muniment-rotated/2\n", VAULT_ERROR_UNSUPPORTED);
    assert_finished(world, "");
}

static void begin_knows_active_masters_alone(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultRotationAnswered) part = answered(world);
    g_autoptr(GPtrArray) parts = g_ptr_array_new();
    g_autoptr(GError) error = NULL, retired = NULL;
    guint64 months;

    assert_false(vault_keep_begin_rotation(world->fixture->keep, &world->to.public, append_part,
                                           parts, &months, &error));
    assert_vault_error(error, VAULT_ERROR_NOT_FOUND);
    assert_taken(world, part, "taken: 3\nknown: 0\ngone: 0\nfull: 0\n");
    assert_finished(world, "retired");
    assert_false(vault_keep_begin_rotation(world->fixture->keep, &world->fixture->master.public,
                                           append_part, parts, &months, &retired));
    assert_vault_error(retired, VAULT_ERROR_NOT_FOUND);
}

static void retired_master_signs_nothing_and_never_comes_back(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultRotationAnswered) part = answered(world);
    g_autoptr(VaultRotationAnswered) back = NULL;
    g_autofree char *replayed = vault_rotation_answered_format(part);

    assert_taken(world, part, "taken: 3\nknown: 0\ngone: 0\nfull: 0\n");
    assert_finished(world, "retired");
    assert_not_taken(world, replayed, VAULT_ERROR_REFUSED);
    back = answered_by(world, &world->to, &world->fixture->master, TRUE);
    assert_part_refused(world, back, &world->to);
}

static void answer_that_another_overtook_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    VaultMaster *old = &world->fixture->master, other;
    g_autoptr(VaultRotationAnswered) late = NULL, part = NULL;

    vault_master_create(&other);
    late = answered_by(world, old, &other, TRUE);
    keep_fixture_set_now(keep_fixture_now() + 1);
    part = answered(world);
    assert_taken(world, part, "taken: 3\nknown: 0\ngone: 0\nfull: 0\n");
    assert_part_refused(world, late, old);
}

/* A master with the encryption key of one and the signing key of another is none. */
static void half_of_a_known_master_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultRotationAnswered) part = answered(world), again = answered(world);

    assert_taken(world, part, "taken: 3\nknown: 0\ngone: 0\nfull: 0\n");
    again->to.verify_key.bytes[0] ^= 1;
    assert_part_refused(world, again, &world->fixture->master);
}

static void vault_has_room_for_64_masters(void **state)
{
    g_autoptr(World) world = world_new();

    for (guint i = 1; i < VAULT_WRAPS_MAX; i++) {
        g_auto(VaultMaster) next = {0};
        g_autoptr(VaultRotationAnswered) part = NULL;

        vault_master_create(&next);
        part = answered_by(world, &world->fixture->master, &next, FALSE);
        g_array_set_size(part->wraps, 0);
        vault_rotation_answered_sign(part, &world->fixture->master.signing_key, NULL);
        assert_taken(world, part, "taken: 0\nknown: 0\ngone: 0\nfull: 0\n");
    }
    {
        g_autoptr(VaultRotationAnswered) last = answered(world);

        assert_part_refused(world, last, &world->fixture->master);
    }
    keep_fixture_deliver(world->fixture, "still", "e@example.org");
    assert_int_equal(master_count(world), VAULT_WRAPS_MAX);
}

/* B, which was to take the place of A and never proved itself, is replaced by C: A stays, and needs
 * another successor. */
static void successor_that_was_retired_retires_nobody(void **state)
{
    g_autoptr(World) world = world_new();
    const VaultMaster *first = &world->fixture->master;
    g_auto(VaultMaster) third = {0};
    g_autoptr(VaultRotationAnswered) part = answered_by(world, first, &world->to, FALSE);
    g_autoptr(VaultRotationAnswered) onward = NULL, rest = NULL;

    vault_master_create(&third);
    assert_taken(world, part, "taken: 3\nknown: 0\ngone: 0\nfull: 0\n");
    onward = answered_by(world, &world->to, &third, TRUE);
    assert_taken(world, onward, "taken: 3\nknown: 0\ngone: 0\nfull: 0\n");
    assert_finished(world, "unproved");
    assert_int_equal(master_row(world, 1).state, VAULT_MASTER_RETIRED);
    assert_finished(world, "unsuited");
    assert_int_equal(wrapped_count(world, first), 3);
    rest = answered_by(world, first, &third, TRUE);
    assert_taken(world, rest, "taken: 0\nknown: 3\ngone: 0\nfull: 0\n");
    assert_finished(world, "retired");
    assert_int_equal(wrapped_count(world, first), 0);
    assert_int_equal(wrapped_count(world, &third), 3);
}

/* A month with as many wraps as there may be keeps its old master, and that one stays. */
static void month_without_room_for_a_wrap_keeps_the_old_master(void **state)
{
    g_autoptr(World) world = world_new();
    KeepDelivery delivery = keep_fixture_deliver(world->fixture, "full", "a@example.org");
    g_autoptr(VaultRotationAnswered) part = answered(world);
    VaultKeyring *keyring = world->fixture->keep->keyring;
    g_autoptr(VaultMonthValue) month = vault_keyring_get_month(keyring, &delivery.months[0], NULL);

    while (month->wraps->len < VAULT_WRAPS_MAX) {
        VaultWrap wrap = {.kind = VAULT_WRAP_STANDING_READER};

        vault_random(wrap.key_id.bytes, VAULT_ID_LEN);
        g_array_append_val(month->wraps, wrap);
    }
    assert_true(vault_keyring_update_month(keyring, month, NULL));
    assert_taken(world, part, "taken: 2\nknown: 0\ngone: 0\nfull: 1\n");
    assert_finished(world, "lacking");
    assert_int_equal(wrapped_count(world, &world->fixture->master), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_master_takes_the_place_and_the_old_ones_wraps_are_gone),
        cmocka_unit_test(new_months_are_wrapped_to_both_and_those_between_are_asked_for_again),
        cmocka_unit_test(month_that_was_dropped_meanwhile_stays_so),
        cmocka_unit_test(old_master_stays_until_the_new_one_was_drilled),
        cmocka_unit_test(grants_of_a_retired_master_are_refused_and_the_policy_stays),
        cmocka_unit_test(months_of_a_large_vault_come_in_parts),
        cmocka_unit_test(part_that_is_not_the_vaults_is_refused),
        cmocka_unit_test(begin_knows_active_masters_alone),
        cmocka_unit_test(retired_master_signs_nothing_and_never_comes_back),
        cmocka_unit_test(answer_that_another_overtook_is_refused),
        cmocka_unit_test(half_of_a_known_master_is_refused),
        cmocka_unit_test(vault_has_room_for_64_masters),
        cmocka_unit_test(successor_that_was_retired_retires_nobody),
        cmocka_unit_test(month_without_room_for_a_wrap_keeps_the_old_master),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
