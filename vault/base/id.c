#include "vault/base/id.h"

#include "vault/base/bytes.h"
#include "vault/base/error.h"

VaultIdHex vault_id_hex(const guint8 bytes[VAULT_ID_LEN])
{
    static const char digits[] = "0123456789abcdef";
    VaultIdHex hex;

    for (gsize i = 0; i < VAULT_ID_LEN; i++) {
        hex.text[2 * i] = digits[bytes[i] >> 4];
        hex.text[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex.text[VAULT_ID_HEX_LEN] = '\0';
    return hex;
}

gboolean vault_id_parse(const char *text, guint8 ret_bytes[VAULT_ID_LEN], GError **error)
{
    if (vault_bytes_from_hex(text, ret_bytes, VAULT_ID_LEN))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "an id is %d hexadecimal digits, this is not one", VAULT_ID_HEX_LEN);
    return FALSE;
}

guint vault_id_hash(gconstpointer id)
{
    guint hash;

    /* Ids are random or hashes: any of their bytes serve. */
    memcpy(&hash, id, sizeof hash);
    return hash;
}

gboolean vault_id_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, VAULT_ID_LEN) == 0;
}

gboolean vault_id_is_zero(const guint8 bytes[VAULT_ID_LEN])
{
    static const guint8 zeros[VAULT_ID_LEN];

    return memcmp(bytes, zeros, VAULT_ID_LEN) == 0;
}
