/* Share texts: what parses formats back to the same share, in words that the checksum fits; a
 * signed sheet's text is a fixed point, as is that of a set, and its words are of the role that it
 * says. */
#include "vault/crypto/slip39_sheet.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check(const VaultShareSheet *sheet)
{
    char *text = vault_share_sheet_format(sheet), *again;
    VaultShareSheet parsed;

    g_assert(vault_share_sheet_parse(text, &parsed, NULL));
    g_assert(parsed.is_signed == sheet->is_signed);
    g_assert(parsed.share.member_index == sheet->share.member_index);
    g_assert(parsed.share.value_len == sheet->share.value_len);
    g_assert(memcmp(parsed.share.value, sheet->share.value, parsed.share.value_len) == 0);
    g_assert(parsed.set.role == sheet->set.role);
    g_assert(!sheet->is_signed || vault_share_is_of(&sheet->share, sheet->set.role));
    again = vault_share_sheet_format(&parsed);
    g_assert_cmpstr(again, ==, text);
    vault_key_text_free(again);
    vault_key_text_free(text);
}

static void check_set(const char *input)
{
    g_autofree char *text = NULL, *again = NULL;
    g_autoptr(GError) error = NULL;
    VaultShareSet set, parsed;

    if (!vault_share_set_parse(input, &set, &error)) {
        g_assert(error != NULL);
        return;
    }
    text = vault_share_set_format(&set);
    g_assert(vault_share_set_parse(text, &parsed, NULL) && parsed.role == set.role);
    again = vault_share_set_format(&parsed);
    g_assert_cmpstr(again, ==, text);
}

/* The checksum would keep most inputs out: the first bytes also are a share as it is. */
static void check_words(const guint8 *data, gsize size)
{
    VaultSlip39Words words = {.count = MIN(size / 2, VAULT_SLIP39_WORDS_MAX)};
    VaultSlip39Words again;
    VaultSlip39Share share;
    g_autoptr(GError) error = NULL;
    guint suspect;

    for (gsize i = 0; i < words.count; i++)
        words.words[i] = (guint16)((data[2 * i] << 8 | data[2 * i + 1]) % VAULT_SLIP39_RADIX);
    if (!vault_slip39_share_parse(&words, &share, &suspect, &error)) {
        g_assert(error != NULL && suspect <= words.count);
        return;
    }
    vault_slip39_share_format(&share, &again);
    g_assert(again.count == words.count);
    g_assert(memcmp(again.words, words.words, words.count * sizeof *words.words) == 0);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);
    VaultShareSheet sheet;
    g_autoptr(GError) error = NULL;
    gboolean is_parsed;

    vault_crypto_init();
    check_words(data, size);
    check_set(text);
    is_parsed = vault_share_sheet_parse(text, &sheet, &error);
    g_assert(is_parsed == (error == NULL));
    if (is_parsed)
        check(&sheet);
    return 0;
}
