/* A retention rule as the keyring has it: whose mail is kept how long, at least and at most.
 *
 * Which of several rules counts is vault/keep/judge.h's. Pure functions. Errors: CORRUPT,
 * UNSUPPORTED (version). Source: docs/formats/keyring.md, section "Retention".
 */
#pragma once

#include "vault/base/error.h"
#include "vault/base/id.h"

#define VAULT_RETENTION_DAYS_MAX 73050 /* 200 years */

typedef enum {
    VAULT_RETENTION_DEFAULT = 1,
    VAULT_RETENTION_DOMAIN,
    VAULT_RETENTION_MAILBOX
} VaultRetentionScope;

typedef enum {
    VAULT_RETENTION_FROM_RECEIPT = 1,
    VAULT_RETENTION_FROM_CLOSING /* while the mailbox is open the days have not begun */
} VaultRetentionBasis;

typedef struct {
    RowId rule_id; /* the row id: not in the value */
    VaultRetentionScope scope;
    char *name; /* domain, address, 32 hexadecimal digits of a mailbox; "" for the default */
    VaultRetentionBasis basis;
    guint32 min_days; /* 0 = may go at once */
    guint32 max_days; /* 0 = kept for ever; else not below min_days */
    guint64 set_s;
} VaultRetentionValue;

/* A fresh random id. */
VaultRetentionValue *vault_retention_value_new(VaultRetentionScope scope, const char *name);
void vault_retention_value_free(VaultRetentionValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultRetentionValue, vault_retention_value_free)

GByteArray *vault_retention_value_format(const VaultRetentionValue *value);
VaultRetentionValue *vault_retention_value_parse(const RowId *rule_id, const guint8 *bytes,
                                                 gsize len, GError **error);
