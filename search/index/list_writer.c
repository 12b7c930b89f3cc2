#include "search/index/list.h"

struct SearchListWriter {
    SearchBlockWriter *blocks;
    SearchChunk chunk;
    guint32 *positions; /* of the chunk */
    gsize position_count, position_room;
    guint32 last; /* document of the chunk before */
    guint chunk_count;
    GByteArray *bytes, *table;
    SearchListPlace place;
};

static void begin_list(SearchListWriter *writer)
{
    writer->place = (SearchListPlace){
        .postings_offset = search_block_writer_len(writer->blocks, SEARCH_SECTION_POSTINGS),
        .positions_offset = search_block_writer_len(writer->blocks, SEARCH_SECTION_POSITIONS)};
    writer->last = SEARCH_NO_DOCUMENT;
    writer->chunk_count = 0;
    g_byte_array_set_size(writer->table, 0);
}

SearchListWriter *search_list_writer_new(SearchBlockWriter *blocks)
{
    SearchListWriter *writer = g_new0(SearchListWriter, 1);

    writer->blocks = blocks;
    writer->bytes = g_byte_array_new();
    writer->table = g_byte_array_new();
    begin_list(writer);
    return writer;
}

void search_list_writer_free(SearchListWriter *writer)
{
    if (writer == NULL)
        return;
    g_free(writer->positions);
    g_byte_array_unref(writer->bytes);
    g_byte_array_unref(writer->table);
    g_free(writer);
}

static gboolean put(SearchListWriter *writer, SearchSection section, GError **error)
{
    return search_block_writer_append(writer->blocks, section, writer->bytes->data,
                                      writer->bytes->len, error);
}

static gboolean put_chunk(SearchListWriter *writer, GError **error)
{
    guint32 last = writer->chunk.documents[writer->chunk.count - 1];

    search_varint_append(writer->table, (guint32)(last - writer->last - 1));
    g_byte_array_set_size(writer->bytes, 0);
    search_chunk_format(&writer->chunk, writer->last, writer->bytes);
    search_varint_append(writer->table, writer->bytes->len);
    writer->place.postings_len += writer->bytes->len;
    if (!put(writer, SEARCH_SECTION_POSTINGS, error))
        return FALSE;
    g_byte_array_set_size(writer->bytes, 0);
    search_chunk_format_positions(&writer->chunk, writer->positions, writer->bytes);
    search_varint_append(writer->table, writer->bytes->len);
    writer->place.positions_len += writer->bytes->len;
    writer->last = last;
    writer->chunk_count++;
    writer->chunk.count = 0;
    writer->position_count = 0;
    return put(writer, SEARCH_SECTION_POSITIONS, error);
}

static guint32 *room_for(SearchListWriter *writer, guint32 count)
{
    gsize needed = writer->position_count + count;

    if (needed > writer->position_room) {
        writer->position_room = 2 * needed;
        writer->positions = g_renew(guint32, writer->positions, writer->position_room);
    }
    return writer->positions + writer->position_count;
}

guint32 *search_list_writer_begin_document(SearchListWriter *writer, guint32 document,
                                           guint32 count, GError **error)
{
    guint32 *positions;

    if (writer->chunk.count == SEARCH_CHUNK_DOCUMENTS && !put_chunk(writer, error))
        return NULL;
    writer->chunk.documents[writer->chunk.count] = document;
    writer->chunk.frequencies[writer->chunk.count++] = count;
    positions = room_for(writer, count);
    writer->position_count += count;
    writer->place.document_count++;
    writer->place.position_count += count;
    return positions;
}

gboolean search_list_writer_add(SearchListWriter *writer, guint32 document,
                                const guint32 *positions, guint32 count, GError **error)
{
    guint32 *to = search_list_writer_begin_document(writer, document, count, error);

    if (to == NULL)
        return FALSE;
    memcpy(to, positions, count * sizeof *positions);
    return TRUE;
}

gboolean search_list_writer_end(SearchListWriter *writer, SearchListPlace *ret_place,
                                GError **error)
{
    if (!put_chunk(writer, error))
        return FALSE;
    if (writer->chunk_count > 1) {
        writer->place.table_len = writer->table->len;
        writer->place.postings_len += writer->table->len;
        if (!search_block_writer_append(writer->blocks, SEARCH_SECTION_POSTINGS,
                                        writer->table->data, writer->table->len, error))
            return FALSE;
    }
    *ret_place = writer->place;
    begin_list(writer);
    return TRUE;
}
