/* The record source and the release source of a vault on this host, for vault/open.h: where
 * reading meets keeping. Over ssh (`muniment serve`) others will stand in their place.
 *
 * Releases are asked for in batches, since each is logged durably before its slots are given.
 * Threads: the record source is safe, like the keeper; the release source has one user.
 */
#pragma once

#include "restore/releaser.h"
#include "vault/keep.h"
#include "vault/open.h"

/* Entries in one release; more are asked for in several. */
#define SOURCES_RELEASE_COUNT_MAX 4096

/* The keeper is borrowed. */
VaultRecordSource sources_local_records(VaultKeep *keep);
VaultOpenEntry sources_open_entry(const VaultCopyEntry *entry);

/* Asks whoever holds the vault for sealed releases, and opens them here. All is borrowed but the
 * two ids. */
typedef struct {
    GBytes *(*ask)(gpointer user, const RecordId *copies, gsize count, GError **error);
    gpointer user;
    const VaultIdentity *identity;
    VaultId vault_id;
    VaultHash grant_hash;
} SourcesReleases;
VaultReleaseSource sources_releases(SourcesReleases *releases);
/* Of a vault on this host. */
SourcesReleases sources_local_releases(RestoreReleaser *releaser, const VaultIdentity *identity,
                                       const VaultId *vault_id, const VaultHash *grant_hash);
