/* What is remembered of retention: whatever is taken is written again to the same bytes. */
#include "vault/act/expiry_state.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = size > 0 ? (const char *)data : "";
    VaultExpiryState state;

    if (vault_expiry_state_parse(text, size, &state, NULL)) {
        g_autofree char *again = vault_expiry_state_format(&state);

        g_assert(strlen(again) == size && memcmp(again, data, size) == 0);
    }
    return 0;
}
