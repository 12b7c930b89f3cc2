/* The keyring's value of an erasure: what is accepted is formatted again to the same bytes. */
#include "vault/crypto/value.h"
#include "vault/store/erasure_value.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static const RowId id = {{1}};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultErasureValue) value = vault_erasure_value_parse(&id, data, size, &error);
    GByteArray *again;

    g_assert((value == NULL) == (error != NULL));
    if (value == NULL)
        return 0;
    again = vault_erasure_value_format(value);
    g_assert(again->len == size && memcmp(again->data, data, size) == 0);
    vault_value_free(again);
    return 0;
}
