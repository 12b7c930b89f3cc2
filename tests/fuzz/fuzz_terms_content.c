/* What terms copies say: what parses is formatted again to the same bytes, and its frame lies
 * within the input. */
#include "vault/crypto/terms_content.h"
#include "vault/crypto/value.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_same(const VaultTermsContent *content, const guint8 *bytes, gsize len)
{
    GByteArray *again = vault_terms_content_format(content, NULL);

    g_assert(again != NULL && again->len == len && memcmp(again->data, bytes, len) == 0);
    vault_value_free(again);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree guint8 *exact = g_memdup2(data, size);
    g_auto(VaultTermsContent) content = {.is_inline = FALSE};
    g_autoptr(GError) error = NULL;
    gboolean is_parsed;

    vault_crypto_init();
    is_parsed = vault_terms_content_parse(exact, size, &content, &error);
    g_assert(is_parsed == (error == NULL));
    if (!is_parsed)
        return 0;
    g_assert(size <= VAULT_TERMS_CONTENT_LEN_MAX);
    if (content.is_inline)
        g_assert(content.frame >= exact && content.frame + content.frame_len <= exact + size);
    check_same(&content, exact, size);
    return 0;
}
