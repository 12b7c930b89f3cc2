/* muniment vaultkey declare: backups of the host that carry vault key and keyring, so that no
 * erasure is called final while one is kept. */
#include "restore/custody_text.h"
#include "restore/verb.h"
#include "restore/verb_vaultkey.h"
#include "vault/act/text_file.h"

#include <stdio.h>

static const char verb[] = "vaultkey declare";

static gboolean declare(const char *vault, const char *name, guint days, gboolean is_once,
                        GError **error)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autofree char *answer = NULL;

    vault_text_append(lines, "name", name);
    vault_text_append_number(lines, "keep-days", days);
    vault_text_append(lines, "made", is_once ? "once" : "again");
    answer = custody_text_ask(vault, "copy-declare", lines, error);
    if (answer == NULL)
        return FALSE;
    printf(is_once ? "%s counts for %u days from now.\n"
                   : "%s counts for %u days after each erasure.\n",
           name, days);
    return TRUE;
}

int restore_verb_vaultkey_declare(int argc, char **argv)
{
    gint days = -1;
    gboolean is_once = FALSE, as_json = FALSE, is_done;
    const GOptionEntry entries[] = {
        {"keep-days", 0, 0, G_OPTION_ARG_INT, &days, "how long each of them is kept", "N"},
        {"once", 0, 0, G_OPTION_ARG_NONE, &is_once, "the last is made now: there will be no more",
         NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print the list as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT [NAME --keep-days N]",
        .summary = "Says that backups of the whole host are made: snapshots of the machine, or "
                   "whatever carries vault key and keyring. Without NAME: lists them.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc == 3 && (days < 0 || days > VAULT_CUSTODY_KEEP_DAYS_MAX))
        return restore_verb_usage(verb, "give --keep-days, 0 to %d", VAULT_CUSTODY_KEEP_DAYS_MAX);
    if (argc < 2 || argc > 3 || (argc == 2 && (days >= 0 || is_once)))
        return restore_verb_usage(verb, "give VAULT, and NAME with --keep-days N");
    is_done = argc == 2 ? custody_text_declarations(argv[1], as_json, &error)
                        : declare(argv[1], argv[2], (guint)days, is_once, &error);
    return is_done ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}
