/* Case keys on their way: sealed by the vault's host to the reader of a grant, as releases are.
 *
 *   sealed = header || HPKE(reader key, purpose "case key", AAD = header) of the key 32
 *   header = version u8 | vault id 16 | grant hash 32 | case row id 16 | log index u64
 *
 * Opening one is vault/open.h's. Pure functions. Errors: MALFORMED (not a case key), UNSUPPORTED (a
 * later version), REFUSED (a reader key of small order). Source: docs/formats/case-key.md.
 */
#pragma once

#include "vault/crypto/hash.h"
#include "vault/crypto/key_files.h"

#define VAULT_CASE_KEY_PURPOSE "case key"
#define VAULT_CASE_KEY_HEADER_LEN (1 + 2 * VAULT_ID_LEN + VAULT_HASH_LEN + 8)
#define VAULT_CASE_KEY_SEALED_LEN (VAULT_CASE_KEY_HEADER_LEN + 48 + VAULT_KEY_LEN)

typedef struct {
    VaultId vault_id;
    VaultHash grant_hash; /* SHA-256 of the grant's text */
    RowId case_row_id;    /* of case, reader and scope: names the index */
    guint64 log_index;    /* of the entry in the control log */
} VaultCaseKeyHeader;

GBytes *vault_case_key_seal(const VaultCaseKeyHeader *header, const CaseKey *key,
                            const ReaderPublicKey *reader, GError **error);
gboolean vault_case_key_header_parse(const void *sealed, gsize len, VaultCaseKeyHeader *ret_header,
                                     GError **error);
