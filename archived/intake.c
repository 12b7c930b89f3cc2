#include "archived/intake.h"

#include <string.h>

#include "archived/log.h"

/* Owners, facts, records of copies, the delivery itself. */
#define INTAKE_MEMORY_BASE (64u << 10)
/* Messages whose terms are made in memory that is set aside. */
#define INTAKE_TERMS_FREE_LEN (64u << 10)
/* How deep library calls of a delivery go; wiped after each, since they leave plaintext there. */
#define STACK_WIPED_LEN (48u << 10)

guint64 archived_intake_memory(guint64 message_len)
{
    guint64 room = INTAKE_MEMORY_BASE;

    /* Held whole until commit (in a buffer that doubles), and beside it the sealed record. */
    if (message_len <= VAULT_BODY_WHOLE_MAX) {
        while (room < message_len)
            room *= 2;
        return INTAKE_MEMORY_BASE + 2 * room;
    }
    return INTAKE_MEMORY_BASE + VAULT_BODY_WHOLE_MAX + vault_body_stream_memory();
}

static void note_failure(ArchivedIntake *intake, GError *failure)
{
    g_clear_pointer(&intake->delivery, ingest_delivery_free);
    archived_charge_clear(&intake->charge);
    intake->failure = failure;
}

void archived_intake_begin(ArchivedIntake *intake, ArchivedConnection *connection,
                           const IngestDeliveryOptions *options, guint recipient_count)
{
    GError *failure = NULL;

    archived_intake_clear(intake);
    *intake = (ArchivedIntake){.connection = connection,
                               .charge = {.budget = connection->daemon->budget},
                               .recipient_count = recipient_count,
                               .began_us = g_get_monotonic_time()};
    if (!archived_charge_grow(&intake->charge, archived_intake_memory(0), &failure)) {
        g_ptr_array_unref(options->owners);
        note_failure(intake, failure);
        return;
    }
    intake->delivery =
        ingest_delivery_begin(vault_keep_depository(connection->daemon->keep), options, &failure);
    if (intake->delivery == NULL)
        note_failure(intake, failure);
}

void archived_intake_write(ArchivedIntake *intake, const void *bytes, gsize len)
{
    GError *failure = NULL;
    guint64 needed;

    intake->len += len;
    if (intake->delivery == NULL)
        return;
    needed = archived_intake_memory(intake->len);
    if ((needed > intake->charge.bytes &&
         !archived_charge_grow(&intake->charge, needed, &failure)) ||
        !ingest_delivery_write(intake->delivery, bytes, len, &failure))
        note_failure(intake, failure);
}

static void note_success(const ArchivedIntake *intake, const IngestDeliveryResult *result)
{
    ArchivedCounters *counters = &intake->connection->daemon->counters;

    atomic_fetch_add_explicit(&counters->messages, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->messages_already, result->is_already_archived,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->messages_without_terms, result->lacks_terms,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->recipients, intake->recipient_count, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->message_bytes, intake->len, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->unassigned, result->unassigned_count,
                              memory_order_relaxed);
    archived_log(ARCHIVED_LOG_INFO, "delivered",
                 result->is_already_archived ? "message was archived already" : "message archived",
                 LOG_NUMBER("connection", intake->connection->id),
                 LOG_TEXT("archive_id", VAULT_ID_TEXT(result->archive_id)),
                 LOG_NUMBER("size", intake->len), LOG_NUMBER("recipients", intake->recipient_count),
                 LOG_NUMBER("unassigned", result->unassigned_count),
                 LOG_NUMBER("ms", (guint64)(g_get_monotonic_time() - intake->began_us) / 1000));
}

/* Below the caller's frame lies what the libraries left. */
static void __attribute__((noinline)) wipe_stack(void)
{
    guint8 below[STACK_WIPED_LEN];

    explicit_bzero(below, sizeof below);
}

/* Small messages share what is set aside for them (ARCHIVED_MEMORY_BASE). Long ones wait among
 * themselves first, then behind all deliveries, and keep none waiting; where there is no room in
 * time the mail is kept without terms. */
static void charge_terms(ArchivedIntake *intake)
{
    ArchivedDaemon *daemon = intake->connection->daemon;
    guint64 needed;

    if (daemon->terms == NULL || intake->len <= INTAKE_TERMS_FREE_LEN)
        return;
    needed = ingest_terms_maker_memory(daemon->terms, intake->len);
    intake->terms_charge.budget = daemon->terms_memory;
    if (!archived_charge_grow(&intake->terms_charge, needed, NULL) ||
        !archived_charge_grow_behind(&intake->charge, archived_intake_memory(intake->len) + needed))
        ingest_delivery_leave_terms(intake->delivery);
}

static gboolean commit(ArchivedIntake *intake, IngestDeliveryResult *ret_result, GError **error)
{
    gboolean is_good;

    charge_terms(intake);
    atomic_store(&intake->connection->commit_since_us, g_get_monotonic_time());
    is_good = ingest_delivery_commit(intake->delivery, ret_result, error);
    atomic_store(&intake->connection->commit_since_us, 0);
    return is_good;
}

gboolean archived_intake_commit(ArchivedIntake *intake, IngestDeliveryResult *ret_result,
                                GError **error)
{
    g_auto(ArchivedIntake) done = *intake;
    GError *failure = g_steal_pointer(&done.failure);

    *intake = (ArchivedIntake){0};
    if (done.delivery != NULL && commit(&done, ret_result, &failure)) {
        note_success(&done, ret_result);
        wipe_stack();
        return TRUE;
    }
    wipe_stack();
    archived_daemon_note_failure(done.connection->daemon, failure, done.connection->id);
    g_propagate_error(error, failure);
    return FALSE;
}

void archived_intake_clear(ArchivedIntake *intake)
{
    g_clear_pointer(&intake->delivery, ingest_delivery_free);
    g_clear_error(&intake->failure);
    archived_charge_clear(&intake->charge);
    archived_charge_clear(&intake->terms_charge);
}
