#include "vault/keep/custody_pair.h"

static gboolean is_held_off_disk(const VaultCustodyRegistry *registry, const VaultKeyDigest *key)
{
    for (guint i = 0; i < registry->holders->len; i++) {
        const VaultHolderValue *holder = g_ptr_array_index(registry->holders, i);

        if (holder->disk == VAULT_DISK_OTHER && vault_custody_holder_has(holder, key))
            return TRUE;
    }
    return FALSE;
}

guint32 vault_custody_newest_pair(const VaultCustodyRegistry *registry, guint32 first, guint32 last)
{
    guint32 newest = 0;

    for (guint i = 0; i < registry->copies->len; i++) {
        const VaultCopyValue *copy = g_ptr_array_index(registry->copies, i);

        if (copy->disk == VAULT_DISK_OTHER && copy->key.generation >= MAX(first, newest) &&
            copy->key.generation <= last && is_held_off_disk(registry, &copy->key))
            newest = copy->key.generation;
    }
    return newest;
}

static gboolean has_pair(const VaultCustodyRegistry *registry, const VaultKeyDigest *present)
{
    return vault_custody_newest_pair(registry, 1, present->generation) != 0;
}

/* Names of those that have not the present key yet, for people to connect. */
static char *names_behind(const VaultCustodyRegistry *registry, const VaultKeyDigest *present)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < registry->copies->len; i++) {
        const VaultCopyValue *copy = g_ptr_array_index(registry->copies, i);

        if (!vault_key_digest_equal(&copy->key, present))
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", copy->name);
    }
    for (guint i = 0; i < registry->holders->len; i++) {
        const VaultHolderValue *holder = g_ptr_array_index(registry->holders, i);

        if (!vault_custody_holder_has(holder, present))
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", holder->name);
    }
    return g_string_free(g_steal_pointer(&names), FALSE);
}

/* No vault key goes before its successor's pair is there; where it has no pair itself, nothing is
 * lost with it. */
char *vault_custody_keep_key(const VaultCustodyRegistry *registry, const VaultKeyDigest *present,
                             guint32 generation)
{
    g_autofree char *names = NULL;

    if (vault_custody_newest_pair(registry, generation, generation) == 0 ||
        vault_custody_newest_pair(registry, generation + 1, present->generation) != 0)
        return NULL;
    names = names_behind(registry, present);
    return g_strdup_printf("vault key %u is of the newest pair off this disk: connect %s and run "
                           "muniment vaultkey copies update",
                           generation, names);
}

/* The newest pair that there would be without the copy. */
static guint32 pair_without(const VaultCustodyRegistry *registry, const VaultKeyDigest *present,
                            VaultCopyValue *copy)
{
    VaultKeyDigest kept = copy->key;
    guint32 pair;

    copy->key.generation = 0;
    pair = vault_custody_newest_pair(registry, 1, present->generation);
    copy->key = kept;
    return pair;
}

/* A keyring under a key that nobody off the disk has must not take the place of the last one that
 * can be opened. */
char *vault_custody_keep_copy(const VaultCustodyRegistry *registry, const VaultKeyDigest *present,
                              VaultCopyValue *copy)
{
    g_autofree char *names = NULL;

    if (!has_pair(registry, present) || is_held_off_disk(registry, present) ||
        pair_without(registry, present, copy) != 0)
        return NULL;
    names = names_behind(registry, present);
    return g_strdup_printf("it is of the last pair off this disk, and no holder off it has vault "
                           "key %u yet: connect %s and run muniment vaultkey copies update",
                           present->generation, names);
}

char *vault_custody_keep_copy_place(const VaultCustodyRegistry *registry,
                                    const VaultKeyDigest *present, VaultCopyValue *copy)
{
    if (pair_without(registry, present, copy) ==
        vault_custody_newest_pair(registry, 1, present->generation))
        return NULL;
    return g_strdup_printf("%s is the last keyring copy off this disk that a holder's key opens: "
                           "add another copy first",
                           copy->name);
}

char *vault_custody_keep_holder(const VaultCustodyRegistry *registry, const VaultKeyDigest *present,
                                VaultHolderValue *holder)
{
    guint32 pair = vault_custody_newest_pair(registry, 1, present->generation), left;
    guint count = holder->count;

    holder->count = 0;
    left = vault_custody_newest_pair(registry, 1, present->generation);
    holder->count = count;
    return left == pair ? NULL
                        : g_strdup_printf("%s is all that opens the keyring copies off this disk: "
                                          "add another holder first",
                                          holder->name);
}
