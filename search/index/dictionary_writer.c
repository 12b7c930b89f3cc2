#include "search/index/dictionary_internal.h"

#include "vault/base/bytes.h"

#include <string.h>

/* Two lengths, the term, and at most six numbers. */
#define CODED_LEN_MAX (2 + INGEST_TERM_LEN_MAX + 6 * SEARCH_VARINT_LEN_MAX)

struct SearchDictionaryWriter {
    SearchBlockWriter *blocks;
    GByteArray *block;
    SearchEntry last;
    gboolean has_last;
};

SearchDictionaryWriter *search_dictionary_writer_new(SearchBlockWriter *blocks)
{
    SearchDictionaryWriter *writer = g_new0(SearchDictionaryWriter, 1);

    writer->blocks = blocks;
    writer->block = g_byte_array_new();
    return writer;
}

void search_dictionary_writer_free(SearchDictionaryWriter *writer)
{
    if (writer == NULL)
        return;
    g_byte_array_unref(writer->block);
    vault_wipe(&writer->last, sizeof writer->last);
    g_free(writer);
}

static gsize shared_len(const SearchEntry *a, const SearchEntry *b)
{
    gsize len = 0;

    while (len < a->len && len < b->len && a->term[len] == b->term[len])
        len++;
    return len;
}

/* Returns its length. */
static gsize code(const SearchEntry *entry, gsize shared, guint8 ret_coded[CODED_LEN_MAX])
{
    const SearchListPlace *list = &entry->list;
    gboolean has_one = list->document_count == 1 && list->position_count == 1;
    guint8 *at = ret_coded;

    at = search_varint_put(at, (guint64)entry->field << 1 | has_one);
    *at++ = (guint8)shared;
    *at++ = (guint8)(entry->len - shared);
    memcpy(at, entry->term + shared, entry->len - shared);
    at += entry->len - shared;
    if (!has_one) {
        at = search_varint_put(at, list->document_count);
        at = search_varint_put(at, list->position_count - list->document_count);
    }
    at = search_varint_put(at, list->postings_len);
    at = search_varint_put(at, list->positions_len);
    if (list->document_count > SEARCH_CHUNK_DOCUMENTS)
        at = search_varint_put(at, list->table_len);
    return (gsize)(at - ret_coded);
}

/* A block ends with its last entry: what follows, to the end of the sealed block, are zeros. */
static gboolean put_block(SearchDictionaryWriter *writer, GError **error)
{
    if (writer->block->len == 0)
        return TRUE;
    if (!search_block_writer_append(writer->blocks, SEARCH_SECTION_DICTIONARY, writer->block->data,
                                    writer->block->len, error) ||
        !search_block_writer_fill(writer->blocks, SEARCH_SECTION_DICTIONARY, error))
        return FALSE;
    g_byte_array_set_size(writer->block, 0);
    return TRUE;
}

static gboolean begin_block(SearchDictionaryWriter *writer, const SearchEntry *entry,
                            GError **error)
{
    guint8 len = (guint8)entry->len;

    vault_bytes_append_u64(writer->block, entry->list.postings_offset);
    vault_bytes_append_u64(writer->block, entry->list.positions_offset);
    return search_block_writer_append(writer->blocks, SEARCH_SECTION_DICTIONARY_TABLE, &len, 1,
                                      error) &&
           search_block_writer_append(writer->blocks, SEARCH_SECTION_DICTIONARY_TABLE, entry->term,
                                      entry->len, error);
}

gboolean search_dictionary_writer_add(SearchDictionaryWriter *writer, const SearchEntry *entry,
                                      GError **error)
{
    guint8 coded[CODED_LEN_MAX];
    gsize len = code(entry, writer->has_last ? shared_len(&writer->last, entry) : 0, coded);

    if (writer->block->len + len > SEARCH_BLOCK_PLAIN_LEN && !put_block(writer, error))
        return FALSE;
    if (writer->block->len == 0) {
        if (!begin_block(writer, entry, error))
            return FALSE;
        len = code(entry, 0, coded);
    }
    g_byte_array_append(writer->block, coded, (guint)len);
    writer->last = *entry;
    writer->has_last = TRUE;
    return TRUE;
}

gboolean search_dictionary_writer_finish(SearchDictionaryWriter *writer, GError **error)
{
    return put_block(writer, error);
}
