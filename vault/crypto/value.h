/* Small sealed values of the host: keyring rows and locators (XChaCha20-Poly1305).
 * Source: docs/formats/keyring.md section "Values"; docs/formats/record.md section "Locator".
 * Errors: NO_KEY when a value does not open under this key and place.
 */
#pragma once

#include "vault/crypto/hash.h"

#define VAULT_VALUE_OVERHEAD_LEN (24 + 16)
#define VAULT_LOCATOR_TAG_LEN 16

/* Where a value stands; all of it is AAD, so that a value cannot be moved or rolled back alone. */
typedef struct {
    VaultId vault_id;
    const char *table; /* ASCII name */
    RowId row_id;
    guint64 row_version;
} VaultValuePlace;

/* Random nonce first, then ciphertext and tag. */
GBytes *vault_value_seal(const RowKey *key, const VaultValuePlace *place, const void *value,
                         gsize len);
/* The plaintext is wiped when the array is freed through vault_value_free(). */
GByteArray *vault_value_open(const RowKey *key, const VaultValuePlace *place, const void *sealed,
                             gsize len, GError **error);
void vault_value_free(GByteArray *value);

/* The table of row keys and the generation row lie under the vault key itself. */
GBytes *vault_value_seal_under_vault_key(const VaultKey *key, const VaultValuePlace *place,
                                         const void *value, gsize len);
GByteArray *vault_value_open_under_vault_key(const VaultKey *key, const VaultValuePlace *place,
                                             const void *sealed, gsize len, GError **error);

/* Nonce = record id || zeros, AAD = the header bytes before the locator. ret_sealed has len + 16.
 */
void vault_locator_seal(const LocatorKey *key, const RecordId *record_id, const VaultSpan *header,
                        const void *locator, gsize len, guint8 *ret_sealed);
gboolean vault_locator_open(const LocatorKey *key, const RecordId *record_id,
                            const VaultSpan *header, const void *sealed, gsize sealed_len,
                            guint8 *ret_locator, GError **error);
