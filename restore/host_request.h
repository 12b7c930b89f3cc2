/* An act of the host that the policy may want approved, on the command's side: written as a request
 * to be approved, or done at once.
 *
 *   --propose FILE   the request is written, nothing is done; people approve it (muniment approve)
 *   --approved FILE  exactly what the request says is done
 *   neither          the request is made and done: refused where approvals are missing
 *
 * Errors: those of vault_request_file_format(), vault_access_operate() and of the file; BUSY (a
 * file of that name is there). Threads: the main thread only.
 */
#pragma once

#include "vault/act/request_file.h"
#include "vault/keep.h"

typedef struct {
    VaultAct act;
    const char *case_id;
    const char *reason;
    const char *detail; /* what exactly (docs/formats/request.md, "Acts of the host") */
} RestoreHostAct;

/* Of the policy in force; expires in 30 days. New string. */
char *restore_host_request_make(VaultKeep *keep, const RestoreHostAct *act, GError **error);
/* Writes it, and says who has to approve. */
gboolean restore_host_request_propose(VaultKeep *keep, const RestoreHostAct *act, const char *path,
                                      GError **error);
/* Reads a request and checks that it is for this act and has this detail (REFUSED): what is typed
 * beside it must be what was approved. New string. */
char *restore_host_request_read(const char *path, const RestoreHostAct *act, GError **error);
