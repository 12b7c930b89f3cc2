/* Result files: what is taken is written again to the same bytes. */
#include "vault/act/result_file.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = size > 0 ? (const char *)data : "";
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultResultFile) result = vault_result_file_parse(text, size, &error);
    g_autofree char *again = NULL;

    g_assert((result == NULL) == (error != NULL));
    if (result == NULL)
        return 0;
    again = vault_result_file_format(result, NULL);
    g_assert(again != NULL && strlen(again) == size && memcmp(again, data, size) == 0);
    return 0;
}
