#include "search/index/bits.h"

#include <string.h>

void search_bits_begin(SearchBitWriter *writer, GByteArray *bytes)
{
    *writer = (SearchBitWriter){.bytes = bytes};
}

void search_bits_put(SearchBitWriter *writer, guint32 value, guint count)
{
    writer->held = writer->held << count | value;
    writer->held_count += count;
    if (writer->held_count >= 32) {
        guint32 word = GUINT32_TO_BE((guint32)(writer->held >> (writer->held_count - 32)));

        g_byte_array_append(writer->bytes, (const guint8 *)&word, sizeof word);
        writer->held_count -= 32;
    }
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

guint search_rice_len(guint32 value, guint k)
{
    guint32 upper = value >> k;

    return upper >= SEARCH_RICE_ESCAPE ? SEARCH_RICE_ESCAPE + 32 : upper + 1 + k;
}

void search_bits_read_begin(SearchBitReader *reader, const guint8 *bytes, gsize len)
{
    *reader = (SearchBitReader){.next = bytes, .end = bytes + len};
}

/* At least 56 bits, where there are as many. */
static void fill(SearchBitReader *reader)
{
    if (reader->end - reader->next >= 8) {
        guint64 word;

        memcpy(&word, reader->next, sizeof word);
        reader->window |= GUINT64_FROM_BE(word) >> reader->window_count;
        reader->next += (63 - reader->window_count) >> 3;
        reader->window_count |= 56;
        return;
    }
    while (reader->window_count <= 56 && reader->next < reader->end) {
        reader->window |= (guint64)*reader->next++ << (56 - reader->window_count);
        reader->window_count += 8;
    }
}

static gboolean has_bits(SearchBitReader *reader, guint count)
{
    if (reader->window_count < count)
        fill(reader);
    if (reader->window_count >= count)
        return TRUE;
    reader->failed = TRUE;
    reader->window_count = 0;
    reader->window = 0;
    reader->next = reader->end;
    return FALSE;
}

guint32 search_bits_read(SearchBitReader *reader, guint count)
{
    guint32 value;

    if (count == 0 || !has_bits(reader, count))
        return 0;
    value = (guint32)(reader->window >> (64 - count));
    reader->window <<= count;
    reader->window_count -= count;
    return value;
}

guint32 search_bits_read_rice(SearchBitReader *reader, guint k)
{
    guint upper;

    if (reader->window_count <= SEARCH_RICE_ESCAPE)
        fill(reader);
    upper = ~reader->window == 0 ? 64 : (guint)__builtin_clzll(~reader->window);
    if (upper >= SEARCH_RICE_ESCAPE) {
        search_bits_read(reader, SEARCH_RICE_ESCAPE);
        return search_bits_read(reader, 32);
    }
    search_bits_read(reader, upper + 1);
    return (guint32)upper << k | search_bits_read(reader, k);
}

void search_varint_append(GByteArray *bytes, guint64 value)
{
    guint8 coded[10];
    guint len = 0;

    for (; value >= 0x80; value >>= 7)
        coded[len++] = (guint8)(value | 0x80);
    coded[len++] = (guint8)value;
    g_byte_array_append(bytes, coded, len);
}

gboolean search_varint_read(const guint8 **next, const guint8 *end, guint64 *ret_value)
{
    guint64 value = 0;

    for (guint shift = 0; shift < 64 && *next < end; shift += 7) {
        guint8 byte = *(*next)++;

        value |= (guint64)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return TRUE;
        }
    }
    return FALSE;
}
