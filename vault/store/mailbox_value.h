/* A mailbox as the keyring's sealed directory holds it: kind, state, dated addresses.
 * Pure functions. Errors: CORRUPT, UNSUPPORTED (version).
 * Source: docs/formats/keyring.md, section "Mailbox".
 */
#pragma once

#include "vault/base/error.h"
#include "vault/base/id.h"

#define VAULT_MAILBOX_ADDRESSES_MAX 1024

typedef enum { VAULT_MAILBOX_ORDINARY = 1, VAULT_MAILBOX_UNASSIGNED = 2 } VaultMailboxKind;
typedef enum { VAULT_MAILBOX_OPEN = 1, VAULT_MAILBOX_CLOSED = 2 } VaultMailboxState;
typedef enum { VAULT_ADDRESS_ALIAS = 0, VAULT_ADDRESS_PRIMARY = 1 } VaultAddressRank;

typedef struct {
    char *address; /* normalised, 1..VAULT_ADDRESS_LEN_MAX bytes */
    VaultAddressRank rank;
    guint64 from_s;
    guint64 until_s; /* 0 = still its address */
} VaultMailboxAddress;
VaultMailboxAddress *vault_mailbox_address_new(const char *text, VaultAddressRank rank,
                                               guint64 from_s, guint64 until_s);
void vault_mailbox_address_free(VaultMailboxAddress *address);

typedef struct {
    MailboxId mailbox_id; /* the row id: not in the value */
    VaultMailboxKind kind;
    VaultMailboxState state;
    guint64 created_s;
    guint64 closed_s;     /* 0 while open */
    GPtrArray *addresses; /* VaultMailboxAddress; none for unassigned */
} VaultMailboxValue;

/* `address` NULL makes the unassigned mailbox. A fresh random id. */
VaultMailboxValue *vault_mailbox_value_new(const char *address, guint64 now_s);
void vault_mailbox_value_free(VaultMailboxValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultMailboxValue, vault_mailbox_value_free)

/* The primary address of now (borrowed), NULL when there is none. */
const char *vault_mailbox_value_primary(const VaultMailboxValue *value);

GByteArray *vault_mailbox_value_format(const VaultMailboxValue *value);
VaultMailboxValue *vault_mailbox_value_parse(const MailboxId *mailbox_id, const guint8 *bytes,
                                             gsize len, GError **error);
