#include "vault/keep/internal.h"
#include "vault/keep/recovery.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* A catalog under a name of its own, removed unless it took the real one's place. */
typedef struct {
    char *path;
} Draft;

static void draft_clear(Draft *draft)
{
    if (draft->path != NULL)
        unlink(draft->path);
    g_clear_pointer(&draft->path, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Draft, draft_clear)

static gboolean remove_file(const char *path, const char *suffix, GError **error)
{
    g_autofree char *file = g_strconcat(path, suffix, NULL);

    if (unlink(file) == 0 || errno == ENOENT)
        return TRUE;
    return vault_error_set_errno(error, errno, "cannot remove", file);
}

/* The old catalog goes before its write-ahead log, and both before the new one comes: at each
 * point there is a whole catalog or none, and none is made anew at the next start. */
static gboolean replace_catalog(VaultKeep *keep, Draft *draft, GError **error)
{
    if (!remove_file(keep->catalog_path, "", error) ||
        !remove_file(keep->catalog_path, "-wal", error) ||
        !remove_file(keep->catalog_path, "-shm", error))
        return FALSE;
    if (rename(draft->path, keep->catalog_path) != 0)
        return vault_error_set_errno(error, errno, "cannot replace", keep->catalog_path);
    g_clear_pointer(&draft->path, g_free);
    return vault_file_sync_directory(keep->path, error);
}

gboolean vault_keep_build_catalog(VaultKeep *keep, guint64 tags_since_s,
                                  const VaultVerifyCallbacks *callbacks,
                                  VaultRebuildResult *ret_result, GError **error)
{
    g_auto(Draft) draft = {.path = g_strconcat(keep->catalog_path, ".new", NULL)};
    g_autoptr(VaultCatalog) catalog = NULL;
    VaultRecoveryOptions options = {.directory = keep->packs_path,
                                    .vault_id = &keep->id,
                                    .locator_key = keep->locator_key,
                                    .keyring = keep->keyring,
                                    .is_new_catalog = TRUE,
                                    .tags_since_s = tags_since_s,
                                    .callbacks = callbacks};
    VaultRecoveryResult result;

    if (!remove_file(draft.path, "", error))
        return FALSE;
    catalog = vault_catalog_open(draft.path, VAULT_CATALOG_BUILD, &keep->id, error);
    options.catalog = catalog;
    if (catalog == NULL || !vault_recovery_run(&options, &result, error) ||
        !vault_catalog_finish_build(catalog, error))
        return FALSE;
    g_clear_pointer(&catalog, vault_catalog_close);
    *ret_result = (VaultRebuildResult){.record_count = result.record_count,
                                       .unknown_count = result.unknown_count,
                                       .dead_count = result.dead_count};
    return replace_catalog(keep, &draft, error);
}

gboolean vault_keep_rebuild(const char *path, const VaultKeepOptions *options,
                            const VaultVerifyCallbacks *callbacks, VaultRebuildResult *ret_result,
                            GError **error)
{
    VaultKeepOptions as_writer = *options;
    g_autoptr(VaultKeep) keep = NULL;
    g_autoptr(VaultTags) tags = NULL;

    as_writer.mode = VAULT_KEEP_WRITER;
    keep = vault_keep_new(path, &as_writer, error);
    if (keep == NULL)
        return FALSE;
    /* Only asked which keys there are: no batch to write with. */
    tags = vault_tags_new(keep->keyring, NULL, &keep->clock, error);
    return tags != NULL &&
           vault_keep_build_catalog(keep, vault_tags_since_s(tags), callbacks, ret_result, error);
}
