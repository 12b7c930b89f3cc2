/* SLIP-0039: a secret in shares of words, of which a threshold gives it back.
 *
 * Splits into one group; reads and combines what the standard allows (groups, extendable or not,
 * any iteration exponent). A share is 20 words or more: 33 for our secrets of 32 bytes. What the
 * vault puts on a share's sheet besides: vault/crypto/slip39_sheet.h.
 *
 * All of it but word lists and indexes is secret: share, words and secret are the caller's, wiped
 * by their cleanup functions, long-lived ones in vault_secret_new() memory. The arithmetic on
 * shares takes the same time for all values; looking up words does not.
 * Threads: safe. Source: https://github.com/satoshilabs/slips/blob/master/slip-0039.md
 */
#pragma once

#include "vault/crypto/keys.h"

#define VAULT_SLIP39_RADIX 1024
#define VAULT_SLIP39_WORD_LEN_MAX 8
/* The standard sets no upper bound; no secret of ours is longer than 32 bytes. */
#define VAULT_SLIP39_SECRET_LEN_MIN 16
#define VAULT_SLIP39_SECRET_LEN_MAX 64
#define VAULT_SLIP39_WORDS_MAX 59
#define VAULT_SLIP39_SHARES_MAX 16

typedef struct {
    guint16 words[VAULT_SLIP39_WORDS_MAX]; /* indexes into the list */
    gsize count;
} VaultSlip39Words;
VAULT_DECLARE_WIPE(VaultSlip39Words, vault_slip39_words)

typedef struct {
    guint16 identifier; /* 15 bits, the same in all shares of a set */
    gboolean is_extendable;
    guint8 iteration_exponent; /* 0..15 */
    guint8 group_index;        /* from 0 */
    guint8 group_threshold, group_count;
    guint8 member_index; /* from 0 */
    guint8 member_threshold;
    guint8 value_len;
    guint8 value[VAULT_SLIP39_SECRET_LEN_MAX];
} VaultSlip39Share;
VAULT_DECLARE_WIPE(VaultSlip39Share, vault_slip39_share)

/* ---- words ---- */

const char *vault_slip39_word(guint16 word);
/* The word of exactly this text, in letters of either case. */
gboolean vault_slip39_word_parse(const char *text, gsize len, guint16 *ret_word);
/* How many words begin so; ret_word is the first of them. Four letters leave one at
 * most. */
guint vault_slip39_complete(const char *prefix, gsize len, guint16 *ret_word);

/* ---- shares ---- */

/* MALFORMED: not as long as a share can be, words that do not fit their checksum, or nonsense in
 * them. `ret_suspect` (may be NULL) is the number, from 1, of the one word whose change would make
 * the checksum fit, and is named in the message; 0 where there is no such word. It is where to
 * look, not proof. */
gboolean vault_slip39_share_parse(const VaultSlip39Words *words, VaultSlip39Share *ret_share,
                                  guint *ret_suspect, GError **error);
void vault_slip39_share_format(const VaultSlip39Share *share, VaultSlip39Words *ret_words);

/* ---- the secret ---- */

typedef struct {
    guint8 bytes[VAULT_SLIP39_SECRET_LEN_MAX];
    gsize len;
} VaultSlip39Secret;
VAULT_DECLARE_WIPE(VaultSlip39Secret, vault_slip39_secret)

typedef struct {
    guint16 identifier;        /* 15 random bits */
    guint8 iteration_exponent; /* 0..15: 2,500 * 2^e iterations a round */
    guint threshold, count;
} VaultSlip39Split;

/* One group of `count` shares, any `threshold` of them enough; extendable, no passphrase. REFUSED
 * unless 2 <= threshold <= count <= 16 or both are 1 (several copies of one share are no sharing),
 * TOO_LARGE for a secret that is not of an even length of 16 to 64 bytes. */
gboolean vault_slip39_split(const VaultSlip39Secret *secret, const VaultSlip39Split *split,
                            VaultSlip39Share *ret_shares, GError **error);

/* Exactly the shares that are needed: the threshold of groups, and of members in each. NO_KEY for
 * others, and when the shares fit each other but not the digest inside the secret: one of them is
 * not as it was made. A wrong passphrase gives another secret, as the standard wants it;
 * `passphrase` NULL is the empty one. */
gboolean vault_slip39_combine(const VaultSlip39Share *shares, gsize count, const char *passphrase,
                              VaultSlip39Secret *ret_secret, GError **error);
