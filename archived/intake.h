/* One message on its way into the vault, within the memory budget; LMTP and import alike.
 *
 *   begin -> write* -> commit (or clear: dropped)
 *
 * An error in begin or write is remembered, the rest of the message is swallowed, and commit gives
 * the error: a peer that has begun to send a message can only be answered at its end. Errors: as
 * vault/depository.h, and BUSY when the budget had no room in time. Threads: one user.
 */
#pragma once

#include "archived/connections.h"
#include "ingest/delivery.h"

typedef struct {
    ArchivedConnection *connection;
    IngestDelivery *delivery; /* NULL after an error */
    GError *failure;
    ArchivedCharge charge, terms_charge;
    guint64 len;
    guint recipient_count;
    gint64 began_us;
} ArchivedIntake;

/* `options` as for ingest_delivery_begin(), which takes its owners. */
void archived_intake_begin(ArchivedIntake *intake, ArchivedConnection *connection,
                           const IngestDeliveryOptions *options, guint recipient_count);
void archived_intake_write(ArchivedIntake *intake, const void *bytes, gsize len);
/* Clears the intake in any case. */
gboolean archived_intake_commit(ArchivedIntake *intake, IngestDeliveryResult *ret_result,
                                GError **error);
void archived_intake_clear(ArchivedIntake *intake);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ArchivedIntake, archived_intake_clear)

/* The most that the delivery of a message of this length holds, its terms apart. */
guint64 archived_intake_memory(guint64 message_len);
