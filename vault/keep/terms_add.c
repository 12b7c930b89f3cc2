/* Terms that come after their copies: sealed as those of a delivery are, under the leaf that each
 * copy has. */
#include "vault/keep_terms.h"

#include "vault/act/terms_batch.h"
#include "vault/keep/acts.h"
#include "vault/keep/release.h"

/* One batch under way, inside the gate: nothing is erased meanwhile. */
typedef struct {
    VaultReleasing releasing;
    const GArray *additions; /* VaultTermsAddition */
    VaultTermsAdded *added;
    GHashTable *seen;     /* RecordId of copies, borrowed */
    GHashTable *sessions; /* MonthKeyId -> VaultIndexSession, in guarded memory */
    GArray *copies;       /* VaultCatalogCopy: those of one message that are to have terms */
    GPtrArray *records;
} Adding;

static Adding adding_of(VaultKeep *keep, const VaultJudgedGrant *judged, const GArray *additions,
                        VaultTermsAdded *added)
{
    return (Adding){
        .releasing = vault_releasing(keep, judged),
        .additions = additions,
        .added = added,
        .seen = g_hash_table_new(vault_id_hash, vault_id_equal),
        .sessions = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, vault_secret_free),
        .copies = g_array_new(FALSE, FALSE, sizeof(VaultCatalogCopy)),
        .records = g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free)};
}

static void adding_clear(Adding *adding)
{
    vault_releasing_clear(&adding->releasing);
    g_hash_table_unref(adding->seen);
    g_hash_table_unref(adding->sessions);
    g_array_unref(adding->copies);
    g_ptr_array_unref(adding->records);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Adding, adding_clear)

/* ---- which copies ---------------------------------------------------------------------------- */

static gboolean has_terms(const GArray *leaves, const VaultCatalogCopy *copy)
{
    for (guint i = 0; i < leaves->len; i++) {
        const VaultCatalogLeaf *leaf = &g_array_index(leaves, VaultCatalogLeaf, i);

        if (leaf->leaf == copy->leaf && VAULT_ID_EQUAL(leaf->month_key_id, copy->month_key_id))
            return TRUE;
    }
    return FALSE;
}

/* As the catalog has it: what the batch says of it counts nothing. */
static gboolean find_copy(Adding *adding, const VaultTermsAddition *addition,
                          const RecordId *copy_id, VaultCatalogCopy *ret_copy,
                          VaultReleaseState *ret_state, GError **error)
{
    GError *failure = NULL;

    *ret_state = VAULT_RELEASE_GIVEN;
    if (!vault_catalog_find_copy(adding->releasing.keep->reading, copy_id, ret_copy, &failure))
        return vault_releasing_take_failure(failure, ret_state, error);
    if (VAULT_ID_EQUAL(ret_copy->body_id, addition->body_id))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "copy %s is of another message",
                VAULT_ID_TEXT(*copy_id));
    return FALSE;
}

/* Whoever may read the message may say what its words are. */
static gboolean judge(Adding *adding, const VaultCatalogCopy *copy, VaultReleaseState *ret_state,
                      GError **error)
{
    const VaultReleaseWanted wanted = {.record_id = copy->record_id,
                                       .body_id = copy->body_id,
                                       .month_key_id = copy->month_key_id,
                                       .leaf = copy->leaf,
                                       .received_s = copy->received_s,
                                       .half = VAULT_GRANT_CONTENT,
                                       .line = "copy"};

    return vault_releasing_judge(&adding->releasing, &wanted, ret_state, error);
}

/* What has terms is only counted: nothing is done to it, so nothing is judged. */
static gboolean take_copy(Adding *adding, const VaultTermsAddition *addition, const GArray *leaves,
                          const RecordId *copy_id, GError **error)
{
    VaultReleaseState state;
    VaultCatalogCopy copy;

    if (!find_copy(adding, addition, copy_id, &copy, &state, error))
        return FALSE;
    if (state == VAULT_RELEASE_GIVEN &&
        (has_terms(leaves, &copy) || !g_hash_table_add(adding->seen, (gpointer)copy_id))) {
        adding->added->known_count++;
        return TRUE;
    }
    if (state == VAULT_RELEASE_GIVEN && !judge(adding, &copy, &state, error))
        return FALSE;
    if (state == VAULT_RELEASE_GIVEN)
        g_array_append_val(adding->copies, copy);
    else
        adding->added->gone_count++;
    return TRUE;
}

static gboolean take_copies(Adding *adding, const VaultTermsAddition *addition, GError **error)
{
    g_autoptr(GArray) leaves =
        vault_catalog_terms_of(adding->releasing.keep->reading, &addition->body_id, error);

    g_array_set_size(adding->copies, 0);
    for (gsize i = 0; leaves != NULL && i < addition->copy_count; i++) {
        if (!take_copy(adding, addition, leaves, &addition->copies[i], error))
            return FALSE;
    }
    return leaves != NULL;
}

/* ---- sealing --------------------------------------------------------------------------------- */

/* One for each month of the batch, which never has more copies than a session has steps. */
static VaultIndexSession *session_of(Adding *adding, const VaultMonthValue *month, GError **error)
{
    const VaultIndexContext context = {adding->releasing.keep->id, month->month_key_id};
    VaultIndexSession *session = g_hash_table_lookup(adding->sessions, &month->month_key_id);

    G_STATIC_ASSERT(VAULT_TERMS_BATCH_COPIES_MAX <= VAULT_INDEX_STEPS_MAX);
    if (session != NULL)
        return session;
    session = vault_secret_new(sizeof *session);
    g_hash_table_insert(adding->sessions, g_memdup2(&month->month_key_id, VAULT_ID_LEN), session);
    return vault_index_session_begin(&month->keys.index, &context, session, error) ? session : NULL;
}

/* Its leaf is the copy's: nothing is allotted anew. */
static gboolean place_of(Adding *adding, const VaultCatalogCopy *copy, VaultAllotment *ret_place,
                         GError **error)
{
    const VaultMonthValue *month =
        vault_releasing_month(&adding->releasing, &copy->record_id, &copy->month_key_id, error);
    VaultIndexSession *session = month == NULL ? NULL : session_of(adding, month, error);

    if (session == NULL ||
        !vault_erasure_tree_index_slot(month->tree, copy->leaf, &ret_place->index_slot, error))
        return FALSE;
    ret_place->mailbox_id = month->mailbox_id;
    ret_place->month_key_id = month->month_key_id;
    ret_place->leaf = copy->leaf;
    memcpy(ret_place->index_enc, session->enc, sizeof ret_place->index_enc);
    ret_place->has_index =
        vault_index_session_next(session, &ret_place->index_step, &ret_place->index_key, error);
    return ret_place->has_index;
}

static gboolean seal_copy(Adding *adding, const VaultSealedTerms *sealed,
                          const VaultCatalogCopy *copy, GError **error)
{
    g_auto(VaultAllotment) place = {.has_index = FALSE};
    VaultRecord *record;

    if (!place_of(adding, copy, &place, error))
        return FALSE;
    record = vault_seal_terms_copy(adding->releasing.keep->sealer, sealed, &place, error);
    if (record == NULL)
        return FALSE;
    g_ptr_array_add(adding->records, record);
    adding->added->added_count++;
    return TRUE;
}

static gboolean seal(Adding *adding, const VaultTermsAddition *addition, GError **error)
{
    g_autoptr(VaultSealedTerms) sealed = NULL;
    VaultRecord *body;

    if (adding->copies->len == 0)
        return TRUE;
    sealed = vault_seal_terms(adding->releasing.keep->sealer, &addition->body_id, addition->terms,
                              addition->terms_len, adding->copies->len, error);
    if (sealed == NULL)
        return FALSE;
    body = vault_sealed_terms_take_record(sealed);
    if (body != NULL)
        g_ptr_array_add(adding->records, body);
    for (guint i = 0; i < adding->copies->len; i++) {
        const VaultCatalogCopy *copy = &g_array_index(adding->copies, VaultCatalogCopy, i);

        if (!seal_copy(adding, sealed, copy, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static gboolean seal_all(Adding *adding, GError **error)
{
    for (guint i = 0; i < adding->additions->len; i++) {
        const VaultTermsAddition *addition =
            &g_array_index(adding->additions, VaultTermsAddition, i);

        if (!take_copies(adding, addition, error) || !seal(adding, addition, error))
            return FALSE;
    }
    return TRUE;
}

/* One group: what is logged is in the packs whole, or after a crash not at all. */
static gboolean log_and_commit(Adding *adding, GError **error)
{
    guint64 log_index;

    return adding->records->len == 0 ||
           (vault_releasing_log(&adding->releasing, VAULT_LOGGED_TERMS_ADDED, "copies", &log_index,
                                error) &&
            vault_keep_commit_inside(adding->releasing.keep, adding->records, error));
}

typedef struct {
    const GArray *additions;
    VaultTermsAdded added;
} Asked;

/* VaultReleaseGive; nothing is given but the counts. One batch at a time, each seen by the next in
 * the catalog: so no copy gets terms twice. */
static GBytes *add(VaultKeep *keep, const VaultJudgedGrant *judged, gpointer user, GError **error)
{
    Asked *asked = user;
    G_GNUC_UNUSED g_autoptr(GMutexLocker) one_at_a_time = g_mutex_locker_new(&keep->terms_lock);
    g_auto(Adding) adding = adding_of(keep, judged, asked->additions, &asked->added);

    asked->added = (VaultTermsAdded){.added_count = 0};
    vault_keep_catch_up(keep);
    return seal_all(&adding, error) && log_and_commit(&adding, error) ? g_bytes_new(NULL, 0) : NULL;
}

gboolean vault_keep_add_terms(VaultKeep *keep, const char *grant_text, gsize grant_len,
                              const void *batch, gsize len, VaultTermsAdded *ret_added,
                              GError **error)
{
    g_autoptr(GArray) additions = vault_terms_batch_parse(batch, len, error);
    Asked asked = {.additions = additions};
    g_autoptr(GBytes) done = NULL;

    if (additions == NULL)
        return FALSE;
    done = vault_release_under_grant(keep, grant_text, grant_len, add, &asked, error);
    if (done == NULL)
        return FALSE;
    *ret_added = asked.added;
    return TRUE;
}
