/* Time stamps kept beside a vault's logs, in VAULT/log/stamps:
 *
 *     <stem>.checkpoint           the signed checkpoint that was stamped, byte by byte
 *     <stem>-<seconds>.tsr        a response of an authority to it, by the time that it names
 *
 * stem = the first 16 bytes of the SHA-256 of the checkpoint's file, in hexadecimal: the beginning
 * of what the response is of. A checkpoint without a response is a query that was not answered yet.
 * Errors: IO, NO_SPACE, NOT_FOUND (no checkpoint that the response is of), and those of stamp.h.
 * Threads: one at a time.
 */
#pragma once

#include "restore/stamp.h"

/* Durable on return; once more is no error. */
gboolean stamp_folder_keep_checkpoint(const char *vault_path, const char *note, GError **error);
/* The checkpoint that it is of is there. */
gboolean stamp_folder_keep_response(const char *vault_path, GBytes *response, Stamp *ret_stamp,
                                    GError **error);

typedef struct {
    const char *name;   /* of the response's file, without the folder */
    GBytes *checkpoint; /* NULL: it is not there */
    GBytes *response;
} StampFile;
/* Each response, by name; FALSE of the visitor ends it and is handed on. */
typedef gboolean (*StampVisit)(const StampFile *file, gpointer user, GError **error);
gboolean stamp_folder_visit(const char *vault_path, StampVisit visit, gpointer user,
                            GError **error);
