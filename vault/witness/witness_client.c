#include "vault/witness/witness_client.h"

#include "vault/log/text.h"
#include "vault/witness/http_client.h"
#include "vault/witness/witness_request.h"

#include <string.h>

#define REASON_LEN_MAX 200

static char *request_from(VaultLogReader *reader, guint64 old_size, GError **error)
{
    VaultMerkleProof proof = {0};
    VaultHash root;

    if (old_size > vault_log_reader_checkpoint(reader)->size) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "the witness has seen this log with %" G_GUINT64_FORMAT
                    " entries, it now has %" G_GUINT64_FORMAT ": the log was set back",
                    old_size, vault_log_reader_checkpoint(reader)->size);
        return NULL;
    }
    if (!vault_log_reader_prove_consistency(reader, old_size, &root, &proof, error))
        return NULL;
    return witness_request_format(old_size, &proof, vault_log_reader_note(reader));
}

typedef struct {
    const VaultTlogWitness *witness;
    VaultLogReader *reader;
    int stop_fd;
} Asking;

static gboolean offer(const Asking *asking, guint64 old_size, HttpAnswer *ret_answer,
                      GError **error)
{
    const char *url = asking->witness->url;
    g_autofree char *target =
        g_strconcat(url, g_str_has_suffix(url, "/") ? "" : "/", "add-checkpoint", NULL);
    g_autofree char *body = request_from(asking->reader, old_size, error);
    HttpPost post = {.url = target, .content_type = "text/plain", .stop_fd = asking->stop_fd};

    if (body == NULL)
        return FALSE;
    post.body = body;
    post.len = strlen(body);
    return http_client_post(&post, ret_answer, error);
}

/* The size that a witness which answers 409 has seen. */
static gboolean read_size(const HttpAnswer *answer, guint64 *ret_size)
{
    LogText text = {.next = g_bytes_get_data(answer->body, NULL),
                    .left = g_bytes_get_size(answer->body)};
    const char *line = NULL;
    gsize len = 0;

    return answer->status == 409 && log_text_line(&text, &line, &len) && text.left == 0 &&
           log_text_decimal(line, len, ret_size);
}

/* The lines of one key, as they follow the text and its blank line. */
static char *format_lines(VaultNote *note, const VaultNoteKey *key)
{
    g_autofree char *text = NULL;

    for (guint i = 0; i < note->signatures->len;) {
        const VaultNoteSignature *signature = note->signatures->pdata[i];

        if (strcmp(signature->name, key->name) == 0 &&
            memcmp(signature->key_id, key->id, sizeof key->id) == 0)
            i++;
        else
            g_ptr_array_remove_index(note->signatures, i);
    }
    text = vault_note_format(note);
    return g_strdup(text + strlen(note->text) + 1);
}

/* Of an answer 200: what makes a note of the checkpoint when it is appended. */
static char *read_lines(const Asking *asking, const HttpAnswer *answer, guint64 *ret_time_s,
                        GError **error)
{
    const VaultNoteKey *key = asking->witness->key;
    g_autofree char *text = g_strconcat(vault_log_reader_note(asking->reader),
                                        g_bytes_get_data(answer->body, NULL), NULL);
    g_autoptr(VaultNote) note = vault_note_parse(text, strlen(text), error);

    if (note == NULL || !vault_note_verify(note, key, ret_time_s, error)) {
        g_prefix_error(
            error, "what %s answers is no cosignature of the policy's key: ", asking->witness->url);
        return NULL;
    }
    return format_lines(note, key);
}

/* What comes from outside goes to terminals and logs. */
static char *printable(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *safe = g_string_new(NULL);

    for (const char *at = g_strchomp(valid); *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar letter = g_utf8_get_char(at);

        g_string_append_unichar(safe, g_unichar_isprint(letter) ? letter : 0xFFFD);
        if (safe->len >= REASON_LEN_MAX)
            break;
    }
    return g_string_free(safe, FALSE);
}

static void set_refused(const char *url, const HttpAnswer *answer, GError **error)
{
    g_autofree char *reason = printable(g_bytes_get_data(answer->body, NULL));

    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "%s does not cosign (%u): %s", url,
                answer->status, reason);
}

char *witness_client_cosign(const VaultTlogWitness *witness, VaultLogReader *reader, int stop_fd,
                            guint64 *ret_time_s, GError **error)
{
    const Asking asking = {.witness = witness, .reader = reader, .stop_fd = stop_fd};
    g_auto(HttpAnswer) first = {0};
    g_auto(HttpAnswer) second = {0};
    const HttpAnswer *last = &first;
    guint64 size = 0;

    if (!offer(&asking, 0, &first, error))
        return NULL;
    if (read_size(&first, &size)) {
        if (!offer(&asking, size, &second, error))
            return NULL;
        last = &second;
    }
    if (last->status == 200)
        return read_lines(&asking, last, ret_time_s, error);
    set_refused(witness->url, last, error);
    return NULL;
}
