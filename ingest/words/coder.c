#include "ingest/words/coder.h"

#include "vault/base/bytes.h"
#include "vault/crypto/keys.h"

#define CHANCE_BITS 12
#define CHANCE_MIN 16 /* of 2^12: nothing is certain */
#define CHANCE_COUNT_MAX 20

/* A step is start, frequency and bits: of 2^bits equal places, `frequency` from `start` on. */
static guint32 pack_step(guint32 start, guint32 frequency, guint bits)
{
    return start << 16 | frequency << 4 | bits;
}

void ingest_coder_begin_encoding(IngestCoder *coder)
{
    *coder = (IngestCoder){.is_encoding = TRUE};
}

void ingest_coder_begin_decoding(IngestCoder *coder, const guint8 *bytes, gsize len)
{
    *coder = (IngestCoder){.next = bytes, .end = bytes + len};
    coder->has_failed = len < sizeof(guint32) || len % 2 != 0;
    if (coder->has_failed)
        return;
    for (guint i = 0; i < sizeof(guint32); i++)
        coder->state = coder->state << 8 | *coder->next++;
    coder->has_failed = coder->state < INGEST_CODER_STATE_MIN;
}

gboolean ingest_coder_finish_decoding(const IngestCoder *coder)
{
    return !coder->has_failed && coder->next == coder->end &&
           coder->state == INGEST_CODER_STATE_MIN;
}

void ingest_coder_clear(IngestCoder *coder)
{
    ingest_secret_buffer_clear(&coder->steps);
    vault_wipe(coder, sizeof *coder);
}

/* The last step first: the decoder, which begins with what was written last, meets them in order.
 */
void ingest_coder_finish_encoding(IngestCoder *coder, IngestSecretBuffer *bytes)
{
    const guint32 *steps = (const guint32 *)(const void *)coder->steps.bytes;
    gsize count = coder->steps.len / sizeof *steps, begin = bytes->len;
    guint32 state = INGEST_CODER_STATE_MIN;

    ingest_secret_buffer_reserve(bytes, begin + 2 * count + sizeof state);
    for (gsize i = count; i-- > 0;) {
        guint32 start = steps[i] >> 16, frequency = steps[i] >> 4 & 0xfff, bits = steps[i] & 0xf;

        if (state >= (guint64)frequency << (32 - bits)) {
            bytes->bytes[bytes->len++] = (guint8)state;
            bytes->bytes[bytes->len++] = (guint8)(state >> 8);
            state >>= 16;
        }
        state = ((state / frequency) << bits) + start + state % frequency;
    }
    for (guint i = 0; i < sizeof state; i++)
        bytes->bytes[bytes->len++] = (guint8)(state >> 8 * i);
    for (gsize first = begin, last = bytes->len - 1; first < last; first++, last--) {
        guint8 byte = bytes->bytes[first];

        bytes->bytes[first] = bytes->bytes[last];
        bytes->bytes[last] = byte;
    }
}

static void encode(IngestCoder *coder, guint32 start, guint32 frequency, guint bits)
{
    guint32 step = pack_step(start, frequency, bits);

    ingest_secret_buffer_append(&coder->steps, &step, sizeof step);
}

static void decode(IngestCoder *coder, guint32 start, guint32 frequency, guint bits)
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

/* The first decisions count most: 1 / (count + 1.5), of 2^16. */
static guint32 learning_rate(guint count)
{
    static const guint16 rates[CHANCE_COUNT_MAX + 1] = {
        43690, 26214, 18724, 14563, 11915, 10082, 8738, 7710, 6898, 6241, 5698,
        5242,  4854,  4519,  4228,  3971,  3744,  3542, 3360, 3196, 3048};

    return rates[count];
}

static void learn(IngestChance *chance, gboolean bit)
{
    guint32 rate = learning_rate(chance->count);

    if (bit)
        chance->probability += (guint16)((guint64)(G_MAXUINT16 - chance->probability) * rate >> 16);
    else
        chance->probability -= (guint16)((guint64)chance->probability * rate >> 16);
    if (chance->count < CHANCE_COUNT_MAX)
        chance->count++;
}

gboolean ingest_coder_bit(IngestCoder *coder, IngestChance *chance, gboolean bit)
{
    guint32 of_true = CLAMP((guint32)chance->probability >> (16 - CHANCE_BITS), CHANCE_MIN,
                            (1u << CHANCE_BITS) - CHANCE_MIN);

    if (!coder->is_encoding)
        bit = (coder->state & ((1u << CHANCE_BITS) - 1)) < of_true;
    (coder->is_encoding ? encode : decode)(
        coder, bit ? 0 : of_true, bit ? of_true : (1u << CHANCE_BITS) - of_true, CHANCE_BITS);
    learn(chance, bit);
    return bit;
}

guint32 ingest_coder_raw(IngestCoder *coder, guint bits, guint32 number)
{
    g_assert(bits <= INGEST_CODER_BITS_MAX);
    if (!coder->is_encoding)
        number = coder->state & ((1u << bits) - 1);
    (coder->is_encoding ? encode : decode)(coder, number, 1, bits);
    return number;
}

guint ingest_coder_symbol(IngestCoder *coder, const IngestSymbols *symbols, guint symbol)
{
    if (!coder->is_encoding)
        symbol = symbols->symbol[coder->state & ((1u << INGEST_SYMBOL_BITS) - 1)];
    (coder->is_encoding ? encode : decode)(
        coder, symbols->start[symbol],
        (guint32)(symbols->start[symbol + 1] - symbols->start[symbol]), INGEST_SYMBOL_BITS);
    return symbol;
}

/* Each has one place, the rest is shared out by count; what rounding leaves is the last one's. */
void ingest_symbols_init(IngestSymbols *symbols, const guint32 *counts, guint symbol_count)
{
    guint32 places = (1u << INGEST_SYMBOL_BITS) - symbol_count, start = 0;
    guint64 total = 0;

    g_assert(symbol_count > 0 && symbol_count <= INGEST_SYMBOLS_MAX);
    for (guint i = 0; i < symbol_count; i++)
        total += counts[i];
    for (guint i = 0; i < symbol_count; i++) {
        guint32 end = start + 1 + (guint32)(counts[i] * (guint64)places / total);

        if (i == symbol_count - 1)
            end = 1u << INGEST_SYMBOL_BITS;
        symbols->start[i] = (guint16)start;
        for (; start < end; start++)
            symbols->symbol[start] = (guint8)i;
    }
    symbols->start[symbol_count] = (guint16)start;
}

void ingest_number_model_init(IngestNumberModel *model)
{
    for (guint i = 0; i < G_N_ELEMENTS(model->lens); i++)
        model->lens[i] = model->seconds[i] = (IngestChance)INGEST_CHANCE_EVEN;
}

/* number + 1 = 1 . second . rest; its length less one goes down a tree of learned decisions. */
guint32 ingest_coder_number(IngestCoder *coder, IngestNumberModel *model, guint32 number)
{
    guint32 more = number + 1, len = coder->is_encoding ? g_bit_storage(more) - 1 : 0, node = 1;
    guint32 value = 1;

    for (guint i = 5; i-- > 0;)
        node = node << 1 | (guint)ingest_coder_bit(coder, &model->lens[node], len >> i & 1);
    len = node & 31;
    if (len == 0)
        return 0;
    value =
        value << 1 | (guint32)ingest_coder_bit(coder, &model->seconds[len], more >> (len - 1) & 1);
    for (guint left = len - 1; left > 0;) {
        guint bits = MIN(left, INGEST_CODER_BITS_MAX);

        left -= bits;
        value = value << bits | ingest_coder_raw(coder, bits, more >> left & ((1u << bits) - 1));
    }
    return value - 1;
}
