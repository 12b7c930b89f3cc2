#include "vault/crypto/key_files.h"

#include "vault/crypto/key_text.h"

#include <sodium.h>

#define TYPE_SECRET "muniment-identity"
#define TYPE_PUBLIC "muniment-identity-public"

G_STATIC_ASSERT(sizeof(((VaultIdentity *)0)->name) == VAULT_IDENTITY_NAME_LEN_MAX + 1);

/* Names are shown where people decide whom to trust: nothing in them may move or hide text. */
static gboolean is_plain(gunichar c)
{
    gboolean is_direction = c == 0x061c || c == 0x200e || c == 0x200f ||
                            (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);

    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_UNASSIGNED:
        return FALSE;
    default:
        return !is_direction;
    }
}

static gboolean check_name(const char *name, gsize len, GError **error)
{
    const char *end = name + len;
    gboolean is_good =
        len >= 1 && len <= VAULT_IDENTITY_NAME_LEN_MAX && g_utf8_validate(name, (gssize)len, NULL);

    for (const char *at = name; is_good && at < end; at = g_utf8_next_char(at))
        is_good = is_plain(g_utf8_get_char(at));
    if (!is_good)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "a reader's name is 1 to %d bytes of UTF-8 without control characters",
                    VAULT_IDENTITY_NAME_LEN_MAX);
    return is_good;
}

gboolean vault_identity_create(const char *name, VaultIdentity *ret_identity, GError **error)
{
    if (!check_name(name, strlen(name), error))
        return FALSE;
    memset(ret_identity, 0, sizeof *ret_identity);
    vault_random(ret_identity->secret_key.bytes, VAULT_KEY_LEN);
    vault_report_secret("reader-secret", ret_identity->secret_key.bytes, VAULT_KEY_LEN);
    crypto_scalarmult_base(ret_identity->public_key.bytes, ret_identity->secret_key.bytes);
    g_strlcpy(ret_identity->name, name, sizeof ret_identity->name);
    return TRUE;
}

char *vault_identity_format(const VaultIdentity *identity)
{
    GString *text = key_text_new(TYPE_SECRET);

    key_text_put(text, "name", identity->name);
    key_text_put_hex(text, "secret-key", identity->secret_key.bytes, VAULT_KEY_LEN);
    key_text_put_hex(text, "public-key", identity->public_key.bytes, VAULT_KEY_LEN);
    return g_string_free(text, FALSE);
}

static gboolean parse_name(KeyTextReader *reader, const char **ret_name, gsize *ret_len,
                           GError **error)
{
    return key_text_line(reader, "name", ret_name, ret_len, error) &&
           check_name(*ret_name, *ret_len, error);
}

gboolean vault_identity_parse(const char *text, VaultIdentity *ret_identity, GError **error)
{
    KeyTextReader reader;
    g_auto(VaultIdentity) identity = {0};
    ReaderPublicKey public_key;
    const char *name;
    gsize name_len;

    if (!key_text_begin(&reader, text, TYPE_SECRET, error) ||
        !parse_name(&reader, &name, &name_len, error) ||
        !key_text_hex(&reader, "secret-key", identity.secret_key.bytes, VAULT_KEY_LEN, error) ||
        !key_text_public_key(&reader, "public-key", public_key.bytes, error) ||
        !key_text_end(&reader, error))
        return FALSE;
    memcpy(identity.name, name, name_len);
    crypto_scalarmult_base(identity.public_key.bytes, identity.secret_key.bytes);
    if (memcmp(&public_key, &identity.public_key, sizeof public_key) != 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "a damaged " TYPE_SECRET " file: its two keys do not belong together");
        return FALSE;
    }
    *ret_identity = identity;
    return TRUE;
}

char *vault_identity_public_format(const VaultIdentity *identity)
{
    GString *text = key_text_new(TYPE_PUBLIC);
    KeyId id = vault_reader_key_id(&identity->public_key);

    key_text_put(text, "name", identity->name);
    key_text_put_hex(text, "public-key", identity->public_key.bytes, VAULT_KEY_LEN);
    key_text_put_hex(text, "key-id", id.bytes, sizeof id.bytes);
    return g_string_free(text, FALSE);
}

gboolean vault_identity_public_parse(const char *text, ReaderPublicKey *ret_key, char **ret_name,
                                     GError **error)
{
    KeyTextReader reader;
    KeyId stated;
    KeyId id;
    const char *name;
    gsize name_len;

    if (!key_text_begin(&reader, text, TYPE_PUBLIC, error) ||
        !parse_name(&reader, &name, &name_len, error) ||
        !key_text_public_key(&reader, "public-key", ret_key->bytes, error) ||
        !key_text_hex(&reader, "key-id", stated.bytes, sizeof stated.bytes, error) ||
        !key_text_end(&reader, error))
        return FALSE;
    id = vault_reader_key_id(ret_key);
    if (!VAULT_ID_EQUAL(id, stated)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "a damaged " TYPE_PUBLIC " file: its key id is not the one of its key");
        return FALSE;
    }
    *ret_name = g_strndup(name, name_len);
    return TRUE;
}

KeyId vault_reader_key_id(const ReaderPublicKey *key)
{
    return vault_key_id(VAULT_ROLE_READER, key->bytes);
}
