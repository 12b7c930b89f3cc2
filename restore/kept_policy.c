#include "restore/kept_policy.h"

#include "vault/base/file.h"

void restore_kept_policy_clear(RestoreKeptPolicy *kept)
{
    g_clear_pointer(&kept->path, g_free);
    g_clear_pointer(&kept->text, g_free);
    g_clear_pointer(&kept->policy, vault_policy_free);
    g_clear_pointer(&kept->trusted, g_array_unref);
}

static gboolean read_trusted(RestoreKeptPolicy *kept, const char *path, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);
    MasterPublic master;

    if (text == NULL)
        return FALSE;
    if (!vault_master_public_parse(g_bytes_get_data(text, NULL), &master, error)) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    g_array_append_val(kept->trusted, master);
    return TRUE;
}

/* *ret_is_ours is FALSE when the file is of another vault. */
static gboolean read_kept(RestoreKeptPolicy *kept, gboolean *ret_is_ours, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(VaultPolicy) policy = NULL;

    *ret_is_ours = TRUE;
    if (!g_file_test(kept->path, G_FILE_TEST_EXISTS))
        return TRUE;
    bytes = vault_file_read(kept->path, VAULT_POLICY_LEN_MAX, error);
    if (bytes == NULL)
        return FALSE;
    policy = vault_policy_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error);
    if (policy == NULL) {
        g_prefix_error(error, "%s: ", kept->path);
        return FALSE;
    }
    *ret_is_ours = policy->serial == 0 || VAULT_ID_EQUAL(policy->vault_id, kept->vault_id);
    if (!*ret_is_ours)
        return TRUE;
    kept->text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    kept->policy = g_steal_pointer(&policy);
    return TRUE;
}

gboolean restore_kept_policy_open(RestoreKeptPolicy *kept, const char *master_path,
                                  const VaultId *vault_id, char **trusted_paths, GError **error)
{
    MasterPublic signer = {0};
    gboolean is_ours;

    kept->vault_id = *vault_id;
    kept->trusted = g_array_new(FALSE, FALSE, sizeof(MasterPublic));
    for (char **path = trusted_paths; path != NULL && *path != NULL; path++) {
        if (!read_trusted(kept, *path, error))
            return FALSE;
    }
    if (master_path == NULL)
        return TRUE;
    kept->path = g_strconcat(master_path, ".policy", NULL);
    if (!read_kept(kept, &is_ours, error))
        return FALSE;
    if (!is_ours) {
        g_free(kept->path);
        kept->path = g_strconcat(master_path, ".", VAULT_ID_TEXT(*vault_id), ".policy", NULL);
        if (!read_kept(kept, &is_ours, error))
            return FALSE;
    }
    if (kept->policy != NULL && kept->policy->is_signed) {
        signer.verify_key = kept->policy->verify_key;
        g_array_append_val(kept->trusted, signer);
    }
    return TRUE;
}

gboolean restore_kept_policy_judge(const RestoreKeptPolicy *kept, const VaultPolicy *policy,
                                   const char *text, GError **error)
{
    if (kept->policy == NULL || policy->serial > kept->policy->serial ||
        (policy->serial == kept->policy->serial && g_str_equal(text, kept->text)))
        return TRUE;
    if (policy->serial == kept->policy->serial)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "this policy %u is another than the policy %u kept in %s: find out who signed "
                    "two of them",
                    policy->serial, kept->policy->serial, kept->path);
    else
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "this goes by policy %u, but policy %u is kept in %s; make the request on a "
                    "vault that has the newer one",
                    policy->serial, kept->policy->serial, kept->path);
    return FALSE;
}

gboolean restore_kept_policy_check_signer(const RestoreKeptPolicy *kept, const VaultPolicy *policy,
                                          const MasterPublic *own, GError **error)
{
    g_autoptr(GArray) masters = g_array_copy(kept->trusted);

    g_array_append_vals(masters, own, 1);
    if (vault_policy_check_signer(policy, &kept->vault_id,
                                  (const MasterPublic *)(gpointer)masters->data, masters->len,
                                  error))
        return TRUE;
    if (policy->is_signed && VAULT_ID_EQUAL(policy->vault_id, kept->vault_id))
        g_prefix_error(error, "if another master of the vault signed it, give its public file with "
                              "--trust-master: ");
    return FALSE;
}

gboolean restore_kept_policy_keep(const RestoreKeptPolicy *kept, const VaultPolicy *policy,
                                  const char *text, GError **error)
{
    if (kept->path == NULL || policy->serial == 0 ||
        (kept->policy != NULL && policy->serial <= kept->policy->serial))
        return TRUE;
    return vault_file_write(kept->path, text, strlen(text), 0600, VAULT_FILE_REPLACE, error);
}
