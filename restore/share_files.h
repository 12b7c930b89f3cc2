/* Shares in files: read for a command, written as sheets that are printed.
 *
 * A sheet is the text of docs/formats/shares.md, then lines for people that begin with "#", the QR
 * code among them. Errors as vault_share_sheet_parse() with the file's name before them; BUSY (a
 * file of that name is there), NOT_FOUND, IO, NO_SPACE. Threads: none shared.
 */
#pragma once

#include "restore/share_collection.h"

gboolean restore_share_file_read(const char *path, VaultShareSheet *ret_sheet, GError **error);
/* Adds the shares of all files, which must not contradict each other. */
gboolean restore_share_files_add(char *const *paths, RestoreShares *shares, GError **error);

/* "share-2-of-5.txt" below `directory`. */
char *restore_share_file_path(const char *directory, guint number, guint count);
/* Mode 0600. `notes` are further lines for people, each with "# " before it and LF after it, at
 * most RESTORE_SHARE_NOTES_LEN_MAX bytes (asserted); may be NULL. `ret_has_qr` (may be NULL) tells
 * whether there was a qrencode(1) to draw the code. */
#define RESTORE_SHARE_NOTES_LEN_MAX 16384
gboolean restore_share_file_write(const char *path, const VaultShareSheet *sheet, const char *notes,
                                  gboolean *ret_has_qr, GError **error);
