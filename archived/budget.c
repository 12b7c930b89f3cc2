#include "archived/budget.h"

struct ArchivedBudget {
    GMutex lock;
    GCond freed;
    guint64 max, used, used_peak;
    guint wait_ms;
    gboolean is_stopping;
    GQueue waiting; /* on the waiters' stacks; only the first may take, or big ones would starve */
    guint behind_count; /* wait without a place in the queue */
    guint64 refused_count;
};

ArchivedBudget *archived_budget_new(guint64 max, guint wait_ms)
{
    ArchivedBudget *budget = g_new0(ArchivedBudget, 1);

    g_mutex_init(&budget->lock);
    g_cond_init(&budget->freed);
    g_queue_init(&budget->waiting);
    budget->max = max;
    budget->wait_ms = wait_ms;
    return budget;
}

void archived_budget_free(ArchivedBudget *budget)
{
    if (budget == NULL)
        return;
    g_assert(budget->used == 0 && g_queue_is_empty(&budget->waiting));
    g_mutex_clear(&budget->lock);
    g_cond_clear(&budget->freed);
    g_free(budget);
}

void archived_budget_set_max(ArchivedBudget *budget, guint64 max)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&budget->lock);

    budget->max = max;
    g_cond_broadcast(&budget->freed);
}

void archived_budget_stop_waiting(ArchivedBudget *budget)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&budget->lock);

    budget->is_stopping = TRUE;
    g_cond_broadcast(&budget->freed);
}

/* One delivery alone may pass the limit: else a message that needs more than all could never be
 * taken, however often its sender tries. What one delivery holds is bounded (1 MiB and a stream).
 */
static gboolean has_room(const ArchivedBudget *budget, const ArchivedCharge *charge, guint64 more)
{
    return budget->used - charge->bytes == 0 ||
           (budget->used <= budget->max && more <= budget->max - budget->used);
}

static gboolean wait_for_room(ArchivedBudget *budget, ArchivedCharge *charge, guint64 more)
{
    gint64 deadline = g_get_monotonic_time() + budget->wait_ms * G_TIME_SPAN_MILLISECOND;
    gboolean is_room;

    g_queue_push_tail(&budget->waiting, charge);
    do
        is_room = g_queue_peek_head(&budget->waiting) == charge && has_room(budget, charge, more);
    while (!is_room && !budget->is_stopping &&
           g_cond_wait_until(&budget->freed, &budget->lock, deadline));
    g_queue_remove(&budget->waiting, charge);
    g_cond_broadcast(&budget->freed); /* the next one is first now */
    return is_room;
}

static void take(ArchivedBudget *budget, ArchivedCharge *charge, guint64 more)
{
    charge->bytes += more;
    budget->used += more;
    budget->used_peak = MAX(budget->used_peak, budget->used);
}

gboolean archived_charge_grow(ArchivedCharge *charge, guint64 bytes, GError **error)
{
    ArchivedBudget *budget = charge->budget;
    g_autoptr(GMutexLocker) locker = NULL;
    guint64 more;

    if (bytes <= charge->bytes)
        return TRUE;
    more = bytes - charge->bytes;
    locker = g_mutex_locker_new(&budget->lock);
    if ((!g_queue_is_empty(&budget->waiting) || !has_room(budget, charge, more)) &&
        !wait_for_room(budget, charge, more)) {
        budget->refused_count++;
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "the memory for deliveries (%" G_GUINT64_FORMAT " bytes) is in use: the "
                    "message is answered 452; raise memory= if this is frequent",
                    budget->max);
        return FALSE;
    }
    take(budget, charge, more);
    return TRUE;
}

gboolean archived_charge_grow_behind(ArchivedCharge *charge, guint64 bytes)
{
    ArchivedBudget *budget = charge->budget;
    gint64 deadline = g_get_monotonic_time() + budget->wait_ms * G_TIME_SPAN_MILLISECOND;
    g_autoptr(GMutexLocker) locker = NULL;
    guint64 more;

    if (bytes <= charge->bytes)
        return TRUE;
    more = bytes - charge->bytes;
    locker = g_mutex_locker_new(&budget->lock);
    budget->behind_count++;
    while (!g_queue_is_empty(&budget->waiting) || !has_room(budget, charge, more))
        if (budget->is_stopping || !g_cond_wait_until(&budget->freed, &budget->lock, deadline)) {
            budget->behind_count--;
            return FALSE;
        }
    budget->behind_count--;
    take(budget, charge, more);
    return TRUE;
}

void archived_charge_clear(ArchivedCharge *charge)
{
    ArchivedBudget *budget = charge->budget;
    g_autoptr(GMutexLocker) locker = NULL;

    if (budget == NULL || charge->bytes == 0)
        return;
    locker = g_mutex_locker_new(&budget->lock);
    g_assert(charge->bytes <= budget->used);
    budget->used -= charge->bytes;
    charge->bytes = 0;
    if (!g_queue_is_empty(&budget->waiting) || budget->behind_count > 0)
        g_cond_broadcast(&budget->freed);
}

void archived_budget_status(ArchivedBudget *budget, ArchivedBudgetStatus *ret_status)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&budget->lock);

    *ret_status = (ArchivedBudgetStatus){.max = budget->max,
                                         .used = budget->used,
                                         .used_peak = budget->used_peak,
                                         .waiting_count = g_queue_get_length(&budget->waiting),
                                         .refused_count = budget->refused_count};
}
