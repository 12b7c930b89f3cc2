/* Numbers as bits, most significant first: plain ones and Rice codes; and as bytes of seven bits.
 *
 * A Rice code of parameter k is the value's upper part in unary (that many ones and a zero) and its
 * k lower bits; an upper part of SEARCH_RICE_ESCAPE or more is that many ones and the value in 32
 * bits. A reader never reads past its end: it gives zeros and sets `failed`, which is looked at
 * once, at the end. Pure functions. Source: docs/formats/case-index.md, section "Numbers".
 */
#pragma once

#include <glib.h>

#define SEARCH_RICE_ESCAPE 24

typedef struct {
    GByteArray *bytes; /* borrowed */
    guint64 held;      /* its lowest held_count bits are still to be written */
    guint held_count;
} SearchBitWriter;

void search_bits_begin(SearchBitWriter *writer, GByteArray *bytes);
/* At most 32 bits. */
void search_bits_put(SearchBitWriter *writer, guint32 value, guint count);
void search_bits_put_rice(SearchBitWriter *writer, guint32 value, guint k);
/* Zeros up to a whole byte. */
void search_bits_end(SearchBitWriter *writer);
/* Bits that a value takes. */
guint search_rice_len(guint32 value, guint k);

typedef struct {
    const guint8 *next, *end;
    guint64 window; /* its highest window_count bits are to be read */
    guint window_count;
    gboolean failed;
} SearchBitReader;

void search_bits_read_begin(SearchBitReader *reader, const guint8 *bytes, gsize len);
guint32 search_bits_read(SearchBitReader *reader, guint count);
guint32 search_bits_read_rice(SearchBitReader *reader, guint k);

/* Seven bits a byte, lowest first, the eighth says that more follow; at most 10 bytes. */
void search_varint_append(GByteArray *bytes, guint64 value);
/* FALSE past the end, or longer than 64 bits; *next is moved on. */
gboolean search_varint_read(const guint8 **next, const guint8 *end, guint64 *ret_value);
