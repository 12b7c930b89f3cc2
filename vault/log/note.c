#include "vault/log/note.h"

#include "vault/base/bytes.h"
#include "vault/log/text.h"

#define SIGNATURE_BEGIN "\xe2\x80\x94 " /* U+2014 and a space */
#define COSIGNATURE_LEN (8 + VAULT_SIGNATURE_LEN)

static void signature_free(VaultNoteSignature *signature)
{
    g_free(signature->name);
    g_byte_array_unref(signature->signature);
    g_free(signature);
}

static VaultNote *note_new_take(char *text)
{
    VaultNote *note = g_new0(VaultNote, 1);

    note->text = text;
    note->signatures = g_ptr_array_new_with_free_func((GDestroyNotify)signature_free);
    return note;
}

void vault_note_free(VaultNote *note)
{
    if (note == NULL)
        return;
    g_free(note->text);
    g_ptr_array_unref(note->signatures);
    g_free(note);
}

/* ---- the form ------------------------------------------------------------------------------- */

static gboolean is_note_text(const char *text, gsize len)
{
    if (len == 0 || text[len - 1] != '\n' || !g_utf8_validate_len(text, len, NULL))
        return FALSE;
    for (gsize i = 0; i < len; i++) {
        if ((guchar)text[i] < 0x20 && text[i] != '\n')
            return FALSE;
    }
    return TRUE;
}

VaultNote *vault_note_new(const char *text)
{
    g_assert(is_note_text(text, strlen(text)));
    return note_new_take(g_strdup(text));
}

static void add_signature(VaultNote *note, const char *name, gsize name_len,
                          const guint8 key_id[VAULT_NOTE_KEY_ID_LEN], const guint8 *bytes,
                          gsize len)
{
    VaultNoteSignature *signature = g_new0(VaultNoteSignature, 1);

    signature->name = g_strndup(name, name_len);
    memcpy(signature->key_id, key_id, VAULT_NOTE_KEY_ID_LEN);
    signature->signature = g_byte_array_new();
    g_byte_array_append(signature->signature, bytes, (guint)len);
    g_ptr_array_add(note->signatures, signature);
}

static gboolean parse_signature(VaultNote *note, const char *line, gsize len, GError **error)
{
    static const gsize begin_len = sizeof(SIGNATURE_BEGIN) - 1;
    LogText rest = {line, len};
    const char *name = NULL;
    gsize name_len = 0;
    g_autoptr(GByteArray) bytes = NULL;

    if (len < begin_len || memcmp(line, SIGNATURE_BEGIN, begin_len) != 0)
        return log_text_malformed(error, "signed note", "a signature line does not begin as one");
    rest = (LogText){line + begin_len, len - begin_len};
    if (!log_text_part(&rest, ' ', &name, &name_len) || !log_text_is_key_name(name, name_len))
        return log_text_malformed(error, "signed note", "a signature has no key name");
    bytes = log_text_base64(rest.next, rest.left);
    if (bytes == NULL || bytes->len <= VAULT_NOTE_KEY_ID_LEN)
        return log_text_malformed(error, "signed note", "a signature is not base64, or too short");
    if (note->signatures->len == VAULT_NOTE_SIGNATURES_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "signed note: more than %d signatures", VAULT_NOTE_SIGNATURES_MAX);
        return FALSE;
    }
    add_signature(note, name, name_len, bytes->data, bytes->data + VAULT_NOTE_KEY_ID_LEN,
                  bytes->len - VAULT_NOTE_KEY_ID_LEN);
    return TRUE;
}

/* The last blank line: the text itself may have others. */
static gboolean find_signatures(const char *bytes, gsize len, gsize *ret_text_len)
{
    for (gsize at = len; at >= 2; at--) {
        if (bytes[at - 1] == '\n' && bytes[at - 2] == '\n') {
            *ret_text_len = at - 1;
            return TRUE;
        }
    }
    return FALSE;
}

VaultNote *vault_note_parse(const char *bytes, gsize len, GError **error)
{
    g_autoptr(VaultNote) note = NULL;
    gsize text_len = 0;
    LogText rest;

    if (len > VAULT_NOTE_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "signed note: longer than %d bytes",
                    VAULT_NOTE_LEN_MAX);
        return NULL;
    }
    if (!is_note_text(bytes, len) || !find_signatures(bytes, len, &text_len)) {
        log_text_malformed(error, "signed note", "no text in UTF-8, blank line and signatures");
        return NULL;
    }
    note = note_new_take(g_strndup(bytes, text_len));
    rest = (LogText){bytes + text_len + 1, len - text_len - 1};
    while (rest.left > 0) {
        const char *line = NULL;
        gsize line_len = 0;

        if (!log_text_line(&rest, &line, &line_len) ||
            !parse_signature(note, line, line_len, error))
            return NULL;
    }
    if (note->signatures->len == 0) {
        log_text_malformed(error, "signed note", "no signature");
        return NULL;
    }
    return g_steal_pointer(&note);
}

char *vault_note_format(const VaultNote *note)
{
    GString *text = g_string_new(note->text);

    g_string_append_c(text, '\n');
    for (guint i = 0; i < note->signatures->len; i++) {
        const VaultNoteSignature *signature = g_ptr_array_index(note->signatures, i);
        g_autoptr(GByteArray) bytes = g_byte_array_new();

        g_byte_array_append(bytes, signature->key_id, VAULT_NOTE_KEY_ID_LEN);
        g_byte_array_append(bytes, signature->signature->data, signature->signature->len);
        g_string_append_printf(text, SIGNATURE_BEGIN "%s ", signature->name);
        log_text_append_base64_line(text, bytes->data, bytes->len);
    }
    return g_string_free(text, FALSE);
}

/* ---- signatures ----------------------------------------------------------------------------- */

static char *cosigned_message(const char *text, guint64 time_s)
{
    return g_strdup_printf("cosignature/v1\ntime %" G_GUINT64_FORMAT "\n%s", time_s, text);
}

void vault_note_sign(VaultNote *note, const char *name, const LogSigningKey *key)
{
    LogVerifyKey verify;
    VaultSignature signature;
    g_autoptr(VaultNoteKey) note_key = NULL;

    vault_log_verify_key(key, &verify);
    note_key = vault_note_key_new_log(name, &verify, NULL);
    g_assert(note_key != NULL);
    vault_log_sign(key, note->text, strlen(note->text), &signature);
    add_signature(note, name, strlen(name), note_key->id, signature.bytes, sizeof signature.bytes);
}

void vault_note_cosign(VaultNote *note, const char *name, const WitnessSigningKey *key,
                       guint64 time_s)
{
    g_autofree char *message = cosigned_message(note->text, time_s);
    WitnessVerifyKey verify;
    VaultSignature signature;
    guint8 payload[COSIGNATURE_LEN];
    g_autoptr(VaultNoteKey) note_key = NULL;

    g_assert(time_s <= G_MAXINT64);
    vault_witness_verify_key(key, &verify);
    note_key = vault_note_key_new_witness(name, &verify, NULL);
    g_assert(note_key != NULL);
    vault_witness_sign(key, message, strlen(message), &signature);
    vault_bytes_put_u64(payload, time_s);
    memcpy(payload + 8, signature.bytes, sizeof signature.bytes);
    add_signature(note, name, strlen(name), note_key->id, payload, sizeof payload);
}

static gboolean verify_log(const VaultNote *note, const VaultNoteKey *key, const GByteArray *bytes)
{
    LogVerifyKey verify;
    VaultSignature signature;

    if (bytes->len != sizeof signature.bytes)
        return FALSE;
    memcpy(verify.bytes, key->public_key, sizeof verify.bytes);
    memcpy(signature.bytes, bytes->data, sizeof signature.bytes);
    return vault_log_verify(&verify, note->text, strlen(note->text), &signature);
}

static gboolean verify_witness(const VaultNote *note, const VaultNoteKey *key,
                               const GByteArray *bytes, guint64 *ret_time_s)
{
    WitnessVerifyKey verify;
    VaultSignature signature;
    VaultBytesReader reader;
    g_autofree char *message = NULL;

    vault_bytes_reader_init(&reader, bytes->data, bytes->len);
    *ret_time_s = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, signature.bytes, sizeof signature.bytes);
    if (!vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END) || *ret_time_s > G_MAXINT64)
        return FALSE;
    memcpy(verify.bytes, key->public_key, sizeof verify.bytes);
    message = cosigned_message(note->text, *ret_time_s);
    return vault_witness_verify(&verify, message, strlen(message), &signature);
}

static gboolean verify_one(const VaultNote *note, const VaultNoteKey *key, const GByteArray *bytes,
                           guint64 *ret_time_s)
{
    switch (key->type) {
    case VAULT_NOTE_ED25519:
        *ret_time_s = 0;
        return verify_log(note, key, bytes);
    case VAULT_NOTE_COSIGNATURE:
        return verify_witness(note, key, bytes, ret_time_s);
    }
    g_assert_not_reached();
}

gboolean vault_note_verify(const VaultNote *note, const VaultNoteKey *key, guint64 *ret_time_s,
                           GError **error)
{
    guint count = 0;
    guint64 latest_s = 0;

    for (guint i = 0; i < note->signatures->len; i++) {
        const VaultNoteSignature *signature = g_ptr_array_index(note->signatures, i);
        guint64 time_s = 0;

        if (strcmp(signature->name, key->name) != 0 ||
            memcmp(signature->key_id, key->id, sizeof key->id) != 0)
            continue;
        if (!verify_one(note, key, signature->signature, &time_s)) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "signed note: the signature of %s is false", key->name);
            return FALSE;
        }
        latest_s = MAX(latest_s, time_s);
        count++;
    }
    if (count == 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY, "signed note: not signed by %s",
                    key->name);
        return FALSE;
    }
    if (ret_time_s != NULL)
        *ret_time_s = latest_s;
    return TRUE;
}
