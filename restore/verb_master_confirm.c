/* muniment master confirm: a new master key is worth a vault only when what people hold gives it
 * back; this sees to that, and makes its public half known. */
#include "restore/master_secret.h"
#include "restore/output.h"
#include "restore/share_files.h"
#include "restore/share_set.h"
#include "restore/verb.h"
#include "restore/verb_master.h"
#include "vault/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const char verb[] = "master confirm";

typedef struct {
    char **share_files;
    char *passphrase_file;
    gboolean as_json;
} ConfirmOptions;

static void confirm_options_clear(ConfirmOptions *options)
{
    g_strfreev(options->share_files);
    g_free(options->passphrase_file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ConfirmOptions, confirm_options_clear)

/* The public half may be there already: of the same key, when shares were made anew beside it, or
 * from a confirmation that was cut short. */
static gboolean write_public(const char *directory, const MasterPublic *master, char **ret_path,
                             GError **error)
{
    g_autofree char *path = g_build_filename(directory, "master.pub", NULL);
    g_autofree char *text = vault_master_public_format(master);
    g_autoptr(GBytes) there = NULL;

    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        there = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);
        if (there == NULL)
            return FALSE;
        if (!g_str_equal(g_bytes_get_data(there, NULL), text)) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                        "%s is of another master key, and is not overwritten", path);
            return FALSE;
        }
    } else if (!restore_output_write(path, text, RESTORE_OUTPUT_PUBLIC, error)) {
        return FALSE;
    }
    *ret_path = g_steal_pointer(&path);
    return TRUE;
}

static gboolean report(const char *path, const MasterPublic *master, gboolean as_json,
                       GError **error)
{
    g_autofree char *fingerprint = vault_master_fingerprint(master);
    g_autoptr(JsonBuilder) builder = NULL;

    if (!as_json) {
        printf("Confirmed.\n"
               "Public half:  %s   (for \"muniment init VAULT --master\")\n"
               "Fingerprint:  %s\n",
               path, fingerprint);
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

static gboolean finish(const char *directory, const VaultMaster *master, gboolean as_json,
                       GError **error)
{
    g_autofree char *path = NULL;

    return write_public(directory, &master->public, &path, error) &&
           report(path, &master->public, as_json, error);
}

/* ---- shares --------------------------------------------------------------------------------- */

static void say_where_sheets_are(const char *directory, const VaultShareSet *set)
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
    g_autofree char *unconfirmed = restore_share_set_unconfirmed_path(directory);
    g_autoptr(RestoreShares) shares = restore_shares_new();
    g_auto(VaultMaster) master = {0};
    VaultShareSet set;

    if (!restore_share_set_read(directory, &set, error))
        return FALSE;
    restore_shares_expect_all(shares, &set);
    if (!restore_master_shares_read(options->share_files, shares, error) ||
        !restore_shares_combine(shares, &master, error) ||
        !finish(directory, &master, options->as_json, error))
        return FALSE;
    if (unlink(unconfirmed) != 0)
        return vault_error_set_errno(error, errno, "cannot remove", unconfirmed);
    say_where_sheets_are(directory, &set);
    return TRUE;
}

/* ---- a passphrase --------------------------------------------------------------------------- */

static gboolean confirm_passphrase(const char *directory, const ConfirmOptions *options,
                                   GError **error)
{
    g_auto(RestoreMasterSource) source = {.master = g_build_filename(directory, "master", NULL),
                                          .passphrase_file = g_strdup(options->passphrase_file)};
    g_auto(VaultMaster) master = {0};

    return restore_master_secret_read(&source, &master, error) &&
           finish(directory, &master, options->as_json, error);
}

static gboolean confirm(const char *directory, const ConfirmOptions *options, GError **error)
{
    g_autofree char *unconfirmed = restore_share_set_unconfirmed_path(directory);
    g_autofree char *file = g_build_filename(directory, "master", NULL);

    if (g_file_test(unconfirmed, G_FILE_TEST_EXISTS))
        return confirm_shares(directory, options, error);
    if (g_file_test(file, G_FILE_TEST_EXISTS))
        return confirm_passphrase(directory, options, error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                "nothing in %s waits to be confirmed: \"muniment master create\" or \"reshare\" "
                "comes first",
                directory);
    return FALSE;
}

int restore_verb_master_confirm(int argc, char **argv)
{
    g_auto(ConfirmOptions) options = {0};
    const GOptionEntry entries[] = {
        {"share", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.share_files,
         "read a share from F (give it for each share)", "F"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.passphrase_file,
         "read the passphrase of DIR/master from the first line of FILE", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "DIR",
        .summary = "Has all shares of a new set (or the passphrase) entered again, and then writes "
                   "DIR/master.pub.",
        .description = "Use what the keepers have, paper for paper, and not the files in DIR.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2 || (options.share_files != NULL && options.passphrase_file != NULL))
        return restore_verb_usage(verb, "give the folder of \"master create\" or \"reshare\", and "
                                        "--share or --passphrase-file, not both");
    return confirm(argv[1], &options, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}
