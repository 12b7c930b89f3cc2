#include "restore/witness_client.h"

#include "restore/http_client.h"
#include "restore/output.h"
#include "restore/witness_request.h"
#include "vault/log/text.h"

#include <string.h>

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

static gboolean offer(const char *url, VaultLogReader *reader, guint64 old_size,
                      HttpAnswer *ret_answer, GError **error)
{
    g_autofree char *target =
        g_strconcat(url, g_str_has_suffix(url, "/") ? "" : "/", "add-checkpoint", NULL);
    g_autofree char *body = request_from(reader, old_size, error);

    return body != NULL &&
           http_client_post(target, "text/plain", body, strlen(body), ret_answer, error);
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

/* Of an answer 200: lines that make a note of the checkpoint when they are appended. */
static char *read_lines(VaultLogReader *reader, const HttpAnswer *answer, GError **error)
{
    const char *lines = g_bytes_get_data(answer->body, NULL);
    g_autofree char *note = g_strconcat(vault_log_reader_note(reader), lines, NULL);
    g_autoptr(VaultNote) parsed = vault_note_parse(note, strlen(note), error);

    if (parsed == NULL)
        return NULL;
    return g_strdup(lines);
}

static void set_refused(const char *url, const HttpAnswer *answer, GError **error)
{
    g_autofree char *valid = g_utf8_make_valid(g_bytes_get_data(answer->body, NULL), -1);
    g_autofree char *shown = restore_output_printable(g_strchomp(valid));

    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "%s does not cosign (%u): %s", url,
                answer->status, shown);
}

char *witness_client_cosign(const char *url, VaultLogReader *reader, GError **error)
{
    g_auto(HttpAnswer) first = {0};
    g_auto(HttpAnswer) second = {0};
    const HttpAnswer *last = &first;
    guint64 size = 0;

    if (!offer(url, reader, 0, &first, error))
        return NULL;
    if (read_size(&first, &size)) {
        if (!offer(url, reader, size, &second, error))
            return NULL;
        last = &second;
    }
    if (last->status == 200)
        return read_lines(reader, last, error);
    set_refused(url, last, error);
    return NULL;
}
