#include "vault/store/catalog_compact.h"

#include "vault/base/bytes.h"
#include "vault/store/catalog_sql.h"

/* ---- slices --------------------------------------------------------------------------------- */

/* Shorter than an id, and before every id that begins with it. The end of the last slice is behind
 * them all. */
static gsize format_bound(guint32 prefix, guint8 ret_bytes[VAULT_ID_LEN + 1])
{
    memset(ret_bytes, 0xff, VAULT_ID_LEN + 1);
    if (prefix == VAULT_CATALOG_SLICES_MAX)
        return VAULT_ID_LEN + 1;
    vault_bytes_put_u16(ret_bytes, (guint16)prefix);
    return 2;
}

static VaultRecordKind kind_of(VaultStatement *row, gsize statement)
{
    switch (statement) {
    case CATALOG_ITEM_COPIES:
        return VAULT_RECORD_COPY;
    case CATALOG_ITEM_BODIES:
        return VAULT_RECORD_BODY;
    default:
        return (VaultRecordKind)vault_sql_column_u64(row, 5);
    }
}

static gboolean read_item(VaultCatalog *catalog, VaultStatement *row, gsize statement,
                          VaultCatalogItem *ret_item, GError **error)
{
    *ret_item =
        (VaultCatalogItem){.kind = kind_of(row, statement), .len = vault_sql_column_u64(row, 2)};
    if (!vault_sql_column_id(catalog->sql, row, 0, ret_item->subject.bytes, error) ||
        !vault_sql_column_id(catalog->sql, row, 1, ret_item->pack_id.bytes, error))
        return FALSE;
    if (statement == CATALOG_ITEM_BODIES)
        return TRUE;
    ret_item->leaf = (guint32)vault_sql_column_u64(row, 4);
    return vault_sql_column_id(catalog->sql, row, 3, ret_item->month_key_id.bytes, error);
}

static gboolean append_items(VaultCatalog *catalog, gsize statement, guint32 from, guint32 to,
                             GArray *items, GError **error)
{
    guint8 first[VAULT_ID_LEN + 1], past[VAULT_ID_LEN + 1];
    gsize first_len = format_bound(from, first), past_len = format_bound(to, past);
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, statement, error);
    gboolean has_row;

    if (query == NULL)
        return FALSE;
    vault_sql_bind_blob(query, 1, first, first_len);
    vault_sql_bind_blob(query, 2, past, past_len);
    while (vault_sql_step(catalog->sql, query, &has_row, error)) {
        VaultCatalogItem item;

        if (!has_row)
            return TRUE;
        if (!read_item(catalog, query, statement, &item, error))
            return FALSE;
        g_array_append_val(items, item);
    }
    return FALSE;
}

gboolean vault_catalog_slice(VaultCatalog *catalog, guint number, guint count, GArray *items,
                             GError **error)
{
    CATALOG_LOCK(catalog);
    static const gsize statements[] = {CATALOG_ITEM_COPIES, CATALOG_ITEM_BODIES,
                                       CATALOG_ITEM_OTHERS};
    guint32 from = (guint32)((guint64)number * VAULT_CATALOG_SLICES_MAX / count);
    guint32 to = (guint32)((guint64)(number + 1) * VAULT_CATALOG_SLICES_MAX / count);

    g_assert(number < count && count <= VAULT_CATALOG_SLICES_MAX);
    g_array_set_size(items, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(statements); i++)
        if (!append_items(catalog, statements[i], from, to, items, error))
            return FALSE;
    return TRUE;
}

/* ---- moving and dropping -------------------------------------------------------------------- */

static gsize statement_for(VaultRecordKind kind, gsize body, gsize copy, gsize other)
{
    switch (kind) {
    case VAULT_RECORD_BODY:
        return body;
    case VAULT_RECORD_COPY:
        return copy;
    case VAULT_RECORD_TERMS_BODY:
    case VAULT_RECORD_TERMS_COPY:
    case VAULT_RECORD_WRAPPER:
    case VAULT_RECORD_ADDENDUM:
    case VAULT_RECORD_EVENT:
        return other;
    case VAULT_RECORD_COMMIT:
        break;
    }
    g_assert_not_reached();
}

gboolean vault_catalog_move(VaultCatalog *catalog, const VaultCatalogRow *row, guint64 tags_since_s,
                            gboolean *ret_was_there, GError **error)
{
    gsize statement =
        statement_for(row->kind, CATALOG_MOVE_BODY, CATALOG_MOVE_COPY, CATALOG_MOVE_OTHER);

    {
        g_autoptr(VaultStatement) move = catalog_begin_row(catalog, statement, row, error);

        if (move == NULL || !vault_sql_run(catalog->sql, move, error))
            return FALSE;
    }
    *ret_was_there = vault_sql_changes(catalog->sql) > 0;
    return *ret_was_there || vault_catalog_add(catalog, row, tags_since_s, error);
}

static gboolean drop_tag(VaultCatalog *catalog, const VaultCatalogRow *row, GError **error)
{
    g_autoptr(VaultStatement) drop = vault_sql_use(catalog->sql, CATALOG_DROP_TAG, error);

    if (drop == NULL)
        return FALSE;
    vault_sql_bind_blob(drop, 1, row->locator.repeat_tag.bytes, VAULT_TAG_LEN);
    vault_sql_bind_id(drop, 2, row->record_id.bytes);
    return vault_sql_run(catalog->sql, drop, error);
}

static guint64 *removed_count(VaultCatalog *catalog, VaultRecordKind kind)
{
    if (kind == VAULT_RECORD_BODY)
        return &catalog->removed.message_count;
    return kind == VAULT_RECORD_COPY ? &catalog->removed.copy_count : &catalog->removed.other_count;
}

gboolean vault_catalog_drop(VaultCatalog *catalog, const VaultCatalogRow *row,
                            gboolean *ret_was_there, GError **error)
{
    gsize statement =
        statement_for(row->kind, CATALOG_DROP_BODY, CATALOG_DROP_COPY, CATALOG_DROP_OTHER);
    guint64 changes;

    {
        g_autoptr(VaultStatement) drop = vault_sql_use(catalog->sql, statement, error);

        if (drop == NULL)
            return FALSE;
        vault_sql_bind_id(drop, 1, row->record_id.bytes);
        if (!vault_sql_run(catalog->sql, drop, error))
            return FALSE;
    }
    changes = vault_sql_changes(catalog->sql);
    *removed_count(catalog, row->kind) += changes;
    *ret_was_there = changes > 0;
    return row->kind != VAULT_RECORD_BODY || vault_id_is_zero(row->locator.repeat_tag.bytes) ||
           drop_tag(catalog, row, error);
}

/* ---- packs ---------------------------------------------------------------------------------- */

gboolean vault_catalog_replace_pack(VaultCatalog *catalog, const PackId *pack_id,
                                    gboolean *ret_was_there, GError **error)
{
    g_autoptr(VaultStatement) replace = vault_sql_use(catalog->sql, CATALOG_REPLACE_PACK, error);

    if (replace == NULL)
        return FALSE;
    vault_sql_bind_id(replace, 1, pack_id->bytes);
    if (!vault_sql_run(catalog->sql, replace, error))
        return FALSE;
    *ret_was_there = vault_sql_changes(catalog->sql) > 0;
    return TRUE;
}

static gboolean run(VaultCatalog *catalog, gsize statement, guint64 *count, GError **error)
{
    g_autoptr(VaultStatement) purge = vault_sql_use(catalog->sql, statement, error);

    if (purge == NULL || !vault_sql_run(catalog->sql, purge, error))
        return FALSE;
    if (count != NULL)
        *count += vault_sql_changes(catalog->sql);
    return TRUE;
}

gboolean vault_catalog_purge_replaced(VaultCatalog *catalog, GError **error)
{
    return run(catalog, CATALOG_PURGE_TAGS, NULL, error) &&
           run(catalog, CATALOG_PURGE_BODIES, &catalog->removed.message_count, error) &&
           run(catalog, CATALOG_PURGE_COPIES, &catalog->removed.copy_count, error) &&
           run(catalog, CATALOG_PURGE_OTHERS, &catalog->removed.other_count, error);
}

gboolean vault_catalog_forget_replaced(VaultCatalog *catalog, GError **error)
{
    return run(catalog, CATALOG_FORGET_REPLACED, NULL, error);
}
