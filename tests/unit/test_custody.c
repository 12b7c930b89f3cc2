/* Where vault keys and keyring copies lie: no key goes before its successor's pair is there, what
 * is away waits and is brought up to date, and no place is written to that is not the registered
 * one. */
#include "tests/support/keyring_roll.h"

#include "vault/base/bytes.h"
#include "vault/crypto/escrow.h"
#include "vault/holder/copy_place.h"
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

static guint64 device_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? (guint64)status.st_dev : 0;
}

static char *folder_elsewhere(const char *path)
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

static World *world_new(void)
{
    World *world = g_new0(World, 1);

    world->fixture = keep_fixture_new();
    world->other = folder_elsewhere(world->fixture->folder);
    vault_escrow_create(&world->escrow);
    return world;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    return remove(path);
}

static void world_free(World *world)
{
    nftw(world->other, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    keep_fixture_free(world->fixture);
    g_free(world->other);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static gboolean operate(World *world, const char *act, const char *text, char **ret_answer,
                        GError **error)
{
    return vault_keep_operate(world->fixture->keep, act, text, strlen(text), ret_answer, error);
}

static void assert_done(World *world, const char *act, const char *text)
{
    g_autoptr(GError) error = NULL;

    if (!operate(world, act, text, NULL, &error))
        fail_msg("%s: %s", act, error->message);
}

static void assert_not_done(World *world, const char *act, const char *text, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_false(operate(world, act, text, NULL, &error));
    if (error->domain != VAULT_ERROR || error->code != (int)code)
        fail_msg("%s: %s", act, error->message);
}

static void add_file(World *world, const char *name)
{
    g_autofree char *text = g_strdup_printf("holder-add/1\nname: %s\nkind: file\nplace: %s/%s\n",
                                            name, world->other, name);

    assert_done(world, "holder-add", text);
}

static void add_escrow(World *world, const char *name)
{
    VaultEscrowPublic public = vault_escrow_public(&world->escrow);
    EscrowPublicKey key = vault_escrow_public_key(&public);
    g_autofree char *hex = vault_bytes_to_hex(key.bytes, VAULT_KEY_LEN);
    g_autofree char *text =
        g_strdup_printf("holder-add/1\nname: %s\nkind: escrow\nplace: %s/%s\nescrow-key: %s\n",
                        name, world->other, name, hex);

    assert_done(world, "holder-add", text);
}

static void add_copy(World *world, const char *name)
{
    g_autofree char *folder = g_build_filename(world->other, name, NULL);
    g_autofree char *text = g_strdup_printf("copy-add/1\nname: %s\nplace: %s\n", name, folder);

    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_done(world, "copy-add", text);
}

/* As a disk that is not mounted. */
static void take_away(World *world, const char *name)
{
    g_autofree char *path = g_build_filename(world->other, name, NULL);
    g_autofree char *away = g_strconcat(path, ".away", NULL);

    assert_int_equal(rename(path, away), 0);
}

static void bring_back(World *world, const char *name)
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
static void assert_has(World *world, const char *name, const char *expected)
{
    g_autoptr(VaultCustodyState) state =
        vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    const VaultCustodyEntry *entry = entry_of(state, name);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < entry->count; i++)
        g_string_append_printf(text, "%s%u", i > 0 ? " " : "", entry->keys[i].generation);
    assert_string_equal(text->str, expected);
}

static gboolean has_pair(World *world)
{
    g_autoptr(VaultCustodyState) state =
        vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);

    return state->pair_exists;
}

static VaultCustodyOutcome outcome_of(const GPtrArray *results, const char *name)
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
static GPtrArray *roll(World *world, guint32 generation)
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

/* ---- pairs ---------------------------------------------------------------------------------- */

static void a_new_vault_has_its_own_holder_and_no_pair(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultCustodyState) known =
        vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    VaultKeepStatus status;

    assert_int_equal(known->entries->len, 1);
    assert_has(world, VAULT_CUSTODY_HOST, "1");
    assert_false(entry_of(known, VAULT_CUSTODY_HOST)->is_off_disk);
    assert_int_equal(known->pair_generation, 0);
    assert_true(vault_keep_status(world->fixture->keep, &status, NULL));
    assert_false(status.pair_exists);
}

static void a_pair_is_a_copy_and_the_key_of_that_copy_off_the_disk(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *beside = g_build_filename(world->fixture->folder, "copies", NULL);
    g_autofree char *near_copy = g_strdup_printf("copy-add/1\nname: near\nplace: %s\n", beside);
    VaultKeepStatus status;

    add_escrow(world, "safe");
    assert_false(has_pair(world));
    assert_int_equal(g_mkdir_with_parents(beside, 0700), 0);
    assert_done(world, "copy-add", near_copy);
    assert_false(has_pair(world));
    add_copy(world, "disk");
    assert_true(has_pair(world));
    assert_true(vault_keep_status(world->fixture->keep, &status, NULL));
    assert_true(status.pair_exists);
    /* It may be in a safe: what was read back from it last counts. */
    take_away(world, "disk");
    take_away(world, "safe");
    assert_true(has_pair(world));
}

static void a_pair_survives_a_crash_and_a_reader_sees_it(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(VaultKeep) reader = NULL;
    g_autoptr(VaultCustodyState) looked = NULL;

    add_file(world, "usb");
    add_copy(world, "disk");
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
    assert_true(has_pair(world));
    reader = keep_fixture_reader(world->fixture);
    take_away(world, "usb");
    looked = vault_custody_state(reader, VAULT_CUSTODY_LOOK, NULL);
    assert_true(looked->pair_exists);
    assert_non_null(entry_of(looked, "usb")->away);
    assert_null(entry_of(looked, "disk")->away);
    bring_back(world, "usb");
}

/* ---- erasures ------------------------------------------------------------------------------- */

/* A small site with the plain file only: nothing is protected, so nothing is in the way. */
static void without_any_pair_the_old_key_goes_at_once(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) results = roll(world, 2);
    gboolean may = TRUE;

    assert_int_equal(outcome_of(results, VAULT_CUSTODY_HOST), VAULT_CUSTODY_DONE);
    assert_has(world, VAULT_CUSTODY_HOST, "2");
    assert_true(vault_custody_may_destroy(world->fixture->keep, 2, &may, NULL));
    assert_false(may);
    keep_fixture_crash(world->fixture);
    keep_fixture_open(world->fixture);
    assert_int_equal(vault_keyring_generation(world->fixture->keep->keyring), 2);
}

static void with_everything_at_hand_the_old_key_goes_everywhere(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) results = NULL;
    g_autoptr(VaultCustodyState) after = NULL;

    add_escrow(world, "safe");
    add_file(world, "usb");
    add_copy(world, "disk");
    results = roll(world, 2);
    for (guint i = 0; i < results->len; i++)
        assert_int_equal(((VaultCustodyResult *)g_ptr_array_index(results, i))->outcome,
                         VAULT_CUSTODY_DONE);
    assert_has(world, VAULT_CUSTODY_HOST, "2");
    assert_has(world, "safe", "2");
    assert_has(world, "usb", "2");
    assert_has(world, "disk", "2");
    after = vault_custody_state(world->fixture->keep, VAULT_CUSTODY_LOOK, NULL);
    assert_true(after->pair_exists);
    assert_int_equal(vault_custody_count_behind(after, VAULT_CUSTODY_HOLDER, 2), 0);
    assert_int_equal(vault_custody_count_behind(after, VAULT_CUSTODY_COPY, 2), 0);
}

/* Through three rolls, which is all that three places for keys allow. */
static void while_the_only_copy_is_away_its_key_stays_and_erasing_goes_on(void **state)
{
    g_autoptr(World) world = world_new();
    VaultKeep *keep = world->fixture->keep;
    g_autoptr(VaultCustodyState) behind = NULL;
    g_autoptr(GPtrArray) second = NULL, third = NULL, fourth = NULL;

    add_escrow(world, "safe");
    add_copy(world, "disk");
    take_away(world, "disk");
    second = roll(world, 2);
    assert_int_equal(outcome_of(second, "safe"), VAULT_CUSTODY_WAITS);
    assert_has(world, VAULT_CUSTODY_HOST, "1 2");
    third = roll(world, 3);
    /* No copy was ever made under the second. */
    assert_int_equal(outcome_of(third, "safe"), VAULT_CUSTODY_DONE);
    assert_has(world, "safe", "1 3");
    fourth = roll(world, 4);
    assert_has(world, VAULT_CUSTODY_HOST, "1 4");
    behind = vault_custody_state(keep, VAULT_CUSTODY_KNOWN, NULL);
    assert_false(behind->pair_exists);
    assert_int_equal(behind->pair_generation, 1);
    assert_int_equal(vault_custody_count_behind(behind, VAULT_CUSTODY_HOLDER, 4), 2);
    assert_int_equal(vault_custody_count_behind(behind, VAULT_CUSTODY_COPY, 4), 1);
    bring_back(world, "disk");
    assert_true(vault_custody_update(keep, NULL));
    assert_has(world, VAULT_CUSTODY_HOST, "4");
    assert_has(world, "safe", "4");
    assert_has(world, "disk", "4");
    assert_true(has_pair(world));
}

static void a_holder_that_was_away_is_brought_up_to_date(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) results = NULL;

    add_escrow(world, "safe");
    add_file(world, "usb");
    add_copy(world, "disk");
    take_away(world, "usb");
    results = roll(world, 2);
    assert_int_equal(outcome_of(results, "usb"), VAULT_CUSTODY_AWAY);
    assert_int_equal(outcome_of(results, "safe"), VAULT_CUSTODY_DONE);
    assert_has(world, "usb", "1");
    bring_back(world, "usb");
    assert_true(vault_custody_update(world->fixture->keep, NULL));
    assert_has(world, "usb", "2");
}

/* Its key of the second generation is not the one that the keyring came to be sealed under. */
static void a_key_of_a_roll_that_was_given_up_makes_no_pair(void **state)
{
    g_autoptr(World) world = world_new();
    VaultKey given_up = {.generation = 2, .bytes = {1}};
    g_autoptr(GPtrArray) installed = vault_custody_results_new(), results = NULL;

    add_file(world, "usb");
    add_copy(world, "disk");
    assert_true(vault_custody_install(world->fixture->keep, &given_up, installed, NULL));
    assert_has(world, "usb", "1 2");
    take_away(world, "usb");
    results = roll(world, 2);
    assert_false(has_pair(world));
    assert_int_equal(outcome_of(results, VAULT_CUSTODY_HOST), VAULT_CUSTODY_WAITS);
    /* And the copy that its first key opens is not written over. */
    assert_has(world, "disk", "1");
    bring_back(world, "usb");
    assert_true(vault_custody_update(world->fixture->keep, NULL));
    assert_true(has_pair(world));
    assert_has(world, VAULT_CUSTODY_HOST, "2");
}

static void what_is_not_next_or_not_old_is_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) results = vault_custody_results_new();

    for (guint32 generation = 0; generation <= 3; generation++) {
        VaultKey key = {.generation = generation};
        g_autoptr(GError) error = NULL;

        assert_int_equal(vault_custody_install(world->fixture->keep, &key, results, &error),
                         generation == 2);
        assert_true(generation == 2 || g_error_matches(error, VAULT_ERROR, VAULT_ERROR_REFUSED));
    }
    for (guint32 generation = 1; generation <= 2; generation++) {
        g_autoptr(GError) error = NULL;

        assert_false(vault_custody_destroy(world->fixture->keep, generation, results, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_REFUSED));
    }
    assert_has(world, VAULT_CUSTODY_HOST, "1 2");
}

static void nothing_is_installed_elsewhere_when_the_host_cannot_take_it(void **state)
{
    g_autoptr(World) world = world_new();
    VaultKey next = {.generation = 2, .bytes = {2}};
    g_autoptr(GPtrArray) results = vault_custody_results_new();
    g_autofree char *draft = g_strconcat(world->fixture->vault_key_path, ".draft", NULL);
    g_autoptr(GError) error = NULL;

    add_file(world, "usb");
    /* A folder where its draft should be. */
    assert_int_equal(mkdir(draft, 0700), 0);
    assert_false(vault_custody_install(world->fixture->keep, &next, results, &error));
    assert_int_equal(results->len, 0);
    assert_has(world, "usb", "1");
}

/* ---- copies --------------------------------------------------------------------------------- */

static char *copy_file(World *world, const char *name)
{
    g_autofree char *file =
        g_strconcat(VAULT_ID_TEXT(*vault_keep_id(world->fixture->keep)), ".keyring", NULL);

    return g_build_filename(world->other, name, file, NULL);
}

static void a_copy_opens_like_the_keyring(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = NULL;
    g_autoptr(VaultKeyring) copy = NULL;
    VaultKey key;
    guint64 mailboxes, months;
    g_autoptr(GError) error = NULL;

    keep_fixture_deliver(world->fixture, "Subject: a\r\n\r\nb\r\n", "a@example.org");
    add_copy(world, "disk");
    path = copy_file(world, "disk");
    vault_keyring_vault_key(world->fixture->keep->keyring, &key);
    copy = vault_keyring_open(path, VAULT_KEYRING_READ, vault_keep_id(world->fixture->keep), &key,
                              1, &error);
    if (copy == NULL)
        fail_msg("%s", error->message);
    assert_true(vault_keyring_check(copy, NULL));
    assert_true(vault_keyring_count(copy, &mailboxes, &months, NULL));
    assert_int_equal(mailboxes, 2);
    assert_false(g_file_test("keyring.copy", G_FILE_TEST_EXISTS));
}

static void another_disk_in_its_place_is_not_written_to(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GPtrArray) results = vault_custody_results_new();
    g_autofree char *first = copy_file(world, "disk");
    g_autofree char *folder = g_build_filename(world->other, "disk", NULL);
    g_autofree char *text = g_strdup_printf("copy-add/1\nname: second\nplace: %s\n", folder);
    g_autoptr(GError) error = NULL;
    struct stat status;

    add_copy(world, "disk");
    take_away(world, "disk");
    assert_int_equal(mkdir(folder, 0700), 0);
    /* The mount point without a disk, then with the second of the two that take turns. */
    assert_true(vault_custody_copy_keyring(world->fixture->keep, results, NULL));
    assert_int_equal(outcome_of(results, "disk"), VAULT_CUSTODY_AWAY);
    assert_int_not_equal(stat(first, &status), 0);
    assert_done(world, "copy-add", text);
    g_ptr_array_set_size(results, 0);
    assert_true(vault_custody_copy_keyring(world->fixture->keep, results, NULL));
    assert_int_equal(outcome_of(results, "disk"), VAULT_CUSTODY_AWAY);
    assert_int_equal(outcome_of(results, "second"), VAULT_CUSTODY_DONE);
    /* A place that has a copy is not taken for a new one. */
    assert_not_done(world, "copy-add", text, VAULT_ERROR_BUSY);
}

static void a_damaged_copy_is_no_place_of_ours(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = copy_file(world, "disk");
    g_autoptr(GPtrArray) results = vault_custody_results_new();
    g_autoptr(GString) zeros = g_string_new(NULL);

    add_copy(world, "disk");
    g_string_set_size(zeros, 4096);
    memset(zeros->str, 0, 4096);
    assert_true(g_file_set_contents(path, zeros->str, 4096, NULL));
    assert_true(vault_custody_copy_keyring(world->fixture->keep, results, NULL));
    assert_int_equal(outcome_of(results, "disk"), VAULT_CUSTODY_FAILED);
}

/* ---- the registry --------------------------------------------------------------------------- */

static void names_and_places_that_cannot_be_are_refused(void **state)
{
    static const char *const addresses[] = {
        "ssh://-x/y",     "ssh://-oProxyCommand=x/y", "ssh://host",    "ssh://user:secret@host/y",
        "ssh://host/y?z", "ssh://-u@host/y",          "ssh://ho st/y", "ssh:///y"};
    g_autoptr(World) world = world_new();
    g_autofree char *inside =
        g_strdup_printf("holder-add/1\nname: a\nkind: file\nplace: %s/key\n", world->fixture->path);
    g_autofree char *inside_copy =
        g_strdup_printf("copy-add/1\nname: a\nplace: %s\n", world->fixture->path);
    g_autofree char *own = g_strdup_printf("holder-add/1\nname: a\nkind: file\nplace: %s\n",
                                           world->fixture->vault_key_path);
    g_autofree char *again =
        g_strdup_printf("holder-add/1\nname: usb\nkind: file\nplace: %s/x\n", world->other);

    add_file(world, "usb");
    assert_not_done(world, "holder-add", inside, VAULT_ERROR_REFUSED);
    assert_not_done(world, "copy-add", inside_copy, VAULT_ERROR_REFUSED);
    assert_not_done(world, "holder-add", own, VAULT_ERROR_BUSY);
    assert_not_done(world, "holder-add", again, VAULT_ERROR_BUSY);
    assert_not_done(world, "holder-add", "holder-add/1\nname: -a\nkind: file\nplace: /x\n",
                    VAULT_ERROR_MALFORMED);
    assert_not_done(world, "holder-add", "holder-add/1\nname: a\nkind: cloud\nplace: /x\n",
                    VAULT_ERROR_MALFORMED);
    assert_not_done(world, "holder-add", "holder-add/1\nname: a\nkind: file\nplace: x\n",
                    VAULT_ERROR_MALFORMED);
    assert_not_done(world, "holder-add", "holder-add/2\n", VAULT_ERROR_UNSUPPORTED);
    assert_not_done(world, "copy-add", "copy-add/1\nname: a\nplace: x\n", VAULT_ERROR_MALFORMED);
    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autofree char *text = g_strdup_printf("copy-add/1\nname: a\nplace: %s\n", addresses[i]);

        assert_not_done(world, "copy-add", text, VAULT_ERROR_MALFORMED);
    }
}

static void a_copy_that_was_made_by_hand_is_taken_up(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = g_build_filename(world->other, "hand", NULL);
    g_autofree char *other = g_build_filename(world->other, "other", NULL);
    g_autofree char *text = NULL;
    gsize len;

    assert_true(g_file_get_contents(world->fixture->vault_key_path, &text, &len, NULL));
    assert_true(g_file_set_contents(path, text, (gssize)len, NULL));
    add_file(world, "hand");
    assert_has(world, "hand", "1");
    assert_true(g_file_set_contents(other, "notes\n", -1, NULL));
    text[0] = '\0';
    g_free(text);
    text = g_strdup_printf("holder-add/1\nname: other\nkind: file\nplace: %s\n", other);
    assert_not_done(world, "holder-add", text, VAULT_ERROR_BUSY);
}

static void a_holder_goes_with_its_keys_or_is_told_to_be_lost(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = g_build_filename(world->other, "usb", NULL);
    guint64 now_s = KEEP_FIXTURE_NOW_S;
    g_autoptr(VaultCustodyState) after = NULL;

    add_file(world, "usb");
    add_file(world, "second");
    assert_done(world, "holder-remove", "holder-remove/1\nname: usb\nlost: no\n");
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    take_away(world, "second");
    assert_not_done(world, "holder-remove", "holder-remove/1\nname: second\nlost: no\n",
                    VAULT_ERROR_NOT_FOUND);
    assert_done(world, "holder-remove", "holder-remove/1\nname: second\nlost: yes\n");
    after = vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    assert_int_equal(after->entries->len, 1);
    /* Whoever finds it has the key. */
    assert_true(vault_custody_declared_until(after, now_s) >
                now_s + 30000 * G_GUINT64_CONSTANT(86400));
    assert_not_done(world, "holder-remove", "holder-remove/1\nname: host\nlost: no\n",
                    VAULT_ERROR_REFUSED);
    assert_not_done(world, "holder-remove", "holder-remove/1\nname: nobody\nlost: no\n",
                    VAULT_ERROR_NOT_FOUND);
}

static void the_last_copy_of_a_pair_stays(void **state)
{
    g_autoptr(World) world = world_new();

    add_escrow(world, "safe");
    add_copy(world, "disk");
    assert_not_done(world, "copy-remove", "copy-remove/1\nname: disk\nlost: no\n",
                    VAULT_ERROR_REFUSED);
    add_copy(world, "tape");
    assert_done(world, "copy-remove", "copy-remove/1\nname: disk\nlost: no\n");
    assert_true(has_pair(world));
}

static void the_last_holder_of_a_pair_stays(void **state)
{
    g_autoptr(World) world = world_new();

    add_file(world, "usb");
    add_copy(world, "disk");
    assert_not_done(world, "holder-remove", "holder-remove/1\nname: usb\nlost: no\n",
                    VAULT_ERROR_REFUSED);
    add_escrow(world, "safe");
    assert_done(world, "holder-remove", "holder-remove/1\nname: usb\nlost: no\n");
    assert_true(has_pair(world));
}

static void a_copy_goes_or_is_told_to_be_lost(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = copy_file(world, "disk");
    g_autoptr(VaultCustodyState) after = NULL;

    add_copy(world, "disk");
    add_copy(world, "tape");
    assert_done(world, "copy-remove", "copy-remove/1\nname: disk\nlost: no\n");
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    take_away(world, "tape");
    assert_not_done(world, "copy-remove", "copy-remove/1\nname: tape\nlost: no\n",
                    VAULT_ERROR_NOT_FOUND);
    assert_done(world, "copy-remove", "copy-remove/1\nname: tape\nlost: yes\n");
    after = vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    assert_int_equal(after->entries->len, 1);
}

static void declared_copies_count_as_long_as_they_are_kept(void **state)
{
    g_autoptr(World) world = world_new();
    const guint64 day_s = 86400, now_s = KEEP_FIXTURE_NOW_S;
    g_autoptr(VaultCustodyState) made = NULL, ended = NULL;

    assert_done(world, "copy-declare", "copy-declare/1\nname: vm\nkeep-days: 30\nmade: again\n");
    made = vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    assert_int_equal(vault_custody_declared_until(made, now_s + 100 * day_s), now_s + 130 * day_s);
    assert_not_done(world, "copy-declare", "copy-declare/1\nname: vm\nkeep-days: 29\nmade: again\n",
                    VAULT_ERROR_REFUSED);
    assert_done(world, "copy-declare", "copy-declare/1\nname: vm\nkeep-days: 30\nmade: once\n");
    ended = vault_custody_state(world->fixture->keep, VAULT_CUSTODY_KNOWN, NULL);
    assert_int_equal(ended->declarations->len, 1);
    assert_int_equal(vault_custody_declared_until(ended, now_s + 10 * day_s), now_s + 30 * day_s);
    assert_int_equal(vault_custody_declared_until(ended, now_s + 30 * day_s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_vault_has_its_own_holder_and_no_pair),
        cmocka_unit_test(a_pair_is_a_copy_and_the_key_of_that_copy_off_the_disk),
        cmocka_unit_test(a_pair_survives_a_crash_and_a_reader_sees_it),
        cmocka_unit_test(without_any_pair_the_old_key_goes_at_once),
        cmocka_unit_test(with_everything_at_hand_the_old_key_goes_everywhere),
        cmocka_unit_test(while_the_only_copy_is_away_its_key_stays_and_erasing_goes_on),
        cmocka_unit_test(a_holder_that_was_away_is_brought_up_to_date),
        cmocka_unit_test(a_key_of_a_roll_that_was_given_up_makes_no_pair),
        cmocka_unit_test(what_is_not_next_or_not_old_is_refused),
        cmocka_unit_test(nothing_is_installed_elsewhere_when_the_host_cannot_take_it),
        cmocka_unit_test(a_copy_opens_like_the_keyring),
        cmocka_unit_test(another_disk_in_its_place_is_not_written_to),
        cmocka_unit_test(a_damaged_copy_is_no_place_of_ours),
        cmocka_unit_test(names_and_places_that_cannot_be_are_refused),
        cmocka_unit_test(a_copy_that_was_made_by_hand_is_taken_up),
        cmocka_unit_test(a_holder_goes_with_its_keys_or_is_told_to_be_lost),
        cmocka_unit_test(the_last_holder_of_a_pair_stays),
        cmocka_unit_test(the_last_copy_of_a_pair_stays),
        cmocka_unit_test(a_copy_goes_or_is_told_to_be_lost),
        cmocka_unit_test(declared_copies_count_as_long_as_they_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
