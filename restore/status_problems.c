#include "restore/status_problems.h"

#include "restore/log_epochs.h"
#include "restore/vault_access.h"
#include "vault/custody.h"

/* Without a backup for longer there is a problem. */
#define BACKUP_HOURS_MAX 48
/* A witness is asked hourly. */
#define WITNESS_HOURS_MAX 24

/* ---- members of a status --------------------------------------------------------------------- */

JsonObject *status_object(JsonObject *object, const char *name)
{
    JsonNode *node = object == NULL ? NULL : json_object_get_member(object, name);

    return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

guint64 status_number(JsonObject *object, const char *name)
{
    JsonNode *node = object == NULL ? NULL : json_object_get_member(object, name);

    return node != NULL && json_node_get_value_type(node) == G_TYPE_INT64
               ? (guint64)MAX(json_node_get_int(node), 0)
               : 0;
}

gboolean status_truth(JsonObject *object, const char *name)
{
    JsonNode *node = object == NULL ? NULL : json_object_get_member(object, name);

    return node != NULL && json_node_get_value_type(node) == G_TYPE_BOOLEAN &&
           json_node_get_boolean(node);
}

const char *status_text(JsonObject *object, const char *name)
{
    JsonNode *node = object == NULL ? NULL : json_object_get_member(object, name);

    return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}

GPtrArray *status_objects(JsonObject *object, const char *name)
{
    GPtrArray *objects = g_ptr_array_new();
    JsonNode *node = object == NULL ? NULL : json_object_get_member(object, name);
    JsonArray *array =
        node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

    for (guint i = 0; array != NULL && i < json_array_get_length(array); i++) {
        JsonNode *element = json_array_get_element(array, i);

        if (JSON_NODE_HOLDS_OBJECT(element))
            g_ptr_array_add(objects, json_node_get_object(element));
    }
    return objects;
}

guint64 status_seconds_since(guint64 time_s)
{
    guint64 now_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC);

    return now_s > time_s ? now_s - time_s : 0;
}

static void G_GNUC_PRINTF(2, 3) find(GPtrArray *problems, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_ptr_array_add(problems, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

/* ---- what the status says -------------------------------------------------------------------- */

static void find_in_backups(JsonObject *vault, GPtrArray *problems)
{
    if (status_number(vault, "messages") == 0)
        return;
    if (status_seconds_since(status_number(vault, "last_backup")) > BACKUP_HOURS_MAX * 3600)
        find(problems, "no backup was made for over %d hours: \"muniment backup\"",
             BACKUP_HOURS_MAX);
    if (status_seconds_since(status_number(vault, "last_recovery_drill")) >
        VAULT_DRILL_DAYS * 86400)
        find(problems, "no recovery was tried for over %d days: \"muniment recover --drill\"",
             VAULT_DRILL_DAYS);
}

static void find_in_memory(JsonObject *memory, GPtrArray *problems)
{
    const char *why = status_text(memory, "why_not_locked");

    if (memory != NULL && !status_truth(memory, "locked"))
        find(problems, "memory is not locked: %s", why == NULL ? "mail may reach swap" : why);
}

/* By the log that it cosigned longer ago. */
static void find_in_witness(JsonObject *witness, GPtrArray *problems)
{
    guint64 last_s = MIN(status_number(witness, "archive"), status_number(witness, "control"));
    const char *name = status_text(witness, "name");
    const char *failure = status_text(witness, "failure");

    if (name != NULL && status_seconds_since(last_s) > WITNESS_HOURS_MAX * 3600)
        find(problems, "witness %s has not cosigned for over %d hours: %s", name, WITNESS_HOURS_MAX,
             failure == NULL ? "it is asked within the hour" : failure);
}

static void find_in_witnesses(JsonObject *status, GPtrArray *problems)
{
    g_autoptr(GPtrArray) witnesses = status_objects(status, "witnesses");

    for (guint i = 0; i < witnesses->len; i++)
        find_in_witness(witnesses->pdata[i], problems);
}

static void find_in_extraction(JsonObject *extraction, GPtrArray *problems)
{
    const char *why = status_text(extraction, "problem");

    if (why != NULL)
        find(problems, "attached documents are not read, and not found by their words: %s", why);
}

GPtrArray *status_problems(JsonObject *status)
{
    GPtrArray *problems = g_ptr_array_new_with_free_func(g_free);
    JsonObject *vault = status_object(status, "vault");
    const char *failure = status_text(status, "reload_failure");

    if (!status_truth(vault, "pair_exists"))
        find(problems,
             "no pair exists: no copy of the keyring, with a holder of its vault key, is known off "
             "this disk; if it is lost, all mail is: \"muniment vaultkey holders add\" and "
             "\"copies add\" make one, \"copies update\" brings it up to date");
    if (status_seconds_since(status_number(vault, "drill_due")) > 0)
        find(problems,
             "a master has not proved for over %d days that it can still be used: "
             "\"muniment drill challenge\"",
             VAULT_DRILL_DAYS);
    find_in_backups(vault, problems);
    if (status_number(vault, "free_bytes") < status_number(vault, "disk_reserve"))
        find(problems, "the disk is below its reserve: mail is deferred until there is room");
    find_in_memory(status_object(status, "memory"), problems);
    find_in_witnesses(status, problems);
    find_in_extraction(status_object(status, "extraction"), problems);
    if (failure != NULL)
        find(problems, "the last reload was refused: %s", failure);
    return problems;
}

/* ---- what is looked at ----------------------------------------------------------------------- */

static void find_in_log(const char *finding, gpointer user)
{
    find(user, "%s: \"muniment log verify\" tells all", finding);
}

static void look_at_logs(VaultKeep *keep, GPtrArray *problems)
{
    const LogEpochsAudit audit = {.found = find_in_log, .user = problems};
    g_autoptr(GError) failure = NULL;
    g_autoptr(GPtrArray) epochs = log_epochs_open(keep, &failure);

    if (epochs == NULL || !log_epochs_audit(epochs, &audit, &failure))
        find(problems, "the logs cannot be verified: %s", failure->message);
}

static void look_at_entry(const VaultCustodyEntry *entry, guint32 generation, GPtrArray *problems)
{
    gboolean is_holder = entry->sort == VAULT_CUSTODY_HOLDER;

    if (vault_custody_entry_is_behind(entry, generation))
        find(problems,
             "%s %s is behind: what was erased since can be read with it; bring it up to date with "
             "\"muniment vaultkey copies update\", or remove it",
             is_holder ? "holder" : "copy", entry->name);
    if (is_holder && !entry->is_off_disk && g_str_equal(entry->kind, "file") &&
        !g_str_equal(entry->name, VAULT_CUSTODY_HOST))
        find(
            problems,
            "holder %s is a plain file on the vault's disk, which saves nothing and is one more to "
            "be stolen: \"muniment vaultkey holders remove\"",
            entry->name);
}

static gboolean look_at_custody(VaultKeep *keep, GPtrArray *problems, GError **error)
{
    g_autoptr(VaultCustodyState) state = vault_custody_state(keep, VAULT_CUSTODY_KNOWN, error);

    for (guint i = 0; state != NULL && i < state->entries->len; i++)
        look_at_entry(state->entries->pdata[i], state->key.generation, problems);
    return state != NULL;
}

gboolean status_problems_look(const char *path, JsonObject *status, GPtrArray *problems,
                              GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(path, VAULT_ACCESS_AS_IT_IS, NULL, error);

    if (keep == NULL)
        return FALSE;
    if (!status_truth(status, "running"))
        find(problems, "archived does not run, and no mail is archived: start it, \"archived "
                       "--config\" with the vault's archived.conf");
    look_at_logs(keep, problems);
    return look_at_custody(keep, problems, error);
}
