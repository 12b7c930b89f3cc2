/* Inside vault/keep: which holds and which retention rules are about a mailbox.
 *
 * Both go by every address that the mailbox ever had. Pure but for reading the keyring's rows.
 * Threads: none shared. Errors: those of the keyring.
 */
#pragma once

#include "vault/store/hold_value.h"
#include "vault/store/keyring.h"
#include "vault/store/retention_value.h"

/* A hold with its lists as sets: it may name 100,000 messages and is asked for each copy. */
typedef struct {
    VaultHoldValue *hold;
    GHashTable *addresses, *domains; /* char *; borrowed from the hold */
    GHashTable *mailboxes;           /* MailboxId */
    GHashTable *messages;            /* RecordId; NULL = every message */
} VaultJudgedHold;
/* Takes the hold over. */
VaultJudgedHold *vault_judged_hold_new(VaultHoldValue *hold);
void vault_judged_hold_free(VaultJudgedHold *hold);

gboolean vault_judged_hold_fits(const VaultJudgedHold *hold, const VaultMailboxValue *mailbox);

/* The rules that count for the mailbox: GPtrArray of the given VaultRetentionValue, borrowed. */
GPtrArray *vault_retention_rules_of(const GPtrArray *rules, const VaultMailboxValue *mailbox);
/* Until when such a rule keeps what was received then, and after when it is past its maximum.
 * G_MAXUINT64: as long as the mailbox is open, for ever. */
guint64 vault_retention_kept_until(const VaultRetentionValue *rule,
                                   const VaultMailboxValue *mailbox, guint64 received_s);
guint64 vault_retention_expires(const VaultRetentionValue *rule, const VaultMailboxValue *mailbox,
                                guint64 received_s);

/* All rows of the tables: GPtrArray of VaultHoldValue, of VaultRetentionValue. */
GPtrArray *vault_holds_read(VaultKeyring *keyring, GError **error);
GPtrArray *vault_retention_rules_read(VaultKeyring *keyring, GError **error);
