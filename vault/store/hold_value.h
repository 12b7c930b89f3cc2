/* A hold as the keyring has it: which mail it covers, why, and when it ended.
 *
 * A hold covers a copy when one of its mailbox terms fits the copy's mailbox, the copy was received
 * in [from, to), and the message is one of those named, if any are. An address fits each mailbox
 * that ever had it, and those that will. The row stays when a hold is removed: for 30 days it still
 * stands in the way, later it tells what was held. Pure functions. Errors: CORRUPT, UNSUPPORTED
 * (version). Source: docs/formats/keyring.md, section "Hold".
 */
#pragma once

#include "vault/base/error.h"
#include "vault/base/id.h"

#define VAULT_HOLD_ADDRESSES_MAX 100000
#define VAULT_HOLD_DOMAINS_MAX 1000
#define VAULT_HOLD_MAILBOXES_MAX 100000
#define VAULT_HOLD_MESSAGES_MAX 100000
#define VAULT_HOLD_CASE_LEN_MAX 128
#define VAULT_HOLD_REASON_LEN_MAX 2048

typedef struct {
    RowId hold_id; /* the row id: not in the value */
    guint64 created_s;
    guint64 from_s;
    guint64 to_s;         /* 0 = no end */
    guint64 until_s;      /* it ends by itself then; 0 = never */
    guint64 removed_s;    /* 0 = was not removed */
    char *case_id;        /* 1..VAULT_HOLD_CASE_LEN_MAX bytes */
    char *reason;         /* 1..VAULT_HOLD_REASON_LEN_MAX bytes */
    char *removed_reason; /* "" while it is not removed */
    gboolean is_all;      /* every mailbox; then the three lists are empty */
    GPtrArray *addresses; /* char *, normalised */
    GPtrArray *domains;   /* char * */
    GArray *mailboxes;    /* MailboxId */
    GArray *messages;     /* RecordId, archive ids; none = every message */
} VaultHoldValue;

/* Empty, with a fresh random id. */
VaultHoldValue *vault_hold_value_new(void);
void vault_hold_value_free(VaultHoldValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultHoldValue, vault_hold_value_free)

/* When it ends or ended, by date or by removal; G_MAXUINT64 = not yet. */
guint64 vault_hold_value_end_s(const VaultHoldValue *value);

/* Must be as vault_hold_value_parse() takes it (asserted where a length is at stake). */
GByteArray *vault_hold_value_format(const VaultHoldValue *value);
VaultHoldValue *vault_hold_value_parse(const RowId *hold_id, const guint8 *bytes, gsize len,
                                       GError **error);
