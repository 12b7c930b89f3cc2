/* muniment log checkpoint: the signed state of a log, to be kept elsewhere. */
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verb_log.h"
#include "restore/witness_client.h"

#include <stdio.h>

static const char verb[] = "log checkpoint";

typedef struct {
    char *log, *out;
    char **witnesses;
    gboolean wants_keys;
} CheckpointOptions;

static void checkpoint_options_clear(CheckpointOptions *options)
{
    g_free(options->log);
    g_free(options->out);
    g_strfreev(options->witnesses);
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

/* Each is asked, also after one has failed: what the others cosigned is kept. The failure is the
 * first one's. */
static guint ask_witnesses(VaultLogReader *reader, char **witnesses, GString *note, GError **error)
{
    guint count = 0;

    for (char **witness = witnesses; witness != NULL && *witness != NULL; witness++) {
        g_autoptr(GError) failure = NULL;
        g_autofree char *line = witness_client_cosign(*witness, reader, &failure);

        if (line != NULL) {
            g_string_append(note, line);
            count++;
        } else if (error != NULL && *error == NULL) {
            g_propagate_error(error, g_steal_pointer(&failure));
        }
    }
    return count;
}

static char *cosigned(const char *path, VaultKeep *keep, VaultLogKind kind, char **witnesses,
                      GError **error)
{
    g_autoptr(VaultLogReader) reader =
        vault_keep_log_reader(keep, kind, VAULT_KEEP_EPOCH_NOW, error);
    g_autoptr(GError) refusal = NULL;
    g_autoptr(GString) note = NULL;

    if (reader == NULL)
        return NULL;
    note = g_string_new(vault_log_reader_note(reader));
    if (ask_witnesses(reader, witnesses, note, &refusal) > 0 &&
        !vault_access_operate(path, "log-cosigned", note->str, note->len, NULL, error))
        return NULL;
    if (refusal == NULL)
        return g_string_free(g_steal_pointer(&note), FALSE);
    g_propagate_error(error, g_steal_pointer(&refusal));
    return NULL;
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
    text = options->wants_keys ? format_keys(keep, kind, error)
                               : cosigned(path, keep, kind, options->witnesses, error);
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
        {"witness", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.witnesses,
         "have it cosigned by the witness there, and keep that; repeatable", "URL"},
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
    if (options.wants_keys && options.witnesses != NULL)
        return restore_verb_usage(verb, "give --vkey or --witness");
    return print_checkpoint(argv[1], &options, &error) ? RESTORE_EXIT_DONE
                                                       : restore_verb_fail(verb, error);
}
