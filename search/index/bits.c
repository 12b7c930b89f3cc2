#include "search/index/bits.h"

void search_bits_begin(SearchBitWriter *writer, GByteArray *bytes)
{
    *writer = (SearchBitWriter){.bytes = bytes};
}

void search_bits_put_rice(SearchBitWriter *writer, guint32 value, guint k)
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
    while (writer->held_count > 0) {
        guint count = MIN(writer->held_count, 8);
        guint8 byte = (guint8)(writer->held >> (writer->held_count - count) << (8 - count));

        g_byte_array_append(writer->bytes, &byte, 1);
        writer->held_count -= count;
    }
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
