#include "vault/log/tlog_proof.h"

#include "vault/log/text.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1"
#define WHAT "proof of logging"

VaultTlogProof *vault_tlog_proof_new(guint64 index, const VaultMerkleProof *path, const char *note,
                                     gsize note_len, GError **error)
{
    g_autoptr(VaultTlogProof) proof = g_new0(VaultTlogProof, 1);

    proof->index = index;
    proof->path = *path;
    proof->note = vault_note_parse(note, note_len, error);
    if (proof->note == NULL)
        return NULL;
    return g_steal_pointer(&proof);
}

void vault_tlog_proof_free(VaultTlogProof *proof)
{
    if (proof == NULL)
        return;
    if (proof->extra != NULL)
        g_byte_array_unref(proof->extra);
    vault_note_free(proof->note);
    g_free(proof);
}

/* What follows "<name> " on a line. */
static gboolean value_of(const char *line, gsize len, const char *name, const char **ret_value,
                         gsize *ret_len)
{
    gsize name_len = strlen(name);

    if (len <= name_len || memcmp(line, name, name_len) != 0 || line[name_len] != ' ')
        return FALSE;
    *ret_value = line + name_len + 1;
    *ret_len = len - name_len - 1;
    return TRUE;
}

static gboolean parse_head(LogText *rest, VaultTlogProof *proof, GError **error)
{
    const char *line = NULL, *value = NULL;
    gsize len = 0, value_len = 0;

    if (!log_text_line(rest, &line, &len) || !log_text_is(line, len, FIRST_LINE))
        return log_text_malformed(error, WHAT, "does not begin with " FIRST_LINE);
    if (!log_text_line(rest, &line, &len))
        return log_text_malformed(error, WHAT, "ends too early");
    if (value_of(line, len, "extra", &value, &value_len)) {
        proof->extra = log_text_base64(value, value_len);
        if (proof->extra == NULL || !log_text_line(rest, &line, &len))
            return log_text_malformed(error, WHAT, "its extra line is not base64");
    }
    if (!value_of(line, len, "index", &value, &value_len) ||
        !log_text_decimal(value, value_len, &proof->index))
        return log_text_malformed(error, WHAT, "no index line");
    return TRUE;
}

static gboolean parse_path(LogText *rest, VaultMerkleProof *path, GError **error)
{
    const char *line = NULL;
    gsize len = 0;

    for (;;) {
        if (!log_text_line(rest, &line, &len))
            return log_text_malformed(error, WHAT, "ends before its checkpoint");
        if (len == 0)
            return TRUE;
        if (path->count == VAULT_MERKLE_PROOF_MAX ||
            !log_text_base64_exact(line, len, path->hashes[path->count].bytes, VAULT_HASH_LEN))
            return log_text_malformed(error, WHAT, "a line is not a hash, or there are too many");
        path->count++;
    }
}

VaultTlogProof *vault_tlog_proof_parse(const char *text, gsize len, GError **error)
{
    g_autoptr(VaultTlogProof) proof = g_new0(VaultTlogProof, 1);
    LogText rest = {text, len};

    if (len > VAULT_TLOG_PROOF_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, WHAT ": longer than %d bytes",
                    VAULT_TLOG_PROOF_LEN_MAX);
        return NULL;
    }
    if (!parse_head(&rest, proof, error) || !parse_path(&rest, &proof->path, error))
        return NULL;
    proof->note = vault_note_parse(rest.next, rest.left, error);
    if (proof->note == NULL)
        return NULL;
    return g_steal_pointer(&proof);
}

char *vault_tlog_proof_format(const VaultTlogProof *proof)
{
    GString *text = g_string_new(FIRST_LINE "\n");
    g_autofree char *note = vault_note_format(proof->note);

    if (proof->extra != NULL) {
        g_string_append(text, "extra ");
        log_text_append_base64_line(text, proof->extra->data, proof->extra->len);
    }
    g_string_append_printf(text, "index %" G_GUINT64_FORMAT "\n", proof->index);
    for (gsize i = 0; i < proof->path.count; i++)
        log_text_append_base64_line(text, proof->path.hashes[i].bytes, VAULT_HASH_LEN);
    g_string_append_c(text, '\n');
    g_string_append(text, note);
    return g_string_free(text, FALSE);
}

VaultCheckpoint *vault_tlog_proof_check(const VaultTlogProof *proof, const VaultTlogPolicy *policy,
                                        const VaultHash *entry_hash, GError **error)
{
    g_autoptr(VaultCheckpoint) checkpoint = vault_tlog_policy_check(policy, proof->note, error);

    if (checkpoint == NULL)
        return NULL;
    if (!vault_merkle_verify_inclusion(&proof->path, proof->index, checkpoint->size, entry_hash,
                                       &checkpoint->root)) {
        log_text_malformed(error, WHAT, "it does not lead from this entry to its checkpoint");
        return NULL;
    }
    return g_steal_pointer(&checkpoint);
}
