/* A verb of the `muniment` command, and what all verbs share: options, help, errors, exit status.
 *
 * Each verb is one file restore/verb_<name>.c with one function declared in restore/verbs.h and one
 * line in the table of restore/main.c. It is called with argv[0] = its own name, and may call
 * restore_verb_parse() once. It prints results to standard output, and errors, warnings and advice
 * to standard error as "muniment VERB: message". Threads: the main thread only.
 */
#pragma once

#include "restore/exit_status.h"

#include <glib.h>

typedef struct {
    const char *name;
    const char *summary; /* one line, for the list of verbs */
    int (*run)(int argc, char **argv);
} RestoreVerb;

/* Runs the verb that argv[1] names, with argv + 1. `program` is what stands before the verb:
 * "muniment", or "muniment master" for a verb with verbs of its own. Prints the list for --help, -h
 * and help; a missing or unknown verb is RESTORE_EXIT_USAGE. */
int restore_verb_dispatch(const char *program, const RestoreVerb *verbs, gsize count, int argc,
                          char **argv);

/* What --help says of one verb. */
typedef struct {
    const char *verb;        /* "restore", "master create" */
    const char *arguments;   /* "VAULT ID..." */
    const char *summary;     /* one sentence */
    const char *description; /* after the options: examples, exit statuses; may be NULL */
    const GOptionEntry *entries;
} RestoreVerbUsage;

/* Reads the options away from argv; what is left, from (*argv)[1], are the arguments. --help prints
 * and exits with 0. FALSE sets a G_OPTION_ERROR, for restore_verb_fail(). */
gboolean restore_verb_parse(const RestoreVerbUsage *usage, int *argc, char ***argv, GError **error);

/* Prints "muniment VERB: <message>" and gives the exit status of the error. */
int restore_verb_fail(const char *verb, const GError *error);
/* Prints "muniment VERB: <message>" and where help is; RESTORE_EXIT_USAGE. */
int restore_verb_usage(const char *verb, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Prints "muniment VERB: <message>": a warning, or what to do next. */
void restore_verb_say(const char *verb, const char *format, ...) G_GNUC_PRINTF(2, 3);
