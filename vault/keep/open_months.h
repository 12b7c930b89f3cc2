/* Inside vault/keep: the mailbox-months that are written to now: their public keys, erasure trees,
 * the leaves reserved for them, and an index session for their terms copies.
 *
 * A leaf is never handed out twice: leaves come from blocks whose end is durable in the month's
 * row before the first of them is given; what is left of a block when a month is forgotten or the
 * process ends is never used. The catalog tells of leaves that a keyring restored from an older
 * copy knows nothing of: then a gap keeps clear of those that were given in what no pack shows.
 * The index session lies in locked memory alone. It begins with the first leaf, gives each leaf a step,
 * ends after VAULT_INDEX_STEPS_MAX of them or VAULT_INDEX_SESSION_S, whatever the clock on the wall
 * does, and is wiped when its month is forgotten; it is never gone on with. Bounded: the longest
 * unused months are forgotten first. Threads: safe, each month has a lock of its own. Errors:
 * NO_KEY (no master to wrap to, no leaf left), BUSY (the mailbox was closed, or its month erased,
 * meanwhile: the mail finds its mailbox when it is sent again), NO_SPACE, IO, CORRUPT.
 */
#pragma once

#include "vault/keep/keyring_batch.h"
#include "vault/keep/recipients.h"
#include "vault/store/catalog.h"

#define VAULT_OPEN_MONTHS_MAX 20000
/* Leaves of a month that the keyring knows less of than the packs do start so far behind those. */
#define VAULT_LEAF_GAP 65536
#define VAULT_INDEX_SESSION_S 86400

typedef struct VaultOpenMonths VaultOpenMonths;
VaultOpenMonths *vault_open_months_new(VaultKeyring *keyring, VaultKeyringBatch *batch,
                                       const VaultId *vault_id, VaultRecipients *recipients);
void vault_open_months_free(VaultOpenMonths *months);
/* Once it holds all that was committed before, and before the first leaf is allotted; borrowed. */
void vault_open_months_set_catalog(VaultOpenMonths *months, VaultCatalog *catalog);

/* A month key of the mailbox, made but in no row yet: the caller holds the lock of the recipients
 * until it is. `address` NULL or "": unassigned. */
VaultMonthValue *vault_open_months_make(VaultOpenMonths *months, const MailboxId *mailbox_id,
                                        const char *address, VaultMonth month, guint64 now_s,
                                        GError **error);
/* A month whose row was just committed by this process: its first block is unused. */
void vault_open_months_adopt(VaultOpenMonths *months, const VaultMonthValue *value);

/* What memory holds of a mailbox's months goes: the next allotment reads the keyring, and begins a
 * block of leaves of its own. After the change of the keyring that erased some of it. */
void vault_open_months_forget(VaultOpenMonths *months, const MailboxId *mailbox_id);

/* One fresh leaf with a place for terms; the month's keys are made when there are none. */
gboolean vault_open_months_allot(VaultOpenMonths *months, const MailboxId *mailbox_id,
                                 VaultMonth month, guint64 now_s, VaultAllotment *ret_allotment,
                                 GError **error);
