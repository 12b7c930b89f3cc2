#include "ingest/words/terms_format.h"

#include "ingest/words/terms.h"
#include "vault/base/error.h"

gboolean ingest_terms_fail(GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "the terms of a message are damaged; verify the vault");
    return FALSE;
}

gboolean ingest_terms_check_outside(const guint8 *bytes, gsize len, GError **error)
{
    if (len > INGEST_TERMS_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "the terms of a message have %" G_GSIZE_FORMAT " bytes, at most %u are read",
                    len, INGEST_TERMS_LEN_MAX);
        return FALSE;
    }
    if (len > 0 && bytes[0] != INGEST_TERMS_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "the terms of a message are of version %u, this program reads %u: use a newer "
                    "one",
                    bytes[0], INGEST_TERMS_VERSION);
        return FALSE;
    }
    return len > 1 + VAULT_HASH_LEN || ingest_terms_fail(error);
}
