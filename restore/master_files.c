#include "restore/master_files.h"

#include "restore/output.h"
#include "restore/prompt.h"
#include "restore/verb.h"
#include "vault/base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Times that the passphrase may be entered again before the new file is given up. */
#define CONFIRM_TRIES 3

void restore_master_files_clear(RestoreMasterFiles *files)
{
    g_clear_pointer(&files->secret, g_free);
    g_clear_pointer(&files->public, g_free);
}

static gboolean refuse_existing(const char *path, GError **error)
{
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s exists and is not overwritten; choose another --out", path);
    return FALSE;
}

gboolean restore_master_files_prepare(const char *directory, RestoreMasterFiles *ret_files,
                                      GError **error)
{
    const char *name = restore_key_role(ret_files->role)->name;
    g_autofree char *public_name = g_strconcat(name, ".pub", NULL);

    ret_files->secret = g_build_filename(directory, name, NULL);
    ret_files->public = g_build_filename(directory, public_name, NULL);
    if (g_mkdir_with_parents(directory, 0700) != 0)
        return vault_error_set_errno(error, errno, "cannot make the folder", directory);
    if (g_file_test(ret_files->secret, G_FILE_TEST_EXISTS) &&
        !g_file_test(ret_files->public, G_FILE_TEST_EXISTS)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "%s exists without its %s: it was never confirmed and is in no use; "
                    "remove it, or choose another --out",
                    ret_files->secret, public_name);
        return FALSE;
    }
    return refuse_existing(ret_files->secret, error) && refuse_existing(ret_files->public, error);
}

/* The secret file on disk; removed again unless it was confirmed. */
typedef struct {
    const RestoreKeyRole *role;
    const char *path;
    gboolean is_written, is_confirmed;
} Draft;

static void draft_clear(Draft *draft)
{
    if (draft->is_written && !draft->is_confirmed)
        (void)unlink(draft->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Draft, draft_clear)

static gboolean write_secret(const VaultMaster *master, const RestorePassphrase *passphrase,
                             Draft *draft, GError **error)
{
    g_autofree char *text =
        draft->role->format(master, passphrase->text, passphrase->len, NULL, error);

    draft->is_written =
        text != NULL && restore_output_write(draft->path, text, RESTORE_OUTPUT_PRIVATE, error);
    return draft->is_written;
}

/* Opens the file as it is on disk with the passphrase as it is entered now. */
static gboolean opens_again(const VaultMaster *master, const Draft *draft,
                            const char *passphrase_file, GError **error)
{
    g_autoptr(RestorePassphrase) passphrase = restore_passphrase_new();
    g_autoptr(GBytes) text = vault_file_read(draft->path, VAULT_KEY_FILE_LEN_MAX, error);
    g_auto(VaultMaster) opened = {0};

    if (text == NULL ||
        !restore_passphrase_read(passphrase, passphrase_file,
                                 "The same passphrase again: ", error) ||
        !draft->role->parse(g_bytes_get_data(text, NULL), passphrase->text, passphrase->len,
                            &opened, error))
        return FALSE;
    g_assert(memcmp(&opened.public, &master->public, sizeof opened.public) == 0);
    return TRUE;
}

static gboolean confirm(const VaultMaster *master, const Draft *draft, const char *verb,
                        const char *passphrase_file, GError **error)
{
    for (guint left = CONFIRM_TRIES; left > 0; left--) {
        g_autoptr(GError) wrong = NULL;

        if (opens_again(master, draft, passphrase_file, &wrong))
            return TRUE;
        if (left == 1 || passphrase_file != NULL ||
            !g_error_matches(wrong, VAULT_ERROR, VAULT_ERROR_NO_KEY)) {
            g_propagate_prefixed_error(
                error, g_steal_pointer(&wrong),
                "no %s was made, as the new file was not opened: ", draft->role->name);
            return FALSE;
        }
        restore_verb_say(verb, "that is another passphrase; once more");
    }
    g_assert_not_reached();
}

gboolean restore_master_files_create(RestoreMasterFiles *files, const char *verb,
                                     const char *passphrase_file, VaultMaster *ret_master,
                                     GError **error)
{
    g_autoptr(RestorePassphrase) passphrase = restore_passphrase_new();
    const RestoreKeyRole *role = restore_key_role(files->role);
    g_auto(Draft) draft = {.role = role, .path = files->secret};
    g_autofree char *question = g_strdup_printf("New passphrase for %s: ", role->the_key);
    g_autofree char *public_text = NULL;

    if (!restore_passphrase_read(passphrase, passphrase_file, question, error))
        return FALSE;
    role->create(ret_master);
    if (!write_secret(ret_master, passphrase, &draft, error) ||
        !confirm(ret_master, &draft, verb, passphrase_file, error))
        return FALSE;
    /* From here on the secret half is good, and stays also when the next step fails. */
    draft.is_confirmed = files->is_secret_made = TRUE;
    public_text = role->public_format(&ret_master->public);
    return restore_output_write(files->public, public_text, RESTORE_OUTPUT_PUBLIC, error);
}
