/* Inside vault/keep: what a keeper holds. Each part has its own lock; nothing here changes between
 * open and close. */
#pragma once

#include "vault/keep.h"
#include "vault/keep/catalog_feed.h"
#include "vault/keep/clock.h"
#include "vault/keep/directory.h"
#include "vault/keep/erasure_gate.h"
#include "vault/keep/host.h"
#include "vault/keep/imports.h"
#include "vault/keep/keyring_batch.h"
#include "vault/keep/logs_batch.h"
#include "vault/keep/open_months.h"
#include "vault/keep/release_grants.h"
#include "vault/keep/space.h"
#include "vault/keep/tags.h"
#include "vault/store/catalog.h"
#include "vault/store/keyring.h"

struct VaultKeep {
    char *path;
    char *packs_path;
    char *catalog_path;
    char *vault_key_path;
    GMutex custody_lock; /* one at a time changes what holders and copies hold */
    VaultId id;
    VaultKeepMode mode;
    guint64 disk_reserve;
    VaultFd lock_fd; /* -1: reader */
    VaultKeyring *keyring;
    LocatorKey *locator_key; /* guarded memory */
    VaultPackSet *packs;
    VaultCatalog *reading; /* for queries */
    VaultClock clock;
    VaultSpace *space;
    VaultSshVerify verify_approval;
    gpointer verify_user;
    guint prepared_month; /* atomic: the month whose keys were made ahead */

    /* Writer only, NULL otherwise. */
    VaultKeyringBatch *batch;
    VaultRecipients *recipients;
    VaultOpenMonths *months;
    VaultDirectory *directory;
    VaultTags *tags;
    VaultCatalog *writing; /* the feed's */
    VaultCatalogFeed *feed;
    VaultPackWriter *writer;
    VaultSealer *sealer;
    VaultLogs *logs;
    VaultLogsBatch *log_batch;
    VaultReleaseGrants *release_grants;
    gint is_compacting, is_compacting_stopped; /* atomic */
    guint64 pack_size;
    VaultErasureGate *erasure_gate;
    GMutex erasure_lock;           /* one act of erasure at a time */
    gboolean has_older_vault_keys; /* when it was opened: one was to be destroyed */
    GMutex cosigned_lock; /* the kept cosigned checkpoints are read and replaced under it */
    GMutex terms_lock;    /* one at a time adds terms to copies that have none */
    VaultDepository depository;
};

/* Everything but catalog, feed and pack writer: lock, keyring, locator key. */
VaultKeep *vault_keep_new(const char *path, const VaultKeepOptions *options, GError **error);
/* Makes catalog.sqlite anew and puts it in the old one's place. Writer, no catalog open. */
gboolean vault_keep_build_catalog(VaultKeep *keep, guint64 tags_since_s,
                                  const VaultVerifyCallbacks *callbacks,
                                  VaultRebuildResult *ret_result, GError **error);
void vault_keep_init_depository(VaultKeep *keep);
/* VaultDepository.commit(), for who is inside the erasure gate. */
gboolean vault_keep_commit_inside(VaultKeep *keep, GPtrArray *records, GError **error);

/* For a query that found nothing: what was committed may wait. FALSE: nothing to wait for. */
gboolean vault_keep_catch_up(VaultKeep *keep);
