/* Index slots of terms copies, and where these stand in their sessions: what opens the words of
 * messages. That place is in no catalog: it is read from each record's own locator. */
#include "vault/keep/release.h"

#define HEADER_LEN vault_record_header_len(VAULT_RECORD_TERMS_COPY)

/* A row that is given, and where its record lies. */
typedef struct {
    guint row;
    VaultCatalogTerms terms;
} Found;

typedef struct {
    VaultReleasing releasing;
    GArray *rows;  /* VaultReleasedTerms, in the order asked for; wiped on unref */
    GArray *found; /* Found */
} Searching;

static void terms_clear(gpointer terms)
{
    vault_released_terms_wipe(terms);
}

static Searching searching_of(VaultKeep *keep, const VaultJudgedGrant *judged, gsize count)
{
    Searching searching = {
        .releasing = vault_releasing(keep, judged),
        .rows = g_array_sized_new(FALSE, TRUE, sizeof(VaultReleasedTerms), (guint)MAX(count, 1)),
        .found = g_array_sized_new(FALSE, FALSE, sizeof(Found), (guint)MAX(count, 1))};

    g_array_set_clear_func(searching.rows, terms_clear);
    g_array_set_size(searching.rows, (guint)count);
    return searching;
}

static void searching_clear(Searching *searching)
{
    vault_releasing_clear(&searching->releasing);
    g_array_unref(searching->rows);
    g_array_unref(searching->found);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Searching, searching_clear)

static VaultReleasedTerms *row_of(const Searching *searching, guint row)
{
    return &g_array_index(searching->rows, VaultReleasedTerms, row);
}

/* ---- places ---------------------------------------------------------------------------------- */

static gint compare_places(gconstpointer a, gconstpointer b)
{
    const VaultPlace *left = &((const Found *)a)->terms.place;
    const VaultPlace *right = &((const Found *)b)->terms.place;
    int order = memcmp(&left->pack_id, &right->pack_id, sizeof left->pack_id);

    if (order != 0)
        return order;
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/* Compaction may have moved it since the catalog was asked: then that is asked again. */
static gboolean read_header(VaultKeep *keep, const VaultCatalogTerms *terms, guint8 *ret_bytes,
                            GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (vault_pack_set_read(keep->packs, &terms->place, 0, HEADER_LEN, ret_bytes, &failure))
        return TRUE;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return vault_keep_record_read(keep, &terms->record_id, 0, HEADER_LEN, ret_bytes, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean is_of(const VaultRecordHeader *header, const VaultLocator *locator,
                      const VaultCatalogTerms *terms)
{
    return header->kind == VAULT_RECORD_TERMS_COPY &&
           VAULT_ID_EQUAL(header->record_id, terms->record_id) &&
           VAULT_ID_EQUAL(locator->month_key_id, terms->month_key_id) &&
           locator->leaf == terms->leaf && VAULT_ID_EQUAL(locator->body_id, terms->body_id);
}

static gboolean read_locator(VaultKeep *keep, const VaultCatalogTerms *terms,
                             VaultLocator *ret_locator, GError **error)
{
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    VaultRecordHeader header;

    if (!read_header(keep, terms, bytes, error) ||
        !vault_record_header_parse(bytes, HEADER_LEN, &header, error) ||
        !vault_record_locator_open(bytes, &header, keep->locator_key, ret_locator, error))
        return FALSE;
    if (is_of(&header, ret_locator, terms))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "terms copy %s is not where the catalog says: run muniment rebuild",
                VAULT_ID_TEXT(terms->record_id));
    return FALSE;
}

/* In the order in which they lie in the packs. One that is damaged keeps no other from being given:
 * its place is left zeros, at which nothing opens. */
static void read_places(Searching *searching)
{
    VaultKeep *keep = searching->releasing.keep;

    g_array_sort(searching->found, compare_places);
    for (guint i = 0; i < searching->found->len; i++) {
        const Found *found = &g_array_index(searching->found, Found, i);
        VaultReleasedTerms *row = row_of(searching, found->row);
        g_autoptr(GError) failure = NULL;
        VaultLocator locator;

        if (read_locator(keep, &found->terms, &locator, &failure)) {
            memcpy(row->enc, locator.enc, sizeof row->enc);
            row->step = locator.step;
        } else {
            g_warning("terms copy %s cannot be read: %s", VAULT_ID_TEXT(found->terms.record_id),
                      failure->message);
        }
    }
}

/* ---- a release under a grant ----------------------------------------------------------------- */

static gboolean look_up(Searching *searching, guint row, const RecordId *record_id, GError **error)
{
    VaultReleasing *releasing = &searching->releasing;
    VaultReleasedTerms *terms = row_of(searching, row);
    Found found = {.row = row};
    GError *failure = NULL;
    VaultReleaseWanted wanted;

    terms->record_id = *record_id;
    if (!vault_catalog_find_terms(releasing->keep->reading, record_id, &found.terms, &failure))
        return vault_releasing_take_failure(failure, &terms->state, error);
    wanted = (VaultReleaseWanted){.record_id = *record_id,
                                  .body_id = found.terms.body_id,
                                  .month_key_id = found.terms.month_key_id,
                                  .leaf = found.terms.leaf,
                                  .received_s = found.terms.received_s,
                                  .half = VAULT_GRANT_INDEX,
                                  .line = "terms"};
    if (!vault_releasing_judge(releasing, &wanted, &terms->state, error))
        return FALSE;
    if (terms->state == VAULT_RELEASE_GIVEN) {
        terms->month_key_id = found.terms.month_key_id;
        terms->leaf = found.terms.leaf;
        g_array_append_val(searching->found, found);
    }
    return TRUE;
}

/* From trees that were opened before the release was logged: nothing of them is read again. */
static gboolean derive(Searching *searching, GError **error)
{
    for (guint i = 0; i < searching->rows->len; i++) {
        VaultReleasedTerms *terms = row_of(searching, i);
        const VaultMonthValue *month;

        if (terms->state != VAULT_RELEASE_GIVEN)
            continue;
        month = g_hash_table_lookup(searching->releasing.months, &terms->month_key_id);
        if (!vault_erasure_tree_index_slot(month->tree, terms->leaf, &terms->slot, error))
            return FALSE;
    }
    return TRUE;
}

GBytes *vault_release_give_terms(VaultKeep *keep, const VaultJudgedGrant *judged, gpointer list,
                                 GError **error)
{
    const VaultReleaseList *asked = list;
    g_auto(Searching) searching = searching_of(keep, judged, asked->count);
    VaultReleaseHeader header = {.vault_id = keep->id, .grant_hash = judged->grant_hash};

    for (gsize i = 0; i < asked->count; i++) {
        if (!look_up(&searching, (guint)i, &asked->ids[i], error))
            return NULL;
    }
    read_places(&searching);
    if (!vault_releasing_log(&searching.releasing, VAULT_LOGGED_SEARCH, "words-of",
                             &header.log_index, error) ||
        !derive(&searching, error))
        return NULL;
    return vault_release_seal_terms(
        &header, (const VaultReleasedTerms *)(gconstpointer)searching.rows->data,
        searching.rows->len, &judged->grant->request->reader_key, error);
}
