#include "vault/store/catalog_sql.h"

gboolean catalog_read_sequence(VaultCatalog *catalog, guint64 *ret_sequence, guint64 *ret_mark,
                               GError **error)
{
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, CATALOG_SEQUENCE, error);
    gboolean has_row;

    if (query == NULL || !vault_sql_step(catalog->sql, query, &has_row, error))
        return FALSE;
    *ret_sequence = has_row ? vault_sql_column_u64(query, 0) : 0;
    if (ret_mark != NULL)
        *ret_mark = has_row ? vault_sql_column_u64(query, 1) : 0;
    return TRUE;
}

/* ---- copies in order of cataloguing --------------------------------------------------------- */

typedef struct {
    const VaultCatalogFilter *filter;
    GHashTable *months, *messages; /* NULL: all */
} Wanted;

static GHashTable *set_of(gconstpointer ids, gsize count)
{
    GHashTable *set = g_hash_table_new(vault_id_hash, vault_id_equal);

    for (gsize i = 0; i < count; i++)
        g_hash_table_add(set, (guint8 *)ids + i * VAULT_ID_LEN);
    return set;
}

static void wanted_init(Wanted *wanted, const VaultCatalogFilter *filter)
{
    *wanted = (Wanted){.filter = filter};
    if (filter->months != NULL)
        wanted->months = set_of(filter->months, filter->month_count);
    if (filter->messages != NULL)
        wanted->messages = set_of(filter->messages, filter->message_count);
}

static void wanted_clear(Wanted *wanted)
{
    g_clear_pointer(&wanted->months, g_hash_table_unref);
    g_clear_pointer(&wanted->messages, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wanted, wanted_clear)

static gboolean is_wanted(const Wanted *wanted, const VaultCatalogArrival *copy)
{
    const VaultCatalogFilter *filter = wanted->filter;

    return copy->received_s >= filter->from_s &&
           (filter->to_s == 0 || copy->received_s < filter->to_s) &&
           (wanted->months == NULL || g_hash_table_contains(wanted->months, &copy->month_key_id)) &&
           (wanted->messages == NULL || g_hash_table_contains(wanted->messages, &copy->body_id));
}

static gboolean read_arrival(VaultCatalog *catalog, VaultStatement *row,
                             VaultCatalogArrival *ret_copy, GError **error)
{
    ret_copy->terms_id = (RecordId){{0}};
    ret_copy->leaf = (guint32)vault_sql_column_u64(row, 5);
    ret_copy->received_s = vault_sql_column_u64(row, 6);
    ret_copy->flags = (guint32)vault_sql_column_u64(row, 7);
    return (sqlite3_column_type(row, 1) == SQLITE_NULL ||
            vault_sql_column_id(catalog->sql, row, 1, ret_copy->terms_id.bytes, error)) &&
           vault_sql_column_id(catalog->sql, row, 2, ret_copy->copy_id.bytes, error) &&
           vault_sql_column_id(catalog->sql, row, 3, ret_copy->body_id.bytes, error) &&
           vault_sql_column_id(catalog->sql, row, 4, ret_copy->month_key_id.bytes, error);
}

static gboolean read_arrivals(VaultCatalog *catalog, const Wanted *wanted, guint64 *sequence,
                              gsize max, GArray *page, gboolean *ret_is_more, GError **error)
{
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, CATALOG_COPIES_SINCE, error);
    guint64 read_to = *sequence;
    gsize left = max;

    if (query == NULL)
        return FALSE;
    vault_sql_bind_u64(query, 1, *sequence);
    while (vault_sql_step(catalog->sql, query, ret_is_more, error)) {
        VaultCatalogArrival copy;

        if (!*ret_is_more || left == 0) {
            *sequence = read_to;
            return TRUE;
        }
        if (!read_arrival(catalog, query, &copy, error))
            return FALSE;
        read_to = vault_sql_column_u64(query, 0);
        if (!is_wanted(wanted, &copy))
            continue;
        g_array_append_val(page, copy);
        left--;
    }
    return FALSE;
}

gboolean vault_catalog_arrivals(VaultCatalog *catalog, const VaultCatalogFilter *filter,
                                VaultCatalogPosition *position, gsize max, GArray *page,
                                gboolean *ret_is_more, GError **error)
{
    CATALOG_LOCK(catalog);
    g_auto(Wanted) wanted = {.filter = filter};
    guint64 last, mark;

    if (!catalog_read_sequence(catalog, &last, &mark, error))
        return FALSE;
    position->is_anew = position->mark != 0 && position->mark != mark;
    if (position->mark != mark)
        position->sequence = 0;
    position->mark = mark;
    wanted_init(&wanted, filter);
    return read_arrivals(catalog, &wanted, &position->sequence, max, page, ret_is_more, error);
}

/* ---- terms of one message ------------------------------------------------------------------- */

GArray *vault_catalog_terms_of(VaultCatalog *catalog, const RecordId *body_id, GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(GArray) leaves = g_array_new(FALSE, TRUE, sizeof(VaultCatalogLeaf));
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, CATALOG_TERMS_OF, error);
    gboolean has_row;

    if (query == NULL)
        return NULL;
    vault_sql_bind_id(query, 1, body_id->bytes);
    while (vault_sql_step(catalog->sql, query, &has_row, error)) {
        VaultCatalogLeaf leaf;

        if (!has_row)
            return g_steal_pointer(&leaves);
        if (!vault_sql_column_id(catalog->sql, query, 0, leaf.month_key_id.bytes, error))
            return NULL;
        leaf.leaf = (guint32)vault_sql_column_u64(query, 1);
        g_array_append_val(leaves, leaf);
    }
    return NULL;
}

gboolean vault_catalog_count_mislinked(VaultCatalog *catalog, guint64 *ret_count, GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, CATALOG_MISLINKED, error);
    gboolean has_row;

    if (query == NULL || !vault_sql_step(catalog->sql, query, &has_row, error))
        return FALSE;
    *ret_count = has_row ? vault_sql_column_u64(query, 0) : 0;
    return TRUE;
}
