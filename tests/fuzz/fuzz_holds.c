/* Holds and retention rules of the keyring; the first byte says which. What is accepted is
 * formatted again to the same bytes. */
#include "vault/crypto/value.h"
#include "vault/store/hold_value.h"
#include "vault/store/retention_value.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_same(GByteArray *again, const guint8 *bytes, gsize len)
{
    g_assert(again->len == len && memcmp(again->data, bytes, len) == 0);
    g_byte_array_unref(again);
}

static void try_hold(const guint8 *bytes, gsize len)
{
    static const RowId id = {{1}};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultHoldValue) value = vault_hold_value_parse(&id, bytes, len, &error);

    g_assert((value == NULL) == (error != NULL));
    if (value != NULL)
        check_same(vault_hold_value_format(value), bytes, len);
}

static void try_retention(const guint8 *bytes, gsize len)
{
    static const RowId id = {{1}};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultRetentionValue) value = vault_retention_value_parse(&id, bytes, len, &error);

    g_assert((value == NULL) == (error != NULL));
    if (value != NULL)
        check_same(vault_retention_value_format(value), bytes, len);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    vault_crypto_init();
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        try_hold(data + 1, size - 1);
    else
        try_retention(data + 1, size - 1);
    return 0;
}
