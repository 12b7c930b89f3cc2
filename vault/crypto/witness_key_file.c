#include "vault/crypto/key_files.h"

#include "vault/crypto/key_text.h"
#include "vault/crypto/log_signature.h"

#include <sodium.h>

#define TYPE "muniment-witness"

static gboolean check_name(const char *name, gsize len, GError **error)
{
    gboolean is_good =
        len >= 1 && len <= VAULT_IDENTITY_NAME_LEN_MAX && g_utf8_validate(name, (gssize)len, NULL);

    for (gsize i = 0; is_good && i < len; i++)
        is_good = (guchar)name[i] > 0x20 && name[i] != 0x7f;
    if (!is_good)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "a witness's name is 1 to %d bytes of UTF-8 without spaces, like the name of "
                    "its host",
                    VAULT_IDENTITY_NAME_LEN_MAX);
    return is_good;
}

char *vault_witness_key_format(const char *name, const WitnessSigningKey *key, GError **error)
{
    GString *text;
    WitnessVerifyKey verify;

    if (!check_name(name, strlen(name), error))
        return NULL;
    vault_witness_verify_key(key, &verify);
    text = key_text_new(TYPE);
    key_text_put(text, "name", name);
    /* libsodium's secret key begins with the seed of RFC 8032. */
    key_text_put_hex(text, "secret-key", key->bytes, crypto_sign_SEEDBYTES);
    key_text_put_hex(text, "public-key", verify.bytes, VAULT_KEY_LEN);
    return g_string_free(text, FALSE);
}

gboolean vault_witness_key_parse(const char *text, char **ret_name, WitnessSigningKey *ret_key,
                                 GError **error)
{
    KeyTextReader reader;
    g_auto(WitnessSigningKey) key = {0};
    guint8 seed[crypto_sign_SEEDBYTES] = {0};
    guint8 stated[VAULT_KEY_LEN] = {0}, derived[VAULT_KEY_LEN];
    const char *name = NULL;
    gsize name_len = 0;
    gboolean is_read = key_text_begin(&reader, text, TYPE, error) &&
                       key_text_line(&reader, "name", &name, &name_len, error) &&
                       check_name(name, name_len, error) &&
                       key_text_hex(&reader, "secret-key", seed, sizeof seed, error) &&
                       key_text_hex(&reader, "public-key", stated, sizeof stated, error) &&
                       key_text_end(&reader, error);

    crypto_sign_seed_keypair(derived, key.bytes, seed);
    vault_wipe(seed, sizeof seed);
    if (!is_read)
        return FALSE;
    if (memcmp(stated, derived, sizeof stated) != 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "a damaged " TYPE " file: its two keys do not belong together");
        return FALSE;
    }
    *ret_name = g_strndup(name, name_len);
    *ret_key = key;
    return TRUE;
}
