/* muniment identity create: the key of a person who reads. */
#include "restore/identity_files.h"
#include "restore/output.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

static const char create_verb[] = "identity create";

typedef struct {
    char *out, *name;
    gboolean as_json;
} CreateOptions;

static void create_options_clear(CreateOptions *options)
{
    g_free(options->out);
    g_free(options->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CreateOptions, create_options_clear)

static gboolean report(const RestoreIdentityFiles *files, gboolean as_json, GError **error)
{
    g_autoptr(JsonBuilder) builder = NULL;

    if (!as_json) {
        printf("Identity \"%s\"\n"
               "Secret:  %s   (stays with its person)\n"
               "Public:  %s   (for \"muniment request ... --for\")\n",
               files->name, files->secret, files->public);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "name");
    json_builder_add_string_value(builder, files->name);
    json_builder_set_member_name(builder, "secret");
    json_builder_add_string_value(builder, files->secret);
    json_builder_set_member_name(builder, "public");
    json_builder_add_string_value(builder, files->public);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean create(const CreateOptions *options, GError **error)
{
    g_auto(RestoreIdentityFiles) files = {.name = NULL};

    return restore_identity_files_create(options->out, options->name, &files, error) &&
           report(&files, options->as_json, error);
}

static int run_create(int argc, char **argv)
{
    g_auto(CreateOptions) options = {0};
    const GOptionEntry entries[] = {
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "the secret file; NAME.pub is beside it",
         "NAME.key"},
        {"name", 0, 0, G_OPTION_ARG_STRING, &options.name,
         "what requests and logs call the person (default: NAME)", "TEXT"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = create_verb,
        .arguments = "--out NAME.key",
        .summary = "Makes the key that grants are sealed to: NAME.key (secret) and NAME.pub.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(create_verb, error);
    if (options.out == NULL || argc != 1)
        return restore_verb_usage(create_verb, "give --out NAME.key and nothing else");
    if (!restore_identity_files_is_name(options.out))
        return restore_verb_usage(create_verb, "the name of the secret file must end in .key");
    return create(&options, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(create_verb, error);
}

int restore_verb_identity(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"create", "make a reader's key and its public half", run_create},
    };

    return restore_verb_dispatch("muniment identity", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
