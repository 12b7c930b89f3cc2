/* eraser VAULT BYTE OF_TEN: destroys the keys of messages as an erasure does, about so many of ten,
 * and prints their archive ids. Byte BYTE of a message's id chooses. No daemon may run. */
#include "vault/keep/internal.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    VaultKeep *keep;
    guint byte, of_ten;
    GArray *chosen; /* VaultCopyEntry */
} Eraser;

static gboolean choose(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    Eraser *eraser = user;

    if (entry->body_id.bytes[eraser->byte % VAULT_ID_LEN] * 10u / 256 < eraser->of_ten)
        g_array_append_vals(eraser->chosen, entry, 1);
    return TRUE;
}

static gboolean puncture(VaultKeyring *keyring, gpointer user, GError **error)
{
    const VaultCopyEntry *entry = user;
    g_autoptr(VaultMonthValue) month =
        vault_keyring_get_month(keyring, &entry->month_key_id, error);

    return month != NULL && vault_erasure_tree_puncture(month->tree, entry->leaf, error) &&
           vault_keyring_update_month(keyring, month, error);
}

static gboolean erase(Eraser *eraser, GError **error)
{
    VaultCopyFilter all = {.months = NULL};

    if (!vault_keep_copies(eraser->keep, &all, choose, eraser, error))
        return FALSE;
    for (guint i = 0; i < eraser->chosen->len; i++) {
        VaultCopyEntry *entry = &g_array_index(eraser->chosen, VaultCopyEntry, i);

        if (!vault_keyring_batch_run(eraser->keep->batch, puncture, entry, error))
            return FALSE;
        puts(VAULT_ID_TEXT(entry->body_id));
    }
    return vault_keep_close(eraser->keep, error);
}

int main(int argc, char **argv)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER};
    g_autoptr(GArray) chosen = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeep) keep = NULL;
    Eraser eraser = {.chosen = chosen};

    if (argc != 4) {
        fprintf(stderr, "usage: eraser VAULT BYTE OF_TEN\n");
        return 2;
    }
    vault_crypto_init();
    keep = vault_keep_open(argv[1], &options, &error);
    eraser.keep = keep;
    eraser.byte = (guint)atoi(argv[2]);
    eraser.of_ten = (guint)atoi(argv[3]);
    if (keep != NULL && erase(&eraser, &error))
        return 0;
    fprintf(stderr, "eraser: %s\n", error->message);
    return 1;
}
