/* muniment erase: destroys the keys of single messages. */
#include "restore/erasure_command.h"
#include "restore/verb.h"
#include "restore/verbs.h"

static const char verb[] = "erase";

static const char *options_mistake(const ErasureOptions *options)
{
    if (options->propose != NULL && options->approved != NULL)
        return "--propose writes a request, --approved does one: give one of them";
    if (options->approved != NULL)
        return options->messages != NULL || options->result != NULL || options->reason != NULL ||
                       options->mailbox != NULL
                   ? "what an approved request says is all that is done: leave the other options "
                     "out"
                   : NULL;
    if (options->messages == NULL && options->result == NULL)
        return "give --message ID, once for each, or --result FILE";
    return options->reason == NULL ? "give --reason TEXT: it is logged" : NULL;
}

int restore_verb_erase(int argc, char **argv)
{
    g_auto(ErasureOptions) options = {0};
    const GOptionEntry entries[] = {
        {"message", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.messages,
         "archive id of a message; may be given again", "ID"},
        {"result", 0, 0, G_OPTION_ARG_FILENAME, &options.result, "the messages that a file names",
         "FILE"},
        {"reason", 0, 0, G_OPTION_ARG_STRING, &options.reason, "why; it is logged", "TEXT"},
        {"mailbox", 0, 0, G_OPTION_ARG_STRING, &options.mailbox,
         "the copies of this mailbox alone (default: of every owner, and repeats)", "A"},
        {"skip-held", 0, 0, G_OPTION_ARG_NONE, &options.skips_held,
         "pass over what is held (default: all or nothing)", NULL},
        {"override-retention", 0, 0, G_OPTION_ARG_NONE, &options.overrides_retention,
         "before its retention minimum has passed; the policy may want approvals for it", NULL},
        {"certificate", 0, 0, G_OPTION_ARG_FILENAME, &options.certificate,
         "write the certificate there", "FILE"},
        {"propose", 0, 0, G_OPTION_ARG_FILENAME, &options.propose,
         "write a request to be approved, and do nothing", "FILE"},
        {"approved", 0, 0, G_OPTION_ARG_FILENAME, &options.approved,
         "do exactly what this request says", "FILE"},
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &options.is_dry_run,
         "say what would be destroyed, and do nothing", NULL},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &options.is_yes, "do not ask", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT (--message ID...|--result FILE) --reason TEXT",
        .summary = "Destroys the keys of messages: nobody can read them again.",
        .description = "Exit status: 3 nothing of it is there, 4 refused (held, retention,\n"
                       "approvals).",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *mistake;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    mistake = argc != 2 ? "give one VAULT" : options_mistake(&options);
    if (mistake != NULL)
        return restore_verb_usage(verb, "%s", mistake);
    return (int)restore_erasure_run(argv[1], VAULT_ACT_ERASE, &options);
}
