#include "ingest/words/coder.h"

#include "vault/base/bytes.h"
#include "vault/crypto/keys.h"

const guint16 ingest_chance_rates[INGEST_CHANCE_COUNT_MAX + 1] = {
    43690, 26214, 18724, 14563, 11915, 10082, 8738, 7710, 6898, 6241, 5698,
    5242,  4854,  4519,  4228,  3971,  3744,  3542, 3360, 3196, 3048};

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
 * So bytes are written from the end of the room that all could need, and then moved. */
void ingest_coder_finish_encoding(IngestCoder *coder, IngestSecretBuffer *bytes)
{
    const guint32 *steps = (const guint32 *)(const void *)coder->steps.bytes;
    gsize count = coder->steps.len / sizeof *steps, room = 2 * count + sizeof(guint32);
    guint32 state = INGEST_CODER_STATE_MIN;
    guint8 *end, *at;

    ingest_secret_buffer_reserve(bytes, bytes->len + room);
    at = end = bytes->bytes + bytes->len + room;
    for (gsize i = count; i-- > 0;) {
        guint32 start = steps[i] >> 16, frequency = steps[i] >> 4 & 0xfff, bits = steps[i] & 0xf;

        if (state >= (guint64)frequency << (32 - bits)) {
            at -= 2;
            vault_bytes_put_u16(at, (guint16)state);
            state >>= 16;
        }
        state = frequency == 1 ? (state << bits) + start
                               : ((state / frequency) << bits) + start + state % frequency;
    }
    at -= sizeof state;
    vault_bytes_put_u32(at, state);
    memmove(bytes->bytes + bytes->len, at, (gsize)(end - at));
    bytes->len += (gsize)(end - at);
    vault_wipe(bytes->bytes + bytes->len, (gsize)(end - (bytes->bytes + bytes->len)));
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

void ingest_chances_init(IngestChance *chances, gsize count)
{
    for (gsize i = 0; i < count; i++)
        chances[i] = (IngestChance){1u << 15, 0};
}

void ingest_number_model_init(IngestNumberModel *model)
{
    ingest_chances_init(model->lens, G_N_ELEMENTS(model->lens));
    ingest_chances_init(model->seconds, G_N_ELEMENTS(model->seconds));
}

/* number + 1 = 1 . second . rest; how much follows the 1 comes first. */
guint32 ingest_coder_number(IngestCoder *coder, IngestNumberModel *model, guint32 number)
{
    const guint many = 15;
    guint32 more = number + 1, value = 1;
    guint len = coder->is_encoding ? g_bit_storage(more) - 1 : 0, learned;

    learned = ingest_coder_tree(coder, model->lens, 4, MIN(len, many));
    len = learned < many ? learned : many + ingest_coder_raw(coder, 4, len - many);
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
