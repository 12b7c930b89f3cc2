/* What a new hold is to cover, as text: what is accepted is formatted again to the same bytes. */
#include "vault/act/hold_file.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = (const char *)data;
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultHoldFile) hold = vault_hold_file_parse(text, size, &error);
    g_autofree char *again = NULL;

    g_assert((hold == NULL) == (error != NULL));
    if (hold == NULL)
        return 0;
    again = vault_hold_file_format(hold, NULL);
    g_assert(again != NULL && strlen(again) == size && memcmp(again, text, size) == 0);
    return 0;
}
