/* muniment identity create: the key of a person who reads. */
#include "restore/output.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/crypto/key_files.h"

#include <stdio.h>
#include <string.h>

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

typedef struct {
    char *secret, *public, *name;
} IdentityFiles;

static void identity_files_clear(IdentityFiles *files)
{
    g_free(files->secret);
    g_free(files->public);
    g_free(files->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(IdentityFiles, identity_files_clear)

static void name_files(const CreateOptions *options, IdentityFiles *ret_files)
{
    g_autofree char *stem = g_strndup(options->out, strlen(options->out) - strlen(".key"));

    ret_files->secret = g_strdup(options->out);
    ret_files->public = g_strconcat(stem, ".pub", NULL);
    ret_files->name = options->name != NULL ? g_strdup(options->name) : g_path_get_basename(stem);
}

static gboolean report(const IdentityFiles *files, gboolean as_json, GError **error)
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
    g_auto(IdentityFiles) files = {0};
    g_auto(VaultIdentity) identity = {0};
    g_autofree char *secret_text = NULL;
    g_autofree char *public_text = NULL;
    gboolean is_written;

    name_files(options, &files);
    if (!vault_identity_create(files.name, &identity, error))
        return FALSE;
    if (g_file_test(files.public, G_FILE_TEST_EXISTS)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "%s exists and is not overwritten; choose another --out", files.public);
        return FALSE;
    }
    secret_text = vault_identity_format(&identity);
    public_text = vault_identity_public_format(&identity);
    is_written = restore_output_write(files.secret, secret_text, RESTORE_OUTPUT_PRIVATE, error) &&
                 restore_output_write(files.public, public_text, RESTORE_OUTPUT_PUBLIC, error);
    vault_wipe(secret_text, strlen(secret_text));
    return is_written && report(&files, options->as_json, error);
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
    if (!g_str_has_suffix(options.out, ".key") || g_str_has_suffix(options.out, "/.key"))
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
