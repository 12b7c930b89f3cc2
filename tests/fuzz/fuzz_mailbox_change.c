/* What is to become of a mailbox, as text: what is accepted is formatted again to the same bytes.
 */
#include "vault/act/mailbox_change.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = (const char *)data;
    g_autoptr(GError) error = NULL;
    g_auto(VaultMailboxChange) change = {.address = NULL};
    gboolean is_parsed = vault_mailbox_change_parse(text, size, &change, &error);
    g_autofree char *again = NULL;

    g_assert(is_parsed == (error == NULL));
    if (!is_parsed)
        return 0;
    again = vault_mailbox_change_format(&change);
    g_assert(strlen(again) == size && memcmp(again, text, size) == 0);
    return 0;
}
