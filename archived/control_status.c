#include "archived/control_status.h"

#include <json-glib/json-glib.h>

#include "archived/connections.h"
#include "archived/witnesses.h"
#include "vault/crypto/key_files.h"

static void add_number(JsonBuilder *builder, const char *name, guint64 value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_int_value(builder, (gint64)value);
}

static void add_boolean(JsonBuilder *builder, const char *name, gboolean value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_boolean_value(builder, value);
}

static void add_text(JsonBuilder *builder, const char *name, const char *value)
{
    json_builder_set_member_name(builder, name);
    if (value == NULL)
        json_builder_add_null_value(builder);
    else
        json_builder_add_string_value(builder, value);
}

static void begin_object(JsonBuilder *builder, const char *name)
{
    json_builder_set_member_name(builder, name);
    json_builder_begin_object(builder);
}

static void add_master(JsonBuilder *builder, const VaultMasterValue *master)
{
    g_autofree char *fingerprint = vault_master_fingerprint(&master->master);
    KeyId key_id = vault_master_key_id(&master->master);

    json_builder_begin_object(builder);
    add_text(builder, "key", VAULT_ID_TEXT(key_id));
    add_text(builder, "fingerprint", fingerprint);
    add_text(builder, "state", vault_master_state_name(master->state));
    add_number(builder, "added", master->added_s);
    add_number(builder, "drilled", master->drilled_s);
    add_text(builder, "successor",
             vault_id_is_zero(master->successor.bytes) ? NULL : VAULT_ID_TEXT(master->successor));
    json_builder_end_object(builder);
}

static void add_vault(JsonBuilder *builder, const VaultKeepStatus *status, const GArray *masters)
{
    begin_object(builder, "vault");
    add_number(builder, "messages", status->message_count);
    add_number(builder, "copies", status->copy_count);
    add_number(builder, "mailboxes", status->mailbox_count);
    add_number(builder, "months", status->month_count);
    add_number(builder, "packs", status->pack_count);
    add_number(builder, "stored_bytes", status->stored_bytes);
    add_number(builder, "free_bytes", status->free_bytes);
    add_number(builder, "disk_reserve", status->disk_reserve);
    add_number(builder, "vault_key_generation", status->vault_key_generation);
    add_number(builder, "uncatalogued", status->uncatalogued_count);
    add_number(builder, "last_archived", status->last_archived_s);
    add_boolean(builder, "pair_exists", status->pair_exists);
    add_number(builder, "policy_serial", status->policy_serial);
    add_number(builder, "last_drill", status->last_drill_s);
    add_number(builder, "drill_due", status->drill_due_s);
    add_number(builder, "last_backup", status->last_backup_s);
    add_number(builder, "not_backed_up", status->not_backed_up_count);
    add_number(builder, "last_recovery_drill", status->last_recovery_drill_s);
    add_number(builder, "last_expiry", status->expiry.ran_s);
    add_number(builder, "expired_months", status->expiry.month_count);
    add_number(builder, "expired_copies", status->expiry.copy_count);
    add_number(builder, "expiry_passed_over", status->expiry.passed_over_count);
    json_builder_set_member_name(builder, "masters");
    json_builder_begin_array(builder);
    for (guint i = 0; i < masters->len; i++)
        add_master(builder, &g_array_index(masters, VaultMasterValue, i));
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

static void add_connections(JsonBuilder *builder, ArchivedDaemon *daemon)
{
    g_autoptr(ArchivedConfig) config = archived_daemon_config(daemon);
    ArchivedConnections *connections = daemon->connections;

    begin_object(builder, "connections");
    add_number(builder, "lmtp", archived_connections_count(connections, ARCHIVED_CONNECTION_LMTP));
    add_number(builder, "max", config->max_connections);
    add_number(builder, "total", atomic_load(&daemon->counters.connections));
    add_number(builder, "refused", atomic_load(&daemon->counters.connections_refused));
    json_builder_end_object(builder);
}

static void add_counters(JsonBuilder *builder, ArchivedCounters *counters)
{
    begin_object(builder, "since_start");
    add_number(builder, "messages", atomic_load(&counters->messages));
    add_number(builder, "already_archived", atomic_load(&counters->messages_already));
    add_number(builder, "failed", atomic_load(&counters->messages_failed));
    add_number(builder, "recipients", atomic_load(&counters->recipients));
    add_number(builder, "unassigned", atomic_load(&counters->unassigned));
    add_number(builder, "without_terms", atomic_load(&counters->messages_without_terms));
    add_number(builder, "message_bytes", atomic_load(&counters->message_bytes));
    json_builder_end_object(builder);
}

static void add_memory(JsonBuilder *builder, ArchivedDaemon *daemon)
{
    ArchivedBudgetStatus budget;

    archived_budget_status(daemon->budget, &budget);
    begin_object(builder, "memory");
    add_number(builder, "deliveries_max", budget.max);
    add_number(builder, "deliveries_used", budget.used);
    add_number(builder, "deliveries_peak", budget.used_peak);
    add_number(builder, "waiting", budget.waiting_count);
    add_number(builder, "refused", budget.refused_count);
    add_boolean(builder, "locked", daemon->memory_lock.is_locked);
    add_text(builder, "why_not_locked", daemon->memory_lock.why_not);
    json_builder_end_object(builder);
}

static void add_witnesses(JsonBuilder *builder, ArchivedDaemon *daemon)
{
    g_autoptr(GPtrArray) states = archived_witnesses_state(daemon->witnesses);

    json_builder_set_member_name(builder, "witnesses");
    json_builder_begin_array(builder);
    for (guint i = 0; i < states->len; i++) {
        const ArchivedWitnessState *state = states->pdata[i];

        json_builder_begin_object(builder);
        add_text(builder, "name", state->name);
        add_number(builder, "archive", state->cosigned_s[VAULT_LOG_ARCHIVE]);
        add_number(builder, "control", state->cosigned_s[VAULT_LOG_CONTROL]);
        add_text(builder, "failure", state->failure);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

static void add_extraction(JsonBuilder *builder, ArchivedDaemon *daemon)
{
    IngestExtractStatus status = {.problem = NULL};

    if (daemon->extract != NULL)
        ingest_extract_pool_status(daemon->extract, &status);
    begin_object(builder, "extraction");
    add_boolean(builder, "enabled", daemon->extract != NULL);
    add_text(builder, "problem", status.problem);
    add_number(builder, "documents", status.document_count);
    add_number(builder, "cut", status.cut_count);
    add_number(builder, "encrypted", status.encrypted_count);
    add_number(builder, "malformed", status.malformed_count);
    add_number(builder, "unknown", status.unknown_count);
    add_number(builder, "unread", status.unread_count);
    add_number(builder, "failed", status.failed_count);
    add_number(builder, "timed_out", status.timed_out_count);
    add_number(builder, "helpers", status.helper_count);
    json_builder_end_object(builder);
}

static char *reload_failure(ArchivedDaemon *daemon)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&daemon->lock);

    return daemon->reload_failure == NULL ? NULL : g_strdup(daemon->reload_failure->message);
}

char *archived_control_status(ArchivedDaemon *daemon, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) node = NULL;
    g_autofree char *failure = reload_failure(daemon);
    gint64 oldest_us = archived_connections_oldest_commit_us(daemon->connections);
    g_autoptr(GArray) masters = vault_keep_master_rows(daemon->keep, error);
    VaultKeepStatus status = {0};

    if (masters == NULL || !vault_keep_status(daemon->keep, &status, error))
        return NULL;
    json_builder_begin_object(builder);
    add_boolean(builder, "ok", TRUE);
    add_text(builder, "version", MUNIMENT_VERSION);
    add_number(builder, "started", daemon->started_s);
    add_number(builder, "uptime", archived_now_s() - daemon->started_s);
    add_boolean(builder, "stopping", atomic_load(&daemon->is_stopping));
    add_number(builder, "oldest_commit_ms", (guint64)oldest_us / 1000);
    add_text(builder, "reload_failure", failure);
    add_vault(builder, &status, masters);
    add_connections(builder, daemon);
    add_counters(builder, &daemon->counters);
    add_memory(builder, daemon);
    add_witnesses(builder, daemon);
    add_extraction(builder, daemon);
    json_builder_end_object(builder);
    node = json_builder_get_root(builder);
    return json_to_string(node, FALSE);
}
