/* Numbers as bits, most significant first: plain ones and Rice codes; and as bytes of seven bits.
 *
 * A Rice code of parameter k is the value's upper part in unary (that many ones and a zero) and its
 * k lower bits; an upper part of SEARCH_RICE_ESCAPE or more is that many ones and the value in 32
 * bits. A reader never reads past its end: it gives zeros and sets `failed`, which is looked at
 * once, at the end. Pure functions. Source: docs/formats/case-index.md, section "Numbers".
 */
#pragma once

#include <glib.h>
#include <string.h>

#define SEARCH_RICE_ESCAPE 24

/* The bytes have their length when it ends, not before. */
typedef struct {
    GByteArray *bytes;  /* borrowed */
    guint8 *next, *end; /* room in them */
    guint64 held;       /* its lowest held_count bits are still to be written */
    guint held_count;
} SearchBitWriter;

/* Behind what the bytes hold. */
void search_bits_begin(SearchBitWriter *writer, GByteArray *bytes);
/* More room: for four bytes at least. */
void search_bits_grow(SearchBitWriter *writer);
/* At most 32 bits. */
static inline void search_bits_put(SearchBitWriter *writer, guint32 value, guint count)
{
    writer->held = writer->held << count | value;
    writer->held_count += count;
    if (writer->held_count >= 32) {
        guint32 word = GUINT32_TO_BE((guint32)(writer->held >> (writer->held_count - 32)));

        if (writer->end - writer->next < (gssize)sizeof word)
            search_bits_grow(writer);
        memcpy(writer->next, &word, sizeof word);
        writer->next += sizeof word;
        writer->held_count -= 32;
    }
}
/* One that takes more than 32 bits. */
void search_bits_put_long_rice(SearchBitWriter *writer, guint32 value, guint k);
static inline void search_bits_put_rice(SearchBitWriter *writer, guint32 value, guint k)
{
    guint32 upper = value >> k;

    if (upper >= SEARCH_RICE_ESCAPE || upper + 1 + k > 32)
        search_bits_put_long_rice(writer, value, k);
    else
        search_bits_put(writer, (((1u << upper) - 1) << 1) << k | (value & ((1u << k) - 1)),
                        upper + 1 + k);
}
/* Zeros up to a whole byte. */
void search_bits_end(SearchBitWriter *writer);

typedef struct {
    const guint8 *next, *end;
    guint64 window; /* its highest window_count bits are to be read */
    guint window_count;
    gboolean failed;
} SearchBitReader;

void search_bits_read_begin(SearchBitReader *reader, const guint8 *bytes, gsize len);
/* Of the last bytes, one by one. */
void search_bits_fill_last(SearchBitReader *reader);
/* Past the end. */
guint32 search_bits_fail(SearchBitReader *reader);

/* At least 56 bits, where there are as many. */
static inline void search_bits_fill(SearchBitReader *reader)
{
    guint64 word;

    if (reader->end - reader->next < 8) {
        search_bits_fill_last(reader);
        return;
    }
    memcpy(&word, reader->next, sizeof word);
    reader->window |= GUINT64_FROM_BE(word) >> reader->window_count;
    reader->next += (63 - reader->window_count) >> 3;
    reader->window_count |= 56;
}

static inline guint32 search_bits_read(SearchBitReader *reader, guint count)
{
    guint32 value;

    if (reader->window_count < count) {
        search_bits_fill(reader);
        if (reader->window_count < count)
            return search_bits_fail(reader);
    }
    if (count == 0)
        return 0;
    value = (guint32)(reader->window >> (64 - count));
    reader->window <<= count;
    reader->window_count -= count;
    return value;
}

static inline guint32 search_bits_read_rice(SearchBitReader *reader, guint k)
{
    guint upper;

    /* Behind the last bit there are zeros: what is cut there has an end, and then too few bits. */
    if (reader->window_count <= SEARCH_RICE_ESCAPE)
        search_bits_fill(reader);
    upper = ~reader->window == 0 ? 64 : (guint)__builtin_clzll(~reader->window);
    if (upper >= SEARCH_RICE_ESCAPE) {
        search_bits_read(reader, SEARCH_RICE_ESCAPE);
        return search_bits_read(reader, 32);
    }
    if (reader->window_count >= upper + 1 + k) {
        guint64 lower = reader->window << (upper + 1);

        reader->window = lower << k;
        reader->window_count -= upper + 1 + k;
        return (guint32)(upper << k | (k > 0 ? lower >> (64 - k) : 0));
    }
    search_bits_read(reader, upper + 1);
    return (guint32)upper << k | search_bits_read(reader, k);
}

/* Seven bits a byte, lowest first, the eighth says that more follow. */
#define SEARCH_VARINT_LEN_MAX 10
/* Returns the end of what it writes. */
static inline guint8 *search_varint_put(guint8 *at, guint64 value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (guint8)(value | 0x80);
    *at++ = (guint8)value;
    return at;
}
void search_varint_append(GByteArray *bytes, guint64 value);
/* FALSE past the end, or longer than 64 bits; *next is moved on. */
static inline gboolean search_varint_read(const guint8 **next, const guint8 *end,
                                          guint64 *ret_value)
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
