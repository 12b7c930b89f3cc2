#include "search/index/list.h"

#include "vault/base/error.h"

#define SHORT_LEN 128

struct SearchList {
    SearchBlocks *blocks;
    SearchListPlace place;
    guint32 document_count;
    GArray *table; /* SearchListChunk; NULL: there is one, `single` */
    SearchListChunk single;
    const SearchListChunk *chunks;
    guint chunk_count;
    guint chunk_number; /* the decoded one */
    guint at;           /* in the chunk: the document found */
    SearchChunk chunk;
    guint8 short_bytes[SHORT_LEN]; /* of the chunk's positions; most lists have few */
    GByteArray *bytes;             /* NULL until there are more */
    SearchPositionReader positions;
    guint positions_at; /* the document whose positions come next; G_MAXUINT: not begun */
};

static gboolean corrupt(GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "a list of the case index is not right");
    return FALSE;
}

static guint chunk_count_of(const SearchListPlace *place)
{
    return (place->document_count + SEARCH_CHUNK_DOCUMENTS - 1) / SEARCH_CHUNK_DOCUMENTS;
}

static gboolean read_entry(const guint8 **next, const guint8 *end, SearchListChunk *chunk)
{
    guint64 distance, postings_len, positions_len;

    if (!search_varint_read(next, end, &distance) ||
        !search_varint_read(next, end, &postings_len) ||
        !search_varint_read(next, end, &positions_len) || distance > G_MAXUINT32 ||
        postings_len > G_MAXUINT32 || positions_len > G_MAXUINT32)
        return FALSE;
    distance += (guint32)(chunk->last + 1);
    if (distance >= SEARCH_NO_DOCUMENT)
        return FALSE;
    chunk->last = (guint32)distance;
    chunk->postings_end += postings_len;
    chunk->positions_end += positions_len;
    return TRUE;
}

GArray *search_list_table_parse(const guint8 *bytes, gsize len, const SearchListPlace *place,
                                guint32 document_count, GError **error)
{
    g_autoptr(GArray) table = g_array_new(FALSE, FALSE, sizeof(SearchListChunk));
    SearchListChunk chunk = {.last = SEARCH_NO_DOCUMENT};
    const guint8 *next = bytes, *end = bytes + len;

    for (guint i = 0; i < chunk_count_of(place); i++) {
        if (!read_entry(&next, end, &chunk) || chunk.last >= document_count) {
            corrupt(error);
            return NULL;
        }
        g_array_append_val(table, chunk);
    }
    if (next == end && chunk.postings_end == place->postings_len - place->table_len &&
        chunk.positions_end == place->positions_len)
        return g_steal_pointer(&table);
    corrupt(error);
    return NULL;
}

static gboolean check_place(SearchBlocks *blocks, const SearchListPlace *place,
                            guint32 document_count, GError **error)
{
    if (place->document_count > 0 && place->document_count <= document_count &&
        place->table_len <= place->postings_len &&
        place->postings_len <= search_blocks_len(blocks, SEARCH_SECTION_POSTINGS) &&
        place->positions_len <= search_blocks_len(blocks, SEARCH_SECTION_POSITIONS))
        return TRUE;
    return corrupt(error);
}

static gboolean load_table(SearchList *list, GError **error)
{
    const SearchListPlace *place = &list->place;
    guint64 offset = place->postings_offset + place->postings_len - place->table_len;
    g_autofree guint8 *bytes = NULL;

    list->chunk_count = chunk_count_of(place);
    list->chunks = &list->single;
    if (list->chunk_count == 1) {
        list->single = (SearchListChunk){.last = list->document_count - 1,
                                         .postings_end = place->postings_len,
                                         .positions_end = place->positions_len};
        return TRUE;
    }
    bytes = g_malloc(place->table_len);
    if (!search_blocks_read(list->blocks, SEARCH_SECTION_POSTINGS, offset, bytes, place->table_len,
                            error))
        return FALSE;
    list->table =
        search_list_table_parse(bytes, place->table_len, place, list->document_count, error);
    if (list->table == NULL)
        return FALSE;
    list->chunks = (const SearchListChunk *)(const void *)list->table->data;
    return TRUE;
}

SearchList *search_list_open(SearchBlocks *blocks, const SearchListPlace *place,
                             guint32 document_count, GError **error)
{
    g_autoptr(SearchList) list = NULL;

    if (!check_place(blocks, place, document_count, error))
        return NULL;
    /* Not zeroed: a merge opens millions. */
    list = g_new(SearchList, 1);
    list->blocks = blocks;
    list->place = *place;
    list->document_count = document_count;
    list->table = NULL;
    list->chunk_number = 0;
    list->at = 0;
    list->chunk.count = 0;
    list->bytes = NULL;
    return load_table(list, error) ? g_steal_pointer(&list) : NULL;
}

void search_list_free(SearchList *list)
{
    if (list == NULL)
        return;
    if (list->table != NULL)
        g_array_unref(list->table);
    if (list->bytes != NULL)
        g_byte_array_unref(list->bytes);
    g_free(list);
}

static SearchListChunk begin_of(const SearchList *list, guint number)
{
    return number > 0 ? list->chunks[number - 1] : (SearchListChunk){.last = SEARCH_NO_DOCUMENT};
}

/* Documents in a full chunk, or in the last one. */
static guint count_of(const SearchList *list, guint number)
{
    return MIN(list->place.document_count - number * SEARCH_CHUNK_DOCUMENTS,
               SEARCH_CHUNK_DOCUMENTS);
}

static gboolean decode(SearchList *list, guint number, GError **error)
{
    SearchListChunk begin = begin_of(list, number);
    const SearchListChunk *end = &list->chunks[number];
    gsize len = end->postings_end - begin.postings_end;
    guint8 bytes[SEARCH_CHUNK_DOCUMENTS * 16];

    /* Two escaped numbers a document take 14 bytes. */
    if (len > sizeof bytes)
        return corrupt(error);
    if (!search_blocks_read(list->blocks, SEARCH_SECTION_POSTINGS,
                            list->place.postings_offset + begin.postings_end, bytes, len, error) ||
        !search_chunk_parse(bytes, len, begin.last, count_of(list, number), end->last + 1,
                            &list->chunk, error))
        return FALSE;
    list->chunk_number = number;
    list->at = 0;
    list->positions_at = G_MAXUINT;
    return TRUE;
}

/* The first chunk from `low` on whose last document is not before the target. */
static guint find_chunk(const SearchList *list, guint low, guint32 target)
{
    guint high = list->chunk_count;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (list->chunks[middle].last < target)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

gboolean search_list_seek(SearchList *list, guint32 target, guint32 *ret_document, GError **error)
{
    const SearchChunk *chunk = &list->chunk;

    while (chunk->count == 0 || chunk->documents[chunk->count - 1] < target) {
        guint first = chunk->count == 0 ? 0 : list->chunk_number + 1;
        guint number = find_chunk(list, first, target);

        if (number == list->chunk_count) {
            *ret_document = SEARCH_NO_DOCUMENT;
            return TRUE;
        }
        if (!decode(list, number, error))
            return FALSE;
    }
    while (chunk->documents[list->at] < target)
        list->at++;
    *ret_document = chunk->documents[list->at];
    return TRUE;
}

guint32 search_list_frequency(const SearchList *list)
{
    return list->chunk.frequencies[list->at];
}

static guint8 *room_for(SearchList *list, gsize len)
{
    if (len <= sizeof list->short_bytes)
        return list->short_bytes;
    if (list->bytes == NULL)
        list->bytes = g_byte_array_new();
    g_byte_array_set_size(list->bytes, (guint)len);
    return list->bytes->data;
}

static gboolean begin_positions(SearchList *list, GError **error)
{
    guint64 begin = begin_of(list, list->chunk_number).positions_end;
    gsize len = list->chunks[list->chunk_number].positions_end - begin;
    guint8 *bytes = room_for(list, len);

    list->positions_at = 0;
    return search_blocks_read(list->blocks, SEARCH_SECTION_POSITIONS,
                              list->place.positions_offset + begin, bytes, len, error) &&
           search_positions_begin(&list->positions, bytes, len, error);
}

gboolean search_list_positions(SearchList *list, GArray *positions, GError **error)
{
    if (list->positions_at == G_MAXUINT && !begin_positions(list, error))
        return FALSE;
    for (; list->positions_at <= list->at; list->positions_at++) {
        GArray *wanted = list->positions_at == list->at ? positions : NULL;

        if (!search_positions_read(&list->positions, list->chunk.frequencies[list->positions_at],
                                   wanted, error))
            return FALSE;
    }
    return TRUE;
}
