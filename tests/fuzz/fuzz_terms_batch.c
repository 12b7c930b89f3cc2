/* Batches of terms: what is taken holds no more than was there, and is written as it was read. */
#include "vault/act/terms_batch.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) additions = vault_terms_batch_parse(data, size, &error);
    g_autoptr(GByteArray) written = g_byte_array_new();

    g_assert((additions == NULL) == (error != NULL));
    for (guint i = 0; additions != NULL && i < additions->len; i++)
        vault_terms_batch_append(written, &g_array_index(additions, VaultTermsAddition, i));
    g_assert(additions == NULL || written->len == size);
    g_assert(additions == NULL || size == 0 || memcmp(written->data, data, size) == 0);
    return 0;
}
