/* The master's secret, or the escrow key's, from where a person keeps it: a file under a
 * passphrase, or shares, in files or typed in. What all verbs that need it share.
 *
 * Errors: as vault_master_parse() and restore_passphrase_read() for the file, as
 * restore/share_files.h, restore/share_prompt.h and restore/share_collection.h for shares.
 * Threads: the main thread only.
 */
#pragma once

#include "restore/share_collection.h"

/* From a command's options; exactly one of the first three. */
typedef struct {
    VaultShareRole role;
    char *master;       /* --master F or --escrow F, with or without --passphrase-file */
    char **share_files; /* --share F... */
    gboolean ask_shares;
    char *passphrase_file;
} RestoreMasterSource;
void restore_master_source_clear(RestoreMasterSource *source);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreMasterSource, restore_master_source_clear)

/* What to tell about options that do not go together; NULL when they do. */
const char *restore_master_source_problem(const RestoreMasterSource *source);

gboolean restore_master_secret_read(const RestoreMasterSource *source, VaultMaster *ret_master,
                                    GError **error);
/* All shares into `shares`, which may expect a set: from files where there are any, else typed. */
gboolean restore_master_shares_read(char *const *share_files, RestoreShares *shares,
                                    GError **error);
