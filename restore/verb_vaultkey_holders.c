/* muniment vaultkey holders: adds, lists and removes the places that keep the vault key. */
#include "restore/custody_text.h"
#include "restore/verb.h"
#include "restore/verb_vaultkey.h"
#include "vault/act/text_file.h"
#include "vault/base/file.h"
#include "vault/crypto/escrow.h"

#include <stdio.h>

/* ---- add ------------------------------------------------------------------------------------ */

static gboolean read_escrow_key(const char *path, EscrowPublicKey *ret_key, GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);
    VaultEscrowPublic escrow;

    if (bytes == NULL)
        return FALSE;
    if (!vault_escrow_public_parse(g_bytes_get_data(bytes, NULL), &escrow, error)) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    *ret_key = vault_escrow_public_key(&escrow);
    return TRUE;
}

static gboolean add(const char *vault, const char *name, const char *path, const char *escrow,
                    GError **error)
{
    gboolean is_tpm = g_str_has_prefix(path, "tpm:");
    g_autofree char *place = is_tpm ? g_strdup(path) : g_canonicalize_filename(path, NULL);
    const char *kind = escrow != NULL ? "escrow" : is_tpm ? "tpm" : "file";
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autofree char *answer = NULL;
    EscrowPublicKey key;

    if (escrow != NULL && !read_escrow_key(escrow, &key, error))
        return FALSE;
    vault_text_append(lines, "name", name);
    vault_text_append(lines, "kind", kind);
    vault_text_append(lines, "place", place);
    if (escrow != NULL)
        vault_text_append_hex_line(lines, "escrow-key", key.bytes, VAULT_KEY_LEN);
    answer = custody_text_ask(vault, "holder-add", lines, error);
    if (answer == NULL)
        return FALSE;
    printf("%s holds the vault key from now on: %s\n", name, place);
    if (is_tpm)
        puts("A TPM dies with its machine: have another holder elsewhere.");
    else if (escrow == NULL)
        puts("It is a plain file: keep it off the vault's disk, and where nobody copies it.");
    return TRUE;
}

static int holders_add(int argc, char **argv)
{
    static const char verb[] = "vaultkey holders add";
    g_autofree char *escrow = NULL;
    const GOptionEntry entries[] = {{"escrow", 0, 0, G_OPTION_ARG_FILENAME, &escrow,
                                     "seal it to this escrow key: the host cannot open it again",
                                     "FILE.pub"},
                                    G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT NAME PLACE",
        .summary = "Makes PLACE, a new file on another disk or a TPM, a holder of the vault key.",
        .description = "Without --escrow whoever reads the file has the vault key.\n"
                       "The place of a TPM is tpm:device:/dev/tpmrm0.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 4)
        return restore_verb_usage(verb, "give VAULT, NAME and PLACE");
    if (escrow != NULL && g_str_has_prefix(argv[3], "tpm:"))
        return restore_verb_usage(verb, "--escrow is for a file: a TPM keeps the vault key itself");
    if (!add(argv[1], argv[2], argv[3], escrow, &error))
        return restore_verb_fail(verb, error);
    return RESTORE_EXIT_DONE;
}

/* ---- list ----------------------------------------------------------------------------------- */

static int holders_list(int argc, char **argv)
{
    static const char verb[] = "vaultkey holders list";
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL}, G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {.verb = verb,
                                    .arguments = "VAULT",
                                    .summary =
                                        "Looks at each holder and shows which vault keys it has.",
                                    .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if (!custody_text_list(argv[1], VAULT_CUSTODY_HOLDER, as_json, &error))
        return restore_verb_fail(verb, error);
    return RESTORE_EXIT_DONE;
}

/* ---- remove --------------------------------------------------------------------------------- */

static int holders_remove(int argc, char **argv)
{
    static const char verb[] = "vaultkey holders remove";
    gboolean is_lost = FALSE;
    const GOptionEntry entries[] = {{"lost", 0, 0, G_OPTION_ARG_NONE, &is_lost,
                                     "it is away for good, and its keys are not destroyed", NULL},
                                    G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT NAME",
        .summary = "Destroys the vault keys that a holder has, and forgets it.",
        .description = "After --lost whoever finds the holder still has its keys: it is listed as "
                       "a declared copy from then on.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autofree char *answer = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 3)
        return restore_verb_usage(verb, "give VAULT and NAME");
    vault_text_append(lines, "name", argv[2]);
    vault_text_append(lines, "lost", is_lost ? "yes" : "no");
    answer = custody_text_ask(argv[1], "holder-remove", lines, &error);
    if (answer == NULL)
        return restore_verb_fail(verb, error);
    printf("%s is no holder any more.\n", argv[2]);
    return RESTORE_EXIT_DONE;
}

int restore_verb_vaultkey_holders(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"add", "make a new file a holder, plain or in escrow", holders_add},
        {"list", "show the holders and what they have", holders_list},
        {"remove", "destroy what a holder has, and forget it", holders_remove},
    };

    return restore_verb_dispatch("muniment vaultkey holders", verbs, G_N_ELEMENTS(verbs), argc,
                                 argv);
}
