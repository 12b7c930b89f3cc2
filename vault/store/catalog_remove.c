#include "vault/store/catalog_sql.h"

/* ---- what is dead --------------------------------------------------------------------------- */

static gboolean take_from_totals(VaultCatalog *catalog, guint copies, guint others, GError **error)
{
    g_autoptr(VaultStatement) totals = vault_sql_use(catalog->sql, CATALOG_TAKE_TOTALS, error);

    if (totals == NULL)
        return FALSE;
    vault_sql_bind_u64(totals, 1, copies);
    vault_sql_bind_u64(totals, 2, others);
    return vault_sql_run(catalog->sql, totals, error);
}

static gboolean remove_rows(VaultCatalog *catalog, gsize statement, const VaultCatalogCopy *copy,
                            guint *ret_count, GError **error)
{
    g_autoptr(VaultStatement) remove = vault_sql_use(catalog->sql, statement, error);

    if (remove == NULL)
        return FALSE;
    vault_sql_bind_id(remove, 1, copy->month_key_id.bytes);
    if (statement == CATALOG_REMOVE_COPY)
        vault_sql_bind_id(remove, 2, copy->record_id.bytes);
    if (statement == CATALOG_REMOVE_OTHERS) {
        vault_sql_bind_id(remove, 2, copy->body_id.bytes);
        vault_sql_bind_u64(remove, 3, copy->leaf);
    }
    if (!vault_sql_run(catalog->sql, remove, error))
        return FALSE;
    *ret_count = vault_sql_changes(catalog->sql);
    return TRUE;
}

gboolean vault_catalog_remove_copy(VaultCatalog *catalog, const VaultCatalogCopy *copy,
                                   GError **error)
{
    guint copies, others;

    return remove_rows(catalog, CATALOG_REMOVE_OTHERS, copy, &others, error) &&
           remove_rows(catalog, CATALOG_REMOVE_COPY, copy, &copies, error) &&
           take_from_totals(catalog, copies, others, error);
}

gboolean vault_catalog_remove_month(VaultCatalog *catalog, const MonthKeyId *month_key_id,
                                    GError **error)
{
    const VaultCatalogCopy of_month = {.month_key_id = *month_key_id};
    guint copies, others;

    return remove_rows(catalog, CATALOG_REMOVE_OTHERS_OF_MONTH, &of_month, &others, error) &&
           remove_rows(catalog, CATALOG_REMOVE_MONTH, &of_month, &copies, error) &&
           take_from_totals(catalog, copies, others, error);
}

gboolean vault_catalog_settle(VaultCatalog *catalog, GError **error)
{
    CATALOG_LOCK(catalog);
    gint64 is_busy;

    /* The checkpoint syncs the log before it does anything else. */
    return vault_sql_exec_int(catalog->sql, "PRAGMA wal_checkpoint(TRUNCATE)", &is_busy, error);
}

/* ---- repeats -------------------------------------------------------------------------------- */

typedef struct {
    RecordId body_id, repeats;
} Repeat;

static gboolean read_repeats(VaultCatalog *catalog, GArray *repeats, GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(VaultStatement) each = vault_sql_use(catalog->sql, CATALOG_REPEATS, error);
    gboolean has_row = TRUE;

    while (each != NULL && vault_sql_step(catalog->sql, each, &has_row, error)) {
        Repeat repeat;

        if (!has_row)
            return TRUE;
        if (!vault_sql_column_id(catalog->sql, each, 0, repeat.body_id.bytes, error) ||
            !vault_sql_column_id(catalog->sql, each, 1, repeat.repeats.bytes, error))
            return FALSE;
        g_array_append_val(repeats, repeat);
    }
    return FALSE;
}

static gboolean add_if_linked(GHashTable *known, const RecordId *known_id, const RecordId *id,
                              GArray *bodies)
{
    if (!g_hash_table_contains(known, known_id) || g_hash_table_contains(known, id))
        return FALSE;
    g_hash_table_add(known, g_memdup2(id, VAULT_ID_LEN));
    g_array_append_val(bodies, *id);
    return TRUE;
}

gboolean vault_catalog_add_repeats(VaultCatalog *catalog, GArray *bodies, GError **error)
{
    g_autoptr(GArray) repeats = g_array_new(FALSE, FALSE, sizeof(Repeat));
    g_autoptr(GHashTable) known =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    gboolean is_more = TRUE;

    if (!read_repeats(catalog, repeats, error))
        return FALSE;
    for (guint i = 0; i < bodies->len; i++)
        g_hash_table_add(known, g_memdup2(&g_array_index(bodies, RecordId, i), VAULT_ID_LEN));
    while (is_more) {
        is_more = FALSE;
        for (guint i = 0; i < repeats->len; i++) {
            const Repeat *repeat = &g_array_index(repeats, Repeat, i);

            if (add_if_linked(known, &repeat->repeats, &repeat->body_id, bodies) ||
                add_if_linked(known, &repeat->body_id, &repeat->repeats, bodies))
                is_more = TRUE;
        }
    }
    return TRUE;
}
