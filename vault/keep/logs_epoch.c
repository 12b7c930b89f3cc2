/* Making the logs of an epoch, and reading those of any. */
#include "vault/base/file.h"
#include "vault/keep/logs_opening.h"

#include <errno.h>
#include <sys/stat.h>

/* ---- where they are -------------------------------------------------------------------------- */

char *vault_logs_directory(const char *vault_path, VaultLogKind kind, guint32 epoch)
{
    const char *name = kind == VAULT_LOG_ARCHIVE ? "archive" : "control";
    g_autofree char *folder = epoch == 1 ? g_strdup(name) : g_strdup_printf("%s-%u", name, epoch);

    return g_build_filename(vault_path, "log", folder, NULL);
}

GPtrArray *vault_logs_note_keys(const VaultLogsKnown *known, const VaultId *vault_id,
                                VaultLogKind kind, guint32 epoch, GError **error)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)vault_note_key_free);
    g_autofree char *origin = vault_log_origin(vault_id, kind, epoch);

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

void vault_logs_opening_clear(VaultLogsOpening *opening)
{
    g_free(opening->directory);
    g_free(opening->origin);
}

VaultLogsOpening vault_logs_opening(const char *vault_path, const VaultId *vault_id,
                                    const VaultLogsKnown *known, VaultLogKind kind)
{
    guint32 epoch = known->state.epoch;
    VaultLogsOpening opening = {.directory = vault_logs_directory(vault_path, kind, epoch),
                                .origin = vault_log_origin(vault_id, kind, epoch)};

    opening.options =
        (VaultLogOptions){.directory = opening.directory,
                          .origin = opening.origin,
                          .key = &known->current.signing,
                          .earlier_keys = (const LogVerifyKey *)(gconstpointer)known->keys->data,
                          .earlier_count = known->keys->len};
    return opening;
}

guint64 vault_logs_size_of(VaultLog *log)
{
    return vault_log_reader_checkpoint(vault_log_reader(log))->size;
}

VaultLogReader *vault_logs_reader(const char *vault_path, const VaultId *vault_id,
                                  const VaultLogsKnown *known, VaultLogKind kind, guint32 epoch,
                                  GError **error)
{
    g_autofree char *directory = vault_logs_directory(vault_path, kind, epoch);
    g_autofree char *origin = vault_log_origin(vault_id, kind, epoch);
    g_autoptr(GPtrArray) keys = vault_logs_note_keys(known, vault_id, kind, epoch, error);
    g_autoptr(GError) failure = NULL;
    VaultLogReader *reader =
        keys == NULL ? NULL : vault_log_reader_open(directory, origin, keys, &failure);

    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the log %s was removed", directory);
    else if (failure != NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    return reader;
}

/* ---- making them ----------------------------------------------------------------------------- */

/* One more log: `end` is NULL in the first epoch. */
typedef struct {
    const VaultLogsOptions *options;
    const VaultLogsKnown *known; /* with the epoch that begins */
    const VaultLogsEnd *end;
} Making;

static GBytes *start_of(const Making *making, VaultLogKind kind)
{
    VaultEntry entry = {.kind = VAULT_ENTRY_EPOCH_START,
                        .time_s = making->options->now_s,
                        .vault_id = making->options->vault_id,
                        .log = kind,
                        .epoch = making->known->state.epoch};

    if (making->end != NULL) {
        entry.earlier_size = making->end->sizes[kind];
        entry.earlier_root = making->end->roots[kind];
    }
    return vault_entry_format(&entry);
}

/* A later epoch says which key goes on: what announced it may have come after the backup's logs,
 * and a drill has one of its own. */
static gboolean begin_epoch(const Making *making, VaultLog *log, VaultLogKind kind, GError **error)
{
    const VaultEntry key = {.kind = VAULT_ENTRY_KEY_ROTATED,
                            .time_s = making->options->now_s,
                            .key = making->known->current.verify};
    g_autoptr(GBytes) start = start_of(making, kind);
    g_autoptr(GBytes) announcement = vault_entry_format(&key);
    const VaultLogEntry entries[] = {{.payload = start}, {.payload = announcement}};
    guint64 index;

    return vault_logs_size_of(log) > 0 ||
           vault_log_append(log, entries, making->end == NULL ? 1 : 2, &index, error);
}

/* A crash may have left one that opens. */
static gboolean create_one(const Making *making, VaultLogKind kind, guint64 *ret_size,
                           GError **error)
{
    g_auto(VaultLogsOpening) opening = vault_logs_opening(
        making->options->vault_path, &making->options->vault_id, making->known, kind);
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
    if (log == NULL || !begin_epoch(making, log, kind, error))
        return FALSE;
    *ret_size = vault_logs_size_of(log);
    return TRUE;
}

static gboolean create_both(const Making *making, GError **error)
{
    const VaultLogsOptions *options = making->options;
    g_autofree char *folder = g_build_filename(options->vault_path, "log", NULL);
    VaultLogStateValue state = making->known->state;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return vault_error_set_errno(error, errno, "cannot make the folder", folder);
    return vault_file_sync_directory(options->vault_path, error) &&
           create_one(making, VAULT_LOG_ARCHIVE, &state.archive_size, error) &&
           create_one(making, VAULT_LOG_CONTROL, &state.control_size, error) &&
           vault_logs_put_state(options->keyring, &state, error);
}

gboolean vault_logs_create(const VaultLogsOptions *options, GError **error)
{
    g_auto(VaultLogsKnown) known = {0};
    const Making making = {.options = options, .known = &known};

    return vault_logs_known_read(options->keyring, &known, error) && create_both(&making, error);
}

/* ---- one after another ----------------------------------------------------------------------- */

static gboolean see_end(const VaultLogsOptions *options, const VaultLogsKnown *known,
                        VaultLogKind kind, VaultLogsEnd *end, GError **error)
{
    g_autoptr(VaultLogReader) reader = vault_logs_reader(options->vault_path, &options->vault_id,
                                                         known, kind, known->state.epoch, error);

    if (reader == NULL)
        return FALSE;
    end->sizes[kind] = vault_log_reader_checkpoint(reader)->size;
    end->roots[kind] = vault_log_reader_checkpoint(reader)->root;
    return TRUE;
}

gboolean vault_logs_begin_epoch(const VaultLogsOptions *options, VaultLogsEnd *ret_end,
                                GError **error)
{
    g_auto(VaultLogsKnown) known = {0};
    const Making making = {.options = options, .known = &known, .end = ret_end};

    if (!vault_logs_known_read(options->keyring, &known, error))
        return FALSE;
    *ret_end = (VaultLogsEnd){.epoch = known.state.epoch, .remembered = known.state};
    if (known.state.epoch == G_MAXUINT32) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                            "the logs of this vault have no epoch left");
        return FALSE;
    }
    if (!see_end(options, &known, VAULT_LOG_ARCHIVE, ret_end, error) ||
        !see_end(options, &known, VAULT_LOG_CONTROL, ret_end, error))
        return FALSE;
    known.state.epoch++;
    return create_both(&making, error);
}
