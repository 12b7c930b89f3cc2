/* Finding one's way in a pack: the record at an offset, the next one after damage, the next commit
 * record. All below `limit`, the end of the groups. Internal to vault/store. Errors: IO.
 */
#pragma once

#include "vault/store/pack_format.h"
#include "vault/store/pack_window.h"

typedef struct {
    VaultPackWindow *window;
    PackId pack_id;
    guint64 limit;
} VaultPackSearch;

typedef enum { VAULT_SEARCH_FOUND, VAULT_SEARCH_NONE } VaultSearchResult;

/* The record whose header stands at `offset` and which ends at `limit` or before. */
gboolean vault_pack_search_at(const VaultPackSearch *search, guint64 offset,
                              VaultSearchResult *ret_result, VaultScannedRecord *ret_record,
                              GError **error);
/* The first such record at `from` or later. */
gboolean vault_pack_search_record(const VaultPackSearch *search, guint64 from,
                                  VaultSearchResult *ret_result, VaultScannedRecord *ret_record,
                                  GError **error);
/* The commit record at `offset`, if it is one of this pack that says where it stands. */
gboolean vault_pack_search_commit_at(const VaultPackSearch *search, guint64 offset,
                                     VaultSearchResult *ret_result, VaultPackCommit *ret_commit,
                                     GError **error);
/* The first commit record of a group that starts at `from` or later. It stands at start + len. */
gboolean vault_pack_search_commit(const VaultPackSearch *search, guint64 from,
                                  VaultSearchResult *ret_result, VaultPackCommit *ret_commit,
                                  GError **error);
