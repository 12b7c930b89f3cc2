/* muniment log rotate-key: another key signs the logs from here on. */
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verb_log.h"

#include <stdio.h>
#include <string.h>

static const char verb[] = "log rotate-key";

/* "name: value" lines. */
static gboolean print_json(const char *answer, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_auto(GStrv) lines = g_strsplit(answer, "\n", -1);

    json_builder_begin_object(builder);
    for (char **line = lines; *line != NULL; line++) {
        char *colon = strstr(*line, ": ");

        if (colon == NULL)
            continue;
        *colon = '\0';
        json_text_add(builder, *line, colon + 2);
    }
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean rotate(const char *path, gboolean as_json, GError **error)
{
    g_autofree char *answer = NULL;

    if (!vault_access_operate(path, "log-key-rotate", "", 0, &answer, error))
        return FALSE;
    if (as_json)
        return print_json(answer, error);
    fputs(answer, stdout);
    restore_verb_say(verb, "add a line \"log KEY\" with the key of the archive log to every trust "
                           "policy, and tell the witnesses; what earlier keys signed needs them "
                           "still");
    return restore_output_flush(error);
}

int restore_verb_log_rotate_key(int argc, char **argv)
{
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL}, G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Makes a new key that signs both logs from here on, and prints it.",
        .description =
            "The one before announces it in both logs, and then its secret half is gone.\n"
            "The daemon does this every 30 days by itself ([log] key_days=).",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    return rotate(argv[1], as_json, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}
