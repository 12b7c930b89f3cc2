/* Log entries and lists: what is taken has one form; what is not leaves nothing behind. */
#include "vault/log/entry.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_list(const guint8 *data, gsize size)
{
    g_autoptr(GBytes) list = g_bytes_new_static(data, size);
    const VaultHash *hashes;
    VaultMerkleProof proof;
    VaultHash root, entry_hash;
    gsize count;

    if (!vault_entry_list_parse(list, &hashes, &count, NULL) || count == 0)
        return;
    vault_entry_records_root(hashes, count, &root);
    g_assert(vault_entry_prove_record(hashes, count, size % count, &proof, NULL));
    vault_merkle_entry_hash(hashes[size % count].bytes, VAULT_HASH_LEN, &entry_hash);
    g_assert(vault_merkle_verify_inclusion(&proof, size % count, count, &entry_hash, &root));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static const VaultEntry nothing;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) again = NULL;
    VaultEntry entry;

    vault_crypto_init();
    check_list(data, size);
    if (!vault_entry_parse(data, size, &entry, &error)) {
        g_assert(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED) ||
                 g_error_matches(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED));
        g_assert(memcmp(&entry, &nothing, sizeof entry) == 0);
        return 0;
    }
    again = vault_entry_format(&entry);
    g_assert(g_bytes_get_size(again) == size &&
             memcmp(g_bytes_get_data(again, NULL), data, size) == 0);
    return 0;
}
