/* Compacted packs: what is left of packs that were mostly dead, and which packs those were.
 *
 *   begin -> (begin_source -> keep, drop, ... [-> abandon_source])* -> publish
 *
 * The pack bears a draft's name until all of it is on stable storage: so one that has its name is
 * whole, and every pack that it names as replaced may be removed, now or at the next start. Records
 * are copied as they are. Their hashes, and those of what was dropped, are the caller's: it read
 * the records. What a replaced pack had itself replaced and dropped is carried on.
 * Errors: NO_SPACE, IO; of reading: CORRUPT, NOT_FOUND. Threads: one user. Source:
 * docs/formats/pack.md.
 */
#pragma once

#include "vault/store/pack_reader.h"

typedef struct VaultPackCompacted VaultPackCompacted;
VaultPackCompacted *vault_pack_compacted_begin(const char *directory, const VaultId *vault_id,
                                               GError **error);
/* Removes the draft unless it was published. */
void vault_pack_compacted_free(VaultPackCompacted *compacted);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultPackCompacted, vault_pack_compacted_free)

/* All that is left of this pack follows. TOO_LARGE: the lists are full, begin another one. */
gboolean vault_pack_compacted_begin_source(VaultPackCompacted *compacted,
                                           const VaultPackHeader *source, GError **error);
/* `source` is a compacted pack itself, at `path`: its lists are carried on. */
gboolean vault_pack_compacted_carry_lists(VaultPackCompacted *compacted, const char *path,
                                          const VaultPackHeader *source, GError **error);
/* A record with bytes, kind, id and hash. Takes it over. */
gboolean vault_pack_compacted_keep(VaultPackCompacted *compacted, VaultRecord *record,
                                   GError **error);
void vault_pack_compacted_drop(VaultPackCompacted *compacted, const VaultHash *record_hash);
/* As if the last source had not been begun. */
gboolean vault_pack_compacted_abandon_source(VaultPackCompacted *compacted, GError **error);

/* So far: its groups, without list and trailer; the sources begun. */
guint64 vault_pack_compacted_len(const VaultPackCompacted *compacted);
guint vault_pack_compacted_source_count(const VaultPackCompacted *compacted);

/* Writes the rest of the draft; it keeps its draft's name. Nothing is added after it. */
gboolean vault_pack_compacted_complete(VaultPackCompacted *compacted, GError **error);
/* Syncs the file, gives it its name, syncs the directory. */
gboolean vault_pack_compacted_publish(VaultPackCompacted *compacted, GError **error);
const VaultPackHeader *vault_pack_compacted_header(const VaultPackCompacted *compacted);
/* A new string. */
char *vault_pack_compacted_path(const VaultPackCompacted *compacted);

/* The lists of a compacted pack whose header was read: PackId, in rising order; VaultHash. */
GArray *vault_pack_replaced_read(const char *path, const VaultPackHeader *header, GError **error);
GArray *vault_pack_dropped_read(const char *path, const VaultPackHeader *header, GError **error);
