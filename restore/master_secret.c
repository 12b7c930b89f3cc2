#include "restore/master_secret.h"

#include "restore/prompt.h"
#include "restore/share_files.h"
#include "restore/share_prompt.h"
#include "vault/base/file.h"

void restore_master_source_clear(RestoreMasterSource *source)
{
    g_free(source->master);
    g_strfreev(source->share_files);
    g_free(source->passphrase_file);
}

const char *restore_master_source_problem(const RestoreMasterSource *source)
{
    guint count = (source->master != NULL) + (source->share_files != NULL) + source->ask_shares;

    if (count != 1 && source->role == VAULT_SHARE_ESCROW)
        return "give the escrow key one way: --escrow F, --share F for each share, or --shares to "
               "type them in";
    if (count != 1)
        return "give the master key one way: --master F, --share F for each share, or --shares to "
               "type them in";
    if (source->passphrase_file != NULL && source->master == NULL)
        return "--passphrase-file goes with the file of the key: shares have no passphrase";
    return NULL;
}

static gboolean open_file(const RestoreMasterSource *source, VaultMaster *ret_master,
                          GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(source->master, VAULT_KEY_FILE_LEN_MAX, error);
    g_autoptr(RestorePassphrase) passphrase = restore_passphrase_new();
    const RestoreKeyRole *role = restore_key_role(source->role);
    g_autofree char *question = g_strdup_printf("Passphrase of %s: ", role->the_key);

    if (text == NULL ||
        !restore_passphrase_read(passphrase, source->passphrase_file, question, error))
        return FALSE;
    if (role->parse(g_bytes_get_data(text, NULL), passphrase->text, passphrase->len, ret_master,
                    error))
        return TRUE;
    g_prefix_error(error, "%s: ", source->master);
    return FALSE;
}

gboolean restore_master_shares_read(char *const *share_files, RestoreShares *shares, GError **error)
{
    return share_files != NULL ? restore_share_files_add(share_files, shares, error)
                               : restore_share_prompt_all(shares, error);
}

gboolean restore_master_secret_read(const RestoreMasterSource *source, VaultMaster *ret_master,
                                    GError **error)
{
    g_autoptr(RestoreShares) shares = NULL;

    if (source->master != NULL)
        return open_file(source, ret_master, error);
    shares = restore_shares_new(source->role);
    return restore_master_shares_read(source->share_files, shares, error) &&
           restore_shares_combine(shares, ret_master, error);
}
