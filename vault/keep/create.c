#include "vault/crypto/value.h"
#include "vault/keep/custody_registry.h"
#include "vault/keep/internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A vault that is being made; what of it is there when it fails is removed again, so that the
 * command can simply be given once more. */
typedef struct {
    char *path;
    char *vault_key_path;
    VaultId id;
    VaultKey key;
    gboolean is_folder_made, is_key_made, is_complete;
} Draft;

static void remove_in(const char *path, const char *name)
{
    g_autofree char *file = g_build_filename(path, name, NULL);

    if (remove(file) != 0 && errno != ENOENT)
        g_warning("cannot remove %s", file);
}

static void remove_folder(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            remove_folder(child);
        else
            remove_in(path, name);
    }
    rmdir(path);
}

static void remove_vault_key(const Draft *draft)
{
    VaultHolder holder = vault_key_holder(draft->vault_key_path, &draft->id);

    (void)vault_holder_remove(&holder, NULL);
}

static void draft_clear(Draft *draft)
{
    g_autofree char *log = g_build_filename(draft->path, "log", NULL);

    static const char *const names[] = {"host",
                                        "archived.conf",
                                        "keyring.sqlite-wal",
                                        "keyring.sqlite-shm",
                                        "keyring.sqlite",
                                        "catalog.sqlite-wal",
                                        "catalog.sqlite-shm",
                                        "catalog.sqlite",
                                        "reserve",
                                        "packs",
                                        "run",
                                        "lock"};

    if (draft->is_folder_made && !draft->is_complete)
        remove_folder(log);
    for (gsize i = 0; draft->is_folder_made && !draft->is_complete && i < G_N_ELEMENTS(names); i++)
        remove_in(draft->path, names[i]);
    if (draft->is_folder_made && !draft->is_complete)
        rmdir(draft->path);
    if (draft->is_key_made && !draft->is_complete)
        remove_vault_key(draft);
    vault_key_wipe(&draft->key);
    g_free(draft->path);
    g_free(draft->vault_key_path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Draft, draft_clear)

/* ---- folders and files ---------------------------------------------------------------------- */

static gboolean check_empty(const char *path, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);

    if (dir == NULL)
        return vault_error_set_errno(error, ENOTDIR, "cannot make a vault of", path);
    if (g_dir_read_name(dir) == NULL)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s is there already and not empty: a vault is made in a new folder", path);
    return FALSE;
}

static gboolean make_folder(const char *path, GError **error)
{
    if (mkdir(path, 0700) == 0)
        return TRUE;
    return vault_error_set_errno(error, errno, "cannot make folder", path);
}

static gboolean make_folders(Draft *draft, GError **error)
{
    g_autofree char *packs = g_build_filename(draft->path, "packs", NULL);
    g_autofree char *run = g_build_filename(draft->path, "run", NULL);
    g_autofree char *parent = g_path_get_dirname(draft->path);
    gboolean is_new = mkdir(draft->path, 0700) == 0;

    if (!is_new && errno != EEXIST)
        return vault_error_set_errno(error, errno, "cannot make folder", draft->path);
    if (!is_new && (!check_empty(draft->path, error)))
        return FALSE;
    draft->is_folder_made = TRUE;
    if (!is_new && chmod(draft->path, 0700) != 0)
        return vault_error_set_errno(error, errno, "cannot close to others", draft->path);
    return make_folder(packs, error) && make_folder(run, error) &&
           vault_file_sync_directory(parent, error);
}

static gboolean write_vault_key(Draft *draft, GError **error)
{
    VaultHolder holder = vault_key_holder(draft->vault_key_path, &draft->id);

    draft->is_key_made = vault_holder_create(&holder, &draft->key, error);
    return draft->is_key_made;
}

/* ---- the keyring's first rows --------------------------------------------------------------- */

static gboolean put_new(VaultKeyring *keyring, VaultKeyringTable table, GByteArray *value,
                        GError **error)
{
    RowId row_id;
    gboolean is_put;

    vault_random(row_id.bytes, VAULT_ID_LEN);
    is_put = vault_keyring_put(keyring, table, &row_id, value, error);
    vault_value_free(value);
    return is_put;
}

static gboolean put_masters(VaultKeyring *keyring, const VaultCreateOptions *options, guint64 now_s,
                            GError **error)
{
    for (gsize i = 0; i < options->master_count; i++) {
        VaultMasterValue master = {
            .state = VAULT_MASTER_ACTIVE, .added_s = now_s, .master = options->masters[i]};

        if (!put_new(keyring, VAULT_KEYRING_MASTERS, vault_master_value_format(&master), error))
            return FALSE;
    }
    return TRUE;
}

static gboolean put_keys(VaultKeyring *keyring, guint64 now_s, GError **error)
{
    g_auto(LocatorKey) locator_key;
    g_auto(VaultLogKeyValue) log_key = {.created_s = now_s};
    g_auto(VaultDayKeyValue) day_key = {.day = (guint32)(now_s / 86400)};

    vault_random(locator_key.bytes, VAULT_KEY_LEN);
    vault_random(day_key.key.bytes, VAULT_KEY_LEN);
    vault_log_key_create(&log_key.signing, &log_key.verify);
    return put_new(keyring, VAULT_KEYRING_LOCATOR_KEY, vault_locator_key_value_format(&locator_key),
                   error) &&
           put_new(keyring, VAULT_KEYRING_LOG_KEYS, vault_log_key_value_format(&log_key), error) &&
           put_new(keyring, VAULT_KEYRING_DAY_KEYS, vault_day_key_value_format(&day_key), error);
}

/* The first holder of the vault key: the file that the host starts from. */
static gboolean put_host(const Draft *draft, VaultKeyring *keyring, guint64 now_s, GError **error)
{
    return put_new(keyring, VAULT_KEYRING_HOLDERS,
                   vault_custody_host_value(draft->path, draft->vault_key_path, &draft->id,
                                            &draft->key, now_s),
                   error);
}

/* The unassigned mailbox takes mail when no other can be made: its key is there before it. */
static gboolean put_unassigned(const Draft *draft, VaultKeyring *keyring,
                               const VaultCreateOptions *options, guint64 now_s, GError **error)
{
    g_autoptr(VaultMailboxValue) mailbox = vault_mailbox_value_new(NULL, now_s);
    g_autofree VaultWrapRecipient *recipients = g_new0(VaultWrapRecipient, options->master_count);
    VaultMonthIdentity identity = {.vault_id = draft->id,
                                   .mailbox_id = mailbox->mailbox_id,
                                   .address = "",
                                   .month = vault_month_of_time(now_s)};
    g_autoptr(VaultMonthValue) month = NULL;

    for (gsize i = 0; i < options->master_count; i++) {
        recipients[i].kind = VAULT_WRAP_MASTER;
        recipients[i].key_id = vault_master_key_id(&options->masters[i]);
        memcpy(recipients[i].public_key, options->masters[i].public_key.bytes, VAULT_KEY_LEN);
    }
    month = vault_month_value_new(&identity, recipients, options->master_count, now_s, error);
    return month != NULL && vault_keyring_add_mailbox(keyring, mailbox, error) &&
           vault_keyring_add_month(keyring, month, error);
}

static gboolean fill_keyring(const Draft *draft, const char *keyring_path,
                             const VaultCreateOptions *options, guint64 now_s, GError **error)
{
    g_autoptr(VaultKeyring) keyring =
        vault_keyring_open(keyring_path, VAULT_KEYRING_WRITE, &draft->id, &draft->key, 1, error);
    g_autoptr(VaultKeyringChange) change = NULL;
    VaultLogsOptions logs = {
        .vault_path = draft->path, .vault_id = draft->id, .keyring = keyring, .now_s = now_s};

    if (keyring == NULL)
        return FALSE;
    change = vault_keyring_begin(keyring, error);
    return change != NULL && put_masters(keyring, options, now_s, error) &&
           put_keys(keyring, now_s, error) && put_host(draft, keyring, now_s, error) &&
           put_unassigned(draft, keyring, options, now_s, error) &&
           vault_keyring_commit(g_steal_pointer(&change), error) && vault_logs_create(&logs, error);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static gboolean check_options(const VaultCreateOptions *options, GError **error)
{
    if (options->master_count >= 1 && options->master_count <= VAULT_WRAPS_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "a vault has 1 to %d masters: without one nobody could ever read it",
                VAULT_WRAPS_MAX);
    return FALSE;
}

/* `host` comes last: a folder without it is no vault. */
static gboolean fill(Draft *draft, const VaultCreateOptions *options, GError **error)
{
    guint64 now_s =
        options->now_s != NULL ? options->now_s() : (guint64)(g_get_real_time() / G_USEC_PER_SEC);
    g_autofree char *keyring_path = g_build_filename(draft->path, "keyring.sqlite", NULL);
    g_autofree char *catalog_path = g_build_filename(draft->path, "catalog.sqlite", NULL);
    g_autofree char *key_path =
        options->vault_key_path == NULL ? NULL : g_strdup(draft->vault_key_path);
    VaultSpace *space = vault_space_new(draft->path, 0);
    g_autoptr(VaultCatalog) catalog = NULL;

    vault_space_restore_reserve(space);
    vault_space_free(space);
    if (!vault_keyring_create(keyring_path, &draft->id, &draft->key, now_s, error) ||
        !fill_keyring(draft, keyring_path, options, now_s, error))
        return FALSE;
    catalog = vault_catalog_open(catalog_path, VAULT_CATALOG_WRITE, &draft->id, error);
    return catalog != NULL && vault_host_write(draft->path, &draft->id, key_path, error);
}

gboolean vault_keep_create_check(const char *path, GError **error)
{
    return !g_file_test(path, G_FILE_TEST_EXISTS) || check_empty(path, error);
}

gboolean vault_keep_create(const char *path, const VaultCreateOptions *options, GError **error)
{
    g_auto(Draft) draft = {.path = g_canonicalize_filename(path, NULL)};

    draft.vault_key_path = options->vault_key_path == NULL
                               ? vault_key_default_path(path)
                               : vault_key_path_of(options->vault_key_path);
    vault_random(draft.id.bytes, VAULT_ID_LEN);
    draft.key.generation = 1;
    vault_random(draft.key.bytes, VAULT_KEY_LEN);
    draft.is_complete =
        check_options(options, error) && make_folders(&draft, error) &&
        vault_key_path_check(draft.path, draft.vault_key_path, error) &&
        write_vault_key(&draft, error) && fill(&draft, options, error) &&
        (options->finish == NULL || options->finish(&draft.id, options->user, error));
    return draft.is_complete;
}
