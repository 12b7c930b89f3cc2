/* muniment master confirm, vaultkey escrow confirm: a new key is worth a vault only when what
 * people hold gives it back; this sees to that, and makes its public half known. */
#include "restore/master_secret.h"
#include "restore/output.h"
#include "restore/share_files.h"
#include "restore/share_set.h"
#include "restore/verb.h"
#include "restore/verb_key.h"
#include "vault/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

typedef struct {
    const RestoreKeyRole *role;
    char *verb;
    char **share_files;
    char *passphrase_file;
    gboolean as_json;
} ConfirmOptions;

static void confirm_options_clear(ConfirmOptions *options)
{
    g_free(options->verb);
    g_strfreev(options->share_files);
    g_free(options->passphrase_file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ConfirmOptions, confirm_options_clear)

/* The public half may be there already: of the same key, when shares were made anew beside it, or
 * from a confirmation that was cut short. */
static gboolean write_public(const char *directory, const RestoreKeyRole *role,
                             const MasterPublic *pair, char **ret_path, GError **error)
{
    g_autofree char *name = g_strconcat(role->name, ".pub", NULL);
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autofree char *text = role->public_format(pair);
    g_autoptr(GBytes) there = NULL;

    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        there = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);
        if (there == NULL)
            return FALSE;
        if (!g_str_equal(g_bytes_get_data(there, NULL), text)) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                        "%s is of another key, and is not overwritten", path);
            return FALSE;
        }
    } else if (!restore_output_write(path, text, RESTORE_OUTPUT_PUBLIC, error)) {
        return FALSE;
    }
    *ret_path = g_steal_pointer(&path);
    return TRUE;
}

static gboolean report(const char *path, const MasterPublic *pair, const ConfirmOptions *options,
                       GError **error)
{
    g_autofree char *fingerprint = vault_share_fingerprint(options->role->role, pair);
    g_autoptr(JsonBuilder) builder = NULL;

    if (!options->as_json) {
        printf("Confirmed.\n"
               "Public half:  %s   (for \"%s\")\n"
               "Fingerprint:  %s\n",
               path, options->role->use, fingerprint);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "public");
    json_builder_add_string_value(builder, path);
    json_builder_set_member_name(builder, "fingerprint");
    json_builder_add_string_value(builder, fingerprint);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean finish(const char *directory, const VaultMaster *pair,
                       const ConfirmOptions *options, GError **error)
{
    g_autofree char *path = NULL;

    return write_public(directory, options->role, &pair->public, &path, error) &&
           report(path, &pair->public, options, error);
}

/* ---- shares --------------------------------------------------------------------------------- */

static void say_where_sheets_are(const char *verb, const char *directory, const VaultShareSet *set)
{
    guint there = 0;

    for (guint i = 1; i <= set->count; i++) {
        g_autofree char *path = restore_share_file_path(directory, i, set->count);

        there += g_file_test(path, G_FILE_TEST_EXISTS) ? 1 : 0;
    }
    if (there > 0)
        restore_verb_say(verb,
                         "%u of the %u sheets are still files in %s: destroy them, as any %u give "
                         "the key",
                         there, set->count, directory, set->threshold);
}

static gboolean confirm_shares(const char *directory, const ConfirmOptions *options, GError **error)
{
    VaultShareRole role = options->role->role;
    g_autofree char *unconfirmed = restore_share_set_unconfirmed_path(role, directory);
    g_autoptr(RestoreShares) shares = restore_shares_new(role);
    g_auto(VaultMaster) pair = {0};
    VaultShareSet set;

    if (!restore_share_set_read(role, directory, &set, error))
        return FALSE;
    restore_shares_expect_all(shares, &set);
    if (!restore_master_shares_read(options->share_files, shares, error) ||
        !restore_shares_combine(shares, &pair, error) || !finish(directory, &pair, options, error))
        return FALSE;
    if (unlink(unconfirmed) != 0)
        return vault_error_set_errno(error, errno, "cannot remove", unconfirmed);
    say_where_sheets_are(options->verb, directory, &set);
    return TRUE;
}

/* ---- a passphrase --------------------------------------------------------------------------- */

static gboolean confirm_passphrase(const char *directory, const ConfirmOptions *options,
                                   GError **error)
{
    g_auto(RestoreMasterSource)
        source = {.role = options->role->role,
                  .master = g_build_filename(directory, options->role->name, NULL),
                  .passphrase_file = g_strdup(options->passphrase_file)};
    g_auto(VaultMaster) pair = {0};

    return restore_master_secret_read(&source, &pair, error) &&
           finish(directory, &pair, options, error);
}

static gboolean confirm(const char *directory, const ConfirmOptions *options, GError **error)
{
    const RestoreKeyRole *role = options->role;
    g_autofree char *unconfirmed = restore_share_set_unconfirmed_path(role->role, directory);
    g_autofree char *file = g_build_filename(directory, role->name, NULL);

    if (g_file_test(unconfirmed, G_FILE_TEST_EXISTS))
        return confirm_shares(directory, options, error);
    if (g_file_test(file, G_FILE_TEST_EXISTS))
        return confirm_passphrase(directory, options, error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                "nothing in %s waits to be confirmed: \"muniment %s create\" or \"reshare\" "
                "comes first",
                directory, role->command);
    return FALSE;
}

static int run(ConfirmOptions *options, const GOptionEntry *entries, int argc, char **argv)
{
    g_autofree char *summary =
        g_strdup_printf("Has all shares of a new set (or the passphrase) entered again, and then "
                        "writes DIR/%s.pub.",
                        options->role->name);
    const RestoreVerbUsage usage = {
        .verb = options->verb,
        .arguments = "DIR",
        .summary = summary,
        .description = "Use what the keepers have, paper for paper, and not the files in DIR.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(options->verb, error);
    if (argc != 2 || (options->share_files != NULL && options->passphrase_file != NULL))
        return restore_verb_usage(options->verb,
                                  "give the folder of \"create\" or \"reshare\", and "
                                  "--share or --passphrase-file, not both");
    return confirm(argv[1], options, &error) ? RESTORE_EXIT_DONE
                                             : restore_verb_fail(options->verb, error);
}

int restore_verb_key_confirm(VaultShareRole role, int argc, char **argv)
{
    g_auto(ConfirmOptions)
        options = {.role = restore_key_role(role), .verb = restore_key_verb(role, "confirm")};
    const GOptionEntry entries[] = {
        {"share", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.share_files,
         "read a share from F (give it for each share)", "F"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.passphrase_file,
         "read the passphrase of the file in DIR from the first line of FILE", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};

    return run(&options, entries, argc, argv);
}
