/* Cases: the keyring's value, which is formatted again to the same bytes, and sealed case keys. */
#include "vault/act/case_key.h"
#include "vault/crypto/value.h"
#include "vault/store/case_value.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_value(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultCaseValue) value = vault_case_value_parse(data, size, &error);
    GByteArray *again;

    g_assert((value == NULL) == (error != NULL));
    if (value == NULL)
        return;
    again = vault_case_value_format(value);
    g_assert(again->len == size && memcmp(again->data, data, size) == 0);
    vault_value_free(again);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    VaultCaseKeyHeader header;

    check_value(data, size);
    if (vault_case_key_header_parse(data, size, &header, &error))
        g_assert(size == VAULT_CASE_KEY_SEALED_LEN && data[0] == 1 &&
                 memcmp(data + 1, header.vault_id.bytes, VAULT_ID_LEN) == 0);
    else
        g_assert(error != NULL);
    return 0;
}
