/* muniment clock confirm: somebody has looked, and the clock of the archive's host is right. */
#include "restore/dates.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/text_file.h"

#include <stdio.h>
#include <unistd.h>

static const char verb[] = "clock confirm";

/* On a terminal; FALSE: not confirmed. */
static gboolean ask(const char *date)
{
    char line[16] = "";

    fprintf(stderr, "This host's clock says %s. Is that right? Type yes: ", date);
    return fgets(line, sizeof line, stdin) != NULL && g_str_equal(g_strchomp(line), "yes");
}

static int clock_confirm(int argc, char **argv)
{
    gboolean is_sure = FALSE;
    const GOptionEntry entries[] = {
        {"yes", 0, 0, G_OPTION_ARG_NONE, &is_sure, "do not ask: somebody has looked", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT [--yes]",
        .summary = "Says that the clock of this host is right, and logs that.",
        .description = "A clock behind the newest message, or days past it while no time service "
                       "vouches for it, is not to be trusted: mail is taken, and nothing is "
                       "destroyed until it is right or confirmed.",
        .entries = entries};
    guint64 now_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC);
    g_autofree char *date = restore_date_text(now_s);
    g_autofree char *time = vault_text_time(MIN(now_s, VAULT_TEXT_TIME_END_S - 1));
    g_autofree char *text = g_strdup_printf("muniment-clock/1\nnow: %s\n", time);
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if (!is_sure && !isatty(STDIN_FILENO))
        return restore_verb_usage(verb, "nobody can be asked here: give --yes");
    if (!is_sure && !ask(date)) {
        restore_verb_say(verb, "not confirmed: set the clock right first");
        return RESTORE_EXIT_REFUSED;
    }
    if (!vault_access_operate(argv[1], "clock-confirm", text, strlen(text), NULL, &error))
        return restore_verb_fail(verb, error);
    printf("Confirmed: %s\n", date);
    return RESTORE_EXIT_DONE;
}

int restore_verb_clock(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"confirm", "say that the clock of this host is right", clock_confirm}};

    return restore_verb_dispatch("muniment clock", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
