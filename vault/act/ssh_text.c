#include "vault/act/ssh_text.h"

#include "vault/base/bytes.h"
#include "vault/base/error.h"

#include <string.h>

#define ARMOR_BEGIN "-----BEGIN SSH SIGNATURE-----\n"
#define ARMOR_END "-----END SSH SIGNATURE-----"
#define ARMOR_LINE_LEN 70
#define ARMOR_LEN_MAX (2 * VAULT_SSH_SIGNATURE_TEXT_LEN_MAX)

static const char magic[] = "SSHSIG";

/* Whatever OpenSSH signs with; certificates are not among them: their expiry and their authority
 * would be a second policy. */
static const char *const key_types[] = {
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    NULL,
};

static gboolean malformed(GError **error, const char *text)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, text);
    return FALSE;
}

/* An SSH string: u32 length, bytes. NULL: not there. */
static const guint8 *read_string(VaultBytesReader *reader, guint32 *ret_len)
{
    *ret_len = vault_bytes_read_u32(reader);
    return vault_bytes_read_borrowed(reader, *ret_len);
}

static gboolean string_is(const guint8 *bytes, guint32 len, const char *text)
{
    return bytes != NULL && len == strlen(text) && memcmp(bytes, text, len) == 0;
}

GBytes *vault_ssh_base64_parse(const char *text, gsize len_max, GError **error)
{
    gsize text_len = strlen(text), len = 0;
    g_autofree guchar *bytes = NULL;
    g_autofree char *again = NULL;

    if (text_len == 0 || text_len > 4 * ((len_max + 2) / 3)) {
        malformed(error, "base64 is empty or too long");
        return NULL;
    }
    bytes = g_base64_decode(text, &len);
    again = g_base64_encode(bytes, len);
    /* g_base64_decode() passes over what is no base64, and one text must mean one thing. */
    if (len == 0 || len > len_max || !g_str_equal(again, text)) {
        malformed(error, "this is not plain base64");
        return NULL;
    }
    return g_bytes_new_take(g_steal_pointer(&bytes), len);
}

gboolean vault_ssh_key_check(const char *type, const char *base64, GError **error)
{
    g_autoptr(GBytes) blob = NULL;
    VaultBytesReader reader;
    const guint8 *named;
    guint32 len;

    if (!g_strv_contains(key_types, type)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "an approver's key is ed25519, ecdsa, rsa, or one of these on a token; a line "
                    "as in NAME.pub of ssh-keygen");
        return FALSE;
    }
    blob = vault_ssh_base64_parse(base64, VAULT_SSH_KEY_LEN_MAX / 2, error);
    if (blob == NULL)
        return FALSE;
    vault_bytes_reader_init(&reader, g_bytes_get_data(blob, NULL), g_bytes_get_size(blob));
    named = read_string(&reader, &len);
    return string_is(named, len, type) ||
           malformed(error, "an approver's key is not of the type that its line says");
}

gboolean vault_ssh_signature_check(GBytes *signature, const char *ssh_namespace,
                                   const char *ssh_key, GError **error)
{
    const char *space = strchr(ssh_key, ' ');
    g_autoptr(GBytes) key = vault_ssh_base64_parse(space + 1, VAULT_SSH_KEY_LEN_MAX, error);
    guint32 key_len, name_len, reserved_len, hash_len, len;
    const guint8 *signer, *name, *start;
    VaultBytesReader reader;

    if (key == NULL)
        return FALSE;
    vault_bytes_reader_init(&reader, g_bytes_get_data(signature, NULL),
                            g_bytes_get_size(signature));
    start = vault_bytes_read_borrowed(&reader, sizeof magic - 1);
    if (start == NULL || memcmp(start, magic, sizeof magic - 1) != 0)
        return malformed(error, "an approval is not a signature of ssh-keygen");
    if (vault_bytes_read_u32(&reader) != 1) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                            "an approval is a signature of a version that is not known here");
        return FALSE;
    }
    signer = read_string(&reader, &key_len);
    name = read_string(&reader, &name_len);
    read_string(&reader, &reserved_len);
    read_string(&reader, &hash_len);
    read_string(&reader, &len);
    if (!vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END))
        return malformed(error, "an approval's signature is cut or too long");
    if (!string_is(name, name_len, ssh_namespace))
        return malformed(error, "the signature is for another purpose (namespace)");
    return (key_len == g_bytes_get_size(key) &&
            memcmp(signer, g_bytes_get_data(key, NULL), key_len) == 0) ||
           malformed(error, "it is signed with another key than the policy has for that name");
}

char *vault_ssh_signature_armor(GBytes *signature)
{
    g_autofree char *base64 =
        g_base64_encode(g_bytes_get_data(signature, NULL), g_bytes_get_size(signature));
    gsize len = strlen(base64);
    GString *text = g_string_new(ARMOR_BEGIN);

    for (gsize at = 0; at < len; at += ARMOR_LINE_LEN) {
        g_string_append_len(text, base64 + at, (gssize)MIN(ARMOR_LINE_LEN, len - at));
        g_string_append_c(text, '\n');
    }
    g_string_append(text, ARMOR_END "\n");
    return g_string_free(text, FALSE);
}

GBytes *vault_ssh_signature_dearmor(const char *text, GError **error)
{
    const char *end = strstr(text, ARMOR_END);
    g_autoptr(GString) base64 = g_string_new(NULL);

    if (!g_str_has_prefix(text, ARMOR_BEGIN) || end == NULL || strlen(text) > ARMOR_LEN_MAX) {
        malformed(error, "ssh-keygen gave something that is not a signature");
        return NULL;
    }
    for (const char *at = text + strlen(ARMOR_BEGIN); at < end; at++) {
        if (!g_ascii_isspace(*at))
            g_string_append_c(base64, *at);
    }
    return vault_ssh_base64_parse(base64->str, VAULT_SSH_SIGNATURE_LEN_MAX, error);
}
