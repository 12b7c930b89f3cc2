/* What the opened blocks of a segment hold. The first byte says what the rest is; what is accepted
 * keeps to its order and its bounds, and is read again the same from what is written of it. */
#include "search/index/dictionary.h"
#include "search/index/facts.h"
#include "search/index/summaries.h"

#include <string.h>

#define DOCUMENTS 100000

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_chunk(const guint8 *data, gsize size)
{
    guint count = size > 0 ? data[0] % SEARCH_CHUNK_DOCUMENTS + 1 : 1;
    g_autoptr(GByteArray) again = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    SearchChunk chunk, reread;

    if (size == 0 || !search_chunk_parse(data + 1, size - 1, SEARCH_NO_DOCUMENT, count, DOCUMENTS,
                                         &chunk, &error)) {
        g_assert(size == 0 || error != NULL);
        return;
    }
    for (guint i = 0; i < count; i++)
        g_assert(chunk.documents[i] < DOCUMENTS && chunk.frequencies[i] > 0 &&
                 (i == 0 || chunk.documents[i - 1] < chunk.documents[i]));
    search_chunk_format(&chunk, SEARCH_NO_DOCUMENT, again);
    g_assert(search_chunk_parse(again->data, again->len, SEARCH_NO_DOCUMENT, count, DOCUMENTS,
                                &reread, NULL));
    g_assert(memcmp(chunk.documents, reread.documents, count * sizeof(guint32)) == 0);
    g_assert(memcmp(chunk.frequencies, reread.frequencies, count * sizeof(guint32)) == 0);
}

static void check_positions(const guint8 *data, gsize size)
{
    g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(guint32));
    g_autoptr(GArray) reread = g_array_new(FALSE, FALSE, sizeof(guint32));
    g_autoptr(GByteArray) again = g_byte_array_new();
    SearchChunk chunk = {.count = 1};
    SearchPositionReader reader;

    chunk.frequencies[0] = size > 1 ? ((guint32)data[0] << 8 | data[1]) + 1 : 1;
    if (size < 2 || !search_positions_begin(&reader, data + 2, size - 2, NULL) ||
        !search_positions_read(&reader, chunk.frequencies[0], positions, NULL))
        return;
    g_assert(positions->len == chunk.frequencies[0]);
    for (guint i = 1; i < positions->len; i++)
        g_assert(g_array_index(positions, guint32, i - 1) < g_array_index(positions, guint32, i));
    search_chunk_format_positions(&chunk, (const guint32 *)(void *)positions->data, again);
    g_assert(search_positions_begin(&reader, again->data, again->len, NULL) &&
             search_positions_read(&reader, chunk.frequencies[0], reread, NULL));
    g_assert(memcmp(positions->data, reread->data, positions->len * sizeof(guint32)) == 0);
}

static void check_table(const guint8 *data, gsize size)
{
    SearchListPlace place = {.document_count = size > 0 ? data[0] * SEARCH_CHUNK_DOCUMENTS : 0,
                             .postings_len = 4096,
                             .positions_len = 4096};
    g_autoptr(GArray) table = NULL;

    if (size == 0)
        return;
    place.table_len = size - 1;
    table = search_list_table_parse(data + 1, size - 1, &place, DOCUMENTS, NULL);
    for (guint i = 1; table != NULL && i < table->len; i++) {
        const SearchListChunk *before = &g_array_index(table, SearchListChunk, i - 1);

        g_assert(before->last < before[1].last && before[1].last < DOCUMENTS);
        g_assert(before->postings_end <= before[1].postings_end);
        g_assert(before[1].postings_end <= place.postings_len);
        g_assert(before[1].positions_end <= place.positions_len);
    }
}

static void check_dictionary(const guint8 *data, gsize size)
{
    SearchEntry entry, before;
    gboolean is_end = FALSE;
    gsize at = 0;

    for (guint count = 0;; count++) {
        if (!search_dictionary_block_next(data, size, &at, &entry, &is_end, NULL) || is_end)
            return;
        g_assert(at <= size && entry.len <= INGEST_TERM_LEN_MAX && entry.list.document_count > 0);
        g_assert(count == 0 ||
                 search_entry_compare(before.term, before.len, before.field, &entry) < 0);
        before = entry;
    }
}

static void check_facts(const guint8 *data, gsize size)
{
    g_autoptr(GByteArray) again = g_byte_array_new();
    SearchFacts facts;

    if (!search_facts_parse(data, size, &facts, NULL))
        return;
    search_facts_format(&facts, again);
    g_assert(again->len == size && memcmp(again->data, data, size) == 0);
}

static void check_summary(const guint8 *data, gsize size)
{
    g_autoptr(IngestSummary) summary = search_summary_parse(data, size, NULL);
    g_autoptr(GByteArray) again = g_byte_array_new();

    if (summary == NULL)
        return;
    search_summary_format(summary, again);
    g_assert(again->len == size && memcmp(again->data, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static void (*const checks[])(const guint8 *, gsize) = {
        check_chunk, check_positions, check_table, check_dictionary, check_facts, check_summary};

    if (size > 0)
        checks[data[0] % G_N_ELEMENTS(checks)](data + 1, size - 1);
    return 0;
}
