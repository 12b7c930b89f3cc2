#include "restore/identity_files.h"

#include "restore/output.h"
#include "vault/crypto/key_files.h"

#include <string.h>
#include <unistd.h>

#define SUFFIX ".key"

void restore_identity_files_clear(RestoreIdentityFiles *files)
{
    g_clear_pointer(&files->secret, g_free);
    g_clear_pointer(&files->public, g_free);
    g_clear_pointer(&files->name, g_free);
}

gboolean restore_identity_files_is_name(const char *secret_path)
{
    return g_str_has_suffix(secret_path, SUFFIX) && !g_str_has_suffix(secret_path, "/" SUFFIX) &&
           !g_str_equal(secret_path, SUFFIX);
}

static void name_files(const char *secret_path, const char *name, RestoreIdentityFiles *ret_files)
{
    g_autofree char *stem = g_strndup(secret_path, strlen(secret_path) - strlen(SUFFIX));

    ret_files->secret = g_strdup(secret_path);
    ret_files->public = g_strconcat(stem, ".pub", NULL);
    ret_files->name = name != NULL ? g_strdup(name) : g_path_get_basename(stem);
}

static gboolean write_files(const RestoreIdentityFiles *files, const VaultIdentity *identity,
                            GError **error)
{
    char *secret_text = vault_identity_format(identity);
    g_autofree char *public_text = vault_identity_public_format(identity);
    gboolean is_written =
        restore_output_write(files->secret, secret_text, RESTORE_OUTPUT_PRIVATE, error);

    vault_key_text_free(secret_text);
    if (!is_written)
        return FALSE;
    if (restore_output_write(files->public, public_text, RESTORE_OUTPUT_PUBLIC, error))
        return TRUE;
    (void)unlink(files->secret);
    return FALSE;
}

gboolean restore_identity_files_create(const char *secret_path, const char *name,
                                       RestoreIdentityFiles *ret_files, GError **error)
{
    g_auto(VaultIdentity) identity = {0};

    g_assert(restore_identity_files_is_name(secret_path));
    name_files(secret_path, name, ret_files);
    if (!vault_identity_create(ret_files->name, &identity, error))
        return FALSE;
    if (g_file_test(ret_files->public, G_FILE_TEST_EXISTS)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "%s exists and is not overwritten; choose another --out", ret_files->public);
        return FALSE;
    }
    return write_files(ret_files, &identity, error);
}
