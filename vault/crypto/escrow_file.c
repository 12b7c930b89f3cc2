#include "vault/crypto/escrow.h"
#include "vault/crypto/hash_internal.h"
#include "vault/crypto/key_text.h"

#define TYPE "muniment-escrowed-vaultkey"
#define LABEL_CHECK "muniment escrow file"
#define CHECK_LEN 8

/* Over all that stands before it: who keeps the file cannot open it to see that it is whole. */
static void derive_check(const char *text, gsize len, guint8 ret_check[CHECK_LEN])
{
    VaultSpan spans[] = {VAULT_SPAN_TEXT(LABEL_CHECK), {text, len}};
    VaultHash hash;

    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    memcpy(ret_check, hash.bytes, CHECK_LEN);
}

static gboolean is_in_order(const VaultEscrowFile *file)
{
    for (gsize i = 0; i < file->count; i++) {
        if (file->keys[i].key.generation == 0 ||
            (i > 0 && file->keys[i].key.generation <= file->keys[i - 1].key.generation))
            return FALSE;
    }
    return file->count <= VAULT_KEY_GENERATIONS_MAX;
}

char *vault_escrow_file_format(const VaultEscrowFile *file)
{
    GString *text = key_text_new(TYPE);
    guint8 check[CHECK_LEN];

    g_assert(is_in_order(file));
    key_text_put_hex(text, "vault", file->vault_id.bytes, VAULT_ID_LEN);
    key_text_put_hex(text, "escrow-key", file->escrow_key.bytes, VAULT_KEY_LEN);
    for (gsize i = 0; i < file->count; i++) {
        g_string_append_printf(text, "sealed: %u ", file->keys[i].key.generation);
        key_text_append_hex(text, file->keys[i].key.digest, VAULT_KEY_DIGEST_LEN);
        g_string_append_c(text, ' ');
        key_text_append_hex(text, file->keys[i].sealed, VAULT_ESCROW_SEALED_LEN);
        g_string_append_c(text, '\n');
    }
    derive_check(text->str, text->len, check);
    key_text_put_hex(text, "check", check, sizeof check);
    return g_string_free(text, FALSE);
}

static gboolean set_malformed(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "a damaged " TYPE " file: %s", what);
    return FALSE;
}

static gboolean parse_key(KeyTextReader *reader, VaultEscrowedKey *ret_key, GError **error)
{
    const char *value;
    const char *digest, *sealed;
    gsize len;

    if (!key_text_line(reader, "sealed", &value, &len, error))
        return FALSE;
    digest = memchr(value, ' ', len);
    sealed = digest == NULL ? NULL : memchr(digest + 1, ' ', len - (gsize)(digest + 1 - value));
    if (sealed == NULL ||
        !key_text_parse_u32(value, (gsize)(digest - value), &ret_key->key.generation) ||
        !key_text_parse_hex(digest + 1, (gsize)(sealed - digest) - 1, ret_key->key.digest,
                            VAULT_KEY_DIGEST_LEN) ||
        !key_text_parse_hex(sealed + 1, len - (gsize)(sealed + 1 - value), ret_key->sealed,
                            VAULT_ESCROW_SEALED_LEN))
        return set_malformed(error, "a line that is not generation, digest and sealed key");
    return TRUE;
}

static gboolean parse_keys(KeyTextReader *reader, VaultEscrowFile *file, GError **error)
{
    file->count = 0;
    while (file->count < VAULT_KEY_GENERATIONS_MAX && key_text_has_line(reader, "sealed")) {
        if (!parse_key(reader, &file->keys[file->count++], error))
            return FALSE;
    }
    return is_in_order(file) || set_malformed(error, "generations that are not in order");
}

/* The check is over the one form of what was read: line ends and digits may be written otherwise.
 */
static gboolean check_holds(const VaultEscrowFile *file, const guint8 stated[CHECK_LEN])
{
    char *form = vault_escrow_file_format(file);
    const char *line = strstr(form, "\ncheck: ");
    guint8 check[CHECK_LEN];
    gboolean is_same;

    g_assert(line != NULL);
    derive_check(form, (gsize)(line + 1 - form), check);
    is_same = memcmp(check, stated, CHECK_LEN) == 0;
    g_free(form);
    return is_same;
}

gboolean vault_escrow_file_parse(const char *text, VaultEscrowFile *ret_file, GError **error)
{
    KeyTextReader reader;
    guint8 stated[CHECK_LEN];

    *ret_file = (VaultEscrowFile){.count = 0};
    return key_text_begin(&reader, text, TYPE, error) &&
           key_text_hex(&reader, "vault", ret_file->vault_id.bytes, VAULT_ID_LEN, error) &&
           key_text_public_key(&reader, "escrow-key", ret_file->escrow_key.bytes, error) &&
           parse_keys(&reader, ret_file, error) &&
           key_text_hex(&reader, "check", stated, sizeof stated, error) &&
           key_text_end(&reader, error) &&
           (check_holds(ret_file, stated) ||
            set_malformed(error, "its check line does not fit; use another copy of it"));
}
