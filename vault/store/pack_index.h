/* What a closed pack's trailer says of its records, none of them read.
 * Errors: those of vault_pack_scan_open(). Threads: safe. Source: docs/formats/pack.md.
 */
#pragma once

#include "vault/store/pack_reader.h"

/* Records in the index, as the file's last bytes have it: nothing vouches for it, two short reads
 * tell it. 0: there is no trailer. */
gboolean vault_pack_index_count(const char *path, guint64 *ret_count, GError **error);

/* The index, checked: GArray of VaultIndexedRecord, by offset. CORRUPT also: no trailer holds. */
GArray *vault_pack_index_load(const char *path, const VaultId *vault_id, GError **error);

/* The locator of one of them, by one short read of the pack that is open as `fd`. *ret_is_open is
 * FALSE when no record of that kind with a locator that opens stands there. IO; CORRUPT: the file
 * ends before. */
gboolean vault_pack_index_locator(int fd, const char *path, const VaultIndexedRecord *record,
                                  const LocatorKey *key, VaultLocator *ret_locator,
                                  gboolean *ret_is_open, GError **error);
