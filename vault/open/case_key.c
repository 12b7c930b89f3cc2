#include "vault/crypto/value.h"
#include "vault/open.h"

#define INDEX_LABEL "muniment case index"

static gboolean is_of(const VaultCaseKeyHeader *header, const VaultId *vault_id,
                      const VaultHash *grant_hash)
{
    return VAULT_ID_EQUAL(header->vault_id, *vault_id) &&
           memcmp(&header->grant_hash, grant_hash, sizeof *grant_hash) == 0;
}

static gboolean take_key(const GByteArray *plain, CaseKey *ret_key, GError **error)
{
    if (plain->len == VAULT_KEY_LEN) {
        memcpy(ret_key->bytes, plain->data, VAULT_KEY_LEN);
        return TRUE;
    }
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "case key: what was sealed is none");
    return FALSE;
}

gboolean vault_case_key_open(const VaultIdentity *identity, const VaultId *vault_id,
                             const VaultHash *grant_hash, GBytes *sealed,
                             VaultOpenedCaseKey *ret_key, GError **error)
{
    gsize len;
    const guint8 *bytes = g_bytes_get_data(sealed, &len);
    const VaultSpan aad = {bytes, VAULT_CASE_KEY_HEADER_LEN};
    VaultCaseKeyHeader header;
    GByteArray *plain;
    gboolean is_taken;

    if (!vault_case_key_header_parse(bytes, len, &header, error))
        return FALSE;
    if (!is_of(&header, vault_id, grant_hash)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                            "case key: it is of another vault or grant than was asked with");
        return FALSE;
    }
    plain =
        vault_reader_open(identity, VAULT_CASE_KEY_PURPOSE, &aad, bytes + VAULT_CASE_KEY_HEADER_LEN,
                          len - VAULT_CASE_KEY_HEADER_LEN, error);
    if (plain == NULL)
        return FALSE;
    ret_key->case_row_id = header.case_row_id;
    ret_key->log_index = header.log_index;
    is_taken = take_key(plain, &ret_key->key, error);
    vault_value_free(plain);
    return is_taken;
}

void vault_case_index_key(const VaultIdentity *identity, const CaseKey *key,
                          guint8 ret_key[VAULT_KEY_LEN])
{
    const VaultSpan salt = {key->bytes, VAULT_KEY_LEN};
    const VaultSpan ikm = {identity->secret_key.bytes, VAULT_KEY_LEN};
    const VaultSpan info = {INDEX_LABEL, sizeof INDEX_LABEL - 1};

    vault_hkdf(&salt, &ikm, &info, ret_key, VAULT_KEY_LEN);
}
