#include "vault/crypto/value.h"
#include "vault/open.h"

void vault_opened_release_free(VaultOpenedRelease *release)
{
    if (release == NULL)
        return;
    g_clear_pointer(&release->slots, g_array_unref);
    g_free(release);
}

/* Of this vault, grant and plane: the host may hold others, and the reader asked for one. */
static gboolean check_header(const VaultReleaseHeader *header, VaultReleasePlane plane,
                             const VaultId *vault_id, const VaultHash *grant_hash, GError **error)
{
    if (header->plane == plane && VAULT_ID_EQUAL(header->vault_id, *vault_id) &&
        memcmp(&header->grant_hash, grant_hash, sizeof *grant_hash) == 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "release: it is of another vault or grant than was asked with, or not of "
                        "what was asked for");
    return FALSE;
}

typedef struct {
    VaultReleasePlane plane;
    const char *purpose;
    GArray *(*parse)(const guint8 *bytes, gsize len, GError **error);
} Form;

static VaultOpenedRelease *open_release(const Form *form, const VaultIdentity *identity,
                                        const VaultId *vault_id, const VaultHash *grant_hash,
                                        const VaultSpan *sealed, GError **error)
{
    const VaultSpan aad = {sealed->bytes, VAULT_RELEASE_HEADER_LEN};
    VaultOpenedRelease *release;
    VaultReleaseHeader header;
    GByteArray *plain;
    GArray *rows;

    if (!vault_release_header_parse(sealed->bytes, sealed->len, &header, error) ||
        !check_header(&header, form->plane, vault_id, grant_hash, error))
        return NULL;
    plain = vault_reader_open(identity, form->purpose, &aad,
                              (const guint8 *)sealed->bytes + VAULT_RELEASE_HEADER_LEN,
                              sealed->len - VAULT_RELEASE_HEADER_LEN, error);
    if (plain == NULL)
        return NULL;
    rows = form->parse(plain->data, plain->len, error);
    vault_value_free(plain);
    if (rows == NULL)
        return NULL;
    release = g_new0(VaultOpenedRelease, 1);
    release->log_index = header.log_index;
    release->slots = rows;
    return release;
}

VaultOpenedRelease *vault_release_open(const VaultIdentity *identity, const VaultId *vault_id,
                                       const VaultHash *grant_hash, const void *sealed, gsize len,
                                       GError **error)
{
    static const Form form = {VAULT_RELEASE_CONTENT, VAULT_RELEASE_PURPOSE,
                              vault_release_slots_parse};
    const VaultSpan span = {sealed, len};

    return open_release(&form, identity, vault_id, grant_hash, &span, error);
}

VaultOpenedRelease *vault_release_open_terms(const VaultIdentity *identity, const VaultId *vault_id,
                                             const VaultHash *grant_hash, const void *sealed,
                                             gsize len, GError **error)
{
    static const Form form = {VAULT_RELEASE_TERMS, VAULT_TERMS_RELEASE_PURPOSE,
                              vault_release_terms_parse};
    const VaultSpan span = {sealed, len};

    return open_release(&form, identity, vault_id, grant_hash, &span, error);
}
