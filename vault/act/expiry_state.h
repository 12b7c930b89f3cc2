/* What a vault remembers of the last time that its retention was run: VAULT/expiry.
 *
 * Pure. Errors: MALFORMED, UNSUPPORTED (another version). Source: docs/formats/expiry.md.
 */
#pragma once

#include "vault/act/text_file.h"

#define VAULT_EXPIRY_STATE_LEN_MAX 1024

/* Zeros: it never was. */
typedef struct {
    guint64 ran_s;
    guint32 month_count;       /* keys of months that were destroyed */
    guint32 copy_count;        /* copies that were destroyed, those of the months included */
    guint32 passed_over_count; /* past their maximum, and not destroyed: held, mostly */
} VaultExpiryState;
char *vault_expiry_state_format(const VaultExpiryState *state);
gboolean vault_expiry_state_parse(const char *text, gsize len, VaultExpiryState *ret_state,
                                  GError **error);
