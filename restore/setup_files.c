#include "restore/setup_files.h"

#include "restore/output.h"
#include "restore/setup_sheet.h"
#include "restore/share_files.h"
#include "vault/base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void setup_files_clear(SetupFiles *files)
{
    for (guint i = 0; files->made != NULL && i < files->made->len; i++)
        (void)unlink(g_ptr_array_index(files->made, i));
    if (files->is_directory_made)
        (void)rmdir(files->directory);
    g_clear_pointer(&files->made, g_ptr_array_unref);
    restore_master_files_clear(&files->master);
    restore_identity_files_clear(&files->reader);
    g_clear_pointer(&files->directory, g_free);
    g_clear_pointer(&files->vault_key, g_free);
    g_clear_pointer(&files->sheet, g_free);
    g_clear_pointer(&files->escrow_public, g_free);
    g_clear_pointer(&files->escrow_sheet, g_free);
    g_clear_pointer(&files->vault_key_escrow, g_free);
}

void setup_files_keep(SetupFiles *files)
{
    g_ptr_array_set_size(files->made, 0);
    files->is_directory_made = FALSE;
}

static gboolean note_made(SetupFiles *files, const char *path, gboolean is_made)
{
    if (is_made)
        g_ptr_array_add(files->made, g_strdup(path));
    return is_made;
}

/* ---- before anything is made ---------------------------------------------------------------- */

static gboolean make_directory(SetupFiles *files, GError **error)
{
    files->is_directory_made = mkdir(files->directory, 0700) == 0;
    if (files->is_directory_made || errno == EEXIST)
        return TRUE;
    return vault_error_set_errno(error, errno, "cannot make the folder", files->directory);
}

static gboolean refuse_existing(const SetupFiles *files, GError **error)
{
    static const char *const names[] = {"reader.key",         "reader.pub", "vaultkey",
                                        "recovery-sheet.txt", "escrow.pub", "escrow-sheet.txt",
                                        "vaultkey.escrow"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(files->directory, names[i], NULL);

        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            continue;
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "%s exists and is not overwritten; choose another --out", path);
        return FALSE;
    }
    return TRUE;
}

gboolean setup_files_prepare(const char *directory, SetupFiles *ret_files, GError **error)
{
    ret_files->made = g_ptr_array_new_with_free_func(g_free);
    ret_files->directory = g_strdup(directory);
    ret_files->vault_key = g_build_filename(directory, "vaultkey", NULL);
    ret_files->sheet = g_build_filename(directory, "recovery-sheet.txt", NULL);
    ret_files->escrow_public = g_build_filename(directory, "escrow.pub", NULL);
    ret_files->escrow_sheet = g_build_filename(directory, "escrow-sheet.txt", NULL);
    ret_files->vault_key_escrow = g_build_filename(directory, "vaultkey.escrow", NULL);
    return make_directory(ret_files, error) &&
           restore_master_files_prepare(directory, &ret_files->master, error) &&
           refuse_existing(ret_files, error);
}

/* ---- one after the other -------------------------------------------------------------------- */

gboolean setup_files_add_master(SetupFiles *files, const char *verb, const char *passphrase_file,
                                VaultMaster *ret_master, GError **error)
{
    gboolean is_made =
        restore_master_files_create(&files->master, verb, passphrase_file, ret_master, error);

    note_made(files, files->master.secret, files->master.is_secret_made);
    return note_made(files, files->master.public, is_made);
}

gboolean setup_files_add_reader(SetupFiles *files, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(files->directory, "reader.key", NULL);

    if (!restore_identity_files_create(path, name, &files->reader, error))
        return FALSE;
    note_made(files, files->reader.secret, TRUE);
    return note_made(files, files->reader.public, TRUE);
}

static gboolean copy_vault_key(const char *from, const char *to, GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(from, VAULT_KEY_FILE_LEN_MAX, error);
    gboolean is_written;
    gsize len = 0;
    char *text;

    if (bytes == NULL)
        return FALSE;
    text = g_bytes_unref_to_data(g_steal_pointer(&bytes), &len);
    is_written = vault_file_write(to, text, len, 0600, VAULT_FILE_NEW, error);
    vault_wipe(text, len);
    g_free(text);
    return is_written;
}

/* ---- the escrow key ------------------------------------------------------------------------- */

static gboolean read_vault_key(const RestoreNewVault *vault, VaultKey *ret_key, GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(vault->vault_key, VAULT_KEY_FILE_LEN_MAX, error);
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX];
    VaultId vault_id;
    gsize count;
    gboolean is_parsed;

    if (bytes == NULL)
        return FALSE;
    is_parsed = vault_key_file_parse(g_bytes_get_data(bytes, NULL), &vault_id, keys, &count, error);
    vault_wipe((void *)g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    if (is_parsed)
        *ret_key = keys[count - 1];
    vault_wipe(keys, sizeof keys);
    return is_parsed;
}

static gboolean write_sealed(const char *path, const RestoreNewVault *vault,
                             const EscrowPublicKey *escrow_key, GError **error)
{
    VaultEscrowFile file = {.vault_id = vault->id, .escrow_key = *escrow_key, .count = 1};
    g_auto(VaultKey) key = {.generation = 0};
    g_autofree char *text = NULL;

    if (!read_vault_key(vault, &key, error) ||
        !vault_escrow_seal(escrow_key, &vault->id, &key, &file.keys[0], error))
        return FALSE;
    text = vault_escrow_file_format(&file);
    return restore_output_write(path, text, RESTORE_OUTPUT_PRIVATE, error);
}

/* What the sheet gives, as it lies on disk, is the key. */
static gboolean sheet_gives(const char *path, const VaultEscrow *escrow, GError **error)
{
    g_autoptr(RestoreShares) shares = restore_shares_new(VAULT_SHARE_ESCROW);
    char *const paths[] = {(char *)path, NULL};
    g_auto(VaultMaster) pair = {0};

    if (!restore_share_files_add(paths, shares, error) ||
        !restore_shares_combine(shares, &pair, error))
        return FALSE;
    g_assert(memcmp(&pair.public, &escrow->pair.public, sizeof pair.public) == 0);
    return TRUE;
}

static gboolean add_escrow(SetupFiles *files, const RestoreNewVault *vault, GError **error)
{
    g_auto(VaultEscrow) escrow = {0};
    VaultEscrowPublic public;
    g_autofree char *text = NULL;

    vault_escrow_create(&escrow);
    public = vault_escrow_public(&escrow);
    files->escrow_key = vault_escrow_public_key(&public);
    text = vault_escrow_public_format(&public);
    return note_made(files, files->escrow_sheet,
                     setup_sheet_write_escrow(files->escrow_sheet, vault, &escrow, error)) &&
           sheet_gives(files->escrow_sheet, &escrow, error) &&
           note_made(
               files, files->escrow_public,
               restore_output_write(files->escrow_public, text, RESTORE_OUTPUT_PUBLIC, error)) &&
           note_made(files, files->vault_key_escrow,
                     write_sealed(files->vault_key_escrow, vault, &files->escrow_key, error));
}

gboolean setup_files_add_recovery(SetupFiles *files, const RestoreNewVault *vault,
                                  const VaultMaster *master, GError **error)
{
    return note_made(files, files->vault_key,
                     copy_vault_key(vault->vault_key, files->vault_key, error)) &&
           add_escrow(files, vault, error) &&
           note_made(files, files->sheet,
                     setup_sheet_write(files->sheet, vault, master, &files->has_qr, error));
}
