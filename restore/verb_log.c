/* muniment log: what was logged, and that it is what was logged. */
#include "restore/verb_log.h"

#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/log/tlog_proof.h"

#include <string.h>

static const char *const names[VERB_LOG_KINDS] = {
    [VAULT_LOG_ARCHIVE] = "archive", [VAULT_LOG_CONTROL] = "control"};

const char *verb_log_name(VaultLogKind kind)
{
    return names[kind];
}

gboolean verb_log_kind_parse(const char *text, VaultLogKind standard, VaultLogKind *ret_kind,
                             GError **error)
{
    *ret_kind = standard;
    for (gsize i = 0; i < VERB_LOG_KINDS && text != NULL; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_kind = (VaultLogKind)i;
            return TRUE;
        }
    }
    if (text != NULL)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--log %s: a vault has the logs \"archive\" and \"control\"", text);
    return text == NULL;
}

VaultKeep *verb_log_open(const char *verb, const char *path, GError **error)
{
    g_autofree char *warning = NULL;
    VaultKeep *keep = vault_access_open(path, VAULT_ACCESS_UP_TO_DATE, &warning, error);

    if (warning != NULL)
        restore_verb_say(verb, "%s", warning);
    return keep;
}

char *verb_log_prove_entry(VaultLogReader *reader, guint64 index, GError **error)
{
    g_autoptr(GBytes) entry = vault_log_reader_entry(reader, index, error);
    const char *note = vault_log_reader_note(reader);
    g_autoptr(VaultTlogProof) proof = NULL;
    VaultMerkleProof path;

    if (entry == NULL || !vault_log_reader_prove_inclusion(reader, index, &path, error))
        return NULL;
    proof = vault_tlog_proof_new(index, &path, note, strlen(note), error);
    if (proof == NULL)
        return NULL;
    proof->extra = g_byte_array_new();
    g_byte_array_append(proof->extra, g_bytes_get_data(entry, NULL),
                        (guint)g_bytes_get_size(entry));
    return vault_tlog_proof_format(proof);
}

int restore_verb_log(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"list", "show what was logged", restore_verb_log_list},
        {"verify", "verify both logs, whole", restore_verb_log_verify},
        {"prove", "prove that a message or an act is in the log", restore_verb_log_prove},
        {"checkpoint", "print the signed state of a log", restore_verb_log_checkpoint},
        {"rotate-key", "have another key sign the logs from here on", restore_verb_log_rotate_key},
        {"stamp", "have a checkpoint stamped by a time-stamping authority", restore_verb_log_stamp},
    };

    return restore_verb_dispatch("muniment log", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
