/* The words of one share while they are typed: completes them, takes back, corrects. Pure: keys go
 * in, the state is read and shown by who asks (restore/share_prompt.h).
 *
 * A word is done with a space, a tab or Enter as soon as only one word begins so; letters that no
 * word has there are not taken. Backspace takes a letter back, or the word before.
 * The struct is secret; it lies in the caller's vault_secret_new() memory. Threads: none shared.
 */
#pragma once

#include "vault/crypto/slip39.h"

/* A share of a key: docs/formats/shares.md. */
#define RESTORE_SHARE_WORDS 33

typedef struct {
    guint16 words[RESTORE_SHARE_WORDS];
    gboolean is_there[RESTORE_SHARE_WORDS];
    char typed[VAULT_SLIP39_WORD_LEN_MAX + 1]; /* of the next word, in small letters */
    gsize typed_len;
} RestoreShareWords;

typedef enum {
    RESTORE_SHARE_KEY_TAKEN,
    RESTORE_SHARE_KEY_REFUSED, /* no word goes on so, or more than one does */
    RESTORE_SHARE_KEY_WORD     /* a word was done or taken back: another one is the next */
} RestoreShareKey;

RestoreShareKey restore_share_words_key(RestoreShareWords *words, char key);

/* Index of the first word that is not there; RESTORE_SHARE_WORDS when all are. */
guint restore_share_words_next(const RestoreShareWords *words);
/* The one word that begins as what is typed; NULL when several do. */
const char *restore_share_words_completion(const RestoreShareWords *words);
/* Has word `number` (from 1) typed again; all of them for 0. */
void restore_share_words_again(RestoreShareWords *words, guint number);

/* All words must be there. Errors and `ret_suspect` as vault_slip39_share_parse(), and UNSUPPORTED
 * for a share that is none of a key of ours. */
gboolean restore_share_words_finish(const RestoreShareWords *words, VaultSlip39Share *ret_share,
                                    guint *ret_suspect, GError **error);
