#include "vault/base/bytes.h"
#include "vault/store/catalog_sql.h"

gboolean catalog_read_place(VaultCatalog *catalog, VaultStatement *row, int column,
                            VaultPlace *ret_place, GError **error)
{
    ret_place->offset = vault_sql_column_u64(row, column + 1);
    ret_place->len = vault_sql_column_u64(row, column + 2);
    return vault_sql_column_id(catalog->sql, row, column, ret_place->pack_id.bytes, error);
}

gboolean catalog_read_copy(VaultCatalog *catalog, VaultStatement *row, VaultCatalogCopy *ret_copy,
                           GError **error)
{
    ret_copy->leaf = (guint32)vault_sql_column_u64(row, 3);
    ret_copy->received_s = vault_sql_column_u64(row, 4);
    ret_copy->flags = (guint32)vault_sql_column_u64(row, 5);
    ret_copy->body_len = vault_sql_column_u64(row, 9);
    return vault_sql_column_id(catalog->sql, row, 0, ret_copy->record_id.bytes, error) &&
           vault_sql_column_id(catalog->sql, row, 1, ret_copy->body_id.bytes, error) &&
           vault_sql_column_id(catalog->sql, row, 2, ret_copy->month_key_id.bytes, error) &&
           catalog_read_place(catalog, row, 6, &ret_copy->place, error);
}

static gboolean set_not_found(VaultCatalog *catalog, const RecordId *record_id, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "%s knows no record %s", catalog->path,
                VAULT_ID_TEXT(*record_id));
    return FALSE;
}

GArray *vault_catalog_packs(VaultCatalog *catalog, GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(GArray) packs = g_array_new(FALSE, TRUE, sizeof(VaultCatalogPack));
    g_autoptr(VaultStatement) query = NULL;
    gboolean has_row;

    query = vault_sql_use(catalog->sql, CATALOG_PACKS, error);
    if (query == NULL)
        return NULL;
    while (vault_sql_step(catalog->sql, query, &has_row, error)) {
        VaultCatalogPack pack;

        if (!has_row)
            return g_steal_pointer(&packs);
        if (!vault_sql_column_id(catalog->sql, query, 0, pack.pack_id.bytes, error))
            return NULL;
        pack.end = vault_sql_column_u64(query, 1);
        pack.state = (VaultPackState)vault_sql_column_u64(query, 2);
        g_array_append_val(packs, pack);
    }
    return NULL;
}

gboolean vault_catalog_totals(VaultCatalog *catalog, VaultCatalogTotals *ret_totals, GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(VaultStatement) query = NULL;
    gboolean has_row;

    query = vault_sql_use(catalog->sql, CATALOG_TOTALS, error);
    if (query == NULL || !vault_sql_step(catalog->sql, query, &has_row, error))
        return FALSE;
    if (!has_row) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s has no totals", catalog->path);
        return FALSE;
    }
    ret_totals->message_count = vault_sql_column_u64(query, 0);
    ret_totals->copy_count = vault_sql_column_u64(query, 1);
    ret_totals->other_count = vault_sql_column_u64(query, 2);
    ret_totals->last_archived_s = vault_sql_column_u64(query, 3);
    return TRUE;
}

gboolean vault_catalog_count_rows(VaultCatalog *catalog, VaultCatalogTotals *ret_totals,
                                  GError **error)
{
    CATALOG_LOCK(catalog);
    gint64 bodies = 0, copies = 0, others = 0, last_s = 0;

    if (!vault_sql_exec_int(catalog->sql, "SELECT count(*) FROM bodies", &bodies, error) ||
        !vault_sql_exec_int(catalog->sql, "SELECT count(*) FROM copies", &copies, error) ||
        !vault_sql_exec_int(catalog->sql, "SELECT count(*) FROM others", &others, error) ||
        !vault_sql_exec_int(catalog->sql, "SELECT last_archived_s FROM totals", &last_s, error))
        return FALSE;
    *ret_totals = (VaultCatalogTotals){.message_count = (guint64)bodies,
                                       .copy_count = (guint64)copies,
                                       .other_count = (guint64)others,
                                       .last_archived_s = (guint64)last_s};
    return TRUE;
}

/* ---- single records ------------------------------------------------------------------------- */

/* A row of statement FIND_BODY or FIND_OTHER; ret_kind is left alone for the first. */
static gboolean find_in(VaultCatalog *catalog, gsize statement, const RecordId *record_id,
                        gboolean *ret_is_found, VaultRecordKind *ret_kind, VaultPlace *ret_place,
                        GError **error)
{
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, statement, error);

    if (query == NULL)
        return FALSE;
    vault_sql_bind_id(query, 1, record_id->bytes);
    if (!vault_sql_step(catalog->sql, query, ret_is_found, error))
        return FALSE;
    if (!*ret_is_found)
        return TRUE;
    *ret_kind = statement == CATALOG_FIND_BODY ? VAULT_RECORD_BODY
                                               : (VaultRecordKind)vault_sql_column_u64(query, 3);
    return catalog_read_place(catalog, query, 0, ret_place, error);
}

static gboolean find_copy(VaultCatalog *catalog, const RecordId *record_id, gboolean *ret_is_found,
                          VaultCatalogCopy *ret_copy, GError **error)
{
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, CATALOG_FIND_COPY, error);

    if (query == NULL)
        return FALSE;
    vault_sql_bind_id(query, 1, record_id->bytes);
    if (!vault_sql_step(catalog->sql, query, ret_is_found, error))
        return FALSE;
    return !*ret_is_found || catalog_read_copy(catalog, query, ret_copy, error);
}

gboolean vault_catalog_find(VaultCatalog *catalog, const RecordId *record_id,
                            VaultRecordKind *ret_kind, VaultPlace *ret_place, GError **error)
{
    CATALOG_LOCK(catalog);
    VaultCatalogCopy copy;
    gboolean is_found;

    if (!find_in(catalog, CATALOG_FIND_BODY, record_id, &is_found, ret_kind, ret_place, error))
        return FALSE;
    if (is_found)
        return TRUE;
    if (!find_copy(catalog, record_id, &is_found, &copy, error))
        return FALSE;
    if (is_found) {
        *ret_kind = VAULT_RECORD_COPY;
        *ret_place = copy.place;
        return TRUE;
    }
    if (!find_in(catalog, CATALOG_FIND_OTHER, record_id, &is_found, ret_kind, ret_place, error))
        return FALSE;
    return is_found || set_not_found(catalog, record_id, error);
}

gboolean vault_catalog_find_copy(VaultCatalog *catalog, const RecordId *record_id,
                                 VaultCatalogCopy *ret_copy, GError **error)
{
    CATALOG_LOCK(catalog);
    gboolean is_found;

    return find_copy(catalog, record_id, &is_found, ret_copy, error) &&
           (is_found || set_not_found(catalog, record_id, error));
}

gboolean vault_catalog_find_terms(VaultCatalog *catalog, const RecordId *record_id,
                                  VaultCatalogTerms *ret_terms, GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, CATALOG_FIND_TERMS, error);
    gboolean is_found;

    if (query == NULL)
        return FALSE;
    vault_sql_bind_id(query, 1, record_id->bytes);
    if (!vault_sql_step(catalog->sql, query, &is_found, error))
        return FALSE;
    if (!is_found)
        return set_not_found(catalog, record_id, error);
    ret_terms->record_id = *record_id;
    ret_terms->leaf = (guint32)vault_sql_column_u64(query, 2);
    ret_terms->received_s = vault_sql_column_u64(query, 3);
    return vault_sql_column_id(catalog->sql, query, 0, ret_terms->body_id.bytes, error) &&
           vault_sql_column_id(catalog->sql, query, 1, ret_terms->month_key_id.bytes, error) &&
           catalog_read_place(catalog, query, 4, &ret_terms->place, error);
}

gboolean vault_catalog_find_others(VaultCatalog *catalog, const RecordId *record_ids, gsize count,
                                   VaultPlace *ret_places, GError **error)
{
    CATALOG_LOCK(catalog);

    for (gsize i = 0; i < count; i++) {
        VaultRecordKind kind;
        gboolean is_found;

        ret_places[i] = (VaultPlace){.len = 0};
        if (!find_in(catalog, CATALOG_FIND_OTHER, &record_ids[i], &is_found, &kind, &ret_places[i],
                     error))
            return FALSE;
    }
    return TRUE;
}

gboolean vault_catalog_find_terms_body(VaultCatalog *catalog, const RecordId *record_id,
                                       RecordId *ret_body_id, GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, CATALOG_FIND_TERMS_BODY, error);
    gboolean is_found;

    if (query == NULL)
        return FALSE;
    vault_sql_bind_id(query, 1, record_id->bytes);
    if (!vault_sql_step(catalog->sql, query, &is_found, error))
        return FALSE;
    return is_found ? vault_sql_column_id(catalog->sql, query, 0, ret_body_id->bytes, error)
                    : set_not_found(catalog, record_id, error);
}

static gboolean append_copies(VaultCatalog *catalog, const RecordId *body_id, GArray *copies,
                              GError **error)
{
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, CATALOG_COPIES_OF, error);
    gboolean has_row;

    if (query == NULL)
        return FALSE;
    vault_sql_bind_id(query, 1, body_id->bytes);
    while (vault_sql_step(catalog->sql, query, &has_row, error)) {
        VaultCatalogCopy copy;

        if (!has_row)
            return TRUE;
        if (!catalog_read_copy(catalog, query, &copy, error))
            return FALSE;
        g_array_append_val(copies, copy);
    }
    return FALSE;
}

GArray *vault_catalog_copies_of(VaultCatalog *catalog, const RecordId *body_id, GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(GArray) copies = g_array_new(FALSE, TRUE, sizeof(VaultCatalogCopy));

    return append_copies(catalog, body_id, copies, error) ? g_steal_pointer(&copies) : NULL;
}

static gboolean append_others(VaultCatalog *catalog, const RecordId *body_id, GArray *parts,
                              GError **error)
{
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, CATALOG_PARTS, error);
    gboolean has_row;

    if (query == NULL)
        return FALSE;
    vault_sql_bind_id(query, 1, body_id->bytes);
    while (vault_sql_step(catalog->sql, query, &has_row, error)) {
        VaultCatalogPart part;

        if (!has_row)
            return TRUE;
        part.kind = (VaultRecordKind)vault_sql_column_u64(query, 1);
        if (!vault_sql_column_id(catalog->sql, query, 0, part.record_id.bytes, error) ||
            !catalog_read_place(catalog, query, 2, &part.place, error))
            return FALSE;
        g_array_append_val(parts, part);
    }
    return FALSE;
}

GArray *vault_catalog_parts(VaultCatalog *catalog, const RecordId *body_id, GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(GArray) parts = g_array_new(FALSE, TRUE, sizeof(VaultCatalogPart));
    g_autoptr(GArray) copies = g_array_new(FALSE, TRUE, sizeof(VaultCatalogCopy));
    VaultCatalogPart part = {.record_id = *body_id};
    gboolean is_found;

    if (!find_in(catalog, CATALOG_FIND_BODY, body_id, &is_found, &part.kind, &part.place, error))
        return NULL;
    if (is_found)
        g_array_append_val(parts, part);
    if (!append_copies(catalog, body_id, copies, error))
        return NULL;
    for (guint i = 0; i < copies->len; i++) {
        const VaultCatalogCopy *copy = &g_array_index(copies, VaultCatalogCopy, i);

        part = (VaultCatalogPart){VAULT_RECORD_COPY, copy->record_id, copy->place};
        g_array_append_val(parts, part);
    }
    return append_others(catalog, body_id, parts, error) ? g_steal_pointer(&parts) : NULL;
}

/* ---- tags, months --------------------------------------------------------------------------- */

gboolean vault_catalog_find_repeats(VaultCatalog *catalog, const DeliveryTag *repeat_tags,
                                    gsize count, GArray *ret_bodies, GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(VaultStatement) query = NULL;
    gboolean has_row;

    g_assert(count <= VAULT_CATALOG_TAGS_MAX);
    query = vault_sql_use(catalog->sql,
                          count <= 1   ? CATALOG_FIND_1_TAG
                          : count <= 4 ? CATALOG_FIND_4_TAGS
                                       : CATALOG_FIND_16_TAGS,
                          error);
    if (query == NULL)
        return FALSE;
    /* What is not bound is NULL, which no tag equals, but costs a search all the same. */
    for (gsize i = 0; i < count; i++)
        vault_sql_bind_blob(query, (int)i + 1, repeat_tags[i].bytes, VAULT_TAG_LEN);
    while (vault_sql_step(catalog->sql, query, &has_row, error)) {
        VaultTaggedBody found;

        if (!has_row)
            return TRUE;
        if (!vault_sql_column_id(catalog->sql, query, 0, found.body_id.bytes, error) ||
            !vault_sql_column_id(catalog->sql, query, 1, found.retry_tag.bytes, error))
            return FALSE;
        g_array_append_val(ret_bodies, found);
    }
    return FALSE;
}

gboolean vault_catalog_month_totals(VaultCatalog *catalog, const MonthKeyId *month_key_id,
                                    guint64 *ret_count, guint64 *ret_last_received_s,
                                    GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(VaultStatement) query = NULL;
    gboolean has_row;

    query = vault_sql_use(catalog->sql, CATALOG_MONTH_TOTALS, error);
    if (query == NULL)
        return FALSE;
    vault_sql_bind_id(query, 1, month_key_id->bytes);
    if (!vault_sql_step(catalog->sql, query, &has_row, error))
        return FALSE;
    *ret_count = has_row ? vault_sql_column_u64(query, 0) : 0;
    *ret_last_received_s = has_row ? vault_sql_column_u64(query, 1) : 0;
    return TRUE;
}

gboolean vault_catalog_leaf_end(VaultCatalog *catalog, const MonthKeyId *month_key_id,
                                guint64 *ret_end, GError **error)
{
    CATALOG_LOCK(catalog);
    g_autoptr(VaultStatement) query = NULL;
    gboolean has_row;

    query = vault_sql_use(catalog->sql, CATALOG_LEAF_END, error);
    if (query == NULL)
        return FALSE;
    vault_sql_bind_id(query, 1, month_key_id->bytes);
    if (!vault_sql_step(catalog->sql, query, &has_row, error))
        return FALSE;
    *ret_end = has_row ? vault_sql_column_u64(query, 0) : 0;
    return TRUE;
}

/* ---- whole-file checks ---------------------------------------------------------------------- */

/* Every column as a length and its bytes, integers as text: enough to tell two catalogs apart. */
static void hash_row(VaultHasher *hasher, VaultStatement *row)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        guint8 prefix[5] = {(guint8)sqlite3_column_type(row, i)};
        const void *bytes = sqlite3_column_type(row, i) == SQLITE_BLOB
                                ? sqlite3_column_blob(row, i)
                                : (const void *)sqlite3_column_text(row, i);

        vault_bytes_put_u32(prefix + 1, (guint32)sqlite3_column_bytes(row, i));
        vault_hasher_update(hasher, prefix, sizeof prefix);
        if (sqlite3_column_bytes(row, i) > 0)
            vault_hasher_update(hasher, bytes, (gsize)sqlite3_column_bytes(row, i));
    }
}

static gboolean hash_table(VaultCatalog *catalog, const char *text, VaultHasher *hasher,
                           GError **error)
{
    VaultStatement *query = vault_sql_prepare(catalog->sql, text, error);
    gboolean has_row = TRUE, is_read = query != NULL;

    while (is_read && has_row) {
        is_read = vault_sql_step(catalog->sql, query, &has_row, error);
        if (is_read && has_row)
            hash_row(hasher, query);
    }
    vault_statement_free(query);
    return is_read;
}

gboolean vault_catalog_digest(VaultCatalog *catalog, VaultHash *ret_hash, GError **error)
{
    CATALOG_LOCK(catalog);
    static const char *const queries[] = {
        "SELECT vault_id, message_count, copy_count, other_count, last_archived_s FROM totals",
        "SELECT t.body_id, t.offset, t.len, t.received_s, t.archived_s, t.flags, t.repeats, "
        "p.pack_id "
        "FROM bodies t LEFT JOIN packs p USING (pack_no) ORDER BY t.body_id",
        "SELECT t.received_s, t.record_id, t.body_id, t.month_key_id, t.leaf, t.flags, t.offset, "
        "t.len, "
        "t.terms_id, p.pack_id FROM copies t LEFT JOIN packs p USING (pack_no) "
        "ORDER BY t.received_s, t.record_id",
        "SELECT t.record_id, t.kind, t.body_id, t.month_key_id, t.leaf, t.offset, t.len, p.pack_id "
        "FROM others t LEFT JOIN packs p USING (pack_no) "
        "ORDER BY t.record_id",
    };
    g_autoptr(VaultHasher) hasher = vault_hasher_new();

    for (gsize i = 0; i < G_N_ELEMENTS(queries); i++)
        if (!hash_table(catalog, queries[i], hasher, error))
            return FALSE;
    vault_hasher_finish(hasher, ret_hash);
    return TRUE;
}

gboolean vault_catalog_check(VaultCatalog *catalog, GError **error)
{
    CATALOG_LOCK(catalog);
    gint64 count = 0;

    if (!vault_sql_exec_int(catalog->sql,
                            "SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'",
                            &count, error))
        return FALSE;
    if (count == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "%s: SQLite finds %" G_GINT64_FORMAT " faults in the file: run muniment rebuild",
                catalog->path, count);
    return FALSE;
}
