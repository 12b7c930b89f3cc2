/* The parts of month.c that golden files and tests need apart: nothing of the program includes it.
 */
#pragma once

#include "vault/crypto/month.h"

typedef struct {
    ContentSecretKey content_secret;
    IndexSecretKey index_secret;
    MonthPublicKeys public;
} MonthPairs;
VAULT_DECLARE_WIPE(MonthPairs, month_pairs)

void vault_month_derive(const MonthSeed *seed, MonthPairs *ret_pairs);

/* The wrap's HPKE info, a new array. */
GByteArray *vault_month_wrap_info(const VaultMonthIdentity *identity, const MonthPublicKeys *keys,
                                  const KeyId *recipient);
