/* muniment log prove: proofs for others, of messages by archive id and of entries by index. */
#include "restore/message_id.h"
#include "restore/output.h"
#include "restore/proof_logs.h"
#include "restore/verb.h"
#include "restore/verb_log.h"

#include <stdio.h>

static const char verb[] = "log prove";

#define PART_LEN (256 * 1024)

typedef struct {
    char *log, *out;
    gint64 index;
    gint epoch;
} ProveOptions;

static void prove_options_clear(ProveOptions *options)
{
    g_free(options->log);
    g_free(options->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProveOptions, prove_options_clear)

/* ---- messages -------------------------------------------------------------------------------- */

/* Header and ciphertext hash of a record, whose ciphertext may be long. */
static gboolean read_record(VaultKeep *keep, const RecordId *id, ProofMessage *message,
                            GError **error)
{
    g_autofree guint8 *bytes = g_malloc(PART_LEN);
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    VaultPlace place;

    message->header_len = vault_record_header_len(VAULT_RECORD_BODY);
    if (!vault_keep_record_place(keep, id, &place, error) ||
        !vault_keep_record_read(keep, id, 0, message->header_len, message->header, error))
        return FALSE;
    for (guint64 at = message->header_len; at < place.len;) {
        gsize len = (gsize)MIN(place.len - at, PART_LEN);

        if (!vault_keep_record_read(keep, id, at, len, bytes, error))
            return FALSE;
        vault_hasher_update(hasher, bytes, len);
        at += len;
    }
    vault_hasher_finish(hasher, &message->ciphertext_hash);
    return TRUE;
}

/* One line of JSON: what a manifest says of a message, but for the salt, which is sealed. */
static gboolean prove_message(VaultKeep *keep, const ProofSource *proofs, const RecordId *id,
                              GString *out, gboolean *ret_is_in_log, GError **error)
{
    g_autoptr(GPtrArray) batches = NULL;
    g_autofree char *batch = NULL;
    ProofMessage message = {0};
    VaultHash hash;

    if (!read_record(keep, id, &message, error))
        return FALSE;
    proof_message_record_hash(&message, &hash);
    if (!proofs->find(proofs->user, &hash, &message, error))
        return FALSE;
    *ret_is_in_log = message.is_in_log;
    g_string_append_printf(out, "{\"id\":\"%s\"", VAULT_ID_TEXT(*id));
    proof_message_append_public(&message, out);
    if (message.is_in_log) {
        batches = proofs->batches(proofs->user, &message.batch, 1, error);
        if (batches == NULL)
            return FALSE;
        batch = proof_batch_format(batches->pdata[0]);
        g_string_append_printf(out, ",%s", batch + 1);
    } else {
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, '\n');
    return TRUE;
}

static gboolean prove_messages(VaultKeep *keep, char **ids, GString *out, guint *ret_missing,
                               GError **error)
{
    g_autoptr(ProofLogs) logs = proof_logs_open(keep, error);
    ProofSource proofs = {.user = NULL};

    if (logs == NULL)
        return FALSE;
    proofs = proof_logs_source(logs);
    for (; *ids != NULL; ids++) {
        gboolean is_in_log = FALSE;
        RecordId id;

        if (!restore_message_id_parse(*ids, &id, error) ||
            !prove_message(keep, &proofs, &id, out, &is_in_log, error))
            return FALSE;
        if (!is_in_log) {
            restore_verb_say(verb, "%s is in no batch yet: try again in ten minutes", *ids);
            ++*ret_missing;
        }
    }
    return TRUE;
}

/* ---- entries --------------------------------------------------------------------------------- */

/* What witnesses cosigned is believed where the newest is not: it is taken when it has the entry.
 */
static VaultLogReader *open_with_entry(VaultKeep *keep, VaultLogKind kind,
                                       const ProveOptions *options, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultLogReader) cosigned =
        vault_keep_log_reader_cosigned(keep, kind, (guint32)options->epoch, &failure);

    if (cosigned == NULL && !g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    if (cosigned != NULL && (guint64)options->index < vault_log_reader_checkpoint(cosigned)->size)
        return g_steal_pointer(&cosigned);
    return vault_keep_log_reader(keep, kind, (guint32)options->epoch, error);
}

static gboolean prove_entry(VaultKeep *keep, const ProveOptions *options, GString *out,
                            GError **error)
{
    g_autoptr(VaultLogReader) reader = NULL;
    g_autofree char *proof = NULL;
    VaultLogKind kind;

    if (!verb_log_kind_parse(options->log, VAULT_LOG_CONTROL, &kind, error))
        return FALSE;
    reader = open_with_entry(keep, kind, options, error);
    proof = reader == NULL ? NULL : verb_log_prove_entry(reader, (guint64)options->index, error);
    if (proof == NULL)
        return FALSE;
    g_string_append(out, proof);
    return TRUE;
}

/* ---- the verb -------------------------------------------------------------------------------- */

static gboolean put(const char *path, const GString *text, GError **error)
{
    if (path != NULL)
        return restore_output_write(path, text->str, RESTORE_OUTPUT_PUBLIC, error);
    fputs(text->str, stdout);
    return restore_output_flush(error);
}

static gboolean prove(char **arguments, const ProveOptions *options, guint *ret_missing,
                      GError **error)
{
    g_autoptr(VaultKeep) keep = verb_log_open(verb, arguments[0], error);
    g_autoptr(GString) out = g_string_new(NULL);
    gboolean is_proved;

    if (keep == NULL)
        return FALSE;
    is_proved = options->index >= 0 ? prove_entry(keep, options, out, error)
                                    : prove_messages(keep, arguments + 1, out, ret_missing, error);
    return is_proved && put(options->out, out, error);
}

int restore_verb_log_prove(int argc, char **argv)
{
    g_auto(ProveOptions) options = {.index = -1};
    const GOptionEntry entries[] = {
        {"index", 0, 0, G_OPTION_ARG_INT64, &options.index,
         "prove this entry of a log instead, as \"log list\" numbers it", "N"},
        {"log", 0, 0, G_OPTION_ARG_STRING, &options.log,
         "with --index: archive or control (default: control)", "LOG"},
        {"epoch", 0, 0, G_OPTION_ARG_INT, &options.epoch,
         "with --index: of this epoch (default: the one that goes on)", "E"},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "write it there", "FILE"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT (ID... | --index N)",
        .summary = "Proves that messages, or an act, are in the log.",
        .description =
            "Of a message: a line of JSON with its record, its place in a batch and the batch's\n"
            "tlog-proof. Of an entry: a tlog-proof, whose \"extra\" is the entry.\n"
            "Exit status: 0 proved, 1 failed, 3 a message is not in the log yet.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    guint missing = 0;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (options.epoch < 0 || (options.epoch > 0 && options.index < 0))
        return restore_verb_usage(verb, "--epoch goes with --index, and counts from 1");
    if (argc < 2 || (options.index < 0) == (argc == 2))
        return restore_verb_usage(verb, "give VAULT, and either ID... or --index N");
    if (!prove(argv + 1, &options, &missing, &error))
        return restore_verb_fail(verb, error);
    return missing == 0 ? RESTORE_EXIT_DONE : RESTORE_EXIT_NOTHING_MATCHED;
}
