/* Opening a vault for a command that reads it, beside a running daemon or without one.
 *
 * With a daemon: it is asked to bring its catalog up to date, then the vault is opened as reader.
 * Without one: the command recovers the vault first, as its writer, and lets go of the lock before
 * it reads, so that a daemon may start meanwhile. Where that cannot be done (another command is the
 * writer, a folder that may only be read) the vault is opened as it is, and *ret_warning says that
 * the newest mail may be missing. Errors: of vault_keep_open(). As root: acts as the vault's owner
 * and is root again on return.
 */
#pragma once

#include "vault/keep.h"

typedef enum {
    VAULT_ACCESS_UP_TO_DATE, /* everything acknowledged is seen */
    VAULT_ACCESS_AS_IT_IS,   /* quick: for a look */
} VaultAccessFreshness;

VaultKeep *vault_access_open(const char *path, VaultAccessFreshness freshness, char **ret_warning,
                             GError **error);

/* An operator's act (vault_keep_operate()): by the daemon, or where none runs by this process as
 * the writer. As root: acts as the vault's owner from then on. *ret_answer may be NULL. */
gboolean vault_access_operate(const char *path, const char *act, const char *text, gsize len,
                              char **ret_answer, GError **error);
/* The same with a file's bytes as the text, at most `len_max`. */
gboolean vault_access_operate_with_file(const char *path, const char *act, const char *file,
                                        gsize len_max, GError **error);
