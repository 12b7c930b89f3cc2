/* A vault that was recovered or moved goes on as this host's. */
#include "vault/keep/backup.h"
#include "vault/keep/internal.h"

/* ---- leaves ---------------------------------------------------------------------------------- */

static gboolean note_month(const VaultMonthValue *month, gpointer user, GError **error)
{
    g_array_append_val((GArray *)user, month->month_key_id);
    return TRUE;
}

/* Past every leaf that the keyring or the packs show, by as many as may have been given since. */
static gboolean move_mark(VaultKeep *keep, VaultCatalog *catalog, const MonthKeyId *month_key_id,
                          GError **error)
{
    g_autoptr(VaultMonthValue) month = vault_keyring_get_month(keep->keyring, month_key_id, error);
    guint64 seen = 0, used;

    if (month == NULL ||
        (catalog != NULL && !vault_catalog_leaf_end(catalog, month_key_id, &seen, error)))
        return FALSE;
    used = MAX(MAX(month->leaf_mark, seen), vault_erasure_tree_punctured_end(month->tree));
    month->leaf_mark = MIN(used + VAULT_LEAF_GAP, VAULT_LEAVES_MAX);
    return vault_keyring_update_month(keep->keyring, month, error);
}

static gboolean move_marks(VaultKeep *keep, VaultCatalog *catalog, guint64 *ret_count,
                           GError **error)
{
    g_autoptr(GArray) months = g_array_new(FALSE, FALSE, sizeof(MonthKeyId));
    g_autoptr(VaultKeyringChange) change = NULL;

    if (!vault_keyring_each_month(keep->keyring, NULL, note_month, months, error))
        return FALSE;
    change = vault_keyring_begin(keep->keyring, error);
    if (change == NULL)
        return FALSE;
    for (guint i = 0; i < months->len; i++) {
        if (!move_mark(keep, catalog, &g_array_index(months, MonthKeyId, i), error))
            return FALSE;
    }
    *ret_count = months->len;
    return vault_keyring_commit(g_steal_pointer(&change), error);
}

/* ---- catalog --------------------------------------------------------------------------------- */

static gboolean build_catalog(VaultKeep *keep, const VaultGoOnOptions *options,
                              VaultRebuildResult *ret_result, GError **error)
{
    g_autoptr(VaultTags) tags = vault_tags_new(keep->keyring, NULL, &keep->clock, error);

    return tags != NULL && vault_keep_build_catalog(keep, vault_tags_since_s(tags),
                                                    options->callbacks, ret_result, error);
}

/* An adopted vault brings its catalog, which is caught up with when it is opened: until then what
 * it knows of leaves is not asked, the marks of its keyring are. */
static gboolean prepare(VaultKeep *keep, const VaultGoOnOptions *options,
                        VaultGoOnResult *ret_result, GError **error)
{
    g_autoptr(VaultCatalog) catalog = NULL;

    if (options->why == VAULT_GO_ON_ADOPTED)
        return move_marks(keep, NULL, &ret_result->month_count, error);
    if (!build_catalog(keep, options, &ret_result->rebuilt, error))
        return FALSE;
    catalog = vault_catalog_open(keep->catalog_path, VAULT_CATALOG_READ, &keep->id, error);
    return catalog != NULL && move_marks(keep, catalog, &ret_result->month_count, error);
}

/* ---- logs ------------------------------------------------------------------------------------ */

/* A drill must sign nothing of the epoch that a recovery will have. */
static gboolean put_drill_key(VaultKeep *keep, guint64 now_s, GError **error)
{
    g_auto(VaultLogKeyValue) key = {.created_s = now_s};

    vault_log_key_create(&key.signing, &key.verify);
    return vault_logs_put_key(keep->keyring, &key, error);
}

static gboolean begin_epoch(VaultKeep *keep, const VaultGoOnOptions *options, VaultLogsEnd *ret_end,
                            GError **error)
{
    VaultLogsOptions logs = {.vault_path = keep->path,
                             .vault_id = keep->id,
                             .keyring = keep->keyring,
                             .space = keep->space,
                             .now_s = vault_clock_now_s(&keep->clock)};

    return (options->why != VAULT_GO_ON_DRILL || put_drill_key(keep, logs.now_s, error)) &&
           vault_logs_begin_epoch(&logs, ret_end, error);
}

static void append_log(GString *payload, const char *name, const VaultLogsEnd *end,
                       VaultLogKind kind, guint64 remembered)
{
    g_string_append_printf(payload, "%s: %" G_GUINT64_FORMAT " entries, ", name, end->sizes[kind]);
    vault_text_append_hex(payload, end->roots[kind].bytes, VAULT_HASH_LEN);
    /* The keyring of a backup is a moment younger than the logs in it. */
    if (remembered > end->sizes[kind])
        g_string_append_printf(payload, ", of at least %" G_GUINT64_FORMAT, remembered);
    g_string_append_c(payload, '\n');
}

static gboolean log_it(VaultKeep *keep, const VaultGoOnOptions *options, const VaultLogsEnd *end,
                       GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    VaultLoggedAct act =
        options->why == VAULT_GO_ON_ADOPTED ? VAULT_LOGGED_ADOPTED : VAULT_LOGGED_RECOVERED;

    vault_text_append(payload, "act", vault_logged_act_name(act));
    vault_text_append_number(payload, "ended-epoch", end->epoch);
    append_log(payload, "archive", end, VAULT_LOG_ARCHIVE, end->remembered.archive_size);
    append_log(payload, "control", end, VAULT_LOG_CONTROL, end->remembered.control_size);
    if (options->manifest != NULL) {
        vault_text_append_time(payload, "backup-made", options->manifest->made_s);
        vault_text_append_number(payload, "backup-number", options->manifest->number);
    }
    return vault_keep_log_act(keep, act, payload->str, payload->len, error);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static VaultKeepOptions keep_options(const VaultGoOnOptions *options)
{
    return (VaultKeepOptions){.mode = VAULT_KEEP_WRITER,
                              .host = VAULT_KEEP_ANY_HOST,
                              .vault_key_path = options->vault_key_path,
                              .now_s = options->now_s};
}

static gboolean renew(const char *path, const VaultGoOnOptions *options, VaultLogsEnd *ret_end,
                      VaultGoOnResult *ret_result, GError **error)
{
    VaultKeepOptions as_writer = keep_options(options);
    g_autoptr(VaultKeep) keep = vault_keep_new(path, &as_writer, error);

    if (keep == NULL || !prepare(keep, options, ret_result, error) ||
        !begin_epoch(keep, options, ret_end, error))
        return FALSE;
    ret_result->epoch = ret_end->epoch + 1;
    return TRUE;
}

static gboolean open_and_log(const char *path, const VaultGoOnOptions *options,
                             const VaultLogsEnd *end, GError **error)
{
    VaultKeepOptions as_writer = keep_options(options);
    g_autoptr(VaultKeep) keep = vault_keep_open(path, &as_writer, error);

    return keep != NULL && log_it(keep, options, end, error) && vault_keep_close(keep, error);
}

static gboolean remember_backup(const char *path, const VaultBackupManifest *manifest,
                                GError **error)
{
    VaultBackupState state = {.made_s = manifest->made_s, .message_count = manifest->message_count};

    return vault_backup_state_write(path, &state, error);
}

/* A recovered vault is of no host until now. */
static gboolean check_host(const char *path, const VaultGoOnOptions *options, VaultHost *host,
                           GError **error)
{
    if (options->why != VAULT_GO_ON_ADOPTED)
        return vault_host_write(path, &options->manifest->vault_id, NULL, error);
    if (!vault_host_read(path, host, error))
        return FALSE;
    if (!vault_host_check_machine(path, host, NULL))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "%s is this host's already: there is nothing to adopt", path);
    return FALSE;
}

gboolean vault_keep_go_on(const char *path, const VaultGoOnOptions *options,
                          VaultGoOnResult *ret_result, GError **error)
{
    g_auto(VaultHost) host = {.vault_key_path = NULL};
    VaultLogsEnd end;

    *ret_result = (VaultGoOnResult){0};
    if (!check_host(path, options, &host, error) ||
        !renew(path, options, &end, ret_result, error) || !open_and_log(path, options, &end, error))
        return FALSE;
    if (options->why == VAULT_GO_ON_ADOPTED)
        return vault_host_write(path, &host.vault_id, host.vault_key_path, error);
    return remember_backup(path, options->manifest, error);
}
