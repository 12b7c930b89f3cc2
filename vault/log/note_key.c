#include "vault/log/note_key.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash.h"
#include "vault/log/text.h"

static VaultNoteKey *key_new(VaultNoteKeyType type, const char *name,
                             const guint8 public_key[VAULT_KEY_LEN], GError **error)
{
    guint8 kind[2] = {'\n', (guint8)type};
    VaultHash hash;
    VaultNoteKey *key;

    if (!log_text_is_key_name(name, strlen(name))) {
        log_text_malformed(error, "note key",
                           "its name is empty, too long, or has spaces or \"+\"");
        return NULL;
    }
    key = g_new0(VaultNoteKey, 1);
    key->type = type;
    key->name = g_strdup(name);
    memcpy(key->public_key, public_key, VAULT_KEY_LEN);
    vault_hash_spans(
        (const VaultSpan[]){{name, strlen(name)}, {kind, sizeof kind}, {public_key, VAULT_KEY_LEN}},
        3, &hash);
    memcpy(key->id, hash.bytes, VAULT_NOTE_KEY_ID_LEN);
    return key;
}

VaultNoteKey *vault_note_key_new_log(const char *name, const LogVerifyKey *key, GError **error)
{
    return key_new(VAULT_NOTE_ED25519, name, key->bytes, error);
}

VaultNoteKey *vault_note_key_new_witness(const char *name, const WitnessVerifyKey *key,
                                         GError **error)
{
    return key_new(VAULT_NOTE_COSIGNATURE, name, key->bytes, error);
}

VaultNoteKey *vault_note_key_copy(const VaultNoteKey *key)
{
    VaultNoteKey *copy = g_memdup2(key, sizeof *key);

    copy->name = g_strdup(key->name);
    return copy;
}

void vault_note_key_free(VaultNoteKey *key)
{
    if (key == NULL)
        return;
    g_free(key->name);
    g_free(key);
}

VaultNoteKey *vault_note_key_parse(const char *vkey, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(vkey, "+", 3);
    g_autoptr(GByteArray) material = NULL;
    g_autoptr(VaultNoteKey) key = NULL;
    guint8 id[VAULT_NOTE_KEY_ID_LEN];

    /* Base64 has "+" too: what is behind the second one is all key. */
    if (g_strv_length(parts) != 3 || !vault_bytes_from_hex(parts[1], id, sizeof id) ||
        (material = log_text_base64(parts[2], strlen(parts[2]))) == NULL) {
        log_text_malformed(error, "verifier key", "not <name>+<key id>+<key>");
        return NULL;
    }
    if (material->data[0] != VAULT_NOTE_ED25519 && material->data[0] != VAULT_NOTE_COSIGNATURE) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "verifier key: signature type 0x%02x is not known here", material->data[0]);
        return NULL;
    }
    if (material->len != 1 + VAULT_KEY_LEN) {
        log_text_malformed(error, "verifier key", "an Ed25519 key has 32 bytes");
        return NULL;
    }
    key = key_new((VaultNoteKeyType)material->data[0], parts[0], material->data + 1, error);
    if (key == NULL)
        return NULL;
    if (memcmp(key->id, id, sizeof id) != 0) {
        log_text_malformed(error, "verifier key", "its key id is not that of name and key");
        return NULL;
    }
    return g_steal_pointer(&key);
}

char *vault_note_key_format(const VaultNoteKey *key)
{
    g_autofree char *id = vault_bytes_to_hex(key->id, sizeof key->id);
    guint8 material[1 + VAULT_KEY_LEN];
    g_autofree char *encoded = NULL;

    material[0] = (guint8)key->type;
    memcpy(material + 1, key->public_key, VAULT_KEY_LEN);
    encoded = g_base64_encode(material, sizeof material);
    return g_strconcat(key->name, "+", id, "+", encoded, NULL);
}
