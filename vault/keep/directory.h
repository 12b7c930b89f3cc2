/* Inside vault/keep: whose mailbox is an address? In memory while the writer runs.
 *
 * All addresses lie sealed in the keyring; here they are a hash table. A mailbox is made, with its
 * row key and the keys of its month in one durable transaction, when its first mail comes. Threads:
 * safe. Errors: as vault/depository.h.
 */
#pragma once

#include "vault/depository.h"
#include "vault/keep/clock.h"
#include "vault/keep/open_months.h"

#define VAULT_NEW_MAILBOXES_PER_HOUR 10000

typedef struct {
    VaultKeyring *keyring;
    VaultKeyringBatch *batch;
    VaultOpenMonths *months;
    VaultRecipients *recipients;
    VaultClock *clock;
    guint new_mailboxes_per_hour; /* 0 = default */
} VaultDirectoryOptions;

typedef struct VaultDirectory VaultDirectory;
/* Reads the keyring; CORRUPT when there is no unassigned mailbox. */
VaultDirectory *vault_directory_new(const VaultDirectoryOptions *options, GError **error);
void vault_directory_free(VaultDirectory *directory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultDirectory, vault_directory_free)

/* The mailbox was closed: its addresses are nobody's from here on. */
void vault_directory_forget(VaultDirectory *directory, const MailboxId *mailbox_id);

gboolean vault_directory_resolve(VaultDirectory *directory, const char *address,
                                 MailboxId *ret_mailbox, VaultResolution *ret_resolution,
                                 GError **error);
