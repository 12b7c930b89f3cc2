/* Releases: headers and lists of slots, of both planes. What is taken holds no more than was there,
 * and no list is one of both planes. */
#include "vault/act/release.h"

#define SLOT_LEN 69
#define TERMS_LEN 105

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_ids(const GArray *rows, gsize struct_len, gsize id_offset, const guint8 *data,
                      gsize row_len)
{
    for (guint i = 0; i < rows->len; i++)
        g_assert(memcmp(rows->data + i * struct_len + id_offset, data + 4 + i * row_len + 1,
                        VAULT_ID_LEN) == 0);
}

static void check_header(const guint8 *data, gsize size)
{
    VaultReleaseHeader header;

    if (!vault_release_header_parse(data, size, &header, NULL))
        return;
    g_assert(size >= VAULT_RELEASE_HEADER_LEN && header.plane == data[0]);
    g_assert(size <= (header.plane == VAULT_RELEASE_TERMS ? VAULT_TERMS_RELEASE_LEN_MAX
                                                          : VAULT_RELEASE_LEN_MAX));
    g_assert(memcmp(data + 1, header.vault_id.bytes, VAULT_ID_LEN) == 0);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) slots = vault_release_slots_parse(data, size, &error);
    g_autoptr(GArray) terms = vault_release_terms_parse(data, size, NULL);

    g_assert((slots == NULL) == (error != NULL));
    g_assert(slots == NULL || slots->len == 0 || terms == NULL);
    if (slots != NULL) {
        g_assert(slots->len <= VAULT_RELEASE_COUNT_MAX && slots->len * SLOT_LEN + 4 == size);
        check_ids(slots, sizeof(VaultReleasedSlot), G_STRUCT_OFFSET(VaultReleasedSlot, record_id),
                  data, SLOT_LEN);
    }
    if (terms != NULL) {
        g_assert(terms->len <= VAULT_RELEASE_COUNT_MAX && terms->len * TERMS_LEN + 4 == size);
        check_ids(terms, sizeof(VaultReleasedTerms), G_STRUCT_OFFSET(VaultReleasedTerms, record_id),
                  data, TERMS_LEN);
    }
    check_header(data, size);
    return 0;
}
