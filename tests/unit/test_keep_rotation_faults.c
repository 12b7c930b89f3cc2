/* A rotation while calls of the operating system fail, one after the other, and processes die: each
 * step is done whole or not at all and can be done again, mail is taken all the while, and no month
 * is ever without a master that can open it. */
#include "tests/unit/failing_calls.h"
#include "tests/unit/release_world.h"
#include "vault/keep/internal.h"
#include "vault/open/rotation.h"

#include <string.h>

typedef struct {
    KeepFixture *fixture;
    VaultMaster to;
    char *answer;  /* to what was asked at the beginning */
    guint mailbox; /* number of the next that is made */
} World;

static gboolean keep_part(const char *text, gsize len, gpointer user, GError **error)
{
    *(VaultRotationAsked **)user = vault_rotation_asked_parse(text, len, NULL);
    return TRUE;
}

static void answer(World *world)
{
    VaultRotationAsked *asked = NULL;
    g_autoptr(VaultRotationAnswered) answered = NULL;
    guint64 months;

    assert_true(vault_keep_begin_rotation(world->fixture->keep, &world->fixture->master.public,
                                          keep_part, &asked, &months, NULL));
    answered =
        vault_rotation_answer(asked, &world->fixture->master, &world->to.public, &world->to, NULL);
    vault_rotation_asked_free(asked);
    g_free(world->answer);
    world->answer = vault_rotation_answered_format(answered);
}

static World *world_new(void)
{
    World *world = g_new0(World, 1);

    world->fixture = keep_fixture_new();
    vault_master_create(&world->to);
    keep_fixture_deliver(world->fixture, "the first", "a@example.org");
    keep_fixture_deliver(world->fixture, "the second", "b@example.org");
    answer(world);
    return world;
}

static void world_free(World *world)
{
    keep_fixture_free(world->fixture);
    vault_master_wipe(&world->to);
    g_free(world->answer);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static gboolean operate(World *world, const char *act, const char *text)
{
    return vault_keep_operate(world->fixture->keep, act, text, strlen(text), NULL, NULL);
}

/* ---- what holds ------------------------------------------------------------------------------ */

typedef struct {
    const World *world;
    guint old_count, new_count, month_count;
} Wraps;

static gboolean note_wraps(const VaultMonthValue *month, gpointer user, GError **error)
{
    Wraps *wraps = user;
    KeyId old_id = vault_master_key_id(&wraps->world->fixture->master.public);
    KeyId new_id = vault_master_key_id(&wraps->world->to.public);
    guint found = 0;

    for (guint i = 0; i < month->wraps->len; i++) {
        const VaultWrap *wrap = &g_array_index(month->wraps, VaultWrap, i);

        wraps->old_count += VAULT_ID_EQUAL(wrap->key_id, old_id);
        wraps->new_count += VAULT_ID_EQUAL(wrap->key_id, new_id);
        found++;
    }
    assert_true(found > 0);
    wraps->month_count++;
    return TRUE;
}

static Wraps wraps_of(const World *world)
{
    Wraps wraps = {.world = world};

    assert_true(
        vault_keyring_each_month(world->fixture->keep->keyring, NULL, note_wraps, &wraps, NULL));
    return wraps;
}

static VaultMasterState state_of_old(const World *world)
{
    g_autoptr(GArray) rows = vault_keep_master_rows(world->fixture->keep, NULL);

    return g_array_index(rows, VaultMasterValue, 0).state;
}

static guint master_count(const World *world)
{
    g_autoptr(GArray) rows = vault_keep_master_rows(world->fixture->keep, NULL);

    return rows->len;
}

/* Of a part all or nothing, and of the old master's wraps none is gone while it counts. */
static void assert_whole(const World *world)
{
    Wraps wraps = wraps_of(world);

    assert_true(master_count(world) == 2 || wraps.new_count == 0);
    if (state_of_old(world) == VAULT_MASTER_ACTIVE)
        assert_int_equal(wraps.old_count, wraps.month_count);
    else
        assert_int_equal(wraps.new_count, wraps.month_count);
    if (state_of_old(world) == VAULT_MASTER_RETIRED)
        assert_int_equal(wraps.old_count, 0);
}

/* Mail to a mailbox that is not there yet: its keys are for whoever counts. */
static void deliver(World *world)
{
    g_autofree char *address = g_strdup_printf("m%u@example.org", world->mailbox++);

    keep_fixture_deliver(world->fixture, "more", address);
}

/* ---- failing calls --------------------------------------------------------------------------- */

/* TRUE: nothing was left to fail. */
static gboolean step_with_failure(World *world, const char *act, const char *text, int nth,
                                  int number)
{
    gboolean is_done;

    arm(nth, number);
    is_done = operate(world, act, text);
    disarm();
    assert_whole(world);
    if (nth % 3 == 1) {
        keep_fixture_crash(world->fixture);
        keep_fixture_open(world->fixture);
        assert_whole(world);
    }
    deliver(world);
    assert_true(is_done || has_failed);
    return !has_failed;
}

static void taking_a_part_is_whole_or_not_at_all_whatever_call_fails(void **state)
{
    gboolean is_over = FALSE;
    int nth = 0;

    for (; !is_over; nth++) {
        g_autoptr(World) world = world_new();

        is_over =
            step_with_failure(world, "rotation-take", world->answer, nth, nth % 2 ? EIO : ENOSPC);
        assert_true(operate(world, "rotation-take", world->answer));
        assert_int_equal(master_count(world), 2);
        answer(world); /* mail came meanwhile, perhaps before the new master did */
        assert_true(operate(world, "rotation-take", world->answer));
        assert_true(operate(world, "rotation-finish", ""));
        assert_int_equal(state_of_old(world), VAULT_MASTER_RETIRED);
        assert_whole(world);
    }
    assert_true(nth > 5);
}

static void retiring_goes_on_where_it_was_broken_off(void **state)
{
    gboolean is_over = FALSE;
    int nth = 0;
    guint retiring = 0;

    for (; !is_over; nth++) {
        g_autoptr(World) world = world_new();

        assert_true(operate(world, "rotation-take", world->answer));
        is_over = step_with_failure(world, "rotation-finish", "", nth, EIO);
        retiring += state_of_old(world) == VAULT_MASTER_RETIRING;
        assert_true(operate(world, "rotation-finish", ""));
        assert_int_equal(state_of_old(world), VAULT_MASTER_RETIRED);
        deliver(world);
        assert_whole(world);
    }
    assert_true(nth > 5);
    assert_true(retiring > 0); /* or the test would miss what it is for */
}

/* ---- mail at the same time --------------------------------------------------------------------
 */

#define THREADS 3
#define MAILBOXES 12

typedef struct {
    VaultKeep *keep;
    guint number;
} Sender;

/* New mailboxes all the while: each gets its keys from whoever counts just then. */
static gpointer send(gpointer user)
{
    const Sender *sender = user;

    for (guint i = 0; i < MAILBOXES; i++) {
        g_autofree char *address = g_strdup_printf("t%u-%u@example.org", sender->number, i);
        const char *owners[] = {address, NULL};
        KeepDelivery delivery;

        if (!keep_fixture_deliver_at(sender->keep, "mail", owners, keep_fixture_now(), NULL,
                                     &delivery, NULL))
            return GUINT_TO_POINTER(1);
    }
    return NULL;
}

static void no_mail_is_put_off_and_no_month_slips_between(void **state)
{
    g_autoptr(World) world = world_new();
    GThread *threads[THREADS];
    Sender senders[THREADS];

    for (guint i = 0; i < THREADS; i++) {
        senders[i] = (Sender){world->fixture->keep, i};
        threads[i] = g_thread_new("send", send, &senders[i]);
    }
    assert_true(operate(world, "rotation-take", world->answer));
    for (guint i = 0; i < 8 && state_of_old(world) == VAULT_MASTER_ACTIVE; i++) {
        answer(world);
        assert_true(operate(world, "rotation-take", world->answer));
        assert_true(operate(world, "rotation-finish", ""));
        assert_whole(world);
    }
    for (guint i = 0; i < THREADS; i++)
        assert_null(g_thread_join(threads[i]));
    assert_int_equal(state_of_old(world), VAULT_MASTER_RETIRED);
    assert_whole(world);
    assert_int_equal(wraps_of(world).month_count, 3 + THREADS * MAILBOXES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taking_a_part_is_whole_or_not_at_all_whatever_call_fails),
        cmocka_unit_test(retiring_goes_on_where_it_was_broken_off),
        cmocka_unit_test(no_mail_is_put_off_and_no_month_slips_between),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
