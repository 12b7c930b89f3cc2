#include "restore/reindex.h"

#include "restore/progress.h"
#include "restore/terms_missing.h"
#include "vault/act/terms_batch.h"
#include "vault/crypto/value.h"

/* A batch is sent when it has so much: each is logged, and synced, once. */
#define BATCH_LEN (1u << 20)
#define BATCH_COPIES 256

G_STATIC_ASSERT(BATCH_COPIES <= VAULT_TERMS_BATCH_COPIES_MAX);

typedef struct {
    const ReindexOptions *options;
    ReindexReport *report;
    GHashTable *missing; /* RecordId of a message -> GArray of RecordId: its copies without terms */
    GArray *bodies;      /* RecordId: the messages, in the order in which they are listed */
    GByteArray *batch;
    gsize batch_copy_count;
    guint64 read_count;
    Progress *progress;
} Reindex;

static Reindex reindex_of(const ReindexOptions *options, ReindexReport *report)
{
    return (Reindex){.options = options,
                     .report = report,
                     .missing = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free,
                                                      (GDestroyNotify)g_array_unref),
                     .bodies = g_array_new(FALSE, FALSE, sizeof(RecordId)),
                     .batch = g_byte_array_sized_new(2 * BATCH_LEN)};
}

static void reindex_clear(Reindex *reindex)
{
    g_hash_table_unref(reindex->missing);
    g_array_unref(reindex->bodies);
    vault_value_free(reindex->batch);
    progress_free(reindex->progress);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reindex, reindex_clear)

/* ---- what is missing ------------------------------------------------------------------------- */

static void note_missing(const VaultTermsEntry *entry, gpointer user)
{
    Reindex *reindex = user;
    GArray *copies = g_hash_table_lookup(reindex->missing, &entry->body_id);

    if (copies == NULL) {
        copies = g_array_new(FALSE, FALSE, sizeof(RecordId));
        g_hash_table_insert(reindex->missing, g_memdup2(&entry->body_id, VAULT_ID_LEN), copies);
        g_array_append_val(reindex->bodies, entry->body_id);
    }
    g_array_append_val(copies, entry->copy_id);
}

static gboolean list_missing(Reindex *reindex, GError **error)
{
    return terms_missing_list(reindex->options->view, &reindex->options->scope->filter,
                              note_missing, reindex, error);
}

static void report_missing(Reindex *reindex)
{
    ReindexReport *report = reindex->report;

    report->message_count = reindex->bodies->len;
    for (guint i = 0; i < reindex->bodies->len; i++) {
        const GArray *copies =
            g_hash_table_lookup(reindex->missing, &g_array_index(reindex->bodies, RecordId, i));

        report->copy_count += copies->len;
    }
}

/* Those that could not be opened and are there still: what was erased meanwhile lacks nothing. */
static gboolean count_left(const Reindex *reindex, GError **error)
{
    ReindexReport ignored = {0};
    g_auto(Reindex) now = reindex_of(reindex->options, &ignored);

    if (!list_missing(&now, error))
        return FALSE;
    for (guint i = 0; i < now.bodies->len; i++)
        reindex->report->left_message_count +=
            g_hash_table_contains(reindex->missing, &g_array_index(now.bodies, RecordId, i));
    return TRUE;
}

/* ---- writing --------------------------------------------------------------------------------- */

static gboolean send_batch(Reindex *reindex, GError **error)
{
    ReindexReport *report = reindex->report;
    VaultTermsAdded added;

    if (reindex->batch_copy_count == 0)
        return TRUE;
    if (!vault_view_add_terms(reindex->options->view, reindex->batch->data, reindex->batch->len,
                              &added, error))
        return FALSE;
    report->written_copy_count += added.added_count;
    report->known_count += added.known_count;
    report->gone_count += added.gone_count;
    vault_wipe(reindex->batch->data, reindex->batch->len);
    g_byte_array_set_size(reindex->batch, 0);
    reindex->batch_copy_count = 0;
    return TRUE;
}

static gboolean add_to_batch(Reindex *reindex, const VaultTermsAddition *addition, GError **error)
{
    if ((reindex->batch->len + vault_terms_batch_len(addition) > BATCH_LEN ||
         reindex->batch_copy_count + addition->copy_count > BATCH_COPIES) &&
        !send_batch(reindex, error))
        return FALSE;
    vault_terms_batch_append(reindex->batch, addition);
    reindex->batch_copy_count += addition->copy_count;
    return TRUE;
}

/* All copies of a message together, so that they share its terms, as far as one batch takes them.
 * Terms that are longer than any batch are left out. */
static gboolean take_terms(const RecordId *body_id, const GByteArray *terms, gpointer user,
                           GError **error)
{
    Reindex *reindex = user;
    const GArray *copies = g_hash_table_lookup(reindex->missing, body_id);
    VaultTermsAddition addition = {
        .body_id = *body_id, .terms = terms->data, .terms_len = terms->len};

    for (guint i = 0; i < copies->len; i += BATCH_COPIES) {
        addition.copies = &g_array_index(copies, RecordId, i);
        addition.copy_count = MIN(copies->len - i, BATCH_COPIES);
        if (vault_terms_batch_len(&addition) <= VAULT_TERMS_BATCH_LEN_MAX &&
            !add_to_batch(reindex, &addition, error))
            return FALSE;
    }
    reindex->read_count++;
    progress_show(reindex->progress, reindex->read_count, reindex->read_count);
    return TRUE;
}

static gboolean write_missing(Reindex *reindex, GError **error)
{
    const ReindexOptions *options = reindex->options;
    const CaseContentOptions content = {.view = options->view,
                                        .scope = options->scope,
                                        .extractor = options->extractor,
                                        .text_len_max = options->text_len_max,
                                        .visit = take_terms,
                                        .user = reindex};
    CaseContentMissing missing;
    gboolean ok;

    reindex->progress = progress_begin(options->verb, "messages", reindex->bodies->len);
    ok = case_content_read(&content, reindex->bodies, &missing, error) &&
         send_batch(reindex, error) && count_left(reindex, error);
    progress_hide(reindex->progress);
    return ok;
}

gboolean reindex_run(const ReindexOptions *options, ReindexReport *ret_report, GError **error)
{
    g_auto(Reindex) reindex = reindex_of(options, ret_report);

    *ret_report = (ReindexReport){.message_count = 0};
    if (!list_missing(&reindex, error))
        return FALSE;
    report_missing(&reindex);
    return options->is_dry_run || reindex.bodies->len == 0 || write_missing(&reindex, error);
}
