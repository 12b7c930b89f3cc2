/* muniment master create: the offline key that a vault is sealed to, under a passphrase or in
 * shares; and the table of the other verbs about it. */
#include "restore/verb_master.h"
#include "restore/output.h"
#include "restore/prompt.h"
#include "restore/share_set.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char create_verb[] = "master create";

/* Times that the passphrase may be entered again before the new file is given up. */
#define CONFIRM_TRIES 3

typedef struct {
    char *out, *passphrase_file;
    gint count, threshold; /* of shares; both 0 for a passphrase */
    gboolean as_json;
} CreateOptions;

static void create_options_clear(CreateOptions *options)
{
    g_free(options->out);
    g_free(options->passphrase_file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CreateOptions, create_options_clear)

/* The two files; the secret one is removed again unless it was confirmed. */
typedef struct {
    char *secret, *public;
    gboolean is_unconfirmed;
} MasterFiles;

static void master_files_clear(MasterFiles *files)
{
    if (files->is_unconfirmed)
        (void)unlink(files->secret);
    g_free(files->secret);
    g_free(files->public);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MasterFiles, master_files_clear)

static gboolean refuse_existing(const char *path, GError **error)
{
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s exists and is not overwritten; choose another --out", path);
    return FALSE;
}

static gboolean prepare_files(const char *directory, MasterFiles *files, GError **error)
{
    files->secret = g_build_filename(directory, "master", NULL);
    files->public = g_build_filename(directory, "master.pub", NULL);
    if (g_mkdir_with_parents(directory, 0700) != 0)
        return vault_error_set_errno(error, errno, "cannot make the folder", directory);
    if (g_file_test(files->secret, G_FILE_TEST_EXISTS) &&
        !g_file_test(files->public, G_FILE_TEST_EXISTS)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "%s exists without its master.pub: it was never confirmed and is in no use; "
                    "remove it, or choose another --out",
                    files->secret);
        return FALSE;
    }
    return refuse_existing(files->secret, error) && refuse_existing(files->public, error);
}

static gboolean write_secret(const VaultMaster *master, MasterFiles *files,
                             const RestorePassphrase *passphrase, GError **error)
{
    g_autofree char *text =
        vault_master_format(master, passphrase->text, passphrase->len, NULL, error);

    if (text == NULL || !restore_output_write(files->secret, text, RESTORE_OUTPUT_PRIVATE, error))
        return FALSE;
    files->is_unconfirmed = TRUE;
    return TRUE;
}

/* Opens the file as it is on disk with the passphrase as it is entered now. */
static gboolean opens_again(const VaultMaster *master, const MasterFiles *files,
                            const char *passphrase_file, GError **error)
{
    g_autoptr(RestorePassphrase) passphrase = restore_passphrase_new();
    g_autoptr(GBytes) text = vault_file_read(files->secret, VAULT_KEY_FILE_LEN_MAX, error);
    g_auto(VaultMaster) opened = {0};

    if (text == NULL ||
        !restore_passphrase_read(passphrase, passphrase_file,
                                 "The same passphrase again: ", error) ||
        !vault_master_parse(g_bytes_get_data(text, NULL), passphrase->text, passphrase->len,
                            &opened, error))
        return FALSE;
    g_assert(memcmp(&opened.public, &master->public, sizeof opened.public) == 0);
    return TRUE;
}

static gboolean confirm(const VaultMaster *master, const MasterFiles *files,
                        const char *passphrase_file, GError **error)
{
    for (guint left = CONFIRM_TRIES; left > 0; left--) {
        g_autoptr(GError) wrong = NULL;

        if (opens_again(master, files, passphrase_file, &wrong))
            return TRUE;
        if (left == 1 || passphrase_file != NULL ||
            !g_error_matches(wrong, VAULT_ERROR, VAULT_ERROR_NO_KEY)) {
            g_propagate_prefixed_error(error, g_steal_pointer(&wrong),
                                       "no master was made, as the new file was not opened: ");
            return FALSE;
        }
        restore_verb_say(create_verb, "that is another passphrase; once more");
    }
    g_assert_not_reached();
}

static gboolean report(const VaultMaster *master, const MasterFiles *files, gboolean as_json,
                       GError **error)
{
    g_autofree char *fingerprint = vault_master_fingerprint(&master->public);
    g_autoptr(JsonBuilder) builder = NULL;

    if (!as_json) {
        printf("Master key:   %s   (secret: move it off every networked machine)\n"
               "Public half:  %s   (for \"muniment init VAULT --master\")\n"
               "Fingerprint:  %s\n\n"
               "Without this file and its passphrase nobody will ever read the archive.\n"
               "Keep two copies of the file in different places, and the passphrase apart.\n",
               files->secret, files->public, fingerprint);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "master");
    json_builder_add_string_value(builder, files->secret);
    json_builder_set_member_name(builder, "public");
    json_builder_add_string_value(builder, files->public);
    json_builder_set_member_name(builder, "fingerprint");
    json_builder_add_string_value(builder, fingerprint);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean create_shares(const CreateOptions *options, GError **error)
{
    g_auto(MasterFiles) files = {0};

    return prepare_files(options->out, &files, error) &&
           restore_master_create_shares(options->out, (guint)options->count,
                                        (guint)options->threshold, options->as_json, error);
}

static gboolean create_passphrase(const CreateOptions *options, GError **error)
{
    g_autoptr(RestorePassphrase) passphrase = restore_passphrase_new();
    g_auto(MasterFiles) files = {0};
    g_auto(VaultMaster) master = {0};
    g_autofree char *public_text = NULL;

    if (!prepare_files(options->out, &files, error) ||
        !restore_passphrase_read(passphrase, options->passphrase_file,
                                 "New passphrase for the master key: ", error))
        return FALSE;
    vault_master_create(&master);
    if (!write_secret(&master, &files, passphrase, error) ||
        !confirm(&master, &files, options->passphrase_file, error))
        return FALSE;
    /* From here on the secret half is good, and stays also when the next step fails. */
    files.is_unconfirmed = FALSE;
    public_text = vault_master_public_format(&master.public);
    return restore_output_write(files.public, public_text, RESTORE_OUTPUT_PUBLIC, error) &&
           report(&master, &files, options->as_json, error);
}

static gboolean is_shared(const CreateOptions *options)
{
    return options->count != 0 || options->threshold != 0;
}

static const char *problem_of(const CreateOptions *options, int argc)
{
    if (options->out == NULL || argc != 1)
        return "give --out DIR and nothing else but options";
    if (!is_shared(options))
        return NULL;
    if (options->passphrase_file != NULL)
        return "shares have no passphrase: give --shares and --threshold, or --passphrase-file";
    return restore_share_set_problem(options->count, options->threshold);
}

static int run_create(int argc, char **argv)
{
    g_auto(CreateOptions) options = {0};
    const GOptionEntry entries[] = {
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "folder for the files", "DIR"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.passphrase_file,
         "read the passphrase from the first line of FILE", "FILE"},
        {"shares", 0, 0, G_OPTION_ARG_INT, &options.count,
         "no passphrase, but this many shares for as many people (1 to 16)", "N"},
        {"threshold", 0, 0, G_OPTION_ARG_INT, &options.threshold,
         "how many of the shares give the key", "K"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = create_verb,
        .arguments = "--out DIR [--shares N --threshold K]",
        .summary = "Makes a master key: under a passphrase as DIR/master (secret) and "
                   "DIR/master.pub, or as one printable sheet per share.",
        .description = "Run it on a machine without network, with DIR on removable storage.\n"
                       "DIR/master.pub is written only after the passphrase was entered again and "
                       "has opened DIR/master, or after \"muniment master confirm DIR\" was given "
                       "all shares.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *problem;
    gboolean is_created;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(create_verb, error);
    problem = problem_of(&options, argc);
    if (problem != NULL)
        return restore_verb_usage(create_verb, "%s", problem);
    is_created =
        is_shared(&options) ? create_shares(&options, &error) : create_passphrase(&options, &error);
    return is_created ? RESTORE_EXIT_DONE : restore_verb_fail(create_verb, error);
}

int restore_verb_master(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"create", "make a master key: under a passphrase, or in shares", run_create},
        {"confirm", "enter all shares again, and get the public half", restore_verb_master_confirm},
        {"check-share", "check one share, alone", restore_verb_master_check_share},
        {"sheet", "write the sheet of one share anew", restore_verb_master_sheet},
        {"reshare", "make a new set of shares of the same key", restore_verb_master_reshare},
    };

    return restore_verb_dispatch("muniment master", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
