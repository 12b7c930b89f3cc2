/* Decisions as bytes, in as few of them as their probabilities allow (rANS): inside ingest/words.
 *
 * A model is written once, for both directions: it calls ingest_coder_bit(), _raw() and _symbol()
 * for one decision after the other. While encoding they take the decision and return it; while
 * decoding they ignore what they are given and return what was encoded. So what is written and what
 * is read cannot differ. Decoding of what was not encoded so gives other decisions, bounds for
 * which are the model's; ingest_coder_finish_decoding() tells. Source: docs/formats/terms.md,
 * section "Coder".
 */
#pragma once

#include "ingest/words/secret_buffer.h"

#define INGEST_CODER_BITS_MAX 12 /* of a raw number; probabilities are of 2^12 */
#define INGEST_CODER_STATE_MIN (1u << 16)

typedef struct {
    gboolean is_encoding;
    IngestSecretBuffer steps; /* encoding: guint32, to be coded from the last to the first */
    const guint8 *next, *end; /* decoding */
    guint32 state;
    gboolean has_failed; /* more was read than there is */
} IngestCoder;

void ingest_coder_begin_encoding(IngestCoder *coder);
/* Appends the bytes of all decisions. */
void ingest_coder_finish_encoding(IngestCoder *coder, IngestSecretBuffer *bytes);
/* Borrows the bytes. */
void ingest_coder_begin_decoding(IngestCoder *coder, const guint8 *bytes, gsize len);
/* FALSE: these are not the bytes of what was decoded. */
gboolean ingest_coder_finish_decoding(const IngestCoder *coder);
void ingest_coder_clear(IngestCoder *coder); /* wipes */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(IngestCoder, ingest_coder_clear)

/* How likely a decision is TRUE, learned from those that were taken. */
typedef struct {
    guint16 probability; /* of 2^16 */
    guint16 count;       /* decisions that it was learned from, up to a limit */
} IngestChance;
void ingest_chances_init(IngestChance *chances, gsize count); /* even */

static inline gboolean ingest_coder_bit(IngestCoder *coder, IngestChance *chance, gboolean bit);
/* A number of `bits` bits, at most INGEST_CODER_BITS_MAX, all equally likely. */
static inline guint32 ingest_coder_raw(IngestCoder *coder, guint bits, guint32 number);

/* One of up to 64 symbols, of fixed frequencies that sum up to 2^INGEST_SYMBOL_BITS. */
#define INGEST_SYMBOL_BITS 10
#define INGEST_SYMBOLS_MAX 64
typedef struct {
    guint16 start[INGEST_SYMBOLS_MAX + 1]; /* of each symbol; [its number + 1] is where it ends */
    guint8 symbol[1u << INGEST_SYMBOL_BITS];
} IngestSymbols;
/* `counts` of each symbol, all over 0, are scaled. */
void ingest_symbols_init(IngestSymbols *symbols, const guint32 *counts, guint symbol_count);
static inline guint ingest_coder_symbol(IngestCoder *coder, const IngestSymbols *symbols,
                                        guint symbol);

/* A number of `bits` bits, whose bits are learned, each by those before it: chances[2^bits]. */
static inline guint ingest_coder_tree(IngestCoder *coder, IngestChance *chances, guint bits,
                                      guint number);

/* A number up to INGEST_NUMBER_MAX: its length in bits is learned, and the bit behind the first. */
#define INGEST_NUMBER_MAX ((1u << 31) - 2)
typedef struct {
    IngestChance lens[16], seconds[32];
} IngestNumberModel;
void ingest_number_model_init(IngestNumberModel *model);
guint32 ingest_coder_number(IngestCoder *coder, IngestNumberModel *model, guint32 number);

/* ---- one decision: called some thousand times a message -------------------------------------- */

#define INGEST_CHANCE_BITS 12
#define INGEST_CHANCE_MIN 16 /* of 2^12: nothing is certain */
#define INGEST_CHANCE_COUNT_MAX 20
/* The first decisions count most: 1 / (count + 1.5), of 2^16. */
extern const guint16 ingest_chance_rates[INGEST_CHANCE_COUNT_MAX + 1];

/* Of 2^bits equal places, `frequency` from `start` on. */
static inline void ingest_coder_encode(IngestCoder *coder, guint32 start, guint32 frequency,
                                       guint bits)
{
    guint32 step = start << 16 | frequency << 4 | bits;

    ingest_secret_buffer_append(&coder->steps, &step, sizeof step);
}

static inline void ingest_coder_decode(IngestCoder *coder, guint32 start, guint32 frequency,
                                       guint bits)
{
    guint32 place = coder->state & ((1u << bits) - 1);

    coder->state = frequency * (coder->state >> bits) + place - start;
    if (coder->state >= INGEST_CODER_STATE_MIN)
        return;
    if (coder->end - coder->next < 2) {
        coder->has_failed = TRUE;
        coder->state |= INGEST_CODER_STATE_MIN;
        return;
    }
    coder->state = coder->state << 16 | (guint32)coder->next[0] << 8 | coder->next[1];
    coder->next += 2;
}

static inline void ingest_coder_step(IngestCoder *coder, guint32 start, guint32 frequency,
                                     guint bits)
{
    if (coder->is_encoding)
        ingest_coder_encode(coder, start, frequency, bits);
    else
        ingest_coder_decode(coder, start, frequency, bits);
}

static inline gboolean ingest_coder_bit(IngestCoder *coder, IngestChance *chance, gboolean bit)
{
    guint32 probability = chance->probability, rate = ingest_chance_rates[chance->count];
    guint32 of_true = CLAMP(probability >> (16 - INGEST_CHANCE_BITS), INGEST_CHANCE_MIN,
                            (1u << INGEST_CHANCE_BITS) - INGEST_CHANCE_MIN);

    if (!coder->is_encoding)
        bit = (coder->state & ((1u << INGEST_CHANCE_BITS) - 1)) < of_true;
    ingest_coder_step(coder, bit ? 0 : of_true,
                      bit ? of_true : (1u << INGEST_CHANCE_BITS) - of_true, INGEST_CHANCE_BITS);
    chance->probability = (guint16)(bit ? probability + ((G_MAXUINT16 - probability) * rate >> 16)
                                        : probability - (probability * rate >> 16));
    chance->count += chance->count < INGEST_CHANCE_COUNT_MAX;
    return bit;
}

static inline guint32 ingest_coder_raw(IngestCoder *coder, guint bits, guint32 number)
{
    if (!coder->is_encoding)
        number = coder->state & ((1u << bits) - 1);
    ingest_coder_step(coder, number, 1, bits);
    return number;
}

static inline guint ingest_coder_symbol(IngestCoder *coder, const IngestSymbols *symbols,
                                        guint symbol)
{
    if (!coder->is_encoding)
        symbol = symbols->symbol[coder->state & ((1u << INGEST_SYMBOL_BITS) - 1)];
    ingest_coder_step(coder, symbols->start[symbol],
                      (guint32)(symbols->start[symbol + 1] - symbols->start[symbol]),
                      INGEST_SYMBOL_BITS);
    return symbol;
}

static inline guint ingest_coder_tree(IngestCoder *coder, IngestChance *chances, guint bits,
                                      guint number)
{
    guint node = 1;

    for (guint i = bits; i-- > 0;)
        node = node << 1 | (guint)ingest_coder_bit(coder, &chances[node], number >> i & 1);
    return node - (1u << bits);
}
