#include "vault/crypto/key_files.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash_internal.h"
#include "vault/crypto/key_text.h"

#define TYPE "muniment-vaultkey"
#define LABEL_CHECK "muniment vault key file"
#define LABEL_DIGEST "muniment vault key digest"
#define CHECK_LEN 8

/* Finds a damaged file where it is kept, before it is needed; hides nothing and protects nothing.
 */
static void derive_check(const VaultId *vault_id, const VaultKey *keys, gsize count,
                         guint8 ret_check[CHECK_LEN])
{
    guint8 numbers[VAULT_KEY_GENERATIONS_MAX][4];
    VaultSpan spans[2 + 2 * VAULT_KEY_GENERATIONS_MAX] = {VAULT_SPAN_TEXT(LABEL_CHECK),
                                                          VAULT_SPAN(vault_id->bytes)};
    VaultHash hash;

    for (gsize i = 0; i < count; i++) {
        vault_bytes_put_u32(numbers[i], keys[i].generation);
        spans[2 + 2 * i] = VAULT_SPAN(numbers[i]);
        spans[3 + 2 * i] = VAULT_SPAN(keys[i].bytes);
    }
    vault_hash_spans(spans, 2 + 2 * count, &hash);
    memcpy(ret_check, hash.bytes, CHECK_LEN);
}

VaultKeyDigest vault_key_digest(const VaultId *vault_id, const VaultKey *key)
{
    VaultKeyDigest digest = {.generation = key->generation};
    guint8 number[4];
    VaultSpan spans[] = {VAULT_SPAN_TEXT(LABEL_DIGEST), VAULT_SPAN(vault_id->bytes),
                         VAULT_SPAN(number), VAULT_SPAN(key->bytes)};
    VaultHash hash;

    vault_bytes_put_u32(number, key->generation);
    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    memcpy(digest.digest, hash.bytes, VAULT_KEY_DIGEST_LEN);
    return digest;
}

gboolean vault_key_digest_equal(const VaultKeyDigest *a, const VaultKeyDigest *b)
{
    return a->generation == b->generation && memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

static gboolean is_generations(const VaultKey *keys, gsize count)
{
    for (gsize i = 1; i < count; i++) {
        if (keys[i].generation <= keys[i - 1].generation)
            return FALSE;
    }
    return count >= 1 && count <= VAULT_KEY_GENERATIONS_MAX && keys[0].generation >= 1;
}

char *vault_key_file_format(const VaultId *vault_id, const VaultKey *keys, gsize count)
{
    GString *text = key_text_new(TYPE);
    guint8 check[CHECK_LEN];

    g_assert(is_generations(keys, count));
    key_text_put_hex(text, "vault", vault_id->bytes, VAULT_ID_LEN);
    for (gsize i = 0; i < count; i++) {
        g_string_append_printf(text, "key: %u ", keys[i].generation);
        key_text_append_hex(text, keys[i].bytes, VAULT_KEY_LEN);
        g_string_append_c(text, '\n');
    }
    derive_check(vault_id, keys, count, check);
    key_text_put_hex(text, "check", check, sizeof check);
    return g_string_free(text, FALSE);
}

static gboolean set_malformed(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "a damaged " TYPE " file: %s", what);
    return FALSE;
}

static gboolean parse_key(KeyTextReader *reader, VaultKey *ret_key, GError **error)
{
    const char *value;
    const char *space;
    gsize len;
    gsize number_len;

    if (!key_text_line(reader, "key", &value, &len, error))
        return FALSE;
    space = memchr(value, ' ', len);
    if (space == NULL)
        return set_malformed(error, "a key without its generation");
    number_len = (gsize)(space - value);
    if (!key_text_parse_u32(value, number_len, &ret_key->generation) ||
        !key_text_parse_hex(space + 1, len - number_len - 1, ret_key->bytes, VAULT_KEY_LEN))
        return set_malformed(error, "a line that is not generation and key");
    return TRUE;
}

static gboolean parse_keys(KeyTextReader *reader, VaultKey keys[VAULT_KEY_GENERATIONS_MAX],
                           gsize *ret_count, GError **error)
{
    gsize count = 0;

    do {
        if (!parse_key(reader, &keys[count++], error))
            return FALSE;
    } while (count < VAULT_KEY_GENERATIONS_MAX && key_text_has_line(reader, "key"));
    if (!is_generations(keys, count))
        return set_malformed(error, "generations that are not in order");
    *ret_count = count;
    return TRUE;
}

static void wipe_keys(VaultKey keys[VAULT_KEY_GENERATIONS_MAX])
{
    vault_wipe(keys, VAULT_KEY_GENERATIONS_MAX * sizeof *keys);
}

gboolean vault_key_file_parse(const char *text, VaultId *ret_vault_id,
                              VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX], gsize *ret_count,
                              GError **error)
{
    KeyTextReader reader;
    guint8 stated[CHECK_LEN];
    guint8 check[CHECK_LEN];

    if (!key_text_begin(&reader, text, TYPE, error) ||
        !key_text_hex(&reader, "vault", ret_vault_id->bytes, VAULT_ID_LEN, error) ||
        !parse_keys(&reader, ret_keys, ret_count, error) ||
        !key_text_hex(&reader, "check", stated, sizeof stated, error) ||
        !key_text_end(&reader, error)) {
        wipe_keys(ret_keys);
        return FALSE;
    }
    derive_check(ret_vault_id, ret_keys, *ret_count, check);
    if (memcmp(check, stated, sizeof check) != 0) {
        wipe_keys(ret_keys);
        return set_malformed(error, "its check line does not fit; use another copy of it");
    }
    return TRUE;
}
