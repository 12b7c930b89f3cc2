#include "restore/verb.h"

#include "restore/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void print_verbs(FILE *out, const char *program, const RestoreVerb *verbs, gsize count)
{
    fprintf(out, "Usage: %s VERB [OPTION...] [ARGUMENT...]\n\nVerbs:\n", program);
    for (gsize i = 0; i < count; i++)
        fprintf(out, "  %-12s %s\n", verbs[i].name, verbs[i].summary);
    fprintf(out, "\n\"%s VERB --help\" tells more about one verb.\n", program);
}

/* What a verb printed may wait in the buffer of standard output: done is done only when it is out.
 */
static int end_verb(const char *name, int status)
{
    g_autoptr(GError) error = NULL;

    if (restore_output_flush(&error) || status != RESTORE_EXIT_DONE)
        return status;
    return restore_verb_fail(name, error);
}

int restore_verb_dispatch(const char *program, const RestoreVerb *verbs, gsize count, int argc,
                          char **argv)
{
    if (argc < 2) {
        print_verbs(stderr, program, verbs, count);
        return RESTORE_EXIT_USAGE;
    }
    if (g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h") ||
        g_str_equal(argv[1], "help")) {
        print_verbs(stdout, program, verbs, count);
        return RESTORE_EXIT_DONE;
    }
    for (gsize i = 0; i < count; i++) {
        if (g_str_equal(argv[1], verbs[i].name))
            return end_verb(verbs[i].name, verbs[i].run(argc - 1, argv + 1));
    }
    fprintf(stderr, "%s: there is no verb \"%s\"; \"%s --help\" lists them\n", program, argv[1],
            program);
    return RESTORE_EXIT_USAGE;
}

gboolean restore_verb_parse(const RestoreVerbUsage *usage, int *argc, char ***argv, GError **error)
{
    g_autofree char *program = g_strconcat("muniment ", usage->verb, NULL);
    g_autoptr(GOptionContext) context = g_option_context_new(usage->arguments);

    g_set_prgname(program);
    g_option_context_set_summary(context, usage->summary);
    g_option_context_set_description(context, usage->description);
    if (usage->entries != NULL)
        g_option_context_add_main_entries(context, usage->entries, NULL);
    return g_option_context_parse(context, argc, argv, error);
}

/* Lines of a message stay lines; names in it may hold anything. */
static void print_text(const char *verb, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    fprintf(stderr, "muniment %s: ", verb);
    for (char **line = lines; *line != NULL; line++) {
        g_autofree char *shown = restore_output_printable(*line);

        fprintf(stderr, "%s\n", shown);
    }
}

int restore_verb_fail(const char *verb, const GError *error)
{
    RestoreExit status = restore_exit_status(error);

    print_text(verb, error->message);
    if (status == RESTORE_EXIT_USAGE)
        fprintf(stderr, "muniment %s: \"muniment %s --help\" shows how it is used\n", verb, verb);
    return (int)status;
}

G_GNUC_PRINTF(2, 0)
static void print_line(const char *verb, const char *format, va_list arguments)
{
    g_autofree char *text = g_strdup_vprintf(format, arguments);

    print_text(verb, text);
}

int restore_verb_usage(const char *verb, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_line(verb, format, arguments);
    va_end(arguments);
    fprintf(stderr, "muniment %s: \"muniment %s --help\" shows how it is used\n", verb, verb);
    return RESTORE_EXIT_USAGE;
}

void restore_verb_say(const char *verb, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_line(verb, format, arguments);
    va_end(arguments);
}
