/* A vault and a second file system, with holders and copies on it that come and go as disks do, for
 * the tests of custody. */
#pragma once

#include "tests/support/keyring_roll.h"

#include "vault/base/bytes.h"
#include "vault/crypto/escrow.h"
#include "vault/keep/custody.h"
#include "vault/keep/internal.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A vault, and a folder on another file system. */
typedef struct {
    KeepFixture *fixture;
    char *other;
    VaultEscrow escrow;
} World;

static inline guint64 device_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? (guint64)status.st_dev : 0;
}

static inline char *folder_elsewhere(const char *path)
{
    static const char *const candidates[] = {"/dev/shm", "/tmp", "/var/tmp"};

    for (gsize i = 0; i < G_N_ELEMENTS(candidates); i++) {
        g_autofree char *template = g_strconcat(candidates[i], "/muniment-custody-XXXXXX", NULL);

        if (device_of(candidates[i]) != 0 && device_of(candidates[i]) != device_of(path) &&
            g_mkdtemp(template) != NULL)
            return g_steal_pointer(&template);
    }
    fail_msg("there is no second file system to test with");
    return NULL;
}

static inline World *world_new(void)
{
    World *world = g_new0(World, 1);

    world->fixture = keep_fixture_new();
    world->other = folder_elsewhere(world->fixture->folder);
    vault_escrow_create(&world->escrow);
    return world;
}

static inline int remove_one(const char *path, const struct stat *status, int type,
                             struct FTW *walk)
{
    return remove(path);
}

static inline void world_free(World *world)
{
    nftw(world->other, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    keep_fixture_free(world->fixture);
    g_free(world->other);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static inline gboolean operate(World *world, const char *act, const char *text, char **ret_answer,
                               GError **error)
{
    return vault_keep_operate(world->fixture->keep, act, text, strlen(text), ret_answer, error);
}

static inline void assert_done(World *world, const char *act, const char *text)
{
    g_autoptr(GError) error = NULL;

    if (!operate(world, act, text, NULL, &error))
        fail_msg("%s: %s", act, error->message);
}

static inline void assert_not_done(World *world, const char *act, const char *text,
                                   VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_false(operate(world, act, text, NULL, &error));
    if (error->domain != VAULT_ERROR || error->code != (int)code)
        fail_msg("%s: %s", act, error->message);
}

static inline void add_file(World *world, const char *name)
{
    g_autofree char *text = g_strdup_printf("holder-add/1\nname: %s\nkind: file\nplace: %s/%s\n",
                                            name, world->other, name);

    assert_done(world, "holder-add", text);
}

static inline void add_escrow(World *world, const char *name)
{
    VaultEscrowPublic public = vault_escrow_public(&world->escrow);
    EscrowPublicKey key = vault_escrow_public_key(&public);
    g_autofree char *hex = vault_bytes_to_hex(key.bytes, VAULT_KEY_LEN);
    g_autofree char *text =
        g_strdup_printf("holder-add/1\nname: %s\nkind: escrow\nplace: %s/%s\nescrow-key: %s\n",
                        name, world->other, name, hex);

    assert_done(world, "holder-add", text);
}

static inline void add_copy(World *world, const char *name)
{
    g_autofree char *folder = g_build_filename(world->other, name, NULL);
    g_autofree char *text = g_strdup_printf("copy-add/1\nname: %s\nplace: %s\n", name, folder);

    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_done(world, "copy-add", text);
}

/* As a disk that is not mounted. */
static inline void take_away(World *world, const char *name)
{
    g_autofree char *path = g_build_filename(world->other, name, NULL);
    g_autofree char *away = g_strconcat(path, ".away", NULL);

    assert_int_equal(rename(path, away), 0);
}

static inline void bring_back(World *world, const char *name)
{
    g_autofree char *path = g_build_filename(world->other, name, NULL);
    g_autofree char *away = g_strconcat(path, ".away", NULL);

    assert_int_equal(rename(away, path), 0);
}

static const VaultCustodyEntry *entry_of(const VaultCustodyState *state, const char *name)
{
    for (guint i = 0; i < state->entries->len; i++) {
        const VaultCustodyEntry *entry = g_ptr_array_index(state->entries, i);

        if (g_str_equal(entry->name, name))
            return entry;
    }
    fail_msg("%s is not in the list", name);
    return NULL;
}

/* "1 2" */
static inline void assert_has(World *world, const char *name, const char *expected)
{
    g_autoptr(VaultCustodyState) state =
        vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    const VaultCustodyEntry *entry = entry_of(state, name);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < entry->count; i++)
        g_string_append_printf(text, "%s%u", i > 0 ? " " : "", entry->keys[i].generation);
    assert_string_equal(text->str, expected);
}

static inline gboolean has_pair(World *world)
{
    g_autoptr(VaultCustodyState) state =
        vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);

    return state->pair_exists;
}

static inline VaultCustodyOutcome outcome_of(const GPtrArray *results, const char *name)
{
    for (guint i = 0; i < results->len; i++) {
        const VaultCustodyResult *result = g_ptr_array_index(results, i);

        assert_int_equal(result->reason == NULL, result->outcome == VAULT_CUSTODY_DONE);
        if (g_str_equal(result->name, name))
            return result->outcome;
    }
    fail_msg("no result for %s", name);
    return VAULT_CUSTODY_FAILED;
}

/* Steps 2 to 5 of an erasure. The results are those of the destruction. */
static inline GPtrArray *roll(World *world, guint32 generation)
{
    VaultKeep *keep = world->fixture->keep;
    VaultKey next = {.generation = generation};
    g_autoptr(GPtrArray) results = vault_custody_results_new();
    GPtrArray *destroyed = vault_custody_results_new();

    vault_random(next.bytes, VAULT_KEY_LEN);
    assert_true(vault_custody_install(keep, &next, results, NULL));
    keyring_roll(world->fixture, &next);
    assert_true(vault_custody_copy_keyring(keep, results, NULL));
    assert_true(vault_custody_destroy(keep, generation - 1, destroyed, NULL));
    return destroyed;
}

static inline char *copy_file(World *world, const char *name)
{
    g_autofree char *file =
        g_strconcat(VAULT_ID_TEXT(*vault_keep_id(world->fixture->keep)), ".keyring", NULL);

    return g_build_filename(world->other, name, file, NULL);
}
