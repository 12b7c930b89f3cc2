/* Request files: whatever is taken is formatted again to the very same bytes. */
#include "vault/act/request_file.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultRequestFile) request =
        vault_request_file_parse((const char *)data, size, &error);
    g_autofree char *again = NULL;

    g_assert((request == NULL) == (error != NULL));
    if (request == NULL)
        return 0;
    again = vault_request_file_format(request, NULL);
    g_assert(again != NULL && strlen(again) == size && memcmp(again, data, size) == 0);
    for (guint i = 0; i < request->mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(request->mailboxes, i);

        g_assert(vault_request_mailbox_address(mailbox) != NULL);
    }
    return 0;
}
