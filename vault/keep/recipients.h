/* Inside vault/keep: to whom the seed of a new mailbox-month is wrapped: every active master, and
 * the standing readers whose grants cover it.
 *
 * In memory, as keys are made while mail waits. Whoever makes a month holds the lock for reading
 * from before the recipients are chosen until the month's row is durable; whoever changes them
 * holds it for writing until the change is: so each month is either there before the change, or
 * made by what was changed. Threads: safe under the lock. Errors: CORRUPT, UNSUPPORTED, IO.
 */
#pragma once

#include "vault/crypto/key_files.h"
#include "vault/seal.h"
#include "vault/store/keyring.h"
#include "vault/store/reader_value.h"

typedef struct {
    VaultWrapRecipient list[VAULT_WRAPS_MAX];
    gsize count;
} VaultWrapRecipients;

typedef struct VaultRecipients VaultRecipients;
VaultRecipients *vault_recipients_new(VaultKeyring *keyring, GError **error);
void vault_recipients_free(VaultRecipients *recipients);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultRecipients, vault_recipients_free)
GRWLock *vault_recipients_lock(VaultRecipients *recipients);
/* Until all is made that is being made, which are all months of the vault once a month. Whoever is
 * about to close the gate (erasure_gate.h) and to take the lock inside it calls this before, so
 * that mail does not wait for so long. */
void vault_recipients_wait(VaultRecipients *recipients);

/* Masters first. A reader counts whose grant was signed by an active master, has not expired and
 * covers mailbox and month. Where there are more than VAULT_WRAPS_MAX, the last are left out. */
void vault_recipients_of(const VaultRecipients *recipients, const MailboxId *mailbox_id,
                         VaultMonth month, guint64 now_s, VaultWrapRecipients *ret_recipients);
/* VaultReaderValue; borrowed, until a reload. */
const GPtrArray *vault_recipients_readers(const VaultRecipients *recipients);
gsize vault_recipients_master_count(const VaultRecipients *recipients);
/* A change of the readers that is durable; under the lock for writing. Neither can fail, or who was
 * removed would still be wrapped to. */
void vault_recipients_take_reader(VaultRecipients *recipients, VaultReaderValue *reader);
void vault_recipients_drop_reader(VaultRecipients *recipients, const VaultHash *request_hash);
/* From the keyring again, after a change; under the lock for writing. When it fails nothing is
 * changed here. */
gboolean vault_recipients_reload(VaultRecipients *recipients, GError **error);
