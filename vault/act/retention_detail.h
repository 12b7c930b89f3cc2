/* What a request for a retention rule says in its detail: how long whose mail is kept, at least and
 * at most. One form; pure. Errors: MALFORMED. Source: docs/formats/request.md, section "Acts of the
 * host".
 *
 *   min 2192 max 3653 from receipt for mailbox anna@firm.example
 */
#pragma once

#include "vault/base/error.h"

#define VAULT_RETENTION_DETAIL_DAYS_MAX 73050 /* 200 years */

typedef enum {
    VAULT_RETENTION_OF_DEFAULT = 1,
    VAULT_RETENTION_OF_DOMAIN,
    VAULT_RETENTION_OF_MAILBOX
} VaultRetentionOf;

typedef struct {
    VaultRetentionOf of;
    char *name; /* domain, address or id of a mailbox; "" for the default */
    gboolean is_from_closing;
    guint32 min_days;
    guint32 max_days; /* 0 = kept for ever */
} VaultRetentionDetail;
void vault_retention_detail_clear(VaultRetentionDetail *detail);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VaultRetentionDetail, vault_retention_detail_clear)

gboolean vault_retention_detail_parse(const char *text, VaultRetentionDetail *ret_detail,
                                      GError **error);
char *vault_retention_detail_format(const VaultRetentionDetail *detail);
