/* muniment vaultkey escrow, open: the escrow key, offline, and what it opens. */
#include "restore/json_text.h"
#include "restore/master_files.h"
#include "restore/output.h"
#include "restore/prompt.h"
#include "restore/verb.h"
#include "restore/verb_vaultkey.h"
#include "vault/base/file.h"
#include "vault/crypto/escrow.h"

#include <stdio.h>

/* ---- create --------------------------------------------------------------------------------- */

static gboolean report(const VaultMaster *pair, const RestoreMasterFiles *files, gboolean as_json,
                       GError **error)
{
    VaultEscrowPublic escrow = {.pair = pair->public};
    g_autofree char *fingerprint = vault_escrow_fingerprint(&escrow);
    g_autoptr(JsonBuilder) builder = NULL;

    if (!as_json) {
        printf("Escrow key:   %s   (secret: for other people than the master key's)\n"
               "Public half:  %s   (for \"muniment vaultkey holders add --escrow\")\n"
               "Fingerprint:  %s\n\n"
               "Never keep it with the master key: the two and an old backup open everything, and "
               "leave no trace.\n",
               files->secret, files->public, fingerprint);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_text_add(builder, "escrow", files->secret);
    json_text_add(builder, "public", files->public);
    json_text_add(builder, "fingerprint", fingerprint);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean create(const char *out, const char *passphrase_file, gboolean as_json,
                       GError **error)
{
    g_auto(RestoreMasterFiles) files = {.role = RESTORE_KEY_ESCROW};
    g_auto(VaultMaster) pair = {0};

    return restore_master_files_prepare(out, &files, error) &&
           restore_master_files_create(&files, "vaultkey escrow create", passphrase_file, &pair,
                                       error) &&
           report(&pair, &files, as_json, error);
}

static int escrow_create(int argc, char **argv)
{
    static const char verb[] = "vaultkey escrow create";
    g_autofree char *out = NULL, *passphrase_file = NULL;
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &out, "folder for the files", "DIR"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &passphrase_file,
         "read the passphrase from the first line of FILE", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "--out DIR",
        .summary = "Makes an escrow key under a passphrase: DIR/escrow (secret) and "
                   "DIR/escrow.pub.",
        .description = "Run it on a machine without network, by other people than those who have "
                       "the master key.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (out == NULL || argc != 1)
        return restore_verb_usage(verb, "give --out DIR and nothing else but options");
    if (!create(out, passphrase_file, as_json, &error))
        return restore_verb_fail(verb, error);
    return RESTORE_EXIT_DONE;
}

int restore_verb_vaultkey_escrow(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"create", "make an escrow key under a passphrase", escrow_create}};

    return restore_verb_dispatch("muniment vaultkey escrow", verbs, G_N_ELEMENTS(verbs), argc,
                                 argv);
}

/* ---- open ----------------------------------------------------------------------------------- */

static gboolean read_escrow(const char *path, const char *passphrase_file, VaultEscrow *ret_escrow,
                            GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);
    g_autoptr(RestorePassphrase) passphrase = restore_passphrase_new();

    if (text == NULL || !restore_passphrase_read(passphrase, passphrase_file,
                                                 "Passphrase of the escrow key: ", error))
        return FALSE;
    if (vault_escrow_parse(g_bytes_get_data(text, NULL), passphrase->text, passphrase->len,
                           ret_escrow, error))
        return TRUE;
    g_prefix_error(error, "%s: ", path);
    return FALSE;
}

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

static gboolean open_escrow(const char *sealed, const char *escrow_path,
                            const char *passphrase_file, const char *out, GError **error)
{
    g_auto(VaultEscrow) escrow = {0};
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX] = {0};
    VaultEscrowFile file;
    char *text;
    gboolean is_written;

    if (!read_sealed(sealed, &file, error) ||
        !read_escrow(escrow_path, passphrase_file, &escrow, error) ||
        !vault_escrow_open(&escrow, &file, keys, error))
        return FALSE;
    text = vault_key_file_format(&file.vault_id, keys, file.count);
    is_written = restore_output_write(out, text, RESTORE_OUTPUT_PRIVATE, error);
    vault_key_text_free(text);
    vault_wipe(keys, sizeof keys);
    if (is_written)
        printf("%s is the vault key of vault %s, generation %u.\n"
               "With a copy of the keyring of that generation it brings the vault back.\n",
               out, VAULT_ID_TEXT(file.vault_id), file.keys[file.count - 1].key.generation);
    return is_written;
}

int restore_verb_vaultkey_open(int argc, char **argv)
{
    static const char verb[] = "vaultkey open";
    g_autofree char *escrow = NULL, *passphrase_file = NULL, *out = NULL;
    const GOptionEntry entries[] = {
        {"escrow", 0, 0, G_OPTION_ARG_FILENAME, &escrow, "the escrow key", "FILE"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &passphrase_file,
         "read the passphrase from the first line of FILE", "FILE"},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &out, "write the vault-key file there", "FILE"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "HOLDER --escrow FILE --out FILE",
        .summary = "Opens HOLDER, the file of a holder in escrow, and writes the vault key that is "
                   "in it.",
        .description = "Takes files only: run it on a machine without network.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2 || escrow == NULL || out == NULL)
        return restore_verb_usage(verb, "give HOLDER, --escrow FILE and --out FILE");
    if (!open_escrow(argv[1], escrow, passphrase_file, out, &error))
        return restore_verb_fail(verb, error);
    return RESTORE_EXIT_DONE;
}
