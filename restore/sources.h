/* The record source and the release source of a vault on this host, for vault/open.h: where
 * reading meets keeping. Over ssh (`muniment serve`) others will stand in their place.
 *
 * Releases are asked for in batches, since each is logged durably before its slots are given.
 * Threads: both are safe, like the keeper.
 */
#pragma once

#include "vault/keep.h"
#include "vault/open.h"

/* Entries in one release; more are asked for in several. */
#define SOURCES_RELEASE_COUNT_MAX 256

/* The keeper is borrowed. */
VaultRecordSource sources_local_records(VaultKeep *keep);
VaultReleaseSource sources_local_releases(VaultKeep *keep);

VaultOpenEntry sources_open_entry(const VaultCopyEntry *entry);
