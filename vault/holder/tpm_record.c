#include "vault/holder/tpm_record.h"

#include "vault/base/bytes.h"

#include <string.h>

#define MAGIC "MNVK"
#define MAGIC_LEN 4
#define VERSION 1

G_STATIC_ASSERT(TPM_RECORD_LEN == MAGIC_LEN + 1 + VAULT_ID_LEN + 4 + VAULT_KEY_LEN);

void tpm_record_format(const VaultId *vault_id, const VaultKey *key,
                       guint8 ret_bytes[TPM_RECORD_LEN])
{
    guint8 *at = ret_bytes;

    memcpy(at, MAGIC, MAGIC_LEN);
    at += MAGIC_LEN;
    *at++ = VERSION;
    memcpy(at, vault_id->bytes, VAULT_ID_LEN);
    at += VAULT_ID_LEN;
    vault_bytes_put_u32(at, key->generation);
    memcpy(at + 4, key->bytes, VAULT_KEY_LEN);
}

static gboolean set_corrupt(GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "this is no vault key in a TPM");
    return FALSE;
}

gboolean tpm_record_parse(const guint8 *bytes, gsize len, VaultId *ret_vault_id, VaultKey *ret_key,
                          GError **error)
{
    VaultBytesReader reader;
    guint8 magic[MAGIC_LEN], version;

    vault_bytes_reader_init(&reader, bytes, len);
    vault_bytes_read(&reader, magic, sizeof magic);
    version = vault_bytes_read_u8(&reader);
    if (reader.failed || memcmp(magic, MAGIC, MAGIC_LEN) != 0)
        return set_corrupt(error);
    if (version != VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "a vault key in a TPM of version %u: a later muniment wrote it", version);
        return FALSE;
    }
    vault_bytes_read(&reader, ret_vault_id->bytes, VAULT_ID_LEN);
    ret_key->generation = vault_bytes_read_u32(&reader);
    vault_bytes_read(&reader, ret_key->bytes, VAULT_KEY_LEN);
    if (vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) && ret_key->generation > 0)
        return TRUE;
    vault_key_wipe(ret_key);
    return set_corrupt(error);
}
