/* A mailbox-month as the keyring holds it: identity, public keys, wraps, high-water mark, tree.
 * Pure functions. Errors: CORRUPT, UNSUPPORTED (version, suite).
 * Source: docs/formats/keyring.md, section "Month".
 */
#pragma once

#include "vault/crypto/erasure_tree.h"
#include "vault/crypto/month.h"

/* Leaves reserved at once; the first block comes with the key itself. */
#define VAULT_LEAF_BLOCK 1024
#define VAULT_LEAVES_MAX (G_GUINT64_CONSTANT(1) << VAULT_ERASURE_TREE_DEPTH)

typedef struct {
    MonthKeyId month_key_id; /* the row id: not in the value, follows from keys.content */
    MailboxId mailbox_id;
    VaultMonth month;
    char *address;     /* primary address when the key was made; "" for unassigned */
    guint64 created_s; /* below 2^40 */
    MonthPublicKeys keys;
    GArray *wraps;     /* VaultWrap */
    guint64 leaf_mark; /* leaves below it may have been handed out; 1 to VAULT_LEAVES_MAX */
    VaultErasureTree *tree;
} VaultMonthValue;

/* Makes the keys and wraps them (vault_month_create); mark VAULT_LEAF_BLOCK. REFUSED, NO_KEY. */
VaultMonthValue *vault_month_value_new(const VaultMonthIdentity *identity,
                                       const VaultWrapRecipient *recipients, gsize count,
                                       guint64 now_s, GError **error);
void vault_month_value_free(VaultMonthValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultMonthValue, vault_month_value_free)

/* The wrap for this key; NULL: there is none. Borrowed. */
const VaultWrap *vault_month_value_wrap(const VaultMonthValue *value, VaultWrapKind kind,
                                        const KeyId *key_id);

/* Always of version 2. The caller frees it with vault_value_free(), which wipes. */
GByteArray *vault_month_value_format(const VaultMonthValue *value);
/* Of either version. The mailbox is the one whose row key opened the value; version 1 names it,
 * too: CORRUPT where that is another. */
VaultMonthValue *vault_month_value_parse(const MailboxId *mailbox_id, const guint8 *bytes,
                                         gsize len, GError **error);
