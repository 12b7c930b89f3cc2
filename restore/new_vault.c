#include "restore/new_vault.h"

#include "archived/config_template.h"
#include "ingest/owners.h"
#include "restore/output.h"
#include "restore/owner.h"

#include <string.h>

void restore_new_vault_clear(RestoreNewVault *vault)
{
    g_clear_pointer(&vault->path, g_free);
    g_clear_pointer(&vault->vault_key, g_free);
}

/* ---- checks --------------------------------------------------------------------------------- */

/* "dir/vault/" names the same folder as "dir/vault", but ".vaultkey" would land inside it. */
static char *without_trailing_slashes(const char *path)
{
    gsize len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    return g_strndup(path, len);
}

/* The rules that the daemon will make of them judge the domains, before anything is made. */
static gboolean check_domains(const char *const *domains, GError **error)
{
    IngestOwnerSettings settings = {.domains = domains, .delimiter = ""};
    g_autoptr(GError) failure = NULL;
    g_autoptr(IngestOwnerRules) rules = ingest_owner_rules_new(&settings, &failure);

    if (rules != NULL)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--domain: %s", failure->message);
    return FALSE;
}

static gboolean check_vault_key(const char *vault_key, GError **error)
{
    if (!g_file_test(vault_key, G_FILE_TEST_EXISTS))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s exists, maybe the key of another vault, and is not overwritten; choose another "
                "--vaultkey",
                vault_key);
    return FALSE;
}

gboolean restore_new_vault_check(const char *path, const char *vault_key,
                                 const char *const *domains, RestoreNewVault *ret_vault,
                                 GError **error)
{
    ret_vault->path = without_trailing_slashes(path);
    ret_vault->vault_key =
        vault_key != NULL ? g_strdup(vault_key) : g_strconcat(ret_vault->path, ".vaultkey", NULL);
    return check_domains(domains, error) && check_vault_key(ret_vault->vault_key, error) &&
           vault_keep_create_check(ret_vault->path, error);
}

/* ---- making --------------------------------------------------------------------------------- */

static gboolean enter_owner(const char *path, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);

    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return restore_owner_enter(path, error);
    if (g_file_test(parent, G_FILE_TEST_IS_DIR))
        return restore_owner_enter(parent, error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                "there is no folder %s to make the vault in; make it first, for the user that "
                "archived runs as",
                parent);
    return FALSE;
}

typedef struct {
    RestoreNewVault *vault;
    const RestoreNewVaultOptions *options;
} Making;

static gboolean finish(const VaultId *id, gpointer user, GError **error)
{
    const Making *making = user;
    const RestoreNewVaultOptions *options = making->options;
    g_autofree char *path = g_build_filename(making->vault->path, "archived.conf", NULL);
    g_autofree char *config = archived_config_template(options->domains);

    making->vault->id = *id;
    if (!restore_output_write(path, config, RESTORE_OUTPUT_PRIVATE, error))
        return FALSE;
    restore_owner_leave();
    return options->finish == NULL || options->finish(making->vault, options->user, error);
}

gboolean restore_new_vault_make(RestoreNewVault *vault, const RestoreNewVaultOptions *options,
                                GError **error)
{
    Making making = {vault, options};
    VaultCreateOptions create = {.masters = options->masters,
                                 .master_count = options->master_count,
                                 .vault_key_path = vault->vault_key,
                                 .finish = finish,
                                 .user = &making};

    return enter_owner(vault->path, error) && vault_keep_create(vault->path, &create, error);
}
