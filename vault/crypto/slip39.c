#include "vault/crypto/slip39.h"

#include <string.h>

#define WORD_BITS 10
#define HEADER_WORDS 4
#define CHECKSUM_WORDS 3
#define WORDS_MIN 20
#define CHECKSUM_GOOD 1u

/* The checksum's remainder after one more word: a Reed-Solomon code over GF(1024). */
static guint32 checksum_step(guint32 remainder, guint32 word)
{
    static const guint32 generator[WORD_BITS] = {0x00e0e040, 0x01c1c080, 0x03838100, 0x07070200,
                                                 0x0e0e0009, 0x1c0c2412, 0x38086c24, 0x3090fc48,
                                                 0x21b1f890, 0x03f3f120};
    guint32 top = remainder >> 20;

    remainder = (remainder & 0xfffff) << WORD_BITS ^ word;
    for (guint bit = 0; bit < WORD_BITS; bit++)
        remainder ^= (0u - (top >> bit & 1u)) & generator[bit];
    return remainder;
}

static guint32 checksum_of(const VaultSlip39Words *words, gboolean is_extendable)
{
    const char *label = is_extendable ? "shamir_extendable" : "shamir";
    guint32 remainder = CHECKSUM_GOOD;

    for (const char *letter = label; *letter != '\0'; letter++)
        remainder = checksum_step(remainder, (guint8)*letter);
    for (gsize i = 0; i < words->count; i++)
        remainder = checksum_step(remainder, words->words[i]);
    return remainder;
}

/* The remainder is linear in each word: looks for the one place where one change explains it. The
 * code's distance is 4, so that there is one such place at most. */
static guint suspect_of(const VaultSlip39Words *words, guint32 remainder)
{
    guint32 wanted = remainder ^ CHECKSUM_GOOD;
    guint32 basis[WORD_BITS];

    for (guint bit = 0; bit < WORD_BITS; bit++)
        basis[bit] = 1u << bit;
    for (gsize at = words->count; at > 0; at--) {
        guint32 change = 0;

        for (guint i = 1; i < VAULT_SLIP39_RADIX; i++) { /* in Gray code's order */
            change ^= basis[g_bit_nth_lsf(i, -1)];
            if (change == wanted)
                return (guint)at;
        }
        for (guint bit = 0; bit < WORD_BITS; bit++)
            basis[bit] = checksum_step(basis[bit], 0);
    }
    return 0;
}

static gboolean set_malformed(const char *what, GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, what);
    return FALSE;
}

static gboolean check_words(const VaultSlip39Words *words, gboolean is_extendable,
                            guint *ret_suspect, GError **error)
{
    guint32 remainder = checksum_of(words, is_extendable);

    if (remainder == CHECKSUM_GOOD)
        return TRUE;
    *ret_suspect = suspect_of(words, remainder);
    if (*ret_suspect == 0)
        return set_malformed("the words do not fit their checksum: two or more of them are wrong, "
                             "or not in their places",
                             error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "the words do not fit their checksum: look at word %u", *ret_suspect);
    return FALSE;
}

static guint padding_of(gsize value_words)
{
    return (guint)(value_words * WORD_BITS % 16);
}

static gboolean check_length(gsize count, GError **error)
{
    if (count >= WORDS_MIN && count <= VAULT_SLIP39_WORDS_MAX &&
        padding_of(count - HEADER_WORDS - CHECKSUM_WORDS) <= 8)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "%" G_GSIZE_FORMAT " words are no share: words are missing, or there are too many",
                count);
    return FALSE;
}

/* Big-endian, zero bits before the value. */
static gboolean unpack_value(const guint16 *words, gsize count, VaultSlip39Share *share)
{
    guint held = WORD_BITS - padding_of(count);
    guint32 bits = words[0];

    if (bits >> held != 0)
        return FALSE;
    share->value_len = 0;
    for (gsize i = 0;;) {
        for (; held >= 8; held -= 8)
            share->value[share->value_len++] = (guint8)(bits >> (held - 8));
        if (++i == count)
            return TRUE;
        bits = bits << WORD_BITS | words[i];
        held += WORD_BITS;
    }
}

static void unpack_header(const guint16 *words, VaultSlip39Share *share)
{
    share->identifier = (guint16)(words[0] << 5 | words[1] >> 5);
    share->is_extendable = (words[1] >> 4 & 1) != 0;
    share->iteration_exponent = words[1] & 15;
    share->group_index = (guint8)(words[2] >> 6);
    share->group_threshold = (guint8)((words[2] >> 2 & 15) + 1);
    share->group_count = (guint8)(((words[2] & 3) << 2 | words[3] >> 8) + 1);
    share->member_index = words[3] >> 4 & 15;
    share->member_threshold = (guint8)((words[3] & 15) + 1);
}

gboolean vault_slip39_share_parse(const VaultSlip39Words *words, VaultSlip39Share *ret_share,
                                  guint *ret_suspect, GError **error)
{
    guint suspect = 0;
    gboolean is_good;

    vault_slip39_share_wipe(ret_share);
    if (ret_suspect != NULL)
        *ret_suspect = 0;
    if (!check_length(words->count, error))
        return FALSE;
    unpack_header(words->words, ret_share);
    is_good = check_words(words, ret_share->is_extendable, &suspect, error);
    if (ret_suspect != NULL)
        *ret_suspect = suspect;
    if (!is_good)
        return FALSE;
    if (ret_share->group_threshold > ret_share->group_count)
        return set_malformed("the share asks for more groups than its set has", error);
    if (!unpack_value(words->words + HEADER_WORDS, words->count - HEADER_WORDS - CHECKSUM_WORDS,
                      ret_share))
        return set_malformed("the share is not padded as the standard says", error);
    return TRUE;
}

static void pack_header(const VaultSlip39Share *share, guint16 *ret_words)
{
    guint group_count = share->group_count - 1u;

    ret_words[0] = (guint16)(share->identifier >> 5);
    ret_words[1] = (guint16)((share->identifier & 31) << 5 | (share->is_extendable ? 16 : 0) |
                             share->iteration_exponent);
    ret_words[2] = (guint16)((guint)share->group_index << 6 | (share->group_threshold - 1u) << 2 |
                             group_count >> 2);
    ret_words[3] = (guint16)((group_count & 3) << 8 | (guint)share->member_index << 4 |
                             (share->member_threshold - 1u));
}

static void pack_value(const VaultSlip39Share *share, guint16 *ret_words, gsize count)
{
    guint held = (guint)(count * WORD_BITS - share->value_len * 8u);
    guint32 bits = 0;
    gsize at = 0;

    for (gsize i = 0; i < count; i++) {
        for (; held < WORD_BITS; held += 8)
            bits = bits << 8 | share->value[at++];
        held -= WORD_BITS;
        ret_words[i] = bits >> held & (VAULT_SLIP39_RADIX - 1);
    }
}

void vault_slip39_share_format(const VaultSlip39Share *share, VaultSlip39Words *ret_words)
{
    gsize value_words = (share->value_len * 8u + WORD_BITS - 1) / WORD_BITS;
    guint16 *checksum = ret_words->words + HEADER_WORDS + value_words;
    guint32 remainder;

    g_assert(share->value_len <= VAULT_SLIP39_SECRET_LEN_MAX);
    pack_header(share, ret_words->words);
    pack_value(share, ret_words->words + HEADER_WORDS, value_words);
    memset(checksum, 0, CHECKSUM_WORDS * sizeof *checksum);
    ret_words->count = HEADER_WORDS + value_words + CHECKSUM_WORDS;
    remainder = checksum_of(ret_words, share->is_extendable) ^ CHECKSUM_GOOD;
    for (guint i = 0; i < CHECKSUM_WORDS; i++)
        checksum[i] =
            remainder >> (WORD_BITS * (CHECKSUM_WORDS - 1 - i)) & (VAULT_SLIP39_RADIX - 1);
}
