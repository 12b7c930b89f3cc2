#include "search/index/chunk.h"

#include "vault/base/error.h"

/* In the first byte: five bits for the distances, three for the frequencies. */
#define FREQUENCY_K_MAX 6
#define FREQUENCY_ALL_ONE 7
#define K_MAX 31

static gboolean corrupt(GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "a list of the case index is not right");
    return FALSE;
}

static guint log2_floor(guint64 value)
{
    return value == 0 ? 0 : 63 - (guint)__builtin_clzll(value);
}

/* The parameter for values with this sum: the logarithm of ln 2 times their mean, which is best for
 * what is spread evenly. */
static guint k_for(guint64 sum, guint64 count, guint k_max)
{
    return MIN(log2_floor(sum * 11 / (count * 16)), k_max);
}

static guint frequency_k(const SearchChunk *chunk)
{
    guint64 sum = 0;

    for (guint i = 0; i < chunk->count; i++)
        sum += chunk->frequencies[i] - 1;
    return sum == 0 ? FREQUENCY_ALL_ONE : k_for(sum, chunk->count, FREQUENCY_K_MAX);
}

void search_chunk_format(const SearchChunk *chunk, guint32 before, GByteArray *bytes)
{
    guint32 next = before + 1; /* SEARCH_NO_DOCUMENT + 1 is 0 */
    guint64 span = (guint64)chunk->documents[chunk->count - 1] - next - (chunk->count - 1);
    guint k = k_for(span, chunk->count, K_MAX), f_k = frequency_k(chunk);
    SearchBitWriter writer;

    search_bits_begin(&writer, bytes);
    search_bits_put(&writer, k << 3 | f_k, 8);
    for (guint i = 0; i < chunk->count; i++) {
        search_bits_put_rice(&writer, chunk->documents[i] - next, k);
        if (f_k != FREQUENCY_ALL_ONE)
            search_bits_put_rice(&writer, chunk->frequencies[i] - 1, f_k);
        next = chunk->documents[i] + 1;
    }
    search_bits_end(&writer);
}

gboolean search_chunk_parse(const guint8 *bytes, gsize len, guint32 before, guint count,
                            guint32 document_count, SearchChunk *ret_chunk, GError **error)
{
    guint64 next = (guint32)(before + 1);
    SearchBitReader reader;
    guint k, f_k;

    g_assert(count <= SEARCH_CHUNK_DOCUMENTS);
    search_bits_read_begin(&reader, bytes, len);
    k = search_bits_read(&reader, 5);
    f_k = search_bits_read(&reader, 3);
    for (guint i = 0; i < count; i++) {
        guint64 document = next + search_bits_read_rice(&reader, k);

        if (document >= document_count)
            return corrupt(error);
        ret_chunk->documents[i] = (guint32)document;
        ret_chunk->frequencies[i] =
            f_k == FREQUENCY_ALL_ONE ? 1 : search_bits_read_rice(&reader, f_k) + 1;
        if (ret_chunk->frequencies[i] == 0)
            return corrupt(error);
        next = document + 1;
    }
    ret_chunk->count = count;
    return !reader.failed || corrupt(error);
}

/* A document with many positions has them closer together. */
static guint k_of_document(guint k, guint32 frequency)
{
    guint less = log2_floor(frequency);

    return k > less ? k - less : 0;
}

static guint position_k(const SearchChunk *chunk, const guint32 *positions)
{
    guint64 sum = 0, count = 0;

    for (guint i = 0; i < chunk->count; i++) {
        guint32 frequency = chunk->frequencies[i];

        sum += (guint64)(positions[frequency - 1] + 1 - frequency) << log2_floor(frequency);
        count += frequency;
        positions += frequency;
    }
    return k_for(sum, count, K_MAX);
}

void search_chunk_format_positions(const SearchChunk *chunk, const guint32 *positions,
                                   GByteArray *bytes)
{
    guint k = position_k(chunk, positions);
    SearchBitWriter writer;

    search_bits_begin(&writer, bytes);
    search_bits_put(&writer, k, 8);
    for (guint i = 0; i < chunk->count; i++) {
        guint document_k = k_of_document(k, chunk->frequencies[i]);
        guint32 next = 0;

        for (guint32 n = 0; n < chunk->frequencies[i]; n++) {
            search_bits_put_rice(&writer, *positions - next, document_k);
            next = *positions++ + 1;
        }
    }
    search_bits_end(&writer);
}

gboolean search_positions_begin(SearchPositionReader *reader, const guint8 *bytes, gsize len,
                                GError **error)
{
    search_bits_read_begin(&reader->bits, bytes, len);
    reader->k = search_bits_read(&reader->bits, 8);
    return (!reader->bits.failed && reader->k <= K_MAX) || corrupt(error);
}

/* Each position takes a bit at least. */
static gboolean has_bits(const SearchBitReader *bits, guint32 count)
{
    return count <= (guint64)(bits->end - bits->next) * 8 + bits->window_count;
}

gboolean search_positions_read(SearchPositionReader *reader, guint32 frequency, GArray *positions,
                               GError **error)
{
    guint k = k_of_document(reader->k, frequency), at = positions != NULL ? positions->len : 0;
    SearchBitReader bits = reader->bits;
    guint32 *to = NULL;
    guint64 next = 0;

    if (!has_bits(&bits, frequency))
        return corrupt(error);
    if (positions != NULL) {
        g_array_set_size(positions, at + frequency);
        to = &g_array_index(positions, guint32, at);
    }
    for (guint32 n = 0; n < frequency; n++) {
        next += search_bits_read_rice(&bits, k);
        if (to != NULL)
            to[n] = (guint32)next;
        next++;
    }
    reader->bits = bits;
    return (!bits.failed && next <= (guint64)G_MAXUINT32 + 1) || corrupt(error);
}
