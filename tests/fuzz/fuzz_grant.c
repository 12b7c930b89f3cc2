/* Grant files: whatever has the form is formatted again to the very same bytes, and only a valid
 * signature makes a grant of it. */
#include "vault/act/grant_file.h"
#include "vault/crypto/keys.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultGrantFile) form = NULL;
    g_autoptr(VaultGrantFile) grant = NULL;
    g_autofree char *again = NULL;
    gsize signed_len = 0;

    vault_crypto_init();
    form = vault_grant_file_parse_form((const char *)data, size, &signed_len, &error);
    g_assert((form == NULL) == (error != NULL));
    grant = vault_grant_file_parse((const char *)data, size, NULL);
    if (form == NULL) {
        g_assert(grant == NULL);
        return 0;
    }
    g_assert(signed_len < size);
    again = vault_grant_file_format(form);
    g_assert(strlen(again) == size && memcmp(again, data, size) == 0);
    return 0;
}
