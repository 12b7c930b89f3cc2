#include "search/index/bits.h"

#define ROOM_MIN 64

void search_bits_begin(SearchBitWriter *writer, GByteArray *bytes)
{
    gsize len = bytes->len;

    g_byte_array_set_size(bytes, (guint)(len + ROOM_MIN));
    *writer = (SearchBitWriter){
        .bytes = bytes, .next = bytes->data + len, .end = bytes->data + bytes->len};
}

void search_bits_grow(SearchBitWriter *writer)
{
    gsize len = (gsize)(writer->next - writer->bytes->data);

    g_byte_array_set_size(writer->bytes, (guint)(2 * len + ROOM_MIN));
    writer->next = writer->bytes->data + len;
    writer->end = writer->bytes->data + writer->bytes->len;
}

void search_bits_put_long_rice(SearchBitWriter *writer, guint32 value, guint k)
{
    guint32 upper = value >> k;

    if (upper >= SEARCH_RICE_ESCAPE) {
        search_bits_put(writer, (1u << SEARCH_RICE_ESCAPE) - 1, SEARCH_RICE_ESCAPE);
        search_bits_put(writer, value, 32);
        return;
    }
    search_bits_put(writer, ((1u << upper) - 1) << 1, upper + 1);
    if (k > 0)
        search_bits_put(writer, value & ((1u << k) - 1), k);
}

void search_bits_end(SearchBitWriter *writer)
{
    if (writer->end - writer->next < (gssize)sizeof(guint32))
        search_bits_grow(writer);
    while (writer->held_count > 0) {
        guint count = MIN(writer->held_count, 8);

        *writer->next++ = (guint8)(writer->held >> (writer->held_count - count) << (8 - count));
        writer->held_count -= count;
    }
    g_byte_array_set_size(writer->bytes, (guint)(writer->next - writer->bytes->data));
}

void search_bits_read_begin(SearchBitReader *reader, const guint8 *bytes, gsize len)
{
    *reader = (SearchBitReader){.next = bytes, .end = bytes + len};
}

void search_bits_fill_last(SearchBitReader *reader)
{
    while (reader->window_count <= 56 && reader->next < reader->end) {
        reader->window |= (guint64)*reader->next++ << (56 - reader->window_count);
        reader->window_count += 8;
    }
}

guint32 search_bits_fail(SearchBitReader *reader)
{
    reader->failed = TRUE;
    reader->window = 0;
    reader->window_count = 0;
    reader->next = reader->end;
    return 0;
}

void search_varint_append(GByteArray *bytes, guint64 value)
{
    guint8 coded[SEARCH_VARINT_LEN_MAX];

    g_byte_array_append(bytes, coded, (guint)(search_varint_put(coded, value) - coded));
}
