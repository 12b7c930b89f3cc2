/* Releases: headers and lists of slots. What is taken holds no more than was there. */
#include "vault/act/release.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) slots = vault_release_slots_parse(data, size, &error);
    VaultReleaseHeader header;

    g_assert((slots == NULL) == (error != NULL));
    if (slots != NULL) {
        g_assert(slots->len <= VAULT_RELEASE_COUNT_MAX && slots->len * 69 + 4 == size);
        for (guint i = 0; i < slots->len; i++)
            g_assert(memcmp(g_array_index(slots, VaultReleasedSlot, i).record_id.bytes,
                            data + 4 + i * 69 + 1, VAULT_ID_LEN) == 0);
    }
    if (vault_release_header_parse(data, size, &header, NULL))
        g_assert(size >= VAULT_RELEASE_HEADER_LEN && size <= VAULT_RELEASE_LEN_MAX &&
                 memcmp(data + 1, header.vault_id.bytes, VAULT_ID_LEN) == 0);
    return 0;
}
