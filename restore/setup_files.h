/* What "muniment setup" makes for its person to carry off the host, in one folder:
 *
 *   master, master.pub      reader.key, reader.pub      vaultkey      recovery-sheet.txt
 *   escrow.pub, escrow-sheet.txt      vaultkey.escrow
 *
 * The escrow key is on its sheet alone; escrow.pub is written when the sheet on disk has given it
 * back. vaultkey.escrow is the vault key sealed to it.
 * Whatever of it was made is removed again unless setup_files_keep() was called. Errors: BUSY (one
 * of the files is there: nothing is overwritten), NOT_FOUND, IO, NO_SPACE, TOO_LARGE (paths too
 * long for the sheet), and those of restore/master_files.h and restore/identity_files.h. Threads:
 * the main thread only.
 */
#pragma once

#include "restore/identity_files.h"
#include "restore/master_files.h"
#include "restore/new_vault.h"

typedef struct {
    char *directory;
    RestoreMasterFiles master;
    RestoreIdentityFiles reader; /* names NULL: the reader has an identity already */
    char *vault_key;             /* the copy */
    char *sheet;
    char *escrow_public, *escrow_sheet, *vault_key_escrow;
    EscrowPublicKey escrow_key;
    gboolean has_qr;
    GPtrArray *made; /* paths, to be removed again */
    gboolean is_directory_made;
} SetupFiles;
void setup_files_clear(SetupFiles *files);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SetupFiles, setup_files_clear)

/* Names the files, makes the folder, and sees that none of them is there. */
gboolean setup_files_prepare(const char *directory, SetupFiles *ret_files, GError **error);
/* Both halves of the master, under a passphrase (restore_master_files_create()). */
gboolean setup_files_add_master(SetupFiles *files, const char *verb, const char *passphrase_file,
                                VaultMaster *ret_master, GError **error);
gboolean setup_files_add_reader(SetupFiles *files, const char *name, GError **error);
/* The copies of the vault key, plain and in escrow, and the sheets: the master's and the escrow
 * key's words, and what else a recovery takes. */
gboolean setup_files_add_recovery(SetupFiles *files, const RestoreNewVault *vault,
                                  const VaultMaster *master, GError **error);
void setup_files_keep(SetupFiles *files);
