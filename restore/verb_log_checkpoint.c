/* muniment log checkpoint: the signed state of a log, to be kept elsewhere. */
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verb_log.h"
#include "vault/witness/witness_round.h"

#include <stdio.h>
#include <string.h>

static const char verb[] = "log checkpoint";

typedef struct {
    char *log, *out, *policy;
    gboolean wants_keys;
} CheckpointOptions;

static void checkpoint_options_clear(CheckpointOptions *options)
{
    g_free(options->log);
    g_free(options->out);
    g_free(options->policy);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CheckpointOptions, checkpoint_options_clear)

static gboolean append_keys(VaultKeep *keep, VaultLogKind kind, guint32 epoch, GString *text,
                            GError **error)
{
    g_autoptr(GPtrArray) keys = vault_keep_log_keys(keep, kind, epoch, error);

    if (keys == NULL)
        return FALSE;
    for (guint i = 0; i < keys->len; i++) {
        g_autofree char *vkey = vault_note_key_format(keys->pdata[i]);

        g_string_append_printf(text, "%s\n", vkey);
    }
    return TRUE;
}

/* Of all epochs, as mail is proved by the one that it was logged in. The newest first: that is the
 * one which signs. */
static char *format_keys(VaultKeep *keep, VaultLogKind kind, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    guint32 epoch = 0;

    if (!vault_keep_log_epoch(keep, &epoch, error))
        return NULL;
    for (; epoch > 0; epoch--) {
        if (!append_keys(keep, kind, epoch, text, error))
            return NULL;
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean keep_cosigned(const char *path, VaultKeep *keep, VaultLogKind kind,
                              const VaultTlogPolicy *policy, const char *note, GError **error)
{
    g_autoptr(VaultLogReader) kept =
        vault_keep_log_reader_cosigned(keep, kind, VAULT_KEEP_EPOCH_NOW, NULL);

    return !witness_round_may_replace(policy, kept == NULL ? NULL : vault_log_reader_note(kept),
                                      note) ||
           vault_access_operate(path, "log-cosigned", note, strlen(note), NULL, error);
}

/* The first that failed; what the others cosigned is kept. */
static gboolean have_all_cosigned(const GPtrArray *answers, const char *policy_path, GError **error)
{
    for (guint i = 0; i < answers->len; i++) {
        WitnessAnswer *answer = answers->pdata[i];

        if (answer->failure == NULL)
            continue;
        g_propagate_prefixed_error(error, g_steal_pointer(&answer->failure),
                                   "witness %s: ", answer->name);
        return FALSE;
    }
    if (answers->len > 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                "%s names no witness with an address: add \"witness NAME VKEY http://HOST:PORT/\"",
                policy_path);
    return FALSE;
}

static char *cosigned(const char *path, VaultKeep *keep, VaultLogKind kind, const char *policy_path,
                      GError **error)
{
    g_autoptr(VaultTlogPolicy) policy = vault_tlog_policy_load(policy_path, error);
    g_autoptr(VaultLogReader) reader =
        policy == NULL ? NULL : vault_keep_log_reader(keep, kind, VAULT_KEEP_EPOCH_NOW, error);
    g_autoptr(GPtrArray) answers = NULL;
    g_autofree char *note = NULL;

    if (reader == NULL)
        return NULL;
    answers = witness_round_ask(policy, reader, -1, &note);
    if ((note != NULL && !keep_cosigned(path, keep, kind, policy, note, error)) ||
        !have_all_cosigned(answers, policy_path, error))
        return NULL;
    return g_steal_pointer(&note);
}

static char *newest(VaultKeep *keep, VaultLogKind kind, GError **error)
{
    g_autoptr(VaultLogReader) reader =
        vault_keep_log_reader(keep, kind, VAULT_KEEP_EPOCH_NOW, error);

    return reader == NULL ? NULL : g_strdup(vault_log_reader_note(reader));
}

static gboolean print_checkpoint(const char *path, const CheckpointOptions *options, GError **error)
{
    g_autoptr(VaultKeep) keep = NULL;
    g_autofree char *text = NULL;
    VaultLogKind kind;

    if (!verb_log_kind_parse(options->log, VAULT_LOG_ARCHIVE, &kind, error))
        return FALSE;
    keep = verb_log_open(verb, path, error);
    if (keep == NULL)
        return FALSE;
    if (options->wants_keys)
        text = format_keys(keep, kind, error);
    else if (options->policy != NULL)
        text = cosigned(path, keep, kind, options->policy, error);
    else
        text = newest(keep, kind, error);
    if (text == NULL)
        return FALSE;
    if (options->out != NULL)
        return restore_output_write(options->out, text, RESTORE_OUTPUT_PUBLIC, error);
    fputs(text, stdout);
    return restore_output_flush(error);
}

int restore_verb_log_checkpoint(int argc, char **argv)
{
    g_auto(CheckpointOptions) options = {0};
    const GOptionEntry entries[] = {
        {"log", 0, 0, G_OPTION_ARG_STRING, &options.log, "archive or control (default: archive)",
         "LOG"},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "write it there", "FILE"},
        {"vkey", 0, 0, G_OPTION_ARG_NONE, &options.wants_keys,
         "print the log's keys instead, of all epochs, the one that signs now first", NULL},
        {"policy", 0, 0, G_OPTION_ARG_FILENAME, &options.policy,
         "have it cosigned by the witnesses of this trust policy, and keep that", "FILE"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Prints the signed state of a log, to be kept elsewhere.",
        .description = "\"muniment log verify --checkpoint FILE\" tells later whether the log "
                       "continues it.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if (options.wants_keys && options.policy != NULL)
        return restore_verb_usage(verb, "give --vkey or --policy");
    return print_checkpoint(argv[1], &options, &error) ? RESTORE_EXIT_DONE
                                                       : restore_verb_fail(verb, error);
}
