/* A vault key as it lies in a TPM: what parses formats back to the same bytes. */
#include "vault/holder/tpm_record.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    guint8 again[TPM_RECORD_LEN];
    VaultKey key = {.generation = 0};
    VaultId vault_id;
    g_autoptr(GError) error = NULL;

    vault_crypto_init();
    if (!tpm_record_parse(data, size, &vault_id, &key, &error)) {
        g_assert(error != NULL);
        return 0;
    }
    g_assert(size == TPM_RECORD_LEN && key.generation > 0);
    tpm_record_format(&vault_id, &key, again);
    g_assert(memcmp(again, data, size) == 0);
    return 0;
}
