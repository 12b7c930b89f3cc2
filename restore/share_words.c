#include "restore/share_words.h"

#include "vault/crypto/slip39_sheet.h"

#include <string.h>

#define KEY_BACKSPACE '\b'
#define KEY_DELETE 0x7f

guint restore_share_words_next(const RestoreShareWords *words)
{
    guint next = 0;

    while (next < RESTORE_SHARE_WORDS && words->is_there[next])
        next++;
    return next;
}

static void drop_typed(RestoreShareWords *words)
{
    vault_wipe(words->typed, sizeof words->typed);
    words->typed_len = 0;
}

static RestoreShareKey take_back(RestoreShareWords *words)
{
    guint next = restore_share_words_next(words);

    if (words->typed_len > 0) {
        words->typed[--words->typed_len] = '\0';
        return RESTORE_SHARE_KEY_TAKEN;
    }
    if (next == 0)
        return RESTORE_SHARE_KEY_REFUSED;
    words->is_there[next - 1] = FALSE;
    return RESTORE_SHARE_KEY_WORD;
}

static RestoreShareKey end_word(RestoreShareWords *words)
{
    guint16 word;

    if (words->typed_len == 0) /* one more space between words */
        return RESTORE_SHARE_KEY_TAKEN;
    if (vault_slip39_complete(words->typed, words->typed_len, &word) != 1)
        return RESTORE_SHARE_KEY_REFUSED;
    words->words[restore_share_words_next(words)] = word;
    words->is_there[restore_share_words_next(words)] = TRUE;
    drop_typed(words);
    return RESTORE_SHARE_KEY_WORD;
}

static RestoreShareKey add_letter(RestoreShareWords *words, char letter)
{
    guint16 word;

    if (words->typed_len == VAULT_SLIP39_WORD_LEN_MAX)
        return RESTORE_SHARE_KEY_REFUSED;
    words->typed[words->typed_len] = letter;
    if (vault_slip39_complete(words->typed, words->typed_len + 1, &word) > 0) {
        words->typed_len++;
        return RESTORE_SHARE_KEY_TAKEN;
    }
    words->typed[words->typed_len] = '\0';
    return RESTORE_SHARE_KEY_REFUSED;
}

RestoreShareKey restore_share_words_key(RestoreShareWords *words, char key)
{
    if (restore_share_words_next(words) == RESTORE_SHARE_WORDS)
        return RESTORE_SHARE_KEY_REFUSED;
    if (key == KEY_BACKSPACE || key == KEY_DELETE)
        return take_back(words);
    if (g_ascii_isspace(key))
        return end_word(words);
    return g_ascii_isalpha(key) ? add_letter(words, g_ascii_tolower(key))
                                : RESTORE_SHARE_KEY_REFUSED;
}

const char *restore_share_words_completion(const RestoreShareWords *words)
{
    guint16 word;

    return vault_slip39_complete(words->typed, words->typed_len, &word) == 1
               ? vault_slip39_word(word)
               : NULL;
}

void restore_share_words_again(RestoreShareWords *words, guint number)
{
    if (number == 0)
        vault_wipe(words, sizeof *words);
    else
        words->is_there[number - 1] = FALSE;
    drop_typed(words);
}

gboolean restore_share_words_finish(const RestoreShareWords *words, VaultSlip39Share *ret_share,
                                    guint *ret_suspect, GError **error)
{
    g_auto(VaultSlip39Words) all = {.count = RESTORE_SHARE_WORDS};

    g_assert(restore_share_words_next(words) == RESTORE_SHARE_WORDS);
    memcpy(all.words, words->words, sizeof words->words);
    return vault_slip39_share_parse(&all, ret_share, ret_suspect, error) &&
           vault_share_check(ret_share, error);
}
