#include "restore/import_target.h"

#include "archived/config.h"
#include "ingest/delivery.h"
#include "ingest/extract/pool.h"
#include "vault/base/bytes.h"
#include "vault/keep.h"

struct ImportTarget {
    ArchivedImport *daemon; /* or, NULL, the rest */
    ArchivedConfig *config;
    VaultKeep *keep;
    DayKey *key; /* guarded memory */
    VaultHash position;
    IngestExtractPool *extract; /* NULL: attached documents are not read */
    IngestTermsMaker *terms;    /* NULL: no terms are made */
    IngestDelivery *delivery;
};

void import_target_free(ImportTarget *target)
{
    if (target == NULL)
        return;
    archived_control_import_free(target->daemon);
    ingest_delivery_free(target->delivery);
    ingest_terms_maker_free(target->terms);
    ingest_extract_pool_free(target->extract);
    vault_keep_free(target->keep);
    if (target->key != NULL)
        vault_secret_free(target->key);
    if (target->config != NULL)
        archived_config_unref(target->config);
    g_free(target);
}

static void begin_making_terms(ImportTarget *target)
{
    const ArchivedConfig *config = target->config;
    IngestTermsMakerOptions options = {.text_len_max = config->text_len_max};

    if (!config->has_terms)
        return;
    if (config->extracts) {
        target->extract = ingest_extract_pool_new(
            &(IngestExtractPoolOptions){.time_ms = (guint)config->extract_s * 1000});
        options.extractor = ingest_extract_pool_extractor(target->extract);
    }
    target->terms = ingest_terms_maker_new(&options);
}

static gboolean open_vault(ImportTarget *target, const char *vault, const RowId *import_id,
                           GError **error)
{
    g_autofree char *path = g_build_filename(vault, "archived.conf", NULL);
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER};

    target->config = archived_config_load(absolute, ARCHIVED_CONFIG_VALUES, error);
    if (target->config == NULL)
        return FALSE;
    begin_making_terms(target);
    options.disk_reserve = target->config->disk_reserve;
    options.new_mailboxes_per_hour = (guint)target->config->new_mailboxes_per_hour;
    target->keep = vault_keep_open(vault, &options, error);
    if (target->keep == NULL)
        return FALSE;
    target->key = vault_secret_new(sizeof *target->key);
    return vault_keep_begin_import(target->keep, import_id, target->key, error);
}

ImportTarget *import_target_open(const char *vault, const RowId *import_id, GError **error)
{
    g_autoptr(ImportTarget) target = g_new0(ImportTarget, 1);
    g_autoptr(GError) failure = NULL;

    target->daemon = archived_control_import_begin(vault, import_id, &failure);
    if (target->daemon != NULL)
        return g_steal_pointer(&target);
    if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    return open_vault(target, vault, import_id, error) ? g_steal_pointer(&target) : NULL;
}

gboolean import_target_close(ImportTarget *target, GError **error)
{
    return target->keep == NULL || vault_keep_close(target->keep, error);
}

gboolean import_target_message(ImportTarget *target, const ArchivedImportMessage *message,
                               GError **error)
{
    IngestDeliveryOptions options = {.sender = message->sender == NULL ? "" : message->sender,
                                     .received_s = message->received_s,
                                     .flags = message->flags | VAULT_FLAG_IMPORTED,
                                     .source = message->source,
                                     .folder = message->folder,
                                     .keywords = message->keywords,
                                     .import_key = target->key,
                                     .terms = target->terms};

    if (target->daemon != NULL)
        return archived_control_import_message(target->daemon, message, error);
    if (vault_bytes_from_hex(message->position, target->position.bytes, VAULT_HASH_LEN))
        options.import_position = &target->position;
    options.archived_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC);
    options.owners = ingest_owners_named(target->config->rules, message->owners);
    target->delivery = ingest_delivery_begin(vault_keep_depository(target->keep), &options, error);
    return target->delivery != NULL;
}

gboolean import_target_write(ImportTarget *target, const void *bytes, gsize len, GError **error)
{
    if (target->daemon != NULL)
        return archived_control_import_write(target->daemon, bytes, len, error);
    return ingest_delivery_write(target->delivery, bytes, len, error);
}

gboolean import_target_finish(ImportTarget *target, ArchivedImportResult *ret_result,
                              GError **error)
{
    g_autoptr(IngestDelivery) delivery = g_steal_pointer(&target->delivery);
    IngestDeliveryResult result;

    if (target->daemon != NULL)
        return archived_control_import_finish(target->daemon, ret_result, error);
    if (!ingest_delivery_commit(delivery, &result, error))
        return FALSE;
    *ret_result = (ArchivedImportResult){.archive_id = result.archive_id,
                                         .is_already_archived = result.is_already_archived,
                                         .unassigned_count = result.unassigned_count};
    return TRUE;
}

gboolean import_target_abandon(ImportTarget *target, GError **error)
{
    if (target->daemon != NULL)
        return archived_control_import_abandon(target->daemon, error);
    g_clear_pointer(&target->delivery, ingest_delivery_free);
    return TRUE;
}

gboolean import_target_is_broken(const ImportTarget *target)
{
    return target->daemon != NULL && archived_control_import_is_broken(target->daemon);
}
