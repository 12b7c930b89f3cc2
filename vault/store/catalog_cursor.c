#include "vault/store/catalog_sql.h"

#define PAGE_LEN 1024
/* Up to so many months are merged, one statement each; of more, all copies are read in order of
 * time and those of other months passed over. */
#define MERGED_MONTHS_MAX 256

/* A month's copies, standing on the next one of this page. */
typedef struct {
    VaultStatement *statement;
    gboolean has_row;
    VaultCatalogCopy next;
} Source;

struct VaultCatalogCursor {
    VaultCatalog *catalog;
    guint64 after_s; /* resume behind (after_s, after_id) */
    RecordId after_id;
    gsize after_id_len; /* 0: from the first of that second */
    guint64 last_s;     /* the last second wanted */
    GArray *found;      /* VaultCatalogCopy, with messages; else NULL */
    guint found_next;
    GArray *sources;      /* Source, merging; else NULL */
    GHashTable *months;   /* MonthKeyId, a filter; NULL: all */
    VaultStatement *scan; /* reading all in order of time; else NULL */
    gboolean is_empty;
};

static void source_clear(gpointer item)
{
    Source *source = item;

    vault_statement_free(source->statement);
}

void vault_catalog_cursor_free(VaultCatalogCursor *cursor)
{
    if (cursor == NULL)
        return;
    {
        /* Statements belong to the connection that others use. */
        CATALOG_LOCK(cursor->catalog);
        g_clear_pointer(&cursor->sources, g_array_unref);
        vault_statement_free(cursor->scan);
    }
    g_clear_pointer(&cursor->found, g_array_unref);
    g_clear_pointer(&cursor->months, g_hash_table_unref);
    g_free(cursor);
}

static gint compare_copies(gconstpointer a, gconstpointer b)
{
    const VaultCatalogCopy *left = a;
    const VaultCatalogCopy *right = b;

    if (left->received_s != right->received_s)
        return left->received_s < right->received_s ? -1 : 1;
    return memcmp(left->record_id.bytes, right->record_id.bytes, VAULT_ID_LEN);
}

/* ---- by message ----------------------------------------------------------------------------- */

static gboolean is_wanted(const VaultCatalogCursor *cursor, const VaultCatalogCopy *copy,
                          guint64 from_s)
{
    return copy->received_s >= from_s && copy->received_s <= cursor->last_s &&
           (cursor->months == NULL || g_hash_table_contains(cursor->months, &copy->month_key_id));
}

static gboolean find_messages(VaultCatalogCursor *cursor, const VaultCatalogFilter *filter,
                              GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(vault_id_hash, vault_id_equal);

    cursor->found = g_array_new(FALSE, TRUE, sizeof(VaultCatalogCopy));
    for (gsize i = 0; i < filter->message_count; i++) {
        g_autoptr(GArray) copies = NULL;

        /* A message named twice is found once. */
        if (!g_hash_table_add(seen, (gpointer)&filter->messages[i]))
            continue;
        copies = vault_catalog_copies_of(cursor->catalog, &filter->messages[i], error);
        if (copies == NULL)
            return FALSE;
        for (guint j = 0; j < copies->len; j++) {
            const VaultCatalogCopy *copy = &g_array_index(copies, VaultCatalogCopy, j);

            if (is_wanted(cursor, copy, filter->from_s))
                g_array_append_val(cursor->found, *copy);
        }
    }
    g_array_sort(cursor->found, compare_copies);
    return TRUE;
}

static void next_found(VaultCatalogCursor *cursor, GArray *page)
{
    guint count = MIN(cursor->found->len - cursor->found_next, PAGE_LEN);

    if (count > 0)
        g_array_append_vals(
            page, &g_array_index(cursor->found, VaultCatalogCopy, cursor->found_next), count);
    cursor->found_next += count;
}

/* ---- in order of time ----------------------------------------------------------------------- */

/* Parameters 1 to 3: where to resume and where to end. */
static void bind_range(const VaultCatalogCursor *cursor, VaultStatement *statement)
{
    vault_sql_bind_u64(statement, 1, cursor->after_s);
    vault_sql_bind_blob(statement, 2, cursor->after_id.bytes, cursor->after_id_len);
    vault_sql_bind_u64(statement, 3, cursor->last_s);
}

static void resume_after(VaultCatalogCursor *cursor, const GArray *page)
{
    const VaultCatalogCopy *last = &g_array_index(page, VaultCatalogCopy, page->len - 1);

    cursor->after_s = last->received_s;
    cursor->after_id = last->record_id;
    cursor->after_id_len = VAULT_ID_LEN;
}

static gboolean next_scanned(VaultCatalogCursor *cursor, GArray *page, GError **error)
{
    g_autoptr(VaultStatement) scan = cursor->scan;
    gboolean has_row;

    bind_range(cursor, scan);
    while (page->len < PAGE_LEN) {
        VaultCatalogCopy copy;

        if (!vault_sql_step(cursor->catalog->sql, scan, &has_row, error))
            return FALSE;
        if (!has_row)
            return TRUE;
        if (!catalog_read_copy(cursor->catalog, scan, &copy, error))
            return FALSE;
        if (cursor->months == NULL || g_hash_table_contains(cursor->months, &copy.month_key_id))
            g_array_append_val(page, copy);
    }
    return TRUE;
}

static gboolean step_source(VaultCatalogCursor *cursor, Source *source, GError **error)
{
    return vault_sql_step(cursor->catalog->sql, source->statement, &source->has_row, error) &&
           (!source->has_row ||
            catalog_read_copy(cursor->catalog, source->statement, &source->next, error));
}

static Source *first_source(VaultCatalogCursor *cursor)
{
    Source *first = NULL;

    for (guint i = 0; i < cursor->sources->len; i++) {
        Source *source = &g_array_index(cursor->sources, Source, i);

        if (source->has_row && (first == NULL || compare_copies(&source->next, &first->next) < 0))
            first = source;
    }
    return first;
}

static gboolean merge(VaultCatalogCursor *cursor, GArray *page, GError **error)
{
    Source *source;

    for (guint i = 0; i < cursor->sources->len; i++) {
        source = &g_array_index(cursor->sources, Source, i);
        bind_range(cursor, source->statement);
        if (!step_source(cursor, source, error))
            return FALSE;
    }
    while (page->len < PAGE_LEN && (source = first_source(cursor)) != NULL) {
        g_array_append_val(page, source->next);
        if (!step_source(cursor, source, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean next_merged(VaultCatalogCursor *cursor, GArray *page, GError **error)
{
    gboolean is_read = merge(cursor, page, error);

    /* Ends the read transaction: a reader that rests here does not keep the log from shrinking.
     * The month stays bound. */
    for (guint i = 0; i < cursor->sources->len; i++)
        sqlite3_reset(g_array_index(cursor->sources, Source, i).statement);
    return is_read;
}

/* ---- the cursor ----------------------------------------------------------------------------- */

static gboolean prepare_sources(VaultCatalogCursor *cursor, const VaultCatalogFilter *filter,
                                GError **error)
{
    cursor->sources = g_array_new(FALSE, TRUE, sizeof(Source));
    g_array_set_clear_func(cursor->sources, source_clear);
    for (gsize i = 0; i < filter->month_count; i++) {
        Source source = {.statement = vault_sql_prepare(
                             cursor->catalog->sql,
                             "SELECT " CATALOG_COPY_COLUMNS
                             " FROM copies c INDEXED BY copies_month" CATALOG_COPY_JOINS
                             "WHERE c.month_key_id = ?4 AND "
                             "(c.received_s, c.record_id) > (?1, ?2) AND c.received_s <= ?3 "
                             "ORDER BY c.received_s, c.record_id",
                             error)};

        if (source.statement == NULL)
            return FALSE;
        vault_sql_bind_id(source.statement, 4, filter->months[i].bytes);
        g_array_append_val(cursor->sources, source);
    }
    return TRUE;
}

static gboolean prepare_scan(VaultCatalogCursor *cursor, GError **error)
{
    cursor->scan =
        vault_sql_prepare(cursor->catalog->sql,
                          "SELECT " CATALOG_COPY_COLUMNS " FROM copies c" CATALOG_COPY_JOINS
                          "WHERE (c.received_s, c.record_id) > (?1, ?2) AND "
                          "c.received_s <= ?3 ORDER BY c.received_s, c.record_id",
                          error);
    return cursor->scan != NULL;
}

static gboolean prepare(VaultCatalogCursor *cursor, const VaultCatalogFilter *filter,
                        GError **error)
{
    gboolean is_merge;

    if (filter->messages != NULL)
        return find_messages(cursor, filter, error);
    is_merge = cursor->months != NULL && filter->month_count <= MERGED_MONTHS_MAX &&
               g_hash_table_size(cursor->months) == filter->month_count;
    CATALOG_LOCK(cursor->catalog);
    return is_merge ? prepare_sources(cursor, filter, error) : prepare_scan(cursor, error);
}

VaultCatalogCursor *vault_catalog_cursor_new(VaultCatalog *catalog,
                                             const VaultCatalogFilter *filter, GError **error)
{
    g_autoptr(VaultCatalogCursor) cursor = g_new0(VaultCatalogCursor, 1);

    cursor->catalog = catalog;
    cursor->after_s = filter->from_s;
    cursor->last_s = filter->to_s == 0 ? G_MAXINT64 : filter->to_s - 1;
    if (filter->months != NULL) {
        cursor->months = g_hash_table_new(vault_id_hash, vault_id_equal);
        for (gsize i = 0; i < filter->month_count; i++)
            g_hash_table_add(cursor->months, (gpointer)&filter->months[i]);
    }
    cursor->is_empty = (filter->months != NULL && filter->month_count == 0) ||
                       (filter->messages != NULL && filter->message_count == 0);
    if (!cursor->is_empty && !prepare(cursor, filter, error))
        return NULL;
    return g_steal_pointer(&cursor);
}

gboolean vault_catalog_cursor_next(VaultCatalogCursor *cursor, GArray *page, GError **error)
{
    g_array_set_size(page, 0);
    if (cursor->is_empty)
        return TRUE;
    if (cursor->found != NULL) {
        next_found(cursor, page);
        return TRUE;
    }
    {
        gboolean is_read;
        CATALOG_LOCK(cursor->catalog);

        is_read = cursor->sources != NULL ? next_merged(cursor, page, error)
                                          : next_scanned(cursor, page, error);
        if (!is_read)
            return FALSE;
    }
    if (page->len > 0)
        resume_after(cursor, page);
    return TRUE;
}
