#include "search/index/copies.h"

typedef struct {
    SearchCopy copy;
    gboolean is_written;
} Held;

struct SearchCopies {
    GArray *held; /* Held */
    gboolean is_sorted;
};

SearchCopies *search_copies_new(void)
{
    SearchCopies *copies = g_new0(SearchCopies, 1);

    copies->held = g_array_new(FALSE, FALSE, sizeof(Held));
    return copies;
}

void search_copies_free(SearchCopies *copies)
{
    if (copies == NULL)
        return;
    g_array_unref(copies->held);
    g_free(copies);
}

void search_copies_add(SearchCopies *copies, const SearchCopy *copy)
{
    Held held = {.copy = *copy};

    g_array_append_val(copies->held, held);
    copies->is_sorted = FALSE;
}

guint search_copies_count(const SearchCopies *copies)
{
    return copies->held->len;
}

/* By message, then by what the index knows the copy by: the order does not depend on that in which
 * the threads of a scan found them. */
static gint compare(gconstpointer a, gconstpointer b)
{
    const SearchCopy *left = &((const Held *)a)->copy, *right = &((const Held *)b)->copy;
    int order = memcmp(left->body_id.bytes, right->body_id.bytes, VAULT_ID_LEN);

    return order != 0 ? order : memcmp(left->terms_id.bytes, right->terms_id.bytes, VAULT_ID_LEN);
}

static void sort(SearchCopies *copies)
{
    if (!copies->is_sorted)
        g_array_sort(copies->held, compare);
    copies->is_sorted = TRUE;
}

static Held *held_at(const SearchCopies *copies, guint at)
{
    return &g_array_index(copies->held, Held, at);
}

static guint find_first(const SearchCopies *copies, const RecordId *body_id)
{
    guint low = 0, high = copies->held->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (memcmp(held_at(copies, middle)->copy.body_id.bytes, body_id->bytes, VAULT_ID_LEN) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

gboolean search_copies_write(SearchCopies *copies, const RecordId *body_id,
                             SearchSegmentWriter *writer, GError **error)
{
    sort(copies);
    for (guint at = find_first(copies, body_id); at < copies->held->len; at++) {
        Held *held = held_at(copies, at);

        if (!VAULT_ID_EQUAL(held->copy.body_id, *body_id))
            break;
        if (!search_segment_writer_add_copy(writer, &held->copy, error))
            return FALSE;
        held->is_written = TRUE;
    }
    return TRUE;
}

gboolean search_copies_write_strays(SearchCopies *copies, SearchFindDocument find, gpointer user,
                                    SearchSegmentWriter *writer, GError **error)
{
    sort(copies);
    for (guint at = 0; at < copies->held->len; at++) {
        Held *held = held_at(copies, at);
        guint64 segment;
        guint32 document;

        if (held->is_written || !find(user, &held->copy.body_id, &segment, &document))
            continue;
        if (!search_segment_writer_add_stray(writer, segment, document, &held->copy, error))
            return FALSE;
        held->is_written = TRUE;
    }
    return TRUE;
}
