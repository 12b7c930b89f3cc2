/* muniment drill: the vault's side of a drill of its masters; theirs is "muniment master drill". */
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/drill_file.h"

#include <stdio.h>

/* ---- challenge ------------------------------------------------------------------------------ */

static gboolean write_challenge(const char *vault, const char *out, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    g_autofree char *text = NULL;

    if (keep == NULL)
        return FALSE;
    text = vault_keep_drill_challenge(keep, error);
    if (text == NULL || !restore_output_write(out, text, RESTORE_OUTPUT_PUBLIC, error))
        return FALSE;
    printf("%s asks each master of the vault for proof that it can still be used.\n"
           "Next: where a master key is,\n"
           "  muniment master drill %s --master MASTER --out FILE.result\n",
           out, out);
    return TRUE;
}

static int drill_challenge(int argc, char **argv)
{
    static const char verb[] = "drill challenge";
    g_autofree char *out = NULL;
    const GOptionEntry entries[] = {
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &out, "the file to write", "FILE.challenge"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT --out FILE.challenge",
        .summary = "Writes a challenge to the vault's masters, to be carried to them.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2 || out == NULL)
        return restore_verb_usage(verb, "give one VAULT and --out FILE.challenge");
    return write_challenge(argv[1], out, &error) ? RESTORE_EXIT_DONE
                                                 : restore_verb_fail(verb, error);
}

/* ---- take ----------------------------------------------------------------------------------- */

static int drill_take(int argc, char **argv)
{
    static const char verb[] = "drill take";
    const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT FILE.result",
        .summary = "Takes up what \"muniment master drill\" answered, and logs it.",
        .description = "The drill counts from when its challenge was made. Exit status 4: refused.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 3)
        return restore_verb_usage(verb, "give one VAULT and one FILE.result");
    if (!vault_access_operate_with_file(argv[1], "drill-take", argv[2], VAULT_DRILL_LEN_MAX,
                                        &error))
        return restore_verb_fail(verb, error);
    printf("%s is taken up.\n", argv[2]);
    return RESTORE_EXIT_DONE;
}

int restore_verb_drill(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"challenge", "ask the masters for proof that they can be used", drill_challenge},
        {"take", "take up what a master answered", drill_take}};

    return restore_verb_dispatch("muniment drill", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
