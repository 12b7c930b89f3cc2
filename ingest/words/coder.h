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
#define INGEST_CHANCE_EVEN                                                                         \
    {                                                                                              \
        1u << 15, 0                                                                                \
    }

gboolean ingest_coder_bit(IngestCoder *coder, IngestChance *chance, gboolean bit);
/* A number of `bits` bits, at most INGEST_CODER_BITS_MAX, all equally likely. */
guint32 ingest_coder_raw(IngestCoder *coder, guint bits, guint32 number);

/* One of up to 64 symbols, of fixed frequencies that sum up to 2^INGEST_SYMBOL_BITS. */
#define INGEST_SYMBOL_BITS 10
#define INGEST_SYMBOLS_MAX 64
typedef struct {
    guint16 start[INGEST_SYMBOLS_MAX + 1]; /* of each symbol; [its number + 1] is where it ends */
    guint8 symbol[1u << INGEST_SYMBOL_BITS];
} IngestSymbols;
/* `counts` of each symbol, all over 0, are scaled. */
void ingest_symbols_init(IngestSymbols *symbols, const guint32 *counts, guint symbol_count);
guint ingest_coder_symbol(IngestCoder *coder, const IngestSymbols *symbols, guint symbol);

/* A number below 2^32 - 1: its length in bits is learned, and the bit behind the first one. */
typedef struct {
    IngestChance lens[32], seconds[32];
} IngestNumberModel;
void ingest_number_model_init(IngestNumberModel *model);
guint32 ingest_coder_number(IngestCoder *coder, IngestNumberModel *model, guint32 number);
