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
