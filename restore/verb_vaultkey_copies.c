/* muniment vaultkey copies: adds, lists, updates and removes the places that the keyring is copied
 * to. */
#include "restore/custody_text.h"
#include "restore/verb.h"
#include "restore/verb_vaultkey.h"
#include "vault/act/text_file.h"

#include <stdio.h>

static gboolean add(const char *vault, const char *name, const char *where, GError **error)
{
    g_autofree char *place =
        g_str_has_prefix(where, "ssh://") ? g_strdup(where) : g_canonicalize_filename(where, NULL);
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autofree char *answer = NULL;

    vault_text_append(lines, "name", name);
    vault_text_append(lines, "place", place);
    answer = custody_text_ask(vault, "copy-add", lines, error);
    if (answer == NULL)
        return FALSE;
    printf("The keyring was copied to %s, and is from now on (%s).\n", place, name);
    return TRUE;
}

static int copies_add(int argc, char **argv)
{
    static const char verb[] = "vaultkey copies add";
    const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT NAME PLACE",
        .summary = "Copies the keyring to PLACE, a folder or ssh://[user@]host[:port]/folder, now "
                   "and from then on.",
        .description = "A copy is useless without the vault key. Keep the two apart.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 4)
        return restore_verb_usage(verb, "give VAULT, NAME and PLACE");
    if (!add(argv[1], argv[2], argv[3], &error))
        return restore_verb_fail(verb, error);
    return RESTORE_EXIT_DONE;
}

static int copies_list(int argc, char **argv)
{
    static const char verb[] = "vaultkey copies list";
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL}, G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Looks at each place and shows which copy of the keyring lies there.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if (!custody_text_list(argv[1], VAULT_CUSTODY_COPY, as_json, &error))
        return restore_verb_fail(verb, error);
    return RESTORE_EXIT_DONE;
}

static int copies_update(int argc, char **argv)
{
    static const char verb[] = "vaultkey copies update";
    gboolean as_json = FALSE, is_all = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL}, G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Brings all holders and copies that can be reached up to date.",
        .description = "The vault key goes to holders that have not the present one, the keyring "
                       "to all copies,\nand older vault keys are destroyed where they may be. "
                       "Exit status 5: some are away or wait.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    answer = custody_text_ask(argv[1], "custody-update", NULL, &error);
    if (answer == NULL || !custody_text_answer(answer, as_json, &is_all, &error))
        return restore_verb_fail(verb, error);
    return is_all ? RESTORE_EXIT_DONE : RESTORE_EXIT_PARTLY;
}

static int copies_remove(int argc, char **argv)
{
    static const char verb[] = "vaultkey copies remove";
    gboolean is_lost = FALSE;
    const GOptionEntry entries[] = {{"lost", 0, 0, G_OPTION_ARG_NONE, &is_lost,
                                     "it is away for good, and stays where it is", NULL},
                                    G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {.verb = verb,
                                    .arguments = "VAULT NAME",
                                    .summary =
                                        "Removes the copy at a place, and forgets the place.",
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
    answer = custody_text_ask(argv[1], "copy-remove", lines, &error);
    if (answer == NULL)
        return restore_verb_fail(verb, error);
    printf("The keyring is not copied to %s any more.\n", argv[2]);
    return RESTORE_EXIT_DONE;
}

int restore_verb_vaultkey_copies(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"add", "copy the keyring to a place from now on", copies_add},
        {"list", "show the places and the copies there", copies_list},
        {"update", "bring all holders and copies up to date", copies_update},
        {"remove", "remove a copy, and forget its place", copies_remove},
    };

    return restore_verb_dispatch("muniment vaultkey copies", verbs, G_N_ELEMENTS(verbs), argc,
                                 argv);
}
