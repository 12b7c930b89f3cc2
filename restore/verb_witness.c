/* muniment witness: cosigns the checkpoints of other hosts' logs. */
#include "restore/output.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "restore/witness_server.h"
#include "vault/base/file.h"
#include "vault/crypto/key_files.h"

#include <stdio.h>
#include <string.h>

static const char verb[] = "witness";
static const char create_verb[] = "witness create";

static VaultNoteKey *note_key_of(const char *name, const WitnessSigningKey *key, GError **error)
{
    WitnessVerifyKey verify;

    vault_witness_verify_key(key, &verify);
    return vault_note_key_new_witness(name, &verify, error);
}

/* ---- create --------------------------------------------------------------------------------- */

static gboolean create(const char *path, const char *name, GError **error)
{
    g_auto(WitnessSigningKey) key = {0};
    WitnessVerifyKey verify;
    g_autoptr(VaultNoteKey) note_key = NULL;
    g_autofree char *vkey = NULL;
    char *text;
    gboolean is_written;

    vault_witness_key_create(&key, &verify);
    note_key = note_key_of(name, &key, error);
    text = note_key == NULL ? NULL : vault_witness_key_format(name, &key, error);
    if (text == NULL)
        return FALSE;
    is_written = restore_output_write(path, text, RESTORE_OUTPUT_PRIVATE, error);
    vault_key_text_free(text);
    if (!is_written)
        return FALSE;
    vkey = vault_note_key_format(note_key);
    puts(vkey);
    return restore_output_flush(error);
}

static int run_create(int argc, char **argv)
{
    g_autofree char *out = NULL;
    g_autofree char *name = NULL;
    const GOptionEntry entries[] = {
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &out, "the secret file", "FILE"},
        {"name", 0, 0, G_OPTION_ARG_STRING, &name,
         "what cosignatures call the witness (default: this host's name)", "NAME"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = create_verb,
        .arguments = "--out FILE",
        .summary = "Makes the key of a witness, and prints its public half for trust policies.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(create_verb, error);
    if (out == NULL || argc != 1)
        return restore_verb_usage(create_verb, "give --out FILE and nothing else");
    if (name == NULL)
        name = g_strdup(g_get_host_name());
    return create(out, name, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(create_verb, error);
}

/* ---- serving -------------------------------------------------------------------------------- */

typedef struct {
    char *state, *listen, *key;
    char **logs;
} ServeOptions;

static void serve_options_clear(ServeOptions *options)
{
    g_free(options->state);
    g_free(options->listen);
    g_free(options->key);
    g_strfreev(options->logs);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ServeOptions, serve_options_clear)

static gboolean read_key(const char *path, char **ret_name, WitnessSigningKey *ret_key,
                         GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);
    gboolean is_read;

    if (bytes == NULL)
        return FALSE;
    is_read = vault_witness_key_parse(g_bytes_get_data(bytes, NULL), ret_name, ret_key, error);
    vault_wipe((gpointer)g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    if (!is_read)
        g_prefix_error(error, "%s: ", path);
    return is_read;
}

static GPtrArray *parse_logs(char **vkeys, GError **error)
{
    g_autoptr(GPtrArray) logs = g_ptr_array_new_with_free_func((GDestroyNotify)vault_note_key_free);

    for (char **vkey = vkeys; vkey != NULL && *vkey != NULL; vkey++) {
        VaultNoteKey *key = vault_note_key_parse(*vkey, error);

        if (key == NULL) {
            g_prefix_error(error, "--log %s: ", *vkey);
            return NULL;
        }
        g_ptr_array_add(logs, key);
        if (key->type != VAULT_NOTE_ED25519) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "--log %s: this is the key of a witness, not of a log", *vkey);
            return NULL;
        }
    }
    return g_steal_pointer(&logs);
}

static void tell_ready(const char *address)
{
    printf("listening on http://%s/\n", address);
    fflush(stdout);
}

static gboolean serve(const ServeOptions *options, GError **error)
{
    g_auto(WitnessSigningKey) key = {0};
    g_autofree char *name = NULL;
    g_autofree char *vkey = NULL;
    g_autoptr(GPtrArray) logs = NULL;
    g_autoptr(Witness) witness = NULL;
    WitnessOptions witness_options = {.key = &key, .state_path = options->state};

    if (!read_key(options->key, &name, &key, error))
        return FALSE;
    logs = parse_logs(options->logs, error);
    if (logs == NULL)
        return FALSE;
    witness_options.name = name;
    witness_options.logs = logs;
    witness = witness_open(&witness_options, error);
    if (witness == NULL)
        return FALSE;
    if (witness_log_count(witness) == 0)
        restore_verb_say(verb, "%s remembers no checkpoint: the first of each log is believed",
                         options->state);
    vkey = vault_note_key_format(witness_key(witness));
    puts(vkey);
    return witness_serve(witness, options->listen, tell_ready, error);
}

static int run_serve(int argc, char **argv)
{
    g_auto(ServeOptions) options = {0};
    const GOptionEntry entries[] = {
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &options.state,
         "what was cosigned; keep it as you keep the key", "FILE"},
        {"listen", 0, 0, G_OPTION_ARG_STRING, &options.listen,
         "address and port (default: 127.0.0.1:2480)", "ADDRESS"},
        {"key", 0, 0, G_OPTION_ARG_FILENAME, &options.key, "what \"witness create\" made", "FILE"},
        {"log", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.logs,
         "a log that is cosigned: its key, as \"log checkpoint --vkey\" prints it; repeatable",
         "VKEY"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "--state FILE --key FILE --log VKEY...",
        .summary = "Cosigns checkpoints of logs over HTTP, each only if it continues the last one.",
        .description = "Runs in the foreground until SIGTERM, on another host than the vault.\n\n"
                       "Verbs:\n"
                       "  create     make the key of a witness",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (options.state == NULL || options.key == NULL || argc != 1)
        return restore_verb_usage(verb, "give --state FILE and --key FILE, or \"create\"");
    if (options.logs == NULL)
        return restore_verb_usage(verb, "give at least one --log VKEY");
    if (options.listen == NULL)
        options.listen = g_strdup("127.0.0.1:2480");
    return serve(&options, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}

int restore_verb_witness(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "create") == 0)
        return run_create(argc - 1, argv + 1);
    return run_serve(argc, argv);
}
