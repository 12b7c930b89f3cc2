/* A new master key under a passphrase: DIR/master (secret) and DIR/master.pub, which is written
 * only after the passphrase was entered again and has opened DIR/master as it lies on disk. The
 * escrow key is made the same way, as DIR/escrow and DIR/escrow.pub.
 *
 *   prepare -> create
 *
 * Errors: BUSY (one of them is there: nothing is overwritten), NO_KEY (not the same passphrase),
 * and those of restore_passphrase_read() and vault_master_format(); IO, NO_SPACE. A secret file
 * that was not confirmed is removed again. Threads: the main thread only.
 */
#pragma once

#include "restore/key_role.h"

typedef struct {
    VaultShareRole role;
    char *secret, *public;   /* paths */
    gboolean is_secret_made; /* and was confirmed; it stays when the public half fails */
} RestoreMasterFiles;
void restore_master_files_clear(RestoreMasterFiles *files);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreMasterFiles, restore_master_files_clear)

/* Names the files of ret_files->role, makes their folder where it is not there, and sees that they
 * are not. */
gboolean restore_master_files_prepare(const char *directory, RestoreMasterFiles *ret_files,
                                      GError **error);
/* `passphrase_file` NULL: asked for, and again, on the terminal; `verb` is who asks. */
gboolean restore_master_files_create(RestoreMasterFiles *files, const char *verb,
                                     const char *passphrase_file, VaultMaster *ret_master,
                                     GError **error); /* of escrow: the pair of a VaultEscrow */
