/* The registry's values and the trailer of keyring copies: the first byte says which. What is
 * accepted is formatted again to the same bytes. */
#include "vault/crypto/value.h"
#include "vault/holder/keyring_copy.h"
#include "vault/store/custody_values.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_same(GByteArray *again, const guint8 *bytes, gsize len)
{
    g_assert(again->len == len && memcmp(again->data, bytes, len) == 0);
    vault_value_free(again);
}

static void try_holder(const guint8 *bytes, gsize len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultHolderValue) value = vault_holder_value_parse(bytes, len, &error);

    g_assert((value == NULL) == (error != NULL));
    if (value != NULL)
        check_same(vault_holder_value_format(value), bytes, len);
}

static void try_copy(const guint8 *bytes, gsize len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultCopyValue) value = vault_copy_value_parse(bytes, len, &error);

    g_assert((value == NULL) == (error != NULL));
    if (value != NULL)
        check_same(vault_copy_value_format(value), bytes, len);
}

static void try_declaration(const guint8 *bytes, gsize len)
{
    VaultDeclarationValue value;

    if (vault_declaration_value_parse(bytes, len, &value, NULL))
        check_same(vault_declaration_value_format(&value), bytes, len);
}

static void try_trailer(const guint8 *bytes, gsize len)
{
    guint8 again[VAULT_KEYRING_COPY_TRAILER_LEN];
    VaultKeyringCopy copy;

    if (!vault_keyring_copy_parse(bytes, len, &copy, NULL))
        return;
    vault_keyring_copy_format(&copy, again);
    g_assert(len == sizeof again && memcmp(again, bytes, len) == 0);
}

static void (*const values[])(const guint8 *bytes, gsize len) = {try_holder, try_copy,
                                                                 try_declaration, try_trailer};

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    vault_crypto_init();
    if (size > 0)
        values[data[0] % G_N_ELEMENTS(values)](data + 1, size - 1);
    return 0;
}
