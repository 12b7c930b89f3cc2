/* The memory that all deliveries may hold together.
 *
 * A delivery charges what it is about to hold before it holds it. When there is no room, charge()
 * waits for others to end, first come first served, for at most `wait_ms`; then it is BUSY, the
 * message is answered 452 and the peer tries again: overload costs time, never memory. A charge is
 * one per delivery and only grows, until it is cleared as a whole. Threads: all functions are safe;
 * one charge has one user.
 */
#pragma once

#include "vault/base/error.h"

typedef struct ArchivedBudget ArchivedBudget;
ArchivedBudget *archived_budget_new(guint64 max, guint wait_ms);
void archived_budget_free(ArchivedBudget *budget); /* nothing may be charged any more */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchivedBudget, archived_budget_free)

/* Also while bytes are charged: what is over the new limit ends as it would have. */
void archived_budget_set_max(ArchivedBudget *budget, guint64 max);

/* Nobody waits from now on: a charge without room is BUSY at once (the daemon is stopping). */
void archived_budget_stop_waiting(ArchivedBudget *budget);

typedef struct {
    ArchivedBudget *budget;
    guint64 bytes;
} ArchivedCharge;

/* Makes the charge at least `bytes`. BUSY: no room in time, the charge is as it was. */
gboolean archived_charge_grow(ArchivedCharge *charge, guint64 bytes, GError **error);
/* The same for what a delivery can do without: it waits behind all others and keeps none of them
 * waiting. FALSE: no room in time. */
gboolean archived_charge_grow_behind(ArchivedCharge *charge, guint64 bytes);
/* Gives all of it back. */
void archived_charge_clear(ArchivedCharge *charge);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ArchivedCharge, archived_charge_clear)

typedef struct {
    guint64 max, used, used_peak;
    guint waiting_count;
    guint64 refused_count;
} ArchivedBudgetStatus;
void archived_budget_status(ArchivedBudget *budget, ArchivedBudgetStatus *ret_status);
