/* Standing readers in the keyring: what is accepted is formatted again to the same bytes. */
#include "vault/store/reader_value.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultReaderValue) value = vault_reader_value_parse(data, size, &error);
    g_autoptr(GByteArray) again = NULL;

    g_assert((value == NULL) == (error != NULL));
    if (value == NULL)
        return 0;
    again = vault_reader_value_format(value);
    g_assert(again->len == size && memcmp(again->data, data, size) == 0);
    return 0;
}
