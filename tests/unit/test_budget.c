#include "archived/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_used(ArchivedBudget *budget, guint64 bytes)
{
    ArchivedBudgetStatus status;

    archived_budget_status(budget, &status);
    assert_int_equal(status.used, bytes);
}

static void charge_grows_to_the_limit_and_not_past_it(void **state)
{
    g_autoptr(ArchivedBudget) budget = archived_budget_new(100, 1);
    g_auto(ArchivedCharge) first = {.budget = budget};
    g_auto(ArchivedCharge) second = {.budget = budget};
    g_autoptr(GError) error = NULL;
    ArchivedBudgetStatus status;

    assert_true(archived_charge_grow(&first, 40, NULL));
    assert_true(archived_charge_grow(&second, 60, NULL));
    assert_used(budget, 100);
    assert_false(archived_charge_grow(&second, 61, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_BUSY));
    assert_int_equal(second.bytes, 60);
    archived_budget_status(budget, &status);
    assert_int_equal(status.refused_count, 1);
    assert_int_equal(status.used_peak, 100);
    assert_int_equal(status.waiting_count, 0);
}

static void growing_to_less_changes_nothing(void **state)
{
    g_autoptr(ArchivedBudget) budget = archived_budget_new(100, 1);
    g_auto(ArchivedCharge) charge = {.budget = budget};

    assert_true(archived_charge_grow(&charge, 50, NULL));
    assert_true(archived_charge_grow(&charge, 20, NULL));
    assert_used(budget, 50);
}

static void cleared_charge_gives_its_bytes_back(void **state)
{
    g_autoptr(ArchivedBudget) budget = archived_budget_new(100, 1);
    ArchivedCharge charge = {.budget = budget};
    ArchivedCharge never_used = {0};

    assert_true(archived_charge_grow(&charge, 100, NULL));
    archived_charge_clear(&charge);
    archived_charge_clear(&charge);
    archived_charge_clear(&never_used);
    assert_used(budget, 0);
}

/* Else a message that needs more than there is could never be taken. */
static void one_delivery_alone_may_pass_the_limit(void **state)
{
    g_autoptr(ArchivedBudget) budget = archived_budget_new(100, 1);
    g_auto(ArchivedCharge) alone = {.budget = budget};
    g_auto(ArchivedCharge) other = {.budget = budget};
    g_autoptr(GError) error = NULL;

    assert_true(archived_charge_grow(&alone, 500, NULL));
    assert_true(archived_charge_grow(&alone, 600, NULL));
    assert_false(archived_charge_grow(&other, 1, &error));
}

static void overflowing_charge_is_refused(void **state)
{
    g_autoptr(ArchivedBudget) budget = archived_budget_new(100, 1);
    g_auto(ArchivedCharge) first = {.budget = budget};
    g_auto(ArchivedCharge) second = {.budget = budget};

    assert_true(archived_charge_grow(&first, 10, NULL));
    assert_false(archived_charge_grow(&second, G_MAXUINT64, NULL));
}

typedef struct {
    ArchivedBudget *budget;
    guint64 bytes;
    GMutex *lock;
    GString *order;
    char name;
} Waiter;

static gpointer wait_then_note(gpointer user)
{
    Waiter *waiter = user;
    ArchivedCharge charge = {.budget = waiter->budget};
    gboolean is_granted = archived_charge_grow(&charge, waiter->bytes, NULL);

    g_mutex_lock(waiter->lock);
    g_string_append_c(waiter->order, is_granted ? waiter->name : '!');
    g_mutex_unlock(waiter->lock);
    archived_charge_clear(&charge);
    return NULL;
}

static void await_waiting(ArchivedBudget *budget, guint count)
{
    ArchivedBudgetStatus status;

    do {
        g_usleep(1000);
        archived_budget_status(budget, &status);
    } while (status.waiting_count != count);
}

/* A small delivery does not overtake a large one, or the large one would starve. */
static void waiting_deliveries_are_served_in_order(void **state)
{
    g_autoptr(ArchivedBudget) budget = archived_budget_new(100, 60000);
    ArchivedCharge held = {.budget = budget};
    GMutex lock;
    g_autoptr(GString) order = g_string_new(NULL);
    Waiter large = {budget, 90, &lock, order, 'L'};
    Waiter small = {budget, 20, &lock, order, 's'};
    GThread *first, *second;

    g_mutex_init(&lock);
    assert_true(archived_charge_grow(&held, 70, NULL));
    first = g_thread_new("large", wait_then_note, &large);
    await_waiting(budget, 1);
    second = g_thread_new("small", wait_then_note, &small);
    await_waiting(budget, 2);
    archived_charge_clear(&held);
    g_thread_join(first);
    g_thread_join(second);
    assert_string_equal(order->str, "Ls");
    g_mutex_clear(&lock);
}

static void stopping_ends_all_waiting_at_once(void **state)
{
    g_autoptr(ArchivedBudget) budget = archived_budget_new(100, 60000);
    g_auto(ArchivedCharge) held = {.budget = budget};
    GMutex lock;
    g_autoptr(GString) order = g_string_new(NULL);
    Waiter waiter = {budget, 90, &lock, order, 'w'};
    GThread *thread;

    g_mutex_init(&lock);
    assert_true(archived_charge_grow(&held, 70, NULL));
    thread = g_thread_new("waiter", wait_then_note, &waiter);
    await_waiting(budget, 1);
    archived_budget_stop_waiting(budget);
    g_thread_join(thread);
    assert_string_equal(order->str, "!");
    g_mutex_clear(&lock);
}

static void raised_limit_lets_a_waiter_in(void **state)
{
    g_autoptr(ArchivedBudget) budget = archived_budget_new(100, 60000);
    g_auto(ArchivedCharge) held = {.budget = budget};
    GMutex lock;
    g_autoptr(GString) order = g_string_new(NULL);
    Waiter waiter = {budget, 90, &lock, order, 'w'};
    GThread *thread;

    g_mutex_init(&lock);
    assert_true(archived_charge_grow(&held, 70, NULL));
    thread = g_thread_new("waiter", wait_then_note, &waiter);
    await_waiting(budget, 1);
    archived_budget_set_max(budget, 160);
    g_thread_join(thread);
    assert_string_equal(order->str, "w");
    g_mutex_clear(&lock);
}

#define WORKERS 8
#define ROUNDS 500

static gpointer charge_and_clear(gpointer user)
{
    ArchivedBudget *budget = user;

    for (guint i = 0; i < ROUNDS; i++) {
        ArchivedCharge charge = {.budget = budget};
        ArchivedBudgetStatus status;

        if (archived_charge_grow(&charge, 10 + i % 30, NULL))
            archived_charge_grow(&charge, 40, NULL);
        archived_budget_status(budget, &status);
        g_assert_cmpuint(status.used, <=, 100);
        archived_charge_clear(&charge);
    }
    return NULL;
}

static void budget_holds_under_many_threads(void **state)
{
    g_autoptr(ArchivedBudget) budget = archived_budget_new(100, 1000);
    GThread *threads[WORKERS];

    for (guint i = 0; i < WORKERS; i++)
        threads[i] = g_thread_new("worker", charge_and_clear, budget);
    for (guint i = 0; i < WORKERS; i++)
        g_thread_join(threads[i]);
    assert_used(budget, 0);
}

static void what_can_be_done_without_keeps_nobody_waiting(void **state)
{
    g_autoptr(ArchivedBudget) budget = archived_budget_new(100, 1);
    g_auto(ArchivedCharge) held = {.budget = budget};
    g_auto(ArchivedCharge) extra = {.budget = budget};
    g_auto(ArchivedCharge) small = {.budget = budget};

    assert_true(archived_charge_grow(&held, 50, NULL));
    assert_true(archived_charge_grow_behind(&extra, 50));
    assert_true(archived_charge_grow_behind(&extra, 20));
    assert_used(budget, 100);
    assert_false(archived_charge_grow_behind(&held, 51));
    assert_used(budget, 100);
    archived_charge_clear(&extra);
    /* Alone it may pass the limit, as any. */
    assert_true(archived_charge_grow_behind(&held, 200));
    assert_false(archived_charge_grow_behind(&small, 1));
    archived_charge_clear(&held);
    assert_true(archived_charge_grow(&small, 100, NULL));
}

static gpointer wait_behind(gpointer user)
{
    ArchivedCharge charge = {.budget = user};
    gboolean is_taken = archived_charge_grow_behind(&charge, 90);

    archived_charge_clear(&charge);
    return GINT_TO_POINTER(is_taken);
}

static void whoever_waits_behind_is_passed_and_goes_on_when_there_is_room(void **state)
{
    ArchivedBudget *budget = archived_budget_new(100, 60000);
    ArchivedCharge held = {.budget = budget}, other = {.budget = budget};
    GThread *thread;

    assert_true(archived_charge_grow(&held, 50, NULL));
    thread = g_thread_new("behind", wait_behind, budget);
    /* Whether it waits already or not: others have room at once. */
    for (guint i = 0; i < 100; i++) {
        assert_true(archived_charge_grow(&other, 50, NULL));
        archived_charge_clear(&other);
    }
    archived_charge_clear(&held);
    assert_true(GPOINTER_TO_INT(g_thread_join(thread)));
    archived_budget_free(budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charge_grows_to_the_limit_and_not_past_it),
        cmocka_unit_test(growing_to_less_changes_nothing),
        cmocka_unit_test(cleared_charge_gives_its_bytes_back),
        cmocka_unit_test(one_delivery_alone_may_pass_the_limit),
        cmocka_unit_test(overflowing_charge_is_refused),
        cmocka_unit_test(waiting_deliveries_are_served_in_order),
        cmocka_unit_test(stopping_ends_all_waiting_at_once),
        cmocka_unit_test(raised_limit_lets_a_waiter_in),
        cmocka_unit_test(budget_holds_under_many_threads),
        cmocka_unit_test(what_can_be_done_without_keeps_nobody_waiting),
        cmocka_unit_test(whoever_waits_behind_is_passed_and_goes_on_when_there_is_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
