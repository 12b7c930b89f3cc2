/* Which grant and identity are taken from the state folder, and when none is. */
#include "restore/state_folder.h"
#include "tests/unit/grant_world.h"
#include "vault/base/file.h"

#include <glib/gstdio.h>

typedef struct {
    GrantWorld *grants;
    char *folder;
    StateFolderWanted wanted;
} World;

static void put(World *world, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(world->folder, name, NULL);

    assert_true(vault_file_write(path, text, strlen(text), 0600, VAULT_FILE_REPLACE, NULL));
}

static void put_grant(World *world, const char *name)
{
    g_autoptr(VaultGrantFile) grant = world_grant(world->grants, NULL);
    g_autofree char *text = NULL;

    assert_non_null(grant);
    text = vault_grant_file_format(grant);
    put(world, name, text);
}

static World *world_new(void)
{
    World *world = g_new0(World, 1);
    char *key;

    world->grants = grant_world_new();
    world->folder = g_dir_make_tmp("muniment-test-XXXXXX", NULL);
    world->wanted = (StateFolderWanted){.vault_id = &world->grants->request->vault_id,
                                        .half = VAULT_GRANT_CONTENT,
                                        .now_s = WORLD_CREATED_S};
    key = vault_identity_format(&world->grants->reader);
    put(world, "erika.key", key);
    vault_key_text_free(key);
    return world;
}

static void world_free(World *world)
{
    g_autoptr(GDir) dir = g_dir_open(world->folder, 0, NULL);

    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = g_build_filename(world->folder, name, NULL);

        g_remove(path);
    }
    g_rmdir(world->folder);
    g_free(world->folder);
    grant_world_free(world->grants);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* The name of the grant that is chosen. */
static char *chosen(World *world)
{
    g_auto(StateFolderChoice) choice = {0};
    g_autoptr(GError) error = NULL;

    if (!state_folder_choose(world->folder, &world->wanted, &choice, &error))
        fail_msg("%s", error->message);
    assert_true(g_str_has_suffix(choice.identity_path, "erika.key"));
    return g_path_get_basename(choice.grant_path);
}

static void assert_none(World *world, VaultErrorCode code)
{
    g_auto(StateFolderChoice) choice = {0};
    g_autoptr(GError) error = NULL;

    assert_false(state_folder_choose(world->folder, &world->wanted, &choice, &error));
    assert_vault_error(error, code);
    assert_null(choice.grant_path);
}

static void the_one_grant_that_fits_is_taken(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *name = NULL;

    put(world, "broken.grant", "muniment-grant/1\n");
    put(world, "broken.key", "no key");
    put(world, "a.request", "neither");
    assert_none(world, VAULT_ERROR_NOT_FOUND);
    put_grant(world, "mine.grant");
    name = chosen(world);
    assert_string_equal(name, "mine.grant");
}

static void expired_grants_and_those_of_other_vaults_do_not_fit(void **state)
{
    g_autoptr(World) world = world_new();
    VaultId other = {{0}};

    put_grant(world, "mine.grant");
    world->wanted.now_s = WORLD_EXPIRES_S;
    assert_none(world, VAULT_ERROR_NOT_FOUND);
    world->wanted.now_s = WORLD_EXPIRES_S - 1;
    g_free(chosen(world));
    world->wanted.vault_id = &other;
    assert_none(world, VAULT_ERROR_NOT_FOUND);
}

static void grant_for_searching_opens_no_message(void **state)
{
    g_autoptr(World) world = world_new();

    world->grants->request->act = VAULT_ACT_SEARCH;
    put_grant(world, "words.grant");
    assert_none(world, VAULT_ERROR_NOT_FOUND);
}

static void grant_for_searching_is_found_for_searching(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *name = NULL;

    world->grants->request->act = VAULT_ACT_SEARCH;
    put_grant(world, "words.grant");
    world->wanted.half = VAULT_GRANT_INDEX;
    name = chosen(world);
    assert_string_equal(name, "words.grant");
}

static void several_that_fit_have_to_be_chosen_from(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *path = g_build_filename(world->folder, "second.grant", NULL);
    g_autofree char *name = NULL;

    put_grant(world, "first.grant");
    put_grant(world, "second.grant");
    assert_none(world, VAULT_ERROR_BUSY);
    world->wanted.grant_path = path;
    name = chosen(world);
    assert_string_equal(name, "second.grant");
}

static void grant_must_name_the_mailboxes_asked_for(void **state)
{
    static const char *const fitting[] = {"alice@example.org", "Alice@Example.ORG", "unassigned",
                                          "11111111111111111111111111111111"};
    g_autoptr(World) world = world_new();

    put_grant(world, "mine.grant");
    for (gsize i = 0; i < G_N_ELEMENTS(fitting); i++) {
        char *names[] = {(char *)fitting[i], NULL};

        world->wanted.mailboxes = names;
        g_free(chosen(world));
    }
    g_auto(GStrv) both = g_strsplit("alice@example.org carol@example.org", " ", -1);
    world->wanted.mailboxes = both;
    assert_none(world, VAULT_ERROR_NOT_FOUND);
}

static void grant_must_cover_the_messages_asked_for(void **state)
{
    g_autoptr(World) world = world_new();
    RecordId id = {{0xab}};
    g_auto(GStrv) inside = g_strsplit("ab000000000000000000000000000000", " ", -1);
    g_auto(GStrv) outside =
        g_strsplit("ab000000000000000000000000000000 00000000000000000000000000000001", " ", -1);

    put_grant(world, "all.grant");
    world->wanted.messages = outside;
    g_free(chosen(world));
    g_array_append_val(world->grants->request->messages, id);
    put_grant(world, "all.grant");
    assert_none(world, VAULT_ERROR_NOT_FOUND);
    world->wanted.messages = inside;
    g_free(chosen(world));
}

static void grant_of_another_reader_does_not_fit(void **state)
{
    g_autoptr(World) world = world_new();
    g_auto(VaultIdentity) other = {0};

    put_grant(world, "mine.grant");
    assert_true(vault_identity_create("Carl", &other, NULL));
    char *key = vault_identity_format(&other);
    put(world, "erika.key", key);
    vault_key_text_free(key);
    assert_none(world, VAULT_ERROR_NOT_FOUND);
}

static void folder_open_to_others_is_refused(void **state)
{
    g_autoptr(World) world = world_new();

    put_grant(world, "mine.grant");
    assert_int_equal(g_chmod(world->folder, 0750), 0);
    assert_none(world, VAULT_ERROR_REFUSED);
    assert_int_equal(g_chmod(world->folder, 0700), 0);
    g_free(chosen(world));
}

static void folder_that_is_not_there_is_said_so(void **state)
{
    g_auto(StateFolderChoice) choice = {0};
    g_autoptr(World) world = world_new();
    g_autoptr(GError) error = NULL;

    assert_false(state_folder_choose("/nonexistent/muniment", &world->wanted, &choice, &error));
    assert_vault_error(error, VAULT_ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_grant_that_fits_is_taken),
        cmocka_unit_test(expired_grants_and_those_of_other_vaults_do_not_fit),
        cmocka_unit_test(grant_for_searching_opens_no_message),
        cmocka_unit_test(grant_for_searching_is_found_for_searching),
        cmocka_unit_test(several_that_fit_have_to_be_chosen_from),
        cmocka_unit_test(grant_must_name_the_mailboxes_asked_for),
        cmocka_unit_test(grant_must_cover_the_messages_asked_for),
        cmocka_unit_test(grant_of_another_reader_does_not_fit),
        cmocka_unit_test(folder_open_to_others_is_refused),
        cmocka_unit_test(folder_that_is_not_there_is_said_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
