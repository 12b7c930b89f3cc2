/* Index sessions: one for a month, over after 1,024 steps or a day, in memory alone, and no step
 * for two. */
#include "tests/unit/terms_world.h"

#include "vault/base/bytes.h"

#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

/* ---- the clock that nobody sets -------------------------------------------------------------- */

static gint64 later_us;

gint64 __real_g_get_monotonic_time(void);
gint64 __wrap_g_get_monotonic_time(void);

gint64 __wrap_g_get_monotonic_time(void)
{
    return __real_g_get_monotonic_time() + later_us;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static gboolean is_same_session(const VaultAllotment *a, const VaultAllotment *b)
{
    return memcmp(a->index_enc, b->index_enc, sizeof a->index_enc) == 0;
}

static void session_is_over_after_1024_steps(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = keep_fixture_mailbox(fixture, ANNA);
    g_auto(VaultAllotment) first = terms_allot(fixture->keep, &anna);

    assert_true(first.has_index);
    assert_int_equal(first.index_step, 0);
    for (guint i = 1; i < VAULT_INDEX_STEPS_MAX; i++) {
        g_auto(VaultAllotment) next = terms_allot(fixture->keep, &anna);

        assert_true(is_same_session(&first, &next));
        assert_int_equal(next.index_step, i);
    }
    {
        g_auto(VaultAllotment) next = terms_allot(fixture->keep, &anna);

        assert_false(is_same_session(&first, &next));
        assert_int_equal(next.index_step, 0);
    }
}

static void session_is_over_after_a_day_whatever_the_clock_on_the_wall_does(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = keep_fixture_mailbox(fixture, ANNA);
    g_auto(VaultAllotment) first = terms_allot(fixture->keep, &anna);

    keep_fixture_set_now(KEEP_FIXTURE_NOW_S + 3 * KEEP_FIXTURE_DAY_S);
    {
        g_auto(VaultAllotment) next = terms_allot(fixture->keep, &anna);

        assert_true(is_same_session(&first, &next));
        assert_int_equal(next.index_step, 1);
    }
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S);
    later_us = DAY_US - 60 * G_USEC_PER_SEC;
    {
        g_auto(VaultAllotment) next = terms_allot(fixture->keep, &anna);

        assert_true(is_same_session(&first, &next));
    }
    later_us = DAY_US;
    {
        g_auto(VaultAllotment) next = terms_allot(fixture->keep, &anna);

        assert_false(is_same_session(&first, &next));
        assert_int_equal(next.index_step, 0);
    }
    later_us = 0;
}

static void mailboxes_and_starts_have_sessions_of_their_own(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = keep_fixture_mailbox(fixture, ANNA);
    MailboxId bert = keep_fixture_mailbox(fixture, BERT);
    g_auto(VaultAllotment) of_anna = terms_allot(fixture->keep, &anna);
    g_auto(VaultAllotment) of_bert = terms_allot(fixture->keep, &bert);

    assert_false(is_same_session(&of_anna, &of_bert));
    keep_fixture_crash(fixture);
    keep_fixture_open(fixture);
    {
        g_auto(VaultAllotment) next = terms_allot(fixture->keep, &anna);

        assert_false(is_same_session(&of_anna, &next));
        assert_int_equal(next.index_step, 0);
    }
}

static void forgotten_month_begins_another_session(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    MailboxId anna = keep_fixture_mailbox(fixture, ANNA);
    g_auto(VaultAllotment) before = terms_allot(fixture->keep, &anna);
    g_auto(VaultAllotment) after = {.leaf = 0};

    vault_open_months_forget(fixture->keep->months, &anna);
    after = terms_allot(fixture->keep, &anna);
    assert_false(is_same_session(&before, &after));
    assert_int_equal(after.index_step, 0);
}

/* ---- threads --------------------------------------------------------------------------------- */

#define THREADS 4
#define ALLOTMENTS 800

typedef struct {
    VaultKeep *keep;
    MailboxId mailbox;
    GMutex lock;
    GHashTable *given; /* "enc step" */
    GHashTable *keys;
    guint doubles;
} Ledger;

static void note(Ledger *ledger, const VaultAllotment *allotment)
{
    g_autofree char *enc = vault_bytes_to_hex(allotment->index_enc, sizeof allotment->index_enc);
    char *place = g_strdup_printf("%s %u", enc, allotment->index_step);
    char *key = vault_bytes_to_hex(allotment->index_key.bytes, VAULT_KEY_LEN);

    g_mutex_lock(&ledger->lock);
    ledger->doubles += !g_hash_table_add(ledger->given, place);
    ledger->doubles += !g_hash_table_add(ledger->keys, key);
    g_mutex_unlock(&ledger->lock);
}

static gpointer allot_many(gpointer user)
{
    Ledger *ledger = user;

    for (guint i = 0; i < ALLOTMENTS; i++) {
        g_auto(VaultAllotment) allotment = terms_allot(ledger->keep, &ledger->mailbox);

        note(ledger, &allotment);
    }
    return NULL;
}

static void threads_never_share_a_step(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    Ledger ledger = {.keep = fixture->keep,
                     .mailbox = keep_fixture_mailbox(fixture, ANNA),
                     .given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                     .keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    GThread *threads[THREADS];

    g_mutex_init(&ledger.lock);
    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("allot", allot_many, &ledger);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    assert_int_equal(ledger.doubles, 0);
    assert_int_equal(g_hash_table_size(ledger.given), THREADS * ALLOTMENTS);
    g_hash_table_unref(ledger.given);
    g_hash_table_unref(ledger.keys);
    g_mutex_clear(&ledger.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_is_over_after_1024_steps),
        cmocka_unit_test(session_is_over_after_a_day_whatever_the_clock_on_the_wall_does),
        cmocka_unit_test(mailboxes_and_starts_have_sessions_of_their_own),
        cmocka_unit_test(forgotten_month_begins_another_session),
        cmocka_unit_test(threads_never_share_a_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
