/* The files of a drill: whatever is taken is written again to the same bytes; and no result is
 * taken whose signature is not of all that stands before it. */
#include "vault/act/drill_file.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_same(char *again, const guint8 *data, gsize size)
{
    g_assert(strlen(again) == size && memcmp(again, data, size) == 0);
    g_free(again);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = size > 0 ? (const char *)data : "";
    g_autoptr(VaultDrillChallenge) challenge = NULL;
    VaultDrillResult result;

    vault_crypto_init();
    challenge = vault_drill_challenge_parse(text, size, NULL);
    if (challenge != NULL)
        check_same(vault_drill_challenge_format(challenge), data, size);
    if (vault_drill_result_parse(text, size, &result, NULL)) {
        g_autofree char *changed = vault_drill_result_format(&result);

        check_same(g_strdup(changed), data, size);
        changed[size / 2] ^= 1;
        g_assert(!vault_drill_result_parse(changed, size, &result, NULL));
    }
    return 0;
}
