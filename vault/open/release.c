#include "vault/crypto/value.h"
#include "vault/open.h"

void vault_opened_release_free(VaultOpenedRelease *release)
{
    if (release == NULL)
        return;
    g_clear_pointer(&release->slots, g_array_unref);
    g_free(release);
}

/* Of this vault and this grant: the host may hold others, and the reader asked for one. */
static gboolean check_header(const VaultReleaseHeader *header, const VaultId *vault_id,
                             const VaultHash *grant_hash, GError **error)
{
    if (VAULT_ID_EQUAL(header->vault_id, *vault_id) &&
        memcmp(&header->grant_hash, grant_hash, sizeof *grant_hash) == 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "release: it is of another vault or grant than was asked with");
    return FALSE;
}

VaultOpenedRelease *vault_release_open(const VaultIdentity *identity, const VaultId *vault_id,
                                       const VaultHash *grant_hash, const void *sealed, gsize len,
                                       GError **error)
{
    const VaultSpan aad = {sealed, VAULT_RELEASE_HEADER_LEN};
    VaultOpenedRelease *release;
    VaultReleaseHeader header;
    GByteArray *plain;
    GArray *slots;

    if (!vault_release_header_parse(sealed, len, &header, error) ||
        !check_header(&header, vault_id, grant_hash, error))
        return NULL;
    plain = vault_reader_open(identity, VAULT_RELEASE_PURPOSE, &aad,
                              (const guint8 *)sealed + VAULT_RELEASE_HEADER_LEN,
                              len - VAULT_RELEASE_HEADER_LEN, error);
    if (plain == NULL)
        return NULL;
    slots = vault_release_slots_parse(plain->data, plain->len, error);
    vault_value_free(plain);
    if (slots == NULL)
        return NULL;
    release = g_new0(VaultOpenedRelease, 1);
    release->log_index = header.log_index;
    release->slots = slots;
    return release;
}
