#include "vault/keep/logs_opening.h"

#include "vault/crypto/key_files.h"
#include "vault/crypto/value.h"

struct VaultLogs {
    GMutex lock;
    char *vault_path;
    VaultId vault_id;
    VaultKeyring *keyring;
    VaultSpace *space;
    VaultLogStateValue state;         /* as it was at the start */
    VaultLog *logs[VAULT_LOGS_COUNT]; /* NULL after a failure: opened at the next use */
    guint64 sizes[VAULT_LOGS_COUNT];  /* as last seen */
};

/* ---- what the keyring knows ----------------------------------------------------------------- */

static gboolean note_row(const RowId *row_id, const GByteArray *value, gpointer user,
                         GError **error)
{
    VaultLogsKnown *known = user;
    g_auto(VaultLogKeyValue) key = {0};

    if (VAULT_ID_EQUAL(*row_id, vault_log_state_row)) {
        known->has_logs = TRUE;
        return vault_log_state_value_parse(value->data, value->len, &known->state, error);
    }
    if (!vault_log_key_value_parse(value->data, value->len, &key, error))
        return FALSE;
    if (known->keys->len == VAULT_LOG_KEYS_MAX) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                            "the keyring holds too many log keys");
        return FALSE;
    }
    g_array_prepend_val(known->keys, key.verify);
    known->current = key;
    return TRUE;
}

/* Rows come oldest first: the last one is the newest. */
gboolean vault_logs_known_read(VaultKeyring *keyring, VaultLogsKnown *ret_known, GError **error)
{
    ret_known->keys = g_array_new(FALSE, FALSE, sizeof(LogVerifyKey));
    ret_known->state.epoch = 1;
    if (!vault_keyring_each(keyring, VAULT_KEYRING_LOG_KEYS, note_row, ret_known, error))
        return FALSE;
    if (ret_known->keys->len > 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the keyring has no log key");
    return FALSE;
}

void vault_logs_known_clear(VaultLogsKnown *known)
{
    vault_log_key_value_wipe(&known->current);
    g_clear_pointer(&known->keys, g_array_unref);
}

gboolean vault_logs_put_key(VaultKeyring *keyring, const VaultLogKeyValue *key, GError **error)
{
    GByteArray *value = vault_log_key_value_format(key);
    gboolean is_put;
    RowId row_id;

    vault_random(row_id.bytes, VAULT_ID_LEN);
    is_put = vault_keyring_put(keyring, VAULT_KEYRING_LOG_KEYS, &row_id, value, error);
    vault_value_free(value);
    return is_put;
}

gboolean vault_logs_put_state(VaultKeyring *keyring, const VaultLogStateValue *state,
                              GError **error)
{
    g_autoptr(GByteArray) value = vault_log_state_value_format(state);

    return vault_keyring_put(keyring, VAULT_KEYRING_LOG_KEYS, &vault_log_state_row, value, error);
}

/* ---- opening both --------------------------------------------------------------------------- */

static guint64 remembered_size(const VaultLogs *logs, VaultLogKind kind)
{
    return kind == VAULT_LOG_ARCHIVE ? logs->state.archive_size : logs->state.control_size;
}

static gboolean set_gone(const VaultLogsOpening *opening, const char *what, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "log %s: %s; nothing is signed until it is recovered from a backup",
                opening->origin, what);
    return FALSE;
}

/* With the lock. The keys are read anew and not kept: they lie in the log's secret memory alone. */
static VaultLog *use_log(VaultLogs *logs, VaultLogKind kind, GError **error)
{
    g_auto(VaultLogsKnown) known = {0};
    g_auto(VaultLogsOpening) opening = {.origin = NULL};
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultLog) log = NULL;

    if (logs->logs[kind] != NULL)
        return logs->logs[kind];
    if (!vault_logs_known_read(logs->keyring, &known, error))
        return NULL;
    opening = vault_logs_opening(logs->vault_path, &logs->vault_id, &known, kind);
    log = vault_log_open(&opening.options, &failure);
    if (log == NULL) {
        if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
            set_gone(&opening, "it was removed", error);
        else
            g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    if (vault_logs_size_of(log) < MAX(remembered_size(logs, kind), logs->sizes[kind])) {
        set_gone(&opening, "it was set back", error);
        return NULL;
    }
    logs->sizes[kind] = vault_logs_size_of(log);
    logs->logs[kind] = g_steal_pointer(&log);
    return logs->logs[kind];
}

static gboolean find_state(VaultLogs *logs, const VaultLogsOptions *options, GError **error)
{
    g_auto(VaultLogsKnown) known = {0};
    g_auto(VaultLogsKnown) made = {0};

    if (!vault_logs_known_read(options->keyring, &known, error))
        return FALSE;
    logs->state = known.state;
    if (known.has_logs)
        return TRUE;
    if (!vault_logs_create(options, error) ||
        !vault_logs_known_read(options->keyring, &made, error))
        return FALSE;
    logs->state = made.state;
    return TRUE;
}

VaultLogs *vault_logs_open(const VaultLogsOptions *options, GError **error)
{
    VaultLogs *logs = g_new0(VaultLogs, 1);

    g_mutex_init(&logs->lock);
    logs->vault_path = g_strdup(options->vault_path);
    logs->vault_id = options->vault_id;
    logs->keyring = options->keyring;
    logs->space = options->space;
    if (find_state(logs, options, error) && use_log(logs, VAULT_LOG_ARCHIVE, error) != NULL &&
        use_log(logs, VAULT_LOG_CONTROL, error) != NULL)
        return logs;
    vault_logs_free(logs);
    return NULL;
}

void vault_logs_free(VaultLogs *logs)
{
    if (logs == NULL)
        return;
    for (gsize i = 0; i < VAULT_LOGS_COUNT; i++)
        vault_log_close(logs->logs[i]);
    g_mutex_clear(&logs->lock);
    g_free(logs->vault_path);
    g_free(logs);
}

/* ---- appending ------------------------------------------------------------------------------ */

/* With the lock. A log whose append failed is closed: see logs.h. */
static gboolean append(VaultLogs *logs, VaultLogKind kind, const VaultLogEntry *entries,
                       gsize count, guint64 *ret_first_index, GError **error)
{
    VaultLog *log = use_log(logs, kind, error);

    if (log == NULL)
        return FALSE;
    if (!vault_log_append(log, entries, count, ret_first_index, error)) {
        g_clear_pointer(&logs->logs[kind], vault_log_close);
        return FALSE;
    }
    logs->sizes[kind] = vault_logs_size_of(log);
    return TRUE;
}

/* The first try may have brought the entries in all the same; then the reader shows more. */
static gboolean has_grown(VaultLogs *logs, VaultLogKind kind, guint64 size, gboolean *ret_has,
                          GError **error)
{
    VaultLog *log = use_log(logs, kind, error);

    if (log == NULL)
        return FALSE;
    *ret_has = vault_logs_size_of(log) > size;
    return TRUE;
}

static gboolean append_with_reserve(VaultLogs *logs, VaultLogKind kind,
                                    const VaultLogEntry *entries, gsize count,
                                    guint64 *ret_first_index, GError **error)
{
    guint64 size = logs->sizes[kind];
    g_autoptr(GError) failure = NULL;
    gboolean has = FALSE;

    if (append(logs, kind, entries, count, ret_first_index, &failure))
        return TRUE;
    if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_SPACE) ||
        !vault_space_give_up_reserve(logs->space)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (!has_grown(logs, kind, size, &has, error))
        return FALSE;
    *ret_first_index = size;
    return has || append(logs, kind, entries, count, ret_first_index, error);
}

gboolean vault_logs_append(VaultLogs *logs, VaultLogKind kind, const VaultLogEntry *entries,
                           gsize count, guint64 *ret_first_index, GError **error)
{
    gboolean is_done;

    g_mutex_lock(&logs->lock);
    is_done = append_with_reserve(logs, kind, entries, count, ret_first_index, error);
    g_mutex_unlock(&logs->lock);
    return is_done;
}

VaultLogStateValue vault_logs_state(VaultLogs *logs)
{
    VaultLogStateValue state;

    g_mutex_lock(&logs->lock);
    state = logs->state;
    state.archive_size = logs->sizes[VAULT_LOG_ARCHIVE];
    state.control_size = logs->sizes[VAULT_LOG_CONTROL];
    g_mutex_unlock(&logs->lock);
    return state;
}

/* ---- the last batch ------------------------------------------------------------------------- */

/* FALSE: it could not be read. */
static gboolean read_entry(VaultLogReader *reader, guint64 index, VaultEntry *ret_entry,
                           GError **error)
{
    g_autoptr(GBytes) bytes = vault_log_reader_entry(reader, index, error);

    return bytes != NULL && vault_entry_parse(g_bytes_get_data(bytes, NULL),
                                              g_bytes_get_size(bytes), ret_entry, error);
}

static gboolean find_batch(VaultLogReader *reader, VaultEntryMark *ret_mark, guint64 *ret_time_s,
                           gboolean *ret_is_found, GError **error)
{
    VaultEntry entry;

    *ret_is_found = FALSE;
    for (guint64 index = vault_log_reader_checkpoint(reader)->size; index-- > 0;) {
        if (!read_entry(reader, index, &entry, error))
            return FALSE;
        *ret_time_s = MAX(*ret_time_s, entry.time_s);
        if (entry.kind != VAULT_ENTRY_BATCH)
            continue;
        *ret_mark = entry.mark;
        *ret_is_found = TRUE;
        return TRUE;
    }
    return TRUE;
}

/* A new epoch goes on where the one before ended: what that logged is logged. */
static gboolean find_earlier_batch(VaultLogs *logs, VaultEntryMark *ret_mark, guint64 *ret_time_s,
                                   GError **error)
{
    g_auto(VaultLogsKnown) known = {0};
    gboolean is_found = FALSE;

    if (!vault_logs_known_read(logs->keyring, &known, error))
        return FALSE;
    for (guint32 epoch = known.state.epoch - 1; epoch > 0 && !is_found; epoch--) {
        g_autoptr(VaultLogReader) reader = vault_logs_reader(
            logs->vault_path, &logs->vault_id, &known, VAULT_LOG_ARCHIVE, epoch, error);

        if (reader == NULL || !find_batch(reader, ret_mark, ret_time_s, &is_found, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean find_last_mark(VaultLogs *logs, VaultEntryMark *ret_mark, guint64 *ret_time_s,
                               GError **error)
{
    VaultLog *log = use_log(logs, VAULT_LOG_ARCHIVE, error);
    gboolean is_found = FALSE;

    return log != NULL &&
           find_batch(vault_log_reader(log), ret_mark, ret_time_s, &is_found, error) &&
           (is_found || find_earlier_batch(logs, ret_mark, ret_time_s, error));
}

gboolean vault_logs_last_mark(VaultLogs *logs, VaultEntryMark *ret_mark, guint64 *ret_time_s,
                              GError **error)
{
    gboolean is_read;

    *ret_mark = (VaultEntryMark){0};
    *ret_time_s = 0;
    g_mutex_lock(&logs->lock);
    is_read = find_last_mark(logs, ret_mark, ret_time_s, error);
    g_mutex_unlock(&logs->lock);
    return is_read;
}

/* ---- another key ---------------------------------------------------------------------------- */

static gboolean announce(VaultLogs *logs, VaultLogKind kind, const LogVerifyKey *key, guint64 now_s,
                         GError **error)
{
    VaultEntry entry = {.kind = VAULT_ENTRY_KEY_ROTATED, .time_s = now_s, .key = *key};
    g_autoptr(GBytes) payload = vault_entry_format(&entry);
    const VaultLogEntry rotated = {.payload = payload};
    guint64 index;

    return append_with_reserve(logs, kind, &rotated, 1, &index, error);
}

/* A log key and where it lies. */
typedef struct {
    RowId row_id;
    VaultLogKeyValue key;
} KeyRow;
VAULT_DECLARE_WIPE(KeyRow, key_row)

typedef struct {
    gboolean has_newest;
    KeyRow newest;  /* so far */
    GArray *others; /* KeyRow, of public halves alone */
} KeyRows;

static gboolean take_row(const RowId *row_id, const GByteArray *value, gpointer user,
                         GError **error)
{
    KeyRows *rows = user;
    g_auto(KeyRow) row = {.row_id = *row_id};

    if (VAULT_ID_EQUAL(*row_id, vault_log_state_row))
        return TRUE;
    if (!vault_log_key_value_parse(value->data, value->len, &row.key, error))
        return FALSE;
    if (rows->has_newest) {
        memset(&rows->newest.key.signing, 0, sizeof rows->newest.key.signing);
        g_array_append_val(rows->others, rows->newest);
    }
    rows->newest = row;
    rows->has_newest = TRUE;
    return TRUE;
}

/* Of keys that no longer sign only the public half is kept: who comes to hold the host later signs
 * nothing in their name. One that a crash left is forgotten at the next rotation. */
static gboolean forget_secrets(VaultKeyring *keyring, GError **error)
{
    g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(KeyRow));
    KeyRows rows = {.others = others};
    gboolean is_done = vault_keyring_each(keyring, VAULT_KEYRING_LOG_KEYS, take_row, &rows, error);

    key_row_wipe(&rows.newest);
    for (guint i = 0; is_done && i < others->len; i++) {
        const KeyRow *row = &g_array_index(others, KeyRow, i);
        g_autoptr(GByteArray) value = vault_log_key_value_format(&row->key);

        is_done = vault_keyring_put(keyring, VAULT_KEYRING_LOG_KEYS, &row->row_id, value, error);
    }
    return is_done;
}

/* Announced first: a crash before the keyring has the key leaves one announced that nobody holds,
 * while a key that signs and was never announced would look like a thief's. */
static gboolean rotate(VaultLogs *logs, guint64 now_s, GError **error)
{
    g_auto(VaultLogKeyValue) next = {.created_s = now_s};

    vault_log_key_create(&next.signing, &next.verify);
    if (!announce(logs, VAULT_LOG_ARCHIVE, &next.verify, now_s, error) ||
        !announce(logs, VAULT_LOG_CONTROL, &next.verify, now_s, error) ||
        !vault_logs_put_key(logs->keyring, &next, error) || !forget_secrets(logs->keyring, error))
        return FALSE;
    for (gsize i = 0; i < VAULT_LOGS_COUNT; i++)
        g_clear_pointer(&logs->logs[i], vault_log_close);
    return use_log(logs, VAULT_LOG_ARCHIVE, error) != NULL &&
           use_log(logs, VAULT_LOG_CONTROL, error) != NULL;
}

gboolean vault_logs_rotate_key(VaultLogs *logs, guint64 now_s, GError **error)
{
    gboolean is_done;

    g_mutex_lock(&logs->lock);
    is_done = rotate(logs, now_s, error);
    g_mutex_unlock(&logs->lock);
    return is_done;
}
