/* Where the indexes of cases lie on their reader's disk, and how they go.
 *
 *   STATE/index/<vault id>/<case row id>/         an index (search/index.h)
 *   STATE/index/<vault id>/<case row id>.case     the case's id, a line: by it a closed case is
 * found
 *   STATE/index/<vault id>/<case row id>.lock     locked by whoever brings the index up to date
 *
 * STATE is the state folder (restore/state_folder.h). Folders are 0700, files 0600. Nothing in an
 * index opens without the identity and the case key; a folder whose key is gone may be removed at
 * any time. Errors: REFUSED (a folder is open to others), BUSY, IO, NO_SPACE. Threads: the main
 * thread.
 */
#pragma once

#include "vault/base/file.h"
#include "vault/base/id.h"

/* The index's folder; it and what it lies in are made where they are not there. New string; NULL
 * with the error. */
char *case_folder_make(const char *state, const VaultId *vault_id, const RowId *case_row_id,
                       const char *case_id, GError **error);
typedef enum {
    CASE_FOLDER_NOW,  /* BUSY where somebody else has it */
    CASE_FOLDER_WAIT, /* for as long as it takes */
} CaseFolderPatience;
/* Until it is closed nobody else has it; -1 with the error. To be held while an index is changed.
 */
VaultFd case_folder_lock(const char *folder, CaseFolderPatience patience, GError **error);
/* Removes what is in an index's folder. */
gboolean case_folder_empty(const char *folder, GError **error);
/* Removes all indexes of the case, however many there are. */
gboolean case_folder_remove(const char *state, const VaultId *vault_id, const char *case_id,
                            guint *ret_count, GError **error);
