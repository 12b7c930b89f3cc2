/* muniment vaultkey escrow, open: the escrow key, offline, and what it opens. */
#include "restore/master_secret.h"
#include "restore/output.h"
#include "restore/verb.h"
#include "restore/verb_key.h"
#include "restore/verb_vaultkey.h"
#include "vault/base/file.h"
#include "vault/crypto/escrow.h"

#include <stdio.h>

/* ---- the key -------------------------------------------------------------------------------- */

static int create(int argc, char **argv)
{
    return restore_verb_key_create(VAULT_SHARE_ESCROW, argc, argv);
}

static int confirm(int argc, char **argv)
{
    return restore_verb_key_confirm(VAULT_SHARE_ESCROW, argc, argv);
}

static int check_share(int argc, char **argv)
{
    return restore_verb_key_check_share(VAULT_SHARE_ESCROW, argc, argv);
}

static int sheet(int argc, char **argv)
{
    return restore_verb_key_sheet(VAULT_SHARE_ESCROW, argc, argv);
}

static int reshare(int argc, char **argv)
{
    return restore_verb_key_reshare(VAULT_SHARE_ESCROW, argc, argv);
}

int restore_verb_vaultkey_escrow(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"create", "make an escrow key: under a passphrase, or in shares", create},
        {"confirm", "enter all shares again, and get the public half", confirm},
        {"check-share", "check one share, alone", check_share},
        {"sheet", "write the sheet of one share anew", sheet},
        {"reshare", "make a new set of shares of the same key", reshare},
    };

    return restore_verb_dispatch("muniment vaultkey escrow", verbs, G_N_ELEMENTS(verbs), argc,
                                 argv);
}

/* ---- open ----------------------------------------------------------------------------------- */

typedef struct {
    RestoreMasterSource source;
    char *out;
} OpenOptions;

static void open_options_clear(OpenOptions *options)
{
    restore_master_source_clear(&options->source);
    g_free(options->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OpenOptions, open_options_clear)

static gboolean read_sealed(const char *path, VaultEscrowFile *ret_file, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);

    if (text == NULL)
        return FALSE;
    if (!vault_escrow_file_parse(g_bytes_get_data(text, NULL), ret_file, error)) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    if (ret_file->count > 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_ERASED, "%s holds no vault key any more", path);
    return FALSE;
}

static gboolean open_escrow(const char *sealed, const OpenOptions *options, GError **error)
{
    g_auto(VaultEscrow) escrow = {0};
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX] = {0};
    VaultEscrowFile file;
    char *text;
    gboolean is_written;

    if (!read_sealed(sealed, &file, error) ||
        !restore_master_secret_read(&options->source, &escrow.pair, error) ||
        !vault_escrow_open(&escrow, &file, keys, error))
        return FALSE;
    text = vault_key_file_format(&file.vault_id, keys, file.count);
    is_written = restore_output_write(options->out, text, RESTORE_OUTPUT_PRIVATE, error);
    vault_key_text_free(text);
    vault_wipe(keys, sizeof keys);
    if (is_written)
        printf("%s is the vault key of vault %s, generation %u.\n"
               "With a copy of the keyring of that generation it brings the vault back.\n",
               options->out, VAULT_ID_TEXT(file.vault_id),
               file.keys[file.count - 1].key.generation);
    return is_written;
}

static const char *problem_of(const OpenOptions *options, int argc)
{
    if (argc != 2 || options->out == NULL)
        return "give HOLDER and --out FILE";
    return restore_master_source_problem(&options->source);
}

int restore_verb_vaultkey_open(int argc, char **argv)
{
    static const char verb[] = "vaultkey open";
    g_auto(OpenOptions) options = {.source = {.role = VAULT_SHARE_ESCROW}};
    const GOptionEntry entries[] = {
        {"escrow", 0, 0, G_OPTION_ARG_FILENAME, &options.source.master,
         "the secret file of the escrow key, which has a passphrase", "F"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.source.passphrase_file,
         "read the passphrase from the first line of FILE", "FILE"},
        {"share", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.source.share_files,
         "read a share of the escrow key from F (give it for each share)", "F"},
        {"shares", 0, 0, G_OPTION_ARG_NONE, &options.source.ask_shares,
         "type the shares of the escrow key in", NULL},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "write the vault-key file there",
         "FILE"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "HOLDER (--escrow F|--share F...|--shares) --out FILE",
        .summary = "Opens HOLDER, the file of a holder in escrow, and writes the vault key that is "
                   "in it.",
        .description = "Takes files only: run it on a machine without network.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *problem;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    problem = problem_of(&options, argc);
    if (problem != NULL)
        return restore_verb_usage(verb, "%s", problem);
    return open_escrow(argv[1], &options, &error) ? RESTORE_EXIT_DONE
                                                  : restore_verb_fail(verb, error);
}
