/* Reader identities, vault-key files, log keys, and sealing to a reader. */
#include "vault/crypto/key_files.h"

#include "vault/crypto/hash_internal.h"
#include "vault/crypto/hpke.h"
#include "vault/crypto/key_file_lines.h"
#include "vault/crypto/value.h"

#include <sodium.h>
#include <string.h>

static gboolean check_name(const char *name, GError **error)
{
    gsize len = strlen(name);
    gboolean is_good = len >= 1 && len < sizeof(((VaultIdentity *)0)->name) &&
                       g_utf8_validate(name, (gssize)len, NULL);

    for (gsize i = 0; is_good && i < len; i++)
        is_good = (guint8)name[i] >= 0x20 && name[i] != 0x7f;
    if (!is_good)
        g_set_error_literal(
            error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
            "a reader's name is 1 to 127 bytes of UTF-8 without control characters");
    return is_good;
}

gboolean vault_identity_create(const char *name, VaultIdentity *ret_identity, GError **error)
{
    if (!check_name(name, error))
        return FALSE;
    memset(ret_identity, 0, sizeof *ret_identity);
    g_strlcpy(ret_identity->name, name, sizeof ret_identity->name);
    vault_random(ret_identity->secret_key.bytes, VAULT_KEY_LEN);
    vault_report_secret("reader", ret_identity->secret_key.bytes, VAULT_KEY_LEN);
    crypto_scalarmult_base(ret_identity->public_key.bytes, ret_identity->secret_key.bytes);
    return TRUE;
}

char *vault_identity_format(const VaultIdentity *identity)
{
    GString *text = g_string_new("muniment-identity/1\n");

    g_string_append_printf(text, "name: %s\n", identity->name);
    key_file_append_bytes(text, "public-key", identity->public_key.bytes, VAULT_KEY_LEN);
    key_file_append_bytes(text, "secret-key", identity->secret_key.bytes, VAULT_KEY_LEN);
    return g_string_free(text, FALSE);
}

gboolean vault_identity_parse(const char *text, VaultIdentity *ret_identity, GError **error)
{
    g_auto(KeyFileLines) file = {0};
    guint8 public_key[VAULT_KEY_LEN];
    const char *name;

    memset(ret_identity, 0, sizeof *ret_identity);
    if (!key_file_lines_begin(&file, "muniment-identity", text, error))
        return FALSE;
    name = key_file_lines_value(&file, "name", error);
    if (name == NULL || !check_name(name, error) ||
        !key_file_lines_bytes(&file, "public-key", public_key, VAULT_KEY_LEN, error) ||
        !key_file_lines_bytes(&file, "secret-key", ret_identity->secret_key.bytes, VAULT_KEY_LEN,
                              error) ||
        !key_file_lines_end(&file, error)) {
        vault_identity_wipe(ret_identity);
        return FALSE;
    }
    g_strlcpy(ret_identity->name, name, sizeof ret_identity->name);
    crypto_scalarmult_base(ret_identity->public_key.bytes, ret_identity->secret_key.bytes);
    if (memcmp(public_key, ret_identity->public_key.bytes, VAULT_KEY_LEN) == 0)
        return TRUE;
    vault_identity_wipe(ret_identity);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "this identity was changed: its public key is not its secret key's");
    return FALSE;
}

char *vault_identity_public_format(const VaultIdentity *identity)
{
    GString *text = g_string_new("muniment-reader-public/1\n");

    g_string_append_printf(text, "name: %s\n", identity->name);
    key_file_append_bytes(text, "public-key", identity->public_key.bytes, VAULT_KEY_LEN);
    return g_string_free(text, FALSE);
}

gboolean vault_identity_public_parse(const char *text, ReaderPublicKey *ret_key, char **ret_name,
                                     GError **error)
{
    g_auto(KeyFileLines) file = {0};
    const char *name;

    *ret_name = NULL;
    if (!key_file_lines_begin(&file, "muniment-reader-public", text, error))
        return FALSE;
    name = key_file_lines_value(&file, "name", error);
    if (name == NULL || !check_name(name, error) ||
        !key_file_lines_bytes(&file, "public-key", ret_key->bytes, VAULT_KEY_LEN, error) ||
        !key_file_lines_end(&file, error))
        return FALSE;
    *ret_name = g_strdup(name);
    return TRUE;
}

KeyId vault_reader_key_id(const ReaderPublicKey *key)
{
    return vault_key_id(VAULT_ROLE_READER, key->bytes);
}

/* ---- vault key --------------------------------------------------------------------------------
 */

char *vault_key_file_format(const VaultId *vault_id, const VaultKey *keys, gsize count)
{
    GString *text = g_string_new("muniment-vault-key/1\n");

    g_assert(count >= 1 && count <= VAULT_KEY_GENERATIONS_MAX);
    key_file_append_bytes(text, "vault", vault_id->bytes, VAULT_ID_LEN);
    for (gsize i = 0; i < count; i++) {
        g_string_append_printf(text, "generation: %u\n", keys[i].generation);
        key_file_append_bytes(text, "key", keys[i].bytes, VAULT_KEY_LEN);
    }
    return g_string_free(text, FALSE);
}

static gboolean parse_generation(KeyFileLines *file, VaultKey *ret_key, GError **error)
{
    guint64 generation;

    if (!key_file_lines_number(file, "generation", G_MAXUINT32, &generation, error) ||
        !key_file_lines_bytes(file, "key", ret_key->bytes, VAULT_KEY_LEN, error))
        return FALSE;
    ret_key->generation = (guint32)generation;
    if (generation >= 1)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "this is no proper muniment-vault-key file: generations begin at 1");
    return FALSE;
}

gboolean vault_key_file_parse(const char *text, VaultId *ret_vault_id,
                              VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX], gsize *ret_count,
                              GError **error)
{
    g_auto(KeyFileLines) file = {0};

    *ret_count = 0;
    if (!key_file_lines_begin(&file, "muniment-vault-key", text, error) ||
        !key_file_lines_bytes(&file, "vault", ret_vault_id->bytes, VAULT_ID_LEN, error))
        return FALSE;
    do {
        if (!parse_generation(&file, &ret_keys[*ret_count], error))
            return FALSE;
        (*ret_count)++;
    } while (*ret_count < VAULT_KEY_GENERATIONS_MAX && key_file_lines_is_next(&file, "generation"));
    if (!key_file_lines_end(&file, error))
        return FALSE;
    if (*ret_count == 1 || ret_keys[1].generation == ret_keys[0].generation + 1)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "this is no proper muniment-vault-key file: its generations do not follow");
    return FALSE;
}

void vault_log_key_create(LogSigningKey *ret_signing, LogVerifyKey *ret_verify)
{
    crypto_sign_keypair(ret_verify->bytes, ret_signing->bytes);
}

/* ---- sealing to a reader ----------------------------------------------------------------------
 */

static GByteArray *reader_info(const ReaderPublicKey *key, const char *purpose)
{
    KeyId key_id = vault_reader_key_id(key);
    GByteArray *info = g_byte_array_new();

    g_byte_array_append(info, (const guint8 *)"muniment ", 9);
    g_byte_array_append(info, (const guint8 *)purpose, (guint)strlen(purpose) + 1);
    g_byte_array_append(info, key_id.bytes, VAULT_ID_LEN);
    return info;
}

GBytes *vault_reader_seal(const ReaderPublicKey *key, const char *purpose, const VaultSpan *aad,
                          const void *plaintext, gsize len, GError **error)
{
    g_autoptr(GByteArray) info = reader_info(key, purpose);
    VaultHpkeParameters parameters = {.info = {info->data, info->len}};
    g_auto(VaultHpkeContext) context = {0};
    g_autofree guint8 *sealed = g_malloc(VAULT_HPKE_ENC_LEN + len + VAULT_HPKE_TAG_LEN);

    if (!vault_hpke_setup_sender(key->bytes, &parameters, sealed, &context, error))
        return NULL;
    vault_hpke_seal(&context, aad, plaintext, len, sealed + VAULT_HPKE_ENC_LEN);
    return g_bytes_new_take(g_steal_pointer(&sealed),
                            VAULT_HPKE_ENC_LEN + len + VAULT_HPKE_TAG_LEN);
}

GByteArray *vault_reader_open(const VaultIdentity *identity, const char *purpose,
                              const VaultSpan *aad, const void *sealed, gsize len, GError **error)
{
    g_autoptr(GByteArray) info = reader_info(&identity->public_key, purpose);
    VaultHpkeParameters parameters = {.info = {info->data, info->len}};
    g_auto(VaultHpkeContext) context = {0};
    GByteArray *plaintext;

    if (len < VAULT_HPKE_ENC_LEN + VAULT_HPKE_TAG_LEN) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NO_KEY, "a sealed value is too short");
        return NULL;
    }
    if (!vault_hpke_setup_receiver(sealed, identity->secret_key.bytes, identity->public_key.bytes,
                                   &parameters, &context, error))
        return NULL;
    plaintext = g_byte_array_new();
    g_byte_array_set_size(plaintext, (guint)(len - VAULT_HPKE_ENC_LEN - VAULT_HPKE_TAG_LEN));
    if (vault_hpke_open(&context, aad, (const guint8 *)sealed + VAULT_HPKE_ENC_LEN,
                        len - VAULT_HPKE_ENC_LEN, plaintext->data, error))
        return plaintext;
    vault_value_free(plaintext);
    return NULL;
}
