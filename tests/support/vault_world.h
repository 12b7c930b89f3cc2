/* A whole vault in a folder of its own, for tests of what the libraries do together: mail goes in
 * through ingest, copies are listed and released by the keeper, a grant is what its master opens.
 */
#pragma once

#include "ingest/delivery.h"
#include "restore/sources.h"
#include "vault/crypto/key_files.h"
#include "vault/keep.h"
#include "vault/open.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define VAULT_WORLD_RECEIVED_S G_GUINT64_CONSTANT(1795512600) /* 2026-11-24 */

typedef struct {
    char *folder, *path, *key_path;
    VaultMaster master;
    VaultKeep *keep;
    VaultRecordSource records;
} VaultWorld;

VaultWorld *vault_world_new(void);
void vault_world_free(VaultWorld *world); /* removes the folder */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultWorld, vault_world_free)
/* Closes the vault, so that its packs are whole files. */
void vault_world_close(VaultWorld *world);
void vault_world_open(VaultWorld *world);

/* The archive id. */
RecordId vault_world_deliver(VaultWorld *world, const char *owner, const void *message, gsize len);

/* GArray of VaultCopyEntry: all copies, in order of time. */
GArray *vault_world_copies(VaultWorld *world);
ContentSlot vault_world_release(VaultWorld *world, const VaultCopyEntry *entry);

/* GArray of VaultGrantedKey of every month, unwrapped with the master's secret; wiped on unref. */
GArray *vault_world_grant(VaultWorld *world);
/* NULL when a key is not the one of its month. */
VaultReader *vault_world_reader(VaultWorld *world, const GArray *granted);

/* The opened copy, NULL with the error. */
VaultOpenedCopy *vault_world_open_copy(VaultWorld *world, VaultReader *reader,
                                       const VaultCopyEntry *entry, const ContentSlot *slot,
                                       GError **error);
/* The message of an opened copy, NULL with the error. */
GByteArray *vault_world_open_body(VaultWorld *world, VaultReader *reader,
                                  const VaultOpenedCopy *copy, GError **error);
