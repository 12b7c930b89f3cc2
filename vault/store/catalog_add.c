#include "vault/store/catalog_sql.h"

/* ---- adding --------------------------------------------------------------------------------- */

static gboolean query_pack_no(VaultCatalog *catalog, gsize statement, const PackId *pack_id,
                              guint64 *ret_pack_no, GError **error)
{
    g_autoptr(VaultStatement) query = vault_sql_use(catalog->sql, statement, error);
    gboolean has_row;

    if (query == NULL)
        return FALSE;
    vault_sql_bind_id(query, 1, pack_id->bytes);
    if (!vault_sql_step(catalog->sql, query, &has_row, error))
        return FALSE;
    *ret_pack_no = has_row ? vault_sql_column_u64(query, 0) : 0;
    /* RETURNING writes only when it is stepped to its end. */
    return !has_row || vault_sql_run(catalog->sql, query, error);
}

static gboolean pack_no(VaultCatalog *catalog, const PackId *pack_id, guint64 *ret_pack_no,
                        GError **error)
{
    if (catalog->known_pack_no == 0 || !VAULT_ID_EQUAL(catalog->known_pack, *pack_id)) {
        guint64 number;

        if (!query_pack_no(catalog, CATALOG_PACK_NO, pack_id, &number, error) ||
            (number == 0 && !query_pack_no(catalog, CATALOG_ADD_PACK, pack_id, &number, error)))
            return FALSE;
        catalog->known_pack = *pack_id;
        catalog->known_pack_no = number;
    }
    *ret_pack_no = catalog->known_pack_no;
    return TRUE;
}

gboolean vault_catalog_advance_pack(VaultCatalog *catalog, const VaultCatalogPack *pack,
                                    GError **error)
{
    g_autoptr(VaultStatement) advance = NULL;
    guint64 number;

    if (!pack_no(catalog, &pack->pack_id, &number, error))
        return FALSE;
    advance = vault_sql_use(catalog->sql, CATALOG_ADVANCE_PACK, error);
    if (advance == NULL)
        return FALSE;
    vault_sql_bind_u64(advance, 1, number);
    vault_sql_bind_u64(advance, 2, pack->end);
    vault_sql_bind_u64(advance, 3, pack->state);
    return vault_sql_run(catalog->sql, advance, error);
}

static gboolean add_tags(VaultCatalog *catalog, const VaultCatalogRow *row, guint64 archived_s,
                         GError **error)
{
    const VaultLocator *locator = &row->locator;
    g_autoptr(VaultStatement) add = NULL;

    if (vault_id_is_zero(locator->repeat_tag.bytes))
        return TRUE;
    add = vault_sql_use(catalog->sql, CATALOG_ADD_TAG, error);
    if (add == NULL)
        return FALSE;
    vault_sql_bind_blob(add, 1, locator->repeat_tag.bytes, VAULT_TAG_LEN);
    vault_sql_bind_id(add, 2, row->record_id.bytes);
    vault_sql_bind_blob(add, 3, locator->retry_tag.bytes, VAULT_TAG_LEN);
    vault_sql_bind_u64(add, 4, archived_s);
    return vault_sql_run(catalog->sql, add, error);
}

VaultStatement *catalog_begin_row(VaultCatalog *catalog, gsize statement,
                                  const VaultCatalogRow *row, GError **error)
{
    VaultStatement *add = NULL;
    guint64 number;

    if (!pack_no(catalog, &row->place.pack_id, &number, error))
        return NULL;
    add = vault_sql_use(catalog->sql, statement, error);
    if (add == NULL)
        return NULL;
    vault_sql_bind_id(add, 1, row->record_id.bytes);
    vault_sql_bind_u64(add, 2, number);
    vault_sql_bind_u64(add, 3, row->place.offset);
    vault_sql_bind_u64(add, 4, row->place.len);
    return add;
}

static gboolean add_body(VaultCatalog *catalog, const VaultCatalogRow *row, guint64 tags_since_s,
                         GError **error)
{
    const VaultLocator *locator = &row->locator;
    gboolean is_unsure = (locator->flags & VAULT_FLAG_CLOCK_UNSURE) != 0;
    guint64 archived_s = locator->archived_s;
    g_autoptr(VaultStatement) add = catalog_begin_row(catalog, CATALOG_ADD_BODY, row, error);

    if (add == NULL)
        return FALSE;
    vault_sql_bind_u64(add, 5, locator->received_s);
    vault_sql_bind_u64(add, 6, locator->archived_s);
    vault_sql_bind_u64(add, 7, locator->flags);
    if (!vault_id_is_zero(locator->repeats.bytes))
        vault_sql_bind_id(add, 8, locator->repeats.bytes);
    if (!vault_sql_run(catalog->sql, add, error))
        return FALSE;
    catalog->added.message_count += vault_sql_changes(catalog->sql);
    /* A clock that nobody trusts says nothing about the time, nor about the age of the tags. */
    if (is_unsure)
        archived_s = tags_since_s;
    else
        catalog->added.last_archived_s = MAX(catalog->added.last_archived_s, archived_s);
    return archived_s < tags_since_s || add_tags(catalog, row, archived_s, error);
}

static gboolean add_leaf(VaultCatalog *catalog, const VaultLocator *locator, GError **error)
{
    g_autoptr(VaultStatement) add = vault_sql_use(catalog->sql, CATALOG_ADD_LEAF, error);

    if (add == NULL)
        return FALSE;
    vault_sql_bind_id(add, 1, locator->month_key_id.bytes);
    vault_sql_bind_u64(add, 2, (guint64)locator->leaf + 1);
    return vault_sql_run(catalog->sql, add, error);
}

static gboolean add_copy(VaultCatalog *catalog, const VaultCatalogRow *row, GError **error)
{
    const VaultLocator *locator = &row->locator;
    /* A catalog that is made anew has no indexes yet: terms are looked for when it has. */
    gsize statement = catalog->mode == VAULT_CATALOG_BUILD ? CATALOG_BUILD_COPY : CATALOG_ADD_COPY;
    g_autoptr(VaultStatement) add = catalog_begin_row(catalog, statement, row, error);

    if (add == NULL)
        return FALSE;
    vault_sql_bind_u64(add, 5, locator->received_s);
    vault_sql_bind_u64(add, 6, locator->flags);
    vault_sql_bind_id(add, 7, locator->body_id.bytes);
    vault_sql_bind_id(add, 8, locator->month_key_id.bytes);
    vault_sql_bind_u64(add, 9, locator->leaf);
    vault_sql_bind_u64(add, 10, ++catalog->sequence);
    if (!vault_sql_run(catalog->sql, add, error))
        return FALSE;
    catalog->added.copy_count += vault_sql_changes(catalog->sql);
    return add_leaf(catalog, locator, error);
}

static gboolean link_copy(VaultCatalog *catalog, gsize statement, const VaultCatalogRow *row,
                          guint64 sequence, GError **error)
{
    const VaultLocator *locator = &row->locator;
    g_autoptr(VaultStatement) link = vault_sql_use(catalog->sql, statement, error);

    if (link == NULL)
        return FALSE;
    vault_sql_bind_id(link, 1, locator->body_id.bytes);
    vault_sql_bind_id(link, 2, locator->month_key_id.bytes);
    vault_sql_bind_u64(link, 3, locator->leaf);
    vault_sql_bind_id(link, 4, row->record_id.bytes);
    vault_sql_bind_u64(link, 5, sequence);
    return vault_sql_run(catalog->sql, link, error);
}

/* Nobody has seen a copy of this transaction yet: it keeps its number. To one that was there terms
 * came later: it is listed once more. */
static gboolean link_terms(VaultCatalog *catalog, const VaultCatalogRow *row, GError **error)
{
    if (catalog->mode == VAULT_CATALOG_BUILD)
        return TRUE;
    if (!link_copy(catalog, CATALOG_LINK_NEW_COPY, row, catalog->sequence_before, error))
        return FALSE;
    return vault_sql_changes(catalog->sql) > 0 ||
           link_copy(catalog, CATALOG_LINK_COPY, row, ++catalog->sequence, error);
}

/* An event has no body: its keyring row's id stands in that column. */
static gboolean insert_other(VaultCatalog *catalog, const VaultCatalogRow *row, GError **error)
{
    const VaultLocator *locator = &row->locator;
    g_autoptr(VaultStatement) add = catalog_begin_row(catalog, CATALOG_ADD_OTHER, row, error);

    if (add == NULL)
        return FALSE;
    vault_sql_bind_u64(add, 5, row->kind);
    vault_sql_bind_id(
        add, 6, row->kind == VAULT_RECORD_EVENT ? locator->row_id.bytes : locator->body_id.bytes);
    vault_sql_bind_id(add, 7, locator->month_key_id.bytes);
    vault_sql_bind_u64(add, 8, locator->leaf);
    return vault_sql_run(catalog->sql, add, error);
}

static gboolean add_other(VaultCatalog *catalog, const VaultCatalogRow *row, GError **error)
{
    guint changes;

    if (!insert_other(catalog, row, error))
        return FALSE;
    changes = vault_sql_changes(catalog->sql);
    catalog->added.other_count += changes;
    return changes == 0 || row->kind != VAULT_RECORD_TERMS_COPY || link_terms(catalog, row, error);
}

gboolean vault_catalog_add(VaultCatalog *catalog, const VaultCatalogRow *row, guint64 tags_since_s,
                           GError **error)
{
    switch (row->kind) {
    case VAULT_RECORD_BODY:
        return add_body(catalog, row, tags_since_s, error);
    case VAULT_RECORD_COPY:
        return add_copy(catalog, row, error);
    case VAULT_RECORD_TERMS_BODY:
    case VAULT_RECORD_TERMS_COPY:
    case VAULT_RECORD_WRAPPER:
    case VAULT_RECORD_ADDENDUM:
    case VAULT_RECORD_EVENT:
        return add_other(catalog, row, error);
    case VAULT_RECORD_COMMIT:
        break;
    }
    g_assert_not_reached();
}

gboolean vault_catalog_prune_tags(VaultCatalog *catalog, guint64 tags_since_s, GError **error)
{
    g_autoptr(VaultStatement) prune = vault_sql_use(catalog->sql, CATALOG_PRUNE_TAGS, error);

    if (prune == NULL)
        return FALSE;
    vault_sql_bind_u64(prune, 1, tags_since_s);
    return vault_sql_run(catalog->sql, prune, error);
}
