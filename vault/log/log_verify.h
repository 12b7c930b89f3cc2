/* Verifying a whole log: every entry against its tile, every tile against the one above, all of it
 * against the signed checkpoint, and that against an older one kept elsewhere.
 *
 * Goes on after a finding and names all of them. Reads each file once, holds one bundle and one
 * tile of each level. Threads: one at a time.
 */
#pragma once

#include "vault/log/log_reader.h"

typedef struct {
    /* An older checkpoint of this log, its signature checked: NULL for none. A log that does not
     * continue it was set back or forked. */
    const VaultCheckpoint *older;
    /* Sees each entry as it was logged, in order, and may look at its sidecar; what it sets is a
     * finding. NULL: not wanted. */
    gboolean (*check_entry)(guint64 index, const guint8 *entry, gsize len, gpointer user,
                            GError **error);
    /* Is told each finding, in words for the operator. NULL: not wanted. */
    void (*found)(const char *finding, gpointer user);
    gpointer user;
} VaultLogVerifyOptions;

/* TRUE: all is as it was signed. Else CORRUPT with the first finding and their number. */
gboolean vault_log_verify_all(VaultLogReader *reader, const VaultLogVerifyOptions *options,
                              GError **error);
