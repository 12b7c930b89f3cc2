#include "vault/witness/witness_request.h"

#include "vault/log/text.h"

#include <string.h>

#define OLD "old "

void witness_request_free(WitnessRequest *request)
{
    if (request == NULL)
        return;
    vault_note_free(request->note);
    vault_checkpoint_free(request->checkpoint);
    g_free(request);
}

static gboolean parse_old(LogText *text, WitnessRequest *request)
{
    const char *line = NULL;
    gsize len = 0;

    return log_text_line(text, &line, &len) && len > strlen(OLD) &&
           memcmp(line, OLD, strlen(OLD)) == 0 &&
           log_text_decimal(line + strlen(OLD), len - strlen(OLD), &request->old_size);
}

/* Up to the blank line, which is taken too. */
static gboolean parse_proof(LogText *text, VaultMerkleProof *proof)
{
    const char *line = NULL;
    gsize len = 0;

    while (log_text_line(text, &line, &len)) {
        if (len == 0)
            return TRUE;
        if (proof->count == VAULT_MERKLE_PROOF_MAX ||
            !log_text_base64_exact(line, len, proof->hashes[proof->count].bytes, VAULT_HASH_LEN))
            return FALSE;
        proof->count++;
    }
    return FALSE;
}

WitnessRequest *witness_request_parse(const char *text, gsize len, GError **error)
{
    g_autoptr(WitnessRequest) request = g_new0(WitnessRequest, 1);
    LogText rest = {text, len};

    if (len > WITNESS_REQUEST_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "request to a witness: longer than %d bytes", WITNESS_REQUEST_LEN_MAX);
        return NULL;
    }
    if (!parse_old(&rest, request) || !parse_proof(&rest, &request->proof)) {
        log_text_malformed(error, "request to a witness", "not old size, proof and blank line");
        return NULL;
    }
    request->note = vault_note_parse(rest.next, rest.left, error);
    if (request->note == NULL)
        return NULL;
    request->checkpoint =
        vault_checkpoint_parse(request->note->text, strlen(request->note->text), error);
    return request->checkpoint == NULL ? NULL : g_steal_pointer(&request);
}

char *witness_request_format(guint64 old_size, const VaultMerkleProof *proof, const char *note)
{
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, OLD "%" G_GUINT64_FORMAT "\n", old_size);
    for (gsize i = 0; i < proof->count; i++)
        log_text_append_base64_line(text, proof->hashes[i].bytes, VAULT_HASH_LEN);
    g_string_append_c(text, '\n');
    g_string_append(text, note);
    return g_string_free(text, FALSE);
}
