#include "restore/certificate.h"

#include "restore/vault_access.h"
#include "restore/verb_log.h"
#include "vault/base/bytes.h"
#include "vault/crypto/value.h"

#define HEAD "{\n  \"muniment-certificate\": 1,\n  \"statement\": [\n"
#define SALT "  ],\n  \"salt\": \""
#define PROOF "\",\n  \"proof\": [\n"
#define TAIL "  ]\n}\n"

void certificate_free(Certificate *certificate)
{
    if (certificate == NULL)
        return;
    g_free(certificate->statement);
    g_free(certificate->proof);
    g_free(certificate);
}

static gboolean refuse(GError **error, const char *why)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "the certificate %s", why);
    return FALSE;
}

/* ---- making --------------------------------------------------------------------------------- */

Certificate *certificate_make(VaultKeep *keep, const VaultErasureValue *value, GError **error)
{
    g_autoptr(Certificate) certificate = g_new0(Certificate, 1);
    g_autoptr(VaultLogReader) reader = NULL;
    g_autoptr(GBytes) bytes = NULL;
    GByteArray *plain;
    VaultEntry entry;

    if (value->log_index == VAULT_ERASURE_NOT_LOGGED) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "erasure %s was not logged yet",
                    VAULT_ID_TEXT(value->id));
        return NULL;
    }
    reader = vault_keep_log_reader(keep, VAULT_LOG_CONTROL, value->log_epoch, error);
    bytes = reader == NULL ? NULL : vault_log_reader_entry(reader, value->log_index, error);
    if (bytes == NULL ||
        !vault_entry_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &entry, error) ||
        (certificate->proof = verb_log_prove_entry(reader, value->log_index, error)) == NULL)
        return NULL;
    plain = vault_keep_event(keep, &entry, error);
    if (plain == NULL)
        return NULL;
    memcpy(certificate->salt, plain->data, VAULT_ENTRY_SALT_LEN);
    certificate->statement = g_strndup((const char *)plain->data + VAULT_ENTRY_SALT_LEN,
                                       plain->len - VAULT_ENTRY_SALT_LEN);
    vault_value_free(plain);
    return g_steal_pointer(&certificate);
}

char *certificate_of_id(const char *vault, const char *id, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_UP_TO_DATE, NULL, error);
    g_autoptr(GPtrArray) erasures = keep == NULL ? NULL : vault_keep_erasures(keep, error);

    for (guint i = 0; erasures != NULL && i < erasures->len; i++) {
        const VaultErasureValue *value = g_ptr_array_index(erasures, i);
        g_autoptr(Certificate) certificate = NULL;

        if (g_ascii_strcasecmp(VAULT_ID_TEXT(value->id), id) != 0)
            continue;
        certificate = certificate_make(keep, value, error);
        return certificate == NULL ? NULL : certificate_format(certificate);
    }
    if (erasures != NULL)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "there is no erasure %s", id);
    return NULL;
}

/* ---- form ----------------------------------------------------------------------------------- */

/* Each line of the text as a string of a JSON list. */
static void append_lines(GString *json, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (at == text || at[-1] == '\n')
            g_string_append(json, "    \"");
        if (*at == '"' || *at == '\\')
            g_string_append_c(json, '\\');
        if (*at != '\n')
            g_string_append_c(json, *at);
        else
            g_string_append(json, at[1] == '\0' ? "\"\n" : "\",\n");
    }
}

char *certificate_format(const Certificate *certificate)
{
    GString *json = g_string_new(HEAD);
    g_autofree char *salt = vault_bytes_to_hex(certificate->salt, VAULT_ENTRY_SALT_LEN);

    append_lines(json, certificate->statement);
    g_string_append(json, SALT);
    g_string_append(json, salt);
    g_string_append(json, PROOF);
    append_lines(json, certificate->proof);
    g_string_append(json, TAIL);
    return g_string_free(json, FALSE);
}

/* Takes `expected` away from what is left; FALSE: something else stands there. */
static gboolean take(const char **at, const char *expected)
{
    if (!g_str_has_prefix(*at, expected))
        return FALSE;
    *at += strlen(expected);
    return TRUE;
}

/* The lines up to "  ]". What is not as it is written is found when it is written again. */
static char *take_lines(const char **at)
{
    g_autoptr(GString) text = g_string_new(NULL);

    while (take(at, "    \"")) {
        for (; **at != '"' && **at != '\n' && **at != '\0'; ++*at) {
            if (**at == '\\' && (*at)[1] != '\0')
                ++*at;
            g_string_append_c(text, **at);
        }
        if (!take(at, "\""))
            return NULL;
        (void)take(at, ",");
        if (!take(at, "\n"))
            return NULL;
        g_string_append_c(text, '\n');
    }
    return text->len > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static gboolean take_salt(const char **at, Certificate *certificate)
{
    g_autofree char *hex = g_strndup(*at, strnlen(*at, 2 * VAULT_ENTRY_SALT_LEN));

    *at += strlen(hex);
    return vault_bytes_from_hex(hex, certificate->salt, VAULT_ENTRY_SALT_LEN);
}

static gboolean take_all(const char *text, Certificate *certificate)
{
    const char *at = text;

    return take(&at, HEAD) && (certificate->statement = take_lines(&at)) != NULL &&
           take(&at, SALT) && take_salt(&at, certificate) && take(&at, PROOF) &&
           (certificate->proof = take_lines(&at)) != NULL && take(&at, TAIL) && *at == '\0';
}

Certificate *certificate_parse(const char *text, gsize len, GError **error)
{
    g_autoptr(Certificate) certificate = g_new0(Certificate, 1);
    g_autofree char *whole = NULL;
    g_autofree char *again = NULL;

    if (len > CERTIFICATE_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "a certificate has at most %u bytes",
                    CERTIFICATE_LEN_MAX);
        return NULL;
    }
    if (!g_utf8_validate_len(text, len, NULL)) {
        refuse(error, "is not UTF-8 text");
        return NULL;
    }
    whole = g_strndup(text, len);
    if (take_all(whole, certificate))
        again = certificate_format(certificate);
    if (again != NULL && strcmp(again, whole) == 0)
        return g_steal_pointer(&certificate);
    refuse(error, "is none, or not in its one form");
    return NULL;
}

/* ---- check ---------------------------------------------------------------------------------- */

static gboolean check_entry(const Certificate *certificate, const GByteArray *extra, GError **error)
{
    VaultHash commitment;
    VaultEntry entry;

    if (extra == NULL)
        return refuse(error, "names no entry of the log");
    if (!vault_entry_parse(extra->data, extra->len, &entry, error))
        return FALSE;
    vault_entry_commit(certificate->salt, certificate->statement, strlen(certificate->statement),
                       &commitment);
    if (entry.kind != VAULT_ENTRY_ACT || !vault_hash_equal(&commitment, &entry.commitment))
        return refuse(error, "says something else than what was logged");
    return TRUE;
}

gboolean certificate_check(const Certificate *certificate, const VaultTlogPolicy *policy,
                           GError **error)
{
    g_autoptr(VaultTlogProof) proof =
        vault_tlog_proof_parse(certificate->proof, strlen(certificate->proof), error);
    g_autoptr(VaultCheckpoint) checkpoint = NULL;
    VaultHash hash;

    if (proof == NULL || !check_entry(certificate, proof->extra, error))
        return FALSE;
    if (policy == NULL)
        return TRUE;
    vault_merkle_entry_hash(proof->extra->data, proof->extra->len, &hash);
    checkpoint = vault_tlog_proof_check(proof, policy, &hash, error);
    return checkpoint != NULL;
}
