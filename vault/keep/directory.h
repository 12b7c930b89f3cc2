/* Inside vault/keep: whose mailbox is an address? In memory while the writer runs.
 *
 * All addresses lie sealed in the keyring; here they are a hash table. A mailbox is made, with its
 * row key and the keys of its month in one durable transaction, when its first mail comes. Threads:
 * safe. Errors: as vault/depository.h.
 */
#pragma once

#include "vault/act/policy.h"
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

/* What becomes of mail for an address whose mailbox was closed; unassigned until it is set. */
void vault_directory_set_closed_mail(VaultDirectory *directory, VaultPolicyClosedMail closed_mail);
/* Is mail for the address taken? Where it is not, and comes all the same, it goes to unassigned. */
VaultAdmission vault_directory_admit(VaultDirectory *directory, const char *address);
gboolean vault_directory_resolve(VaultDirectory *directory, const char *address,
                                 MailboxId *ret_mailbox, VaultResolution *ret_resolution,
                                 GError **error);

/* ---- once the keyring says so (mailbox_life.h) ---------------------------------------------- */

/* Its addresses are those of a closed mailbox from now on. */
void vault_directory_close(VaultDirectory *directory, const MailboxId *mailbox_id);
/* Keeps mail from making a mailbox of the address until it is settled, once. REFUSED: an open
 * mailbox has it. */
gboolean vault_directory_reserve(VaultDirectory *directory, const char *address, GError **error);
/* The address is the mailbox's from now on; NULL: nobody's, as before. */
void vault_directory_settle(VaultDirectory *directory, const char *address,
                            const MailboxId *mailbox_id);
/* It is the mailbox's no longer. */
void vault_directory_forget(VaultDirectory *directory, const char *address,
                            const MailboxId *mailbox_id);
