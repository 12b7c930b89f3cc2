/* Checkpoints, as texts and as signed notes: whatever parses is formatted again to the very same
 * bytes, within the sizes that trees may have; nobody but the key's holder signs one. */
#include "vault/log/checkpoint.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void try_signed(const char *bytes, gsize len)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)vault_note_key_free);
    g_autoptr(VaultCheckpoint) checkpoint = NULL;
    LogVerifyKey nobodys = {{1}};

    g_ptr_array_add(keys, vault_note_key_new_log("log", &nobodys, NULL));
    checkpoint = vault_checkpoint_open(bytes, len, "log", keys, NULL);
    g_assert(checkpoint == NULL);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultCheckpoint) checkpoint = NULL;
    g_autofree char *again = NULL;

    vault_crypto_init();
    try_signed((const char *)data, size);
    checkpoint = vault_checkpoint_parse((const char *)data, size, &error);
    g_assert((checkpoint == NULL) == (error != NULL));
    if (checkpoint == NULL)
        return 0;
    g_assert(checkpoint->size <= VAULT_MERKLE_SIZE_MAX);
    again = vault_checkpoint_format(checkpoint);
    g_assert(strlen(again) == size && memcmp(again, data, size) == 0);
    return 0;
}
