#include "search/index/query_tree.h"

#include "search/index/words.h"

/* ---- dates: documents lie from the newest to the oldest ----------------------------------------
 */

/* How many documents are of this time or later. */
static guint32 count_from(SearchEvaluation *evaluation, gint64 date_s)
{
    guint32 low = 0, high = search_evaluation_count(evaluation);

    while (low < high) {
        guint32 middle = low + (high - low) / 2;
        gint64 here;

        if (!search_segment_date(evaluation->segment, middle, &here, &evaluation->error))
            return 0;
        if (here >= date_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static SearchIterator *date(SearchEvaluation *evaluation, const SearchNode *node)
{
    return search_iterator_range(evaluation, count_from(evaluation, node->to),
                                 count_from(evaluation, node->from));
}

/* ---- columns -----------------------------------------------------------------------------------
 */

static gboolean has_size(SearchEvaluation *evaluation, const SearchNode *node, guint32 document)
{
    guint64 size;

    return search_segment_column(evaluation->segment, SEARCH_SECTION_SIZES, document, &size,
                                 &evaluation->error) &&
           (node->from <= 0 || size >= (guint64)node->from) && node->to > 0 &&
           size < (guint64)node->to;
}

static gboolean has_marks(SearchEvaluation *evaluation, const SearchNode *node, guint32 document)
{
    guint64 marks;

    return search_segment_column(evaluation->segment, SEARCH_SECTION_MARKS, document, &marks,
                                 &evaluation->error) &&
           (marks & node->marks) == node->marks;
}

/* ---- ids ---------------------------------------------------------------------------------------
 */

static gboolean has_id(SearchEvaluation *evaluation, const SearchNode *node, guint32 document)
{
    RecordId id;

    return search_segment_id(evaluation->segment, document, &id, &evaluation->error) &&
           VAULT_ID_EQUAL(id, node->id);
}

/* The column holds a hash: what has it is looked at. */
static gboolean has_message_id(SearchEvaluation *evaluation, const SearchNode *node,
                               guint32 document)
{
    SearchSegment *segment = evaluation->segment;
    g_autoptr(IngestSummary) summary = NULL;
    const guint8 *bytes;
    guint64 hash;
    gsize len;

    if (!search_segment_column(segment, SEARCH_SECTION_MESSAGE_IDS, document, &hash,
                               &evaluation->error) ||
        hash != search_message_id_hash(node->text) || hash == 0 ||
        !search_summaries_get(segment->summaries, document, &bytes, &len, &evaluation->error))
        return FALSE;
    summary = search_summary_parse(bytes, len, &evaluation->error);
    return summary != NULL && g_strcmp0(summary->message_id, node->text) == 0;
}

/* ---- mailboxes ---------------------------------------------------------------------------------
 */

static gboolean address_fits(const char *address, const char *wanted)
{
    const char *domain = strrchr(address, '@');

    if (g_str_has_prefix(wanted, "*@"))
        return domain != NULL && g_ascii_strcasecmp(domain, wanted + 1) == 0;
    return g_ascii_strcasecmp(address, wanted) == 0;
}

static gboolean mailbox_fits(const SearchEvaluation *evaluation, const MailboxId *mailbox_id,
                             const char *wanted)
{
    const SearchOptions *options = evaluation->options;
    const GPtrArray *addresses =
        options->addresses != NULL ? options->addresses(options->user, mailbox_id) : NULL;

    if (strcmp(VAULT_ID_TEXT(*mailbox_id), wanted) == 0)
        return TRUE;
    for (guint i = 0; addresses != NULL && i < addresses->len; i++)
        if (address_fits(g_ptr_array_index(addresses, i), wanted))
            return TRUE;
    return FALSE;
}

/* A byte for each of the segment's mailboxes: whether it fits. */
static guint8 *fitting_mailboxes(SearchEvaluation *evaluation, SearchSegment *segment,
                                 const char *wanted)
{
    g_autofree guint8 *fitting = g_malloc0((gsize)segment->facts.mailbox_count + 1);
    MailboxId id;

    for (guint32 i = 0; i < segment->facts.mailbox_count; i++) {
        if (!search_segment_mailbox(segment, i, &id, &evaluation->error))
            return NULL;
        fitting[i] = mailbox_fits(evaluation, &id, wanted);
    }
    return g_steal_pointer(&fitting);
}

typedef struct {
    SearchEvaluation *evaluation;
    const char *wanted;
    guint64 *bits;
    SearchSegment *holder; /* of the strays looked at last, and which of its mailboxes fit */
    guint8 *fitting;
} Strays;

static gboolean visit_stray(gpointer user, SearchSegment *holder, const SearchStray *stray,
                            GError **error)
{
    Strays *strays = user;

    if (strays->holder != holder) {
        g_free(strays->fitting);
        strays->fitting = fitting_mailboxes(strays->evaluation, holder, strays->wanted);
        strays->holder = holder;
        if (strays->fitting == NULL)
            return FALSE;
    }
    if (strays->fitting[stray->copy.mailbox])
        search_bitmap_set(strays->bits, stray->document);
    return TRUE;
}

static gboolean set_own(SearchEvaluation *evaluation, const guint8 *fitting, guint64 *bits)
{
    SearchSegment *segment = evaluation->segment;
    GError **error = &evaluation->error;
    guint64 row = 0, end, mailbox;

    for (guint32 document = 0; document < search_evaluation_count(evaluation); document++) {
        if (!search_segment_column(segment, SEARCH_SECTION_FIRST_COPIES, document + 1, &end, error))
            return FALSE;
        for (; row < end; row++) {
            if (!search_segment_column(segment, SEARCH_SECTION_COPY_MAILBOXES, (guint32)row,
                                       &mailbox, error))
                return FALSE;
            if (mailbox < segment->facts.mailbox_count && fitting[mailbox])
                search_bitmap_set(bits, document);
        }
    }
    return TRUE;
}

static SearchIterator *mailbox(SearchEvaluation *evaluation, const SearchNode *node)
{
    g_autofree guint8 *fitting = fitting_mailboxes(evaluation, evaluation->segment, node->text);
    Strays strays = {
        .evaluation = evaluation, .wanted = node->text, .bits = search_bitmap_new(evaluation)};

    if (fitting != NULL && set_own(evaluation, fitting, strays.bits))
        search_index_visit_strays(evaluation->index, evaluation->segment, 0,
                                  search_evaluation_count(evaluation), visit_stray, &strays,
                                  evaluation->error == NULL ? &evaluation->error : NULL);
    g_free(strays.fitting);
    return search_iterator_bitmap(evaluation, strays.bits);
}

/* ---- the tree ----------------------------------------------------------------------------------
 */

static GPtrArray *children_of(SearchEvaluation *evaluation, const SearchNode *node)
{
    GPtrArray *children = g_ptr_array_new_with_free_func((GDestroyNotify)search_iterator_free);

    for (guint i = 0; i < node->children->len; i++)
        g_ptr_array_add(children,
                        search_tree_iterator(evaluation, g_ptr_array_index(node->children, i)));
    return children;
}

SearchIterator *search_tree_iterator(SearchEvaluation *evaluation, const SearchNode *node)
{
    switch (node->kind) {
    case SEARCH_NODE_ALL:
        return search_iterator_range(evaluation, 0, search_evaluation_count(evaluation));
    case SEARCH_NODE_AND:
        return search_iterator_and(evaluation, children_of(evaluation, node));
    case SEARCH_NODE_OR:
        return search_iterator_or(evaluation, children_of(evaluation, node));
    case SEARCH_NODE_NOT:
        return search_iterator_not(
            evaluation, search_tree_iterator(evaluation, g_ptr_array_index(node->children, 0)));
    case SEARCH_NODE_WORDS:
    case SEARCH_NODE_NEAR:
        return search_words_iterator(evaluation, node);
    case SEARCH_NODE_DATE:
        return date(evaluation, node);
    case SEARCH_NODE_SIZE:
        return search_iterator_filter(evaluation, node, has_size);
    case SEARCH_NODE_MARKS:
        return search_iterator_filter(evaluation, node, has_marks);
    case SEARCH_NODE_MAILBOX:
        return mailbox(evaluation, node);
    case SEARCH_NODE_ID:
        return search_iterator_filter(evaluation, node,
                                      node->text != NULL ? has_message_id : has_id);
    }
    g_assert_not_reached();
}
