#include "vault/keep/logs.h"

#include "vault/base/file.h"
#include "vault/crypto/key_files.h"
#include "vault/crypto/value.h"

#include <errno.h>
#include <sys/stat.h>

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

gboolean vault_logs_put_state(VaultKeyring *keyring, const VaultLogStateValue *state,
                              GError **error)
{
    g_autoptr(GByteArray) value = vault_log_state_value_format(state);

    return vault_keyring_put(keyring, VAULT_KEYRING_LOG_KEYS, &vault_log_state_row, value, error);
}

char *vault_logs_directory(const char *vault_path, VaultLogKind kind)
{
    return g_build_filename(vault_path, "log", kind == VAULT_LOG_ARCHIVE ? "archive" : "control",
                            NULL);
}

GPtrArray *vault_logs_note_keys(const VaultLogsKnown *known, const VaultId *vault_id,
                                VaultLogKind kind, GError **error)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)vault_note_key_free);
    g_autofree char *origin = vault_log_origin(vault_id, kind, known->state.epoch);

    if (!known->has_logs) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                            "the vault has no log yet: archived, or a command that writes, makes "
                            "it");
        return NULL;
    }
    for (guint i = 0; i < known->keys->len; i++) {
        VaultNoteKey *key =
            vault_note_key_new_log(origin, &g_array_index(known->keys, LogVerifyKey, i), error);

        if (key == NULL)
            return NULL;
        g_ptr_array_add(keys, key);
    }
    return g_steal_pointer(&keys);
}

/* ---- opening one log ------------------------------------------------------------------------ */

/* What a log is opened by. */
typedef struct {
    char *directory, *origin;
    VaultLogOptions options;
} Opening;

static void opening_clear(Opening *opening)
{
    g_free(opening->directory);
    g_free(opening->origin);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Opening, opening_clear)

static Opening opening_of(const char *vault_path, const VaultId *vault_id,
                          const VaultLogsKnown *known, VaultLogKind kind)
{
    Opening opening = {.directory = vault_logs_directory(vault_path, kind),
                       .origin = vault_log_origin(vault_id, kind, known->state.epoch)};

    opening.options =
        (VaultLogOptions){.directory = opening.directory,
                          .origin = opening.origin,
                          .key = &known->current.signing,
                          .earlier_keys = (const LogVerifyKey *)(gconstpointer)known->keys->data,
                          .earlier_count = known->keys->len};
    return opening;
}

static guint64 size_of(VaultLog *log)
{
    return vault_log_reader_checkpoint(vault_log_reader(log))->size;
}

/* ---- making them ---------------------------------------------------------------------------- */

static gboolean begin_epoch(VaultLog *log, const VaultLogsOptions *options, VaultLogKind kind,
                            guint32 epoch, GError **error)
{
    VaultEntry entry = {.kind = VAULT_ENTRY_EPOCH_START,
                        .time_s = options->now_s,
                        .vault_id = options->vault_id,
                        .log = kind,
                        .epoch = epoch};
    g_autoptr(GBytes) payload = vault_entry_format(&entry);
    const VaultLogEntry first = {.payload = payload};
    guint64 index;

    return size_of(log) > 0 || vault_log_append(log, &first, 1, &index, error);
}

/* A crash may have left one that opens. */
static gboolean create_one(const VaultLogsOptions *options, const VaultLogsKnown *known,
                           VaultLogKind kind, guint64 *ret_size, GError **error)
{
    g_auto(Opening) opening = opening_of(options->vault_path, &options->vault_id, known, kind);
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultLog) log = vault_log_open(&opening.options, &failure);

    if (log == NULL && !g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (log == NULL) {
        if (!vault_log_create(&opening.options, error))
            return FALSE;
        log = vault_log_open(&opening.options, error);
    }
    if (log == NULL || !begin_epoch(log, options, kind, known->state.epoch, error))
        return FALSE;
    *ret_size = size_of(log);
    return TRUE;
}

gboolean vault_logs_create(const VaultLogsOptions *options, GError **error)
{
    g_autofree char *folder = g_build_filename(options->vault_path, "log", NULL);
    g_auto(VaultLogsKnown) known = {0};

    if (!vault_logs_known_read(options->keyring, &known, error))
        return FALSE;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return vault_error_set_errno(error, errno, "cannot make the folder", folder);
    return vault_file_sync_directory(options->vault_path, error) &&
           create_one(options, &known, VAULT_LOG_ARCHIVE, &known.state.archive_size, error) &&
           create_one(options, &known, VAULT_LOG_CONTROL, &known.state.control_size, error) &&
           vault_logs_put_state(options->keyring, &known.state, error);
}

/* ---- opening both --------------------------------------------------------------------------- */

static guint64 remembered_size(const VaultLogs *logs, VaultLogKind kind)
{
    return kind == VAULT_LOG_ARCHIVE ? logs->state.archive_size : logs->state.control_size;
}

static gboolean set_gone(const Opening *opening, const char *what, GError **error)
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
    g_auto(Opening) opening = {.origin = NULL};
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultLog) log = NULL;

    if (logs->logs[kind] != NULL)
        return logs->logs[kind];
    if (!vault_logs_known_read(logs->keyring, &known, error))
        return NULL;
    opening = opening_of(logs->vault_path, &logs->vault_id, &known, kind);
    log = vault_log_open(&opening.options, &failure);
    if (log == NULL) {
        if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
            set_gone(&opening, "it was removed", error);
        else
            g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    if (size_of(log) < MAX(remembered_size(logs, kind), logs->sizes[kind])) {
        set_gone(&opening, "it was set back", error);
        return NULL;
    }
    logs->sizes[kind] = size_of(log);
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
    logs->sizes[kind] = size_of(log);
    return TRUE;
}

/* The first try may have brought the entries in all the same; then the reader shows more. */
static gboolean has_grown(VaultLogs *logs, VaultLogKind kind, guint64 size, gboolean *ret_has,
                          GError **error)
{
    VaultLog *log = use_log(logs, kind, error);

    if (log == NULL)
        return FALSE;
    *ret_has = size_of(log) > size;
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
                           GError **error)
{
    VaultEntry entry;

    for (guint64 index = vault_log_reader_checkpoint(reader)->size; index-- > 0;) {
        if (!read_entry(reader, index, &entry, error))
            return FALSE;
        *ret_time_s = MAX(*ret_time_s, entry.time_s);
        if (entry.kind != VAULT_ENTRY_BATCH)
            continue;
        *ret_mark = entry.mark;
        return TRUE;
    }
    return TRUE;
}

gboolean vault_logs_last_mark(VaultLogs *logs, VaultEntryMark *ret_mark, guint64 *ret_time_s,
                              GError **error)
{
    VaultLog *log;
    gboolean is_read;

    *ret_mark = (VaultEntryMark){0};
    *ret_time_s = 0;
    g_mutex_lock(&logs->lock);
    log = use_log(logs, VAULT_LOG_ARCHIVE, error);
    is_read = log != NULL && find_batch(vault_log_reader(log), ret_mark, ret_time_s, error);
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
    GByteArray *value;
    gboolean is_put;
    RowId row_id;

    vault_log_key_create(&next.signing, &next.verify);
    vault_random(row_id.bytes, VAULT_ID_LEN);
    if (!announce(logs, VAULT_LOG_ARCHIVE, &next.verify, now_s, error) ||
        !announce(logs, VAULT_LOG_CONTROL, &next.verify, now_s, error))
        return FALSE;
    value = vault_log_key_value_format(&next);
    is_put = vault_keyring_put(logs->keyring, VAULT_KEYRING_LOG_KEYS, &row_id, value, error);
    vault_value_free(value);
    if (!is_put || !forget_secrets(logs->keyring, error))
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
