#include "vault/act/ssh_keygen.h"
#include "vault/keep/clock_confirm.h"
#include "vault/keep/erasure.h"
#include "vault/keep/internal.h"
#include "vault/keep/policy.h"
#include "vault/keep/recovery.h"

#include <unistd.h>

/* ---- the parts of every keeper -------------------------------------------------------------- */

static gboolean read_vault_key(VaultKeep *keep, const VaultHost *host, const char *given_path,
                               VaultKey keys[VAULT_KEY_GENERATIONS_MAX], gsize *ret_count,
                               GError **error)
{
    const char *path = given_path != NULL ? given_path : host->vault_key_path;

    if (keep->vault_key_path == NULL)
        keep->vault_key_path = path == NULL ? vault_key_default_path(keep->path) : g_strdup(path);
    return vault_key_path_check(keep->path, keep->vault_key_path, error) &&
           vault_key_read(keep->vault_key_path, &keep->id, keys, ret_count, error);
}

static gboolean open_keyring_once(VaultKeep *keep, const VaultHost *host, const char *given_path,
                                  GError **error)
{
    g_autofree char *path = g_build_filename(keep->path, "keyring.sqlite", NULL);
    VaultKeyringMode mode =
        keep->mode == VAULT_KEEP_WRITER ? VAULT_KEYRING_WRITE : VAULT_KEYRING_READ;
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX];
    gsize count = 0;

    if (read_vault_key(keep, host, given_path, keys, &count, error))
        keep->keyring = vault_keyring_open(path, mode, &keep->id, keys, count, error);
    for (gsize i = 0; keep->keyring != NULL && i < count; i++)
        if (keys[i].generation < vault_keyring_generation(keep->keyring))
            keep->has_older_vault_keys = TRUE;
    vault_wipe(keys, sizeof keys);
    return keep->keyring != NULL;
}

/* A reader may have read the vault key just before it was replaced: then it reads it again. */
static gboolean open_keyring(VaultKeep *keep, const VaultHost *host, const char *given_path,
                             GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (open_keyring_once(keep, host, given_path, &failure))
        return TRUE;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_KEY))
        return open_keyring_once(keep, host, given_path, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean parse_locator_key(const RowId *row_id, const GByteArray *value, gpointer user,
                                  GError **error)
{
    VaultKeep *keep = user;

    keep->locator_key = vault_secret_new(sizeof *keep->locator_key);
    return vault_locator_key_value_parse(value->data, value->len, keep->locator_key, error);
}

static gboolean load_locator_key(VaultKeep *keep, GError **error)
{
    if (!vault_keyring_each(keep->keyring, VAULT_KEYRING_LOCATOR_KEY, parse_locator_key, keep,
                            error))
        return FALSE;
    if (keep->locator_key != NULL)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s: the keyring has no locator key",
                keep->path);
    return FALSE;
}

static gboolean open_parts(VaultKeep *keep, const VaultKeepOptions *options, GError **error)
{
    g_auto(VaultHost) host = {.vault_key_path = NULL};

    if (!vault_host_read(keep->path, &host, error))
        return FALSE;
    keep->id = host.vault_id;
    if (keep->mode == VAULT_KEEP_WRITER && options->host == VAULT_KEEP_THIS_HOST &&
        !vault_host_check_machine(keep->path, &host, error))
        return FALSE;
    if (keep->mode == VAULT_KEEP_WRITER && !vault_lock_take(keep->path, &keep->lock_fd, error))
        return FALSE;
    if (!open_keyring(keep, &host, options->vault_key_path, error) ||
        !load_locator_key(keep, error))
        return FALSE;
    keep->packs = vault_pack_set_open(keep->packs_path, &keep->id, error);
    return keep->packs != NULL;
}

VaultKeep *vault_keep_new(const char *path, const VaultKeepOptions *options, GError **error)
{
    g_autoptr(VaultKeep) keep = g_new0(VaultKeep, 1);

    keep->path = g_canonicalize_filename(path, NULL);
    keep->packs_path = g_build_filename(keep->path, "packs", NULL);
    keep->catalog_path = g_build_filename(keep->path, "catalog.sqlite", NULL);
    keep->mode = options->mode;
    keep->disk_reserve = options->disk_reserve;
    keep->pack_size = options->pack_size == 0 ? VAULT_PACK_SIZE_DEFAULT : options->pack_size;
    keep->verify_approval =
        options->verify_approval != NULL ? options->verify_approval : vault_ssh_keygen_verify;
    keep->verify_user = options->verify_user;
    keep->lock_fd = -1;
    g_mutex_init(&keep->erasure_lock);
    g_mutex_init(&keep->custody_lock);
    vault_clock_init(&keep->clock, options->now_s, options->is_synchronised);
    g_mutex_init(&keep->cosigned_lock);
    g_mutex_init(&keep->terms_lock);
    keep->space = vault_space_new(keep->path, options->disk_reserve);
    return open_parts(keep, options, error) ? g_steal_pointer(&keep) : NULL;
}

void vault_keep_free(VaultKeep *keep)
{
    if (keep == NULL)
        return;
    vault_pack_writer_free(keep->writer);
    vault_logs_batch_free(keep->log_batch);
    vault_logs_free(keep->logs);
    vault_release_grants_free(keep->release_grants);
    vault_erasure_gate_free(keep->erasure_gate);
    vault_catalog_feed_free(keep->feed);
    vault_catalog_close(keep->writing);
    vault_catalog_close(keep->reading);
    vault_sealer_free(keep->sealer);
    vault_directory_free(keep->directory);
    vault_tags_free(keep->tags);
    vault_open_months_free(keep->months);
    vault_recipients_free(keep->recipients);
    vault_keyring_batch_free(keep->batch);
    vault_pack_set_free(keep->packs);
    if (keep->locator_key != NULL)
        vault_secret_free(keep->locator_key);
    vault_keyring_close(keep->keyring);
    vault_space_free(keep->space);
    vault_clock_clear(&keep->clock);
    g_mutex_clear(&keep->cosigned_lock);
    g_mutex_clear(&keep->terms_lock);
    /* Last: until here nobody else may write. */
    vault_fd_close(&keep->lock_fd);
    g_mutex_clear(&keep->erasure_lock);
    g_mutex_clear(&keep->custody_lock);
    g_free(keep->vault_key_path);
    g_free(keep->catalog_path);
    g_free(keep->packs_path);
    g_free(keep->path);
    g_free(keep);
}

/* ---- the writer ----------------------------------------------------------------------------- */

static gboolean open_writer_parts(VaultKeep *keep, const VaultKeepOptions *options, GError **error)
{
    VaultDirectoryOptions directory = {.keyring = keep->keyring,
                                       .clock = &keep->clock,
                                       .new_mailboxes_per_hour = options->new_mailboxes_per_hour};
    VaultSealerOptions sealer = {.vault_id = keep->id, .locator_key = keep->locator_key};

    keep->recipients = vault_recipients_new(keep->keyring, error);
    if (keep->recipients == NULL)
        return FALSE;
    keep->batch = vault_keyring_batch_new(keep->keyring, keep->space);
    keep->months = vault_open_months_new(keep->keyring, keep->batch, &keep->id, keep->recipients);
    directory.batch = keep->batch;
    directory.months = keep->months;
    directory.recipients = keep->recipients;
    keep->directory = vault_directory_new(&directory, error);
    keep->tags = vault_tags_new(keep->keyring, keep->batch, &keep->clock, error);
    keep->sealer = vault_sealer_new(&sealer);
    if (keep->directory == NULL || keep->tags == NULL)
        return FALSE;
    vault_policy_apply(keep);
    return TRUE;
}

static gboolean catch_up(VaultKeep *keep, guint64 tags_since_s, VaultRecoveryResult *ret_result,
                         GError **error)
{
    VaultRecoveryOptions options = {.directory = keep->packs_path,
                                    .vault_id = &keep->id,
                                    .locator_key = keep->locator_key,
                                    .keyring = keep->keyring,
                                    .tags_since_s = tags_since_s};
    VaultCatalogTotals totals;

    keep->writing = vault_catalog_open(keep->catalog_path, VAULT_CATALOG_WRITE, &keep->id, error);
    options.catalog = keep->writing;
    if (keep->writing == NULL || !vault_recovery_run(&options, ret_result, error) ||
        !vault_catalog_totals(keep->writing, &totals, error))
        return FALSE;
    vault_clock_note_archived(&keep->clock, totals.last_archived_s);
    return TRUE;
}

static gboolean is_of_no_use(const GError *failure)
{
    return g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT) ||
           g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED);
}

/* A catalog that is missing, damaged or of another version is made anew: it is a cache. Where it
 * was something else that is damaged, that fails once more. */
static gboolean bring_up_catalog(VaultKeep *keep, guint64 tags_since_s,
                                 VaultRecoveryResult *ret_result, GError **error)
{
    g_autoptr(GError) failure = NULL;
    VaultRebuildResult rebuilt;

    if (access(keep->catalog_path, F_OK) == 0) {
        if (catch_up(keep, tags_since_s, ret_result, &failure))
            return TRUE;
        if (!is_of_no_use(failure)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
        g_warning("%s; making the catalog anew", failure->message);
        g_clear_pointer(&keep->writing, vault_catalog_close);
    }
    return vault_keep_build_catalog(keep, tags_since_s, NULL, &rebuilt, error) &&
           catch_up(keep, tags_since_s, ret_result, error);
}

static void group_committed(GPtrArray *records, gpointer user)
{
    VaultKeep *keep = user;

    for (guint i = 0; i < records->len; i++) {
        const VaultRecord *record = g_ptr_array_index(records, i);

        if (record->kind == VAULT_RECORD_BODY &&
            (record->locator.flags & VAULT_FLAG_CLOCK_UNSURE) == 0)
            vault_clock_note_archived(&keep->clock, record->locator.archived_s);
    }
    vault_logs_batch_note(keep->log_batch, records);
    vault_catalog_feed_push(keep->feed, records);
}

static gboolean open_logs(VaultKeep *keep, const VaultRecoveryResult *recovered, GError **error)
{
    VaultLogsOptions logs = {.vault_path = keep->path,
                             .vault_id = keep->id,
                             .keyring = keep->keyring,
                             .space = keep->space,
                             .now_s = vault_clock_now_s(&keep->clock)};
    VaultLogsBatchOptions batch = {.packs = keep->packs_path,
                                   .vault_id = &keep->id,
                                   .locator_key = keep->locator_key,
                                   .catalog = keep->reading};

    /* The last pack may have been compacted away: its sequence stays used. */
    if (recovered->next_sequence > 1)
        batch.end = (VaultEntryMark){.sequence = recovered->next_sequence - 1,
                                     .pack_id = recovered->last_pack,
                                     .offset = recovered->last_end};
    keep->logs = batch.logs = vault_logs_open(&logs, error);
    if (keep->logs != NULL)
        keep->log_batch = vault_logs_batch_new(&batch);
    return keep->logs != NULL;
}

static void start_writing(VaultKeep *keep, const VaultKeepOptions *options,
                          const VaultRecoveryResult *recovered)
{
    VaultPackWriterOptions writer = {.directory = keep->packs_path,
                                     .vault_id = keep->id,
                                     .pack_size = options->pack_size,
                                     .next_sequence = recovered->next_sequence,
                                     .predecessor = recovered->last_pack,
                                     .predecessor_end = recovered->last_end,
                                     .committed = group_committed,
                                     .user = keep};

    keep->feed = vault_catalog_feed_new(keep->writing, keep->space);
    keep->writer = vault_pack_writer_new(&writer);
    vault_space_restore_reserve(keep->space);
    vault_keep_init_depository(keep);
}

static gboolean open_for_writing(VaultKeep *keep, const VaultKeepOptions *options, GError **error)
{
    VaultRecoveryResult recovered;
    guint64 tags_since_s;
    gboolean is_changed;

    if (!open_writer_parts(keep, options, error))
        return FALSE;
    /* The keys as they are: before the packs are read nothing judges the clock. */
    tags_since_s = vault_tags_since_s(keep->tags);
    if (!bring_up_catalog(keep, tags_since_s, &recovered, error))
        return FALSE;
    keep->reading = vault_catalog_open(keep->catalog_path, VAULT_CATALOG_READ, &keep->id, error);
    if (keep->reading == NULL || !vault_tags_renew(keep->tags, &tags_since_s, &is_changed, error))
        return FALSE;
    if (!open_logs(keep, &recovered, error))
        return FALSE;
    keep->erasure_gate = vault_erasure_gate_new();
    keep->release_grants = vault_release_grants_new(keep->verify_approval, keep->verify_user);
    vault_open_months_set_catalog(keep->months, keep->reading);
    start_writing(keep, options, &recovered);
    vault_catalog_feed_set_tags_since(keep->feed, tags_since_s);
    vault_clock_recall(keep);
    vault_erasure_resume(keep);
    return TRUE;
}

static gboolean open_for_reading(VaultKeep *keep, GError **error)
{
    VaultCatalogTotals totals;

    keep->reading = vault_catalog_open(keep->catalog_path, VAULT_CATALOG_READ, &keep->id, error);
    if (keep->reading == NULL) {
        g_prefix_error(error, "the catalog cannot be read, run muniment rebuild: ");
        return FALSE;
    }
    if (!vault_catalog_totals(keep->reading, &totals, error))
        return FALSE;
    vault_clock_note_archived(&keep->clock, totals.last_archived_s);
    vault_clock_recall(keep);
    return TRUE;
}

/* ret_has_room: the disk was full, and the reserve was given up for another try. */
static VaultKeep *open_once(const char *path, const VaultKeepOptions *options,
                            gboolean *ret_has_room, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_keep_new(path, options, error);
    g_autoptr(GError) failure = NULL;

    *ret_has_room = FALSE;
    if (keep == NULL)
        return NULL;
    if (options->mode == VAULT_KEEP_WRITER ? open_for_writing(keep, options, &failure)
                                           : open_for_reading(keep, &failure))
        return g_steal_pointer(&keep);
    *ret_has_room = options->mode == VAULT_KEEP_WRITER &&
                    g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_SPACE) &&
                    vault_space_give_up_reserve(keep->space);
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

VaultKeep *vault_keep_open(const char *path, const VaultKeepOptions *options, GError **error)
{
    g_autoptr(GError) failure = NULL;
    gboolean has_room;
    VaultKeep *keep = open_once(path, options, &has_room, &failure);

    if (keep != NULL)
        return keep;
    if (has_room)
        return open_once(path, options, &has_room, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

static gboolean close_packs(VaultKeep *keep, GError **error)
{
    return vault_pack_writer_close(keep->writer, error) &&
           vault_catalog_feed_flush(keep->feed, error) &&
           vault_catalog_feed_complete(keep->feed, error);
}

/* What is not logged now is logged by the next writer: no reason to leave a pack open. */
gboolean vault_keep_close(VaultKeep *keep, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (keep->mode == VAULT_KEEP_READER)
        return TRUE;
    vault_keep_log_batch(keep, VAULT_BATCH_UNLESS_EMPTY, &failure);
    if (!close_packs(keep, error))
        return FALSE;
    if (failure == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

/* ---- small answers -------------------------------------------------------------------------- */

const VaultId *vault_keep_id(VaultKeep *keep)
{
    return &keep->id;
}

const char *vault_keep_path(VaultKeep *keep)
{
    return keep->path;
}

VaultDepository *vault_keep_depository(VaultKeep *keep)
{
    g_assert(keep->mode == VAULT_KEEP_WRITER);
    return &keep->depository;
}

gboolean vault_keep_begin_import(VaultKeep *keep, const RowId *import_id, DayKey *ret_key,
                                 GError **error)
{
    g_assert(keep->mode == VAULT_KEEP_WRITER);
    return vault_imports_begin(keep->batch, &keep->clock, import_id, ret_key, error);
}

gboolean vault_keep_expire_imports(VaultKeep *keep, GError **error)
{
    g_assert(keep->mode == VAULT_KEEP_WRITER);
    return vault_imports_expire(keep->batch, &keep->clock, error);
}

gboolean vault_keep_flush_catalog(VaultKeep *keep, GError **error)
{
    g_assert(keep->mode == VAULT_KEEP_WRITER);
    return vault_catalog_feed_flush(keep->feed, error);
}

gboolean vault_keep_catch_up(VaultKeep *keep)
{
    return keep->feed != NULL && vault_catalog_feed_waiting(keep->feed) > 0 &&
           vault_catalog_feed_flush(keep->feed, NULL);
}
