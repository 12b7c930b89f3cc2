#include "vault/keep/recovery_internal.h"
#include "vault/store/catalog_compact.h"

#define TRANSACTION_ROWS 16384

void recovery_report(Recovery *recovery, const char *format, ...)
{
    const VaultVerifyCallbacks *callbacks = recovery->options->callbacks;
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (callbacks != NULL && callbacks->finding != NULL)
        callbacks->finding(text, callbacks->user);
    else
        g_warning("%s", text);
}

void recovery_progress(Recovery *recovery, guint64 bytes)
{
    const VaultVerifyCallbacks *callbacks = recovery->options->callbacks;

    recovery->done_bytes += bytes;
    if (callbacks != NULL && callbacks->progress != NULL)
        callbacks->progress(MIN(recovery->done_bytes, recovery->all_bytes), recovery->all_bytes,
                            callbacks->user);
}

/* ---- records -------------------------------------------------------------------------------- */

static gboolean add_row(Recovery *recovery, const VaultCatalogRow *row, GError **error)
{
    VaultCatalog *catalog = recovery->options->catalog;
    guint64 tags_since_s = recovery->options->tags_since_s;
    gboolean was_there;

    if (recovery->is_moving ? !vault_catalog_move(catalog, row, tags_since_s, &was_there, error)
                            : !vault_catalog_add(catalog, row, tags_since_s, error))
        return FALSE;
    if (++recovery->rows < TRANSACTION_ROWS)
        return TRUE;
    recovery->rows = 0;
    if (!vault_catalog_end(catalog, error))
        return FALSE;
    return vault_catalog_begin(catalog, error);
}

/* Whether the record goes into the catalog: one that was erased, or is of a dropped month, does
 * not.
 */
static gboolean judge_month(Recovery *recovery, const VaultCatalogRow *row, gboolean *ret_is_kept,
                            GError **error)
{
    gboolean is_first = !vault_liveness_has_month(recovery->liveness, &row->locator.month_key_id);
    VaultLife life;

    if (!vault_liveness_of_leaf(recovery->liveness, &row->locator.month_key_id, row->locator.leaf,
                                &life, error))
        return FALSE;
    *ret_is_kept = life.state != VAULT_LIFE_DEAD;
    if (life.state == VAULT_LIFE_DEAD)
        recovery->result->dead_count++;
    if (life.state != VAULT_LIFE_UNKNOWN)
        return TRUE;
    recovery->result->unknown_count++;
    if (is_first)
        recovery_report(recovery,
                        "pack %s, offset %" G_GUINT64_FORMAT
                        ", record %s: its month key %s is not in the keyring; kept",
                        VAULT_ID_TEXT(row->place.pack_id), row->place.offset,
                        VAULT_ID_TEXT(row->record_id), VAULT_ID_TEXT(row->locator.month_key_id));
    return TRUE;
}

gboolean recovery_open_row(Recovery *recovery, const PackId *pack_id,
                           const VaultScannedRecord *record, VaultCatalogRow *ret_row)
{
    *ret_row = (VaultCatalogRow){.kind = record->header.kind,
                                 .record_id = record->header.record_id,
                                 .place = {*pack_id, record->offset, record->len}};
    if (vault_record_locator_open(record->header_bytes, &record->header,
                                  recovery->options->locator_key, &ret_row->locator, NULL))
        return TRUE;
    recovery->damage_count++;
    recovery_report(
        recovery,
        "pack %s, offset %" G_GUINT64_FORMAT ", record %s: its locator does not open; kept, "
        "not catalogued",
        VAULT_ID_TEXT(*pack_id), record->offset, VAULT_ID_TEXT(record->header.record_id));
    return FALSE;
}

gboolean recovery_take_record(Recovery *recovery, const PackId *pack_id,
                              const VaultScannedRecord *record, GError **error)
{
    VaultCatalogRow row;
    gboolean is_kept = TRUE;

    recovery->result->record_count++;
    if (!recovery_open_row(recovery, pack_id, record, &row))
        return TRUE;
    switch (row.kind) {
    case VAULT_RECORD_COPY:
        if (g_hash_table_contains(recovery->streams, &row.locator.body_id))
            g_hash_table_add(recovery->named, g_memdup2(&row.locator.body_id, VAULT_ID_LEN));
        /* fall through */
    case VAULT_RECORD_ADDENDUM:
    case VAULT_RECORD_TERMS_COPY:
        if (!judge_month(recovery, &row, &is_kept, error))
            return FALSE;
        break;
    case VAULT_RECORD_BODY:
    case VAULT_RECORD_TERMS_BODY:
    case VAULT_RECORD_WRAPPER:
    case VAULT_RECORD_EVENT:
        break;
    case VAULT_RECORD_COMMIT:
        return TRUE;
    }
    return !is_kept || add_row(recovery, &row, error);
}
