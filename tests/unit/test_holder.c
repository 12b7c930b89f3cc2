/* Holders of vault keys, plain and in escrow: generations come and go one at a time, what went is
 * overwritten, and whichever call of the operating system fails, the key from before or the one
 * from after is there. */
#include "tests/unit/crypto_world.h"

#include "vault/base/file.h"
#include "vault/holder/holder.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

/* ---- calls that fail ------------------------------------------------------------------------ */

typedef enum { WRITE, PWRITE, FDATASYNC, FSYNC, RENAME, UNLINK, LINK, CALLS_COUNT } Call;

static struct {
    Call call;
    int left; /* -1: none fails */
    gboolean has_failed, lies;
} plan = {.left = -1};

static gboolean must_fail(Call call)
{
    if (plan.call != call || plan.left < 0 || plan.left-- > 0)
        return FALSE;
    plan.has_failed = TRUE;
    errno = EIO;
    return TRUE;
}

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    return must_fail(WRITE) ? -1 : __real_write(fd, bytes, len);
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return must_fail(PWRITE) ? -1 : __real_pwrite(fd, bytes, len, offset);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    return must_fail(FDATASYNC) ? -1 : __real_fdatasync(fd);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return must_fail(FSYNC) ? -1 : __real_fsync(fd);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    if (plan.lies)
        return 0;
    return must_fail(RENAME) ? -1 : __real_rename(from, to);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    return must_fail(UNLINK) ? -1 : __real_unlink(path);
}

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to)
{
    return must_fail(LINK) ? -1 : __real_link(from, to);
}

/* ---- a folder with one holder --------------------------------------------------------------- */

static const VaultKey keys[] = {
    {.generation = 1, .bytes = {0x11}}, {.generation = 2, .bytes = {0x22}},
    {.generation = 3, .bytes = {0x33}}, {.generation = 4, .bytes = {0x44}},
    {.generation = 2, .bytes = {0x55}}, /* of a roll that was given up */
};

typedef struct {
    char *folder, *path;
    VaultEscrow escrow;
    VaultHolder holder;
} World;

static World *world_new(VaultHolderKind kind)
{
    static const guint8 seed[32] = {7};
    World *world = g_new0(World, 1);
    VaultEscrowPublic public;

    world->folder = g_dir_make_tmp("holder-XXXXXX", NULL);
    world->path = g_build_filename(world->folder, "key", NULL);
    vault_escrow_from_seed(seed, &world->escrow);
    public = vault_escrow_public(&world->escrow);
    world->holder = (VaultHolder){.kind = kind, .place = world->path, .vault_id = {{9}}};
    if (kind == VAULT_HOLDER_ESCROW)
        world->holder.escrow_key = vault_escrow_public_key(&public);
    return world;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    return remove(path);
}

static void world_free(World *world)
{
    nftw(world->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    g_free(world->path);
    g_free(world->folder);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static World *world_with(VaultHolderKind kind, guint first, guint last)
{
    World *world = world_new(kind);

    assert_true(vault_holder_create(&world->holder, &keys[first - 1], NULL));
    for (guint i = first + 1; i <= last; i++)
        assert_true(vault_holder_install(&world->holder, &keys[i - 1], NULL));
    return world;
}

/* "1 2" of the generations there; "away", "damaged". */
static char *held(const World *world)
{
    g_auto(VaultHolderState) state = {.reason = NULL};
    GString *text = g_string_new(NULL);

    vault_holder_look(&world->holder, &state);
    assert_int_equal(state.reason != NULL, state.presence != VAULT_HOLDER_HERE);
    if (state.presence != VAULT_HOLDER_HERE)
        g_string_append(text, state.presence == VAULT_HOLDER_AWAY ? "away" : "damaged");
    for (gsize i = 0; i < state.count; i++) {
        VaultKeyDigest expected =
            vault_key_digest(&world->holder.vault_id, &keys[state.keys[i].generation - 1]);

        g_string_append_printf(text, "%s%u%s", i > 0 ? " " : "", state.keys[i].generation,
                               vault_key_digest_equal(&expected, &state.keys[i]) ? "" : "!");
    }
    return g_string_free(text, FALSE);
}

static void assert_held(const World *world, const char *expected)
{
    g_autofree char *text = held(world);

    assert_string_equal(text, expected);
}

/* A TPM is tried with one that is emulated: tests/system/test_tpm.py. */
#define FOR_EACH_KIND(kind)                                                                        \
    for (VaultHolderKind kind = VAULT_HOLDER_FILE; kind <= VAULT_HOLDER_ESCROW; kind++)

/* ---- generations ---------------------------------------------------------------------------- */

static void generations_come_and_go(void **state)
{
    FOR_EACH_KIND(kind)
    {
        g_autoptr(World) world = world_with(kind, 1, 2);

        assert_held(world, "1 2");
        assert_true(vault_holder_install(&world->holder, &keys[1], NULL));
        assert_held(world, "1 2");
        assert_true(vault_holder_destroy(&world->holder, 1, NULL));
        assert_held(world, "2");
        assert_true(vault_holder_destroy(&world->holder, 1, NULL));
        /* An earlier one after a later one stands before it. */
        assert_true(vault_holder_install(&world->holder, &keys[3], NULL));
        assert_true(vault_holder_install(&world->holder, &keys[2], NULL));
        assert_held(world, "2 3 4");
        assert_true(vault_holder_remove(&world->holder, NULL));
        assert_held(world, "away");
        assert_false(g_file_test(world->path, G_FILE_TEST_EXISTS));
    }
}

static void another_key_of_the_generation_takes_its_place(void **state)
{
    FOR_EACH_KIND(kind)
    {
        g_autoptr(World) world = world_with(kind, 1, 1);

        assert_true(vault_holder_install(&world->holder, &keys[4], NULL));
        assert_held(world, "1 2!");
        assert_true(vault_holder_install(&world->holder, &keys[1], NULL));
        assert_held(world, "1 2");
    }
}

static void a_fourth_generation_is_too_large_and_the_last_is_refused(void **state)
{
    FOR_EACH_KIND(kind)
    {
        g_autoptr(World) world = world_with(kind, 1, 3);
        g_autoptr(GError) fourth = NULL;
        g_autoptr(GError) last = NULL;

        assert_false(vault_holder_install(&world->holder, &keys[3], &fourth));
        assert_error(fourth, VAULT_ERROR_TOO_LARGE);
        assert_true(vault_holder_destroy(&world->holder, 1, NULL));
        assert_true(vault_holder_destroy(&world->holder, 3, NULL));
        assert_false(vault_holder_destroy(&world->holder, 2, &last));
        assert_error(last, VAULT_ERROR_REFUSED);
        assert_held(world, "2");
    }
}

static void nothing_is_written_where_its_file_is_not(void **state)
{
    FOR_EACH_KIND(kind)
    {
        g_autoptr(World) world = world_new(kind);
        g_autoptr(GError) installed = NULL;
        g_autoptr(GError) destroyed = NULL;
        g_autoptr(GError) removed = NULL;

        assert_held(world, "away");
        assert_false(vault_holder_install(&world->holder, &keys[0], &installed));
        assert_error(installed, VAULT_ERROR_NOT_FOUND);
        assert_false(vault_holder_destroy(&world->holder, 1, &destroyed));
        assert_error(destroyed, VAULT_ERROR_NOT_FOUND);
        assert_false(vault_holder_remove(&world->holder, &removed));
        assert_error(removed, VAULT_ERROR_NOT_FOUND);
        assert_false(g_file_test(world->path, G_FILE_TEST_EXISTS));
    }
}

static void a_new_holder_overwrites_nothing(void **state)
{
    FOR_EACH_KIND(kind)
    {
        g_autoptr(World) world = world_with(kind, 2, 2);
        g_autoptr(GError) error = NULL;

        assert_false(vault_holder_create(&world->holder, &keys[0], &error));
        assert_error(error, VAULT_ERROR_BUSY);
        assert_held(world, "2");
    }
}

/* ---- files that are not its own ------------------------------------------------------------- */

static void assert_damaged(const World *world)
{
    g_autoptr(GError) installed = NULL;
    g_autoptr(GError) removed = NULL;

    assert_held(world, "damaged");
    assert_false(vault_holder_install(&world->holder, &keys[1], &installed));
    assert_error(installed, VAULT_ERROR_CORRUPT);
    assert_false(vault_holder_remove(&world->holder, &removed));
    assert_error(removed, VAULT_ERROR_CORRUPT);
}

static void what_is_not_its_own_is_left_alone(void **state)
{
    FOR_EACH_KIND(kind)
    {
        g_autoptr(World) world = world_with(kind, 1, 1);
        VaultHolder own = world->holder;

        world->holder.vault_id.bytes[0] ^= 1;
        assert_damaged(world);
        world->holder = own;
        world->holder.kind = kind == VAULT_HOLDER_FILE ? VAULT_HOLDER_ESCROW : VAULT_HOLDER_FILE;
        assert_damaged(world);
        world->holder = own;
        assert_held(world, "1");
        assert_true(g_file_set_contents(world->path, "muniment-vaultkey/1\n", -1, NULL));
        assert_damaged(world);
    }
}

static void another_escrow_key_is_told_apart(void **state)
{
    g_autoptr(World) world = world_with(VAULT_HOLDER_ESCROW, 1, 1);

    world->holder.escrow_key.bytes[0] ^= 1;
    assert_damaged(world);
}

static void an_escrow_key_of_small_order_is_refused(void **state)
{
    g_autoptr(World) world = world_new(VAULT_HOLDER_ESCROW);
    g_autoptr(GError) error = NULL;

    memset(&world->holder.escrow_key, 0, sizeof world->holder.escrow_key);
    assert_false(vault_holder_create(&world->holder, &keys[0], &error));
    assert_error(error, VAULT_ERROR_REFUSED);
    assert_held(world, "away");
}

static void what_was_not_written_is_seen_when_it_is_read_back(void **state)
{
    FOR_EACH_KIND(kind)
    {
        g_autoptr(World) world = world_with(kind, 1, 1);
        g_autoptr(GError) error = NULL;

        plan.lies = TRUE;
        assert_false(vault_holder_install(&world->holder, &keys[1], &error));
        plan.lies = FALSE;
        assert_error(error, VAULT_ERROR_CORRUPT);
    }
}

/* ---- what a failing disk leaves ------------------------------------------------------------- */

typedef gboolean (*Change)(const VaultHolder *holder, GError **error);

static gboolean install_second(const VaultHolder *holder, GError **error)
{
    return vault_holder_install(holder, &keys[1], error);
}

static gboolean destroy_first(const VaultHolder *holder, GError **error)
{
    return vault_holder_destroy(holder, 1, error);
}

/* The nth call of each sort fails, for each n that there is. */
static guint fail_each_call(VaultHolderKind kind, Change change, guint last, const char *before,
                            const char *after)
{
    guint failed_count = 0;

    for (Call call = WRITE; call < CALLS_COUNT; call++) {
        int nth = 0;

        do {
            g_autoptr(World) world = world_with(kind, 1, last);
            g_autofree char *draft = g_strconcat(world->path, ".draft", NULL);
            g_autofree char *left = NULL;
            gboolean is_done;

            plan.call = call;
            plan.left = nth++;
            plan.has_failed = FALSE;
            is_done = change(&world->holder, NULL);
            plan.left = -1;
            left = held(world);
            assert_true(!is_done || !plan.has_failed || call == UNLINK);
            assert_true(g_str_equal(left, before) || g_str_equal(left, after));
            failed_count += plan.has_failed;
            /* And it can be given again; then no draft has a key any more. */
            assert_true(change(&world->holder, NULL));
            assert_held(world, after);
            assert_false(g_file_test(draft, G_FILE_TEST_EXISTS));
        } while (plan.has_failed);
    }
    return failed_count;
}

static void keys_of_before_or_after_are_there_whichever_call_fails(void **state)
{
    FOR_EACH_KIND(kind)
    {
        assert_in_range(fail_each_call(kind, install_second, 1, "1", "1 2"), 5, 100);
        assert_in_range(fail_each_call(kind, destroy_first, 2, "1 2", "2"), 5, 100);
    }
}

/* Through a second name of the file, as a disk's blocks would show it. */
static void what_is_replaced_is_overwritten(void **state)
{
    FOR_EACH_KIND(kind)
    {
        g_autoptr(World) world = world_with(kind, 1, 2);
        g_autofree char *old = g_build_filename(world->folder, "old", NULL);
        g_autoptr(GBytes) bytes = NULL;
        gsize len;
        const guint8 *left;

        assert_int_equal(link(world->path, old), 0);
        assert_true(vault_holder_destroy(&world->holder, 1, NULL));
        bytes = vault_file_read(old, VAULT_KEY_FILE_LEN_MAX, NULL);
        left = g_bytes_get_data(bytes, &len);
        assert_true(len > 0);
        for (gsize i = 0; i < len; i++)
            assert_int_equal(left[i], 0);
        assert_held(world, "2");
    }
}

static void a_draft_of_a_crash_goes_with_the_next_change(void **state)
{
    g_autoptr(World) world = world_with(VAULT_HOLDER_FILE, 1, 2);
    g_autofree char *draft = g_strconcat(world->path, ".draft", NULL);

    assert_true(g_file_set_contents(draft, "key: 1 11", -1, NULL));
    assert_true(vault_holder_destroy(&world->holder, 1, NULL));
    assert_false(g_file_test(draft, G_FILE_TEST_EXISTS));
    /* Also when the key itself is gone already. */
    assert_true(g_file_set_contents(draft, "key: 1 11", -1, NULL));
    assert_true(vault_holder_destroy(&world->holder, 1, NULL));
    assert_false(g_file_test(draft, G_FILE_TEST_EXISTS));
}

static void a_link_stays_and_its_target_changes(void **state)
{
    g_autoptr(World) world = world_with(VAULT_HOLDER_FILE, 1, 1);
    g_autofree char *target = g_build_filename(world->folder, "target", NULL);
    g_autofree char *seen = NULL;

    assert_int_equal(rename(world->path, target), 0);
    assert_int_equal(symlink("target", world->path), 0);
    assert_true(vault_holder_install(&world->holder, &keys[1], NULL));
    assert_held(world, "1 2");
    seen = g_file_read_link(world->path, NULL);
    assert_string_equal(seen, "target");
}

/* ---- escrow --------------------------------------------------------------------------------- */

static void escrow_is_opened_with_its_key_alone(void **state)
{
    g_autoptr(World) world = world_with(VAULT_HOLDER_ESCROW, 1, 3);
    g_autofree char *text = NULL;
    VaultEscrowFile file;
    VaultKey opened[VAULT_KEY_GENERATIONS_MAX];
    VaultEscrow other;
    g_autoptr(GError) wrong = NULL;
    g_autoptr(GError) moved = NULL;

    assert_true(g_file_get_contents(world->path, &text, NULL, NULL));
    assert_true(vault_escrow_file_parse(text, &file, NULL));
    assert_true(vault_escrow_open(&world->escrow, &file, opened, NULL));
    assert_memory_equal(opened, keys, 3 * sizeof *keys);
    vault_escrow_create(&other);
    assert_false(vault_escrow_open(&other, &file, opened, &wrong));
    assert_error(wrong, VAULT_ERROR_NO_KEY);
    /* Bound to its generation: one does not pass for another. */
    memcpy(file.keys[0].sealed, file.keys[1].sealed, VAULT_ESCROW_SEALED_LEN);
    assert_false(vault_escrow_open(&world->escrow, &file, opened, &moved));
    assert_error(moved, VAULT_ERROR_NO_KEY);
}

static void a_changed_escrow_file_is_malformed(void **state)
{
    g_autoptr(World) world = world_with(VAULT_HOLDER_ESCROW, 1, 2);
    g_autofree char *text = NULL;
    gsize len;

    assert_true(g_file_get_contents(world->path, &text, &len, NULL));
    for (gsize i = 0; i < len; i++) {
        VaultEscrowFile file;
        char kept = text[i];

        text[i] = kept == '0' ? '1' : '0';
        assert_false(vault_escrow_file_parse(text, &file, NULL));
        text[i] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generations_come_and_go),
        cmocka_unit_test(another_key_of_the_generation_takes_its_place),
        cmocka_unit_test(a_fourth_generation_is_too_large_and_the_last_is_refused),
        cmocka_unit_test(nothing_is_written_where_its_file_is_not),
        cmocka_unit_test(a_new_holder_overwrites_nothing),
        cmocka_unit_test(what_is_not_its_own_is_left_alone),
        cmocka_unit_test(another_escrow_key_is_told_apart),
        cmocka_unit_test(an_escrow_key_of_small_order_is_refused),
        cmocka_unit_test(what_was_not_written_is_seen_when_it_is_read_back),
        cmocka_unit_test(keys_of_before_or_after_are_there_whichever_call_fails),
        cmocka_unit_test(what_is_replaced_is_overwritten),
        cmocka_unit_test(a_draft_of_a_crash_goes_with_the_next_change),
        cmocka_unit_test(a_link_stays_and_its_target_changes),
        cmocka_unit_test(escrow_is_opened_with_its_key_alone),
        cmocka_unit_test(a_changed_escrow_file_is_malformed),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
