/* The detail of a request for a retention rule: what is accepted is formatted again to the same. */
#include "vault/act/retention_detail.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_auto(VaultRetentionDetail) detail = {.name = NULL};
    gboolean is_parsed = vault_retention_detail_parse(text, &detail, &error);
    g_autofree char *again = is_parsed ? vault_retention_detail_format(&detail) : NULL;

    g_assert(is_parsed == (error == NULL));
    g_assert(!is_parsed || strcmp(again, text) == 0);
    return 0;
}
