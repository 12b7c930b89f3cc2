/* Opens terms copies, and the terms bodies that they name, for tests of those who seal them: from
 * the formats, with none of vault/open. */
#pragma once

#include "vault/open.h"
#include "vault/seal.h"

/* What a terms copy opens under. */
typedef struct {
    VaultId vault_id;
    MonthKeyId month_key_id;
    IndexSecretKey secret;
    IndexPublicKey public_key;
    IndexSlot slot;
    guint8 enc[VAULT_HPKE_ENC_LEN];
    guint32 step;
} SupportTermsKey;

/* The plaintext of a terms copy; freed with vault_value_free(). NO_KEY. */
GByteArray *support_open_terms_copy(const SupportTermsKey *key, GBytes *record, GError **error);
/* The terms that it leads to: from itself, or from the body that `records` fetch. */
GByteArray *support_open_terms(const SupportTermsKey *key, GBytes *record,
                               const VaultRecordSource *records, GError **error);
