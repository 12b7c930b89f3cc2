/* Inside vault/keep: since when what is dead is dead, as the erasures in the keyring have it.
 *
 * A tree forgets a leaf without saying when: the erasure that named its message does, by the date
 * on which it destroyed. Threads: one user. Errors: those of keyring and packs.
 */
#pragma once

#include "vault/keep/liveness.h"
#include "vault/keep/pack_files.h"

typedef struct VaultCompactDates VaultCompactDates;
VaultCompactDates *vault_compact_dates_new(VaultKeyring *keyring, GError **error);
void vault_compact_dates_free(VaultCompactDates *dates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultCompactDates, vault_compact_dates_free)

/* The earliest erasure that named the message; 0: none did. */
guint64 vault_compact_dates_of_message(const VaultCompactDates *dates, const RecordId *body_id);
/* The earliest erasure from then on; 0: there was none. Nothing in a pack died before it was made.
 */
guint64 vault_compact_dates_since(const VaultCompactDates *dates, guint64 made_s);

/* The earliest death of a copy in the pack, by its locators, one short read each; 0: none is known
 * to be dead. One that no erasure named counts as killed by the first since the pack was made. */
gboolean vault_compact_dates_of_pack(const VaultCompactDates *dates, const VaultPackFile *file,
                                     const LocatorKey *locator_key, VaultLiveness *liveness,
                                     guint64 *ret_died_s, GError **error);
