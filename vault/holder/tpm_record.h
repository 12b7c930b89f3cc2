/* Inside vault/holder: one vault key as it lies in one NV index of a TPM.
 *
 * Pure functions. Errors: CORRUPT (no such record), UNSUPPORTED (a later version). Source:
 * docs/formats/tpm.md.
 */
#pragma once

#include "vault/crypto/key_files.h"

/* Magic 4, version 1, vault id 16, generation 4, key 32. */
#define TPM_RECORD_LEN 57

void tpm_record_format(const VaultId *vault_id, const VaultKey *key,
                       guint8 ret_bytes[TPM_RECORD_LEN]);
gboolean tpm_record_parse(const guint8 *bytes, gsize len, VaultId *ret_vault_id, VaultKey *ret_key,
                          GError **error);
