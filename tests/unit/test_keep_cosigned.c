/* Checkpoints that witnesses cosigned, kept beside the logs. */
#include "tests/unit/batch_check.h"
#include "vault/base/file.h"
#include "vault/keep/internal.h"

static char *newest_note(ReleaseWorld *world, VaultLogKind log)
{
    g_autoptr(VaultLogReader) reader = release_world_log(world, log);

    return g_strdup(vault_log_reader_note(reader));
}

/* The note, cosigned by a witness of that name. */
static char *cosign(const char *text, const char *name)
{
    g_autoptr(VaultNote) note = vault_note_parse(text, strlen(text), NULL);
    g_auto(WitnessSigningKey) key = {{0}};
    WitnessVerifyKey verify;

    vault_witness_key_create(&key, &verify);
    vault_note_cosign(note, name, &key, keep_fixture_now());
    return vault_note_format(note);
}

static gboolean put(ReleaseWorld *world, const char *note, GError **error)
{
    return vault_keep_operate(world->fixture->keep, "log-cosigned", note, strlen(note), NULL,
                              error);
}

static void assert_put_fails(ReleaseWorld *world, const char *note, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_false(put(world, note, &error));
    if (!g_error_matches(error, VAULT_ERROR, (gint)code))
        fail_msg("%s", error->message);
}

static char *kept_note(ReleaseWorld *world, VaultLogKind log)
{
    g_autoptr(VaultLogReader) reader =
        vault_keep_log_reader_cosigned(world->fixture->keep, log, VAULT_KEEP_EPOCH_NOW, NULL);

    return reader == NULL ? NULL : g_strdup(vault_log_reader_note(reader));
}

static void grow(ReleaseWorld *world)
{
    assert_true(vault_keep_log_batch(world->fixture->keep, VAULT_BATCH_ALWAYS, NULL));
}

/* Signed with the log's own key: what a host that lies could make. */
static char *sign_tree(ReleaseWorld *world, guint64 size, guint8 root_byte)
{
    g_autofree char *origin = vault_log_origin(&world->fixture->keep->id, VAULT_LOG_ARCHIVE, 1);
    const VaultHash root = {{root_byte}};
    g_autoptr(VaultCheckpoint) checkpoint = vault_checkpoint_new(origin, size, &root);
    g_auto(VaultLogsKnown) known = {0};

    assert_true(vault_logs_known_read(world->fixture->keep->keyring, &known, NULL));
    return vault_checkpoint_sign(checkpoint, &known.current.signing);
}

static void cosigned_checkpoint_is_kept_and_stays_as_the_log_grows(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *note = newest_note(world, VAULT_LOG_ARCHIVE);
    g_autofree char *cosigned = cosign(note, "w.example");
    g_autofree char *kept = NULL;
    g_autoptr(GError) error = NULL;

    assert_null(vault_keep_log_reader_cosigned(world->fixture->keep, VAULT_LOG_ARCHIVE,
                                               VAULT_KEEP_EPOCH_NOW, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
    assert_true(put(world, cosigned, NULL));
    grow(world);
    keep_fixture_close(world->fixture);
    keep_fixture_open(world->fixture);
    kept = kept_note(world, VAULT_LOG_ARCHIVE);
    assert_string_equal(kept, cosigned);
    assert_null(kept_note(world, VAULT_LOG_CONTROL));
}

static void shorter_one_changes_nothing_and_a_longer_one_is_kept(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *old = newest_note(world, VAULT_LOG_ARCHIVE);
    g_autofree char *old_cosigned = cosign(old, "w.example");
    g_autofree char *new = NULL, *new_cosigned = NULL, *kept = NULL, *again = NULL;

    assert_true(put(world, old_cosigned, NULL));
    grow(world);
    new = newest_note(world, VAULT_LOG_ARCHIVE);
    new_cosigned = cosign(new, "w.example");
    assert_true(put(world, new_cosigned, NULL));
    kept = kept_note(world, VAULT_LOG_ARCHIVE);
    assert_string_equal(kept, new_cosigned);
    assert_true(put(world, old_cosigned, NULL));
    again = kept_note(world, VAULT_LOG_ARCHIVE);
    assert_string_equal(again, new_cosigned);
}

static void cosignatures_of_one_size_are_gathered(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *note = newest_note(world, VAULT_LOG_CONTROL);
    g_autofree char *one = cosign(note, "one.example");
    g_autofree char *other = cosign(note, "other.example");
    g_autofree char *kept = NULL;
    g_autoptr(VaultNote) parsed = NULL;

    assert_true(put(world, one, NULL) && put(world, other, NULL) && put(world, one, NULL));
    kept = kept_note(world, VAULT_LOG_CONTROL);
    parsed = vault_note_parse(kept, strlen(kept), NULL);
    assert_int_equal(parsed->signatures->len, 3);
    assert_non_null(strstr(kept, "one.example"));
    assert_non_null(strstr(kept, "other.example"));
}

/* Another witness, or whoever sits on the way to it, may sign in any name, and as often as there is
 * room. */
static void what_others_add_displaces_no_cosignature(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *note = newest_note(world, VAULT_LOG_ARCHIVE);
    g_autofree char *cosigned = cosign(note, "one.example");
    g_autofree char *forged = g_strdup(cosigned);
    g_autofree char *crowd = g_strdup(note);
    g_autofree char *kept = NULL;
    char *last = strrchr(forged, ' ') + 10;

    assert_true(put(world, cosigned, NULL));
    *last = *last == 'A' ? 'B' : 'A';
    assert_true(put(world, forged, NULL));
    for (guint i = 1; i < VAULT_NOTE_SIGNATURES_MAX; i++) {
        g_autofree char *name = g_strdup_printf("crowd.%u", i);
        char *more = cosign(crowd, name);

        g_free(crowd);
        crowd = more;
    }
    assert_true(put(world, crowd, NULL));
    kept = kept_note(world, VAULT_LOG_ARCHIVE);
    assert_true(g_str_has_prefix(kept, cosigned));
    assert_non_null(strstr(kept, "crowd.1 "));
}

static void what_is_not_of_these_logs_is_refused(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autoptr(ReleaseWorld) stranger = release_world_new();
    g_autofree char *own = newest_note(world, VAULT_LOG_ARCHIVE);
    g_autofree char *own_cosigned = cosign(own, "w.example");
    g_autofree char *foreign = newest_note(stranger, VAULT_LOG_ARCHIVE);
    g_autofree char *foreign_cosigned = cosign(foreign, "w.example");
    g_autofree char *ahead = sign_tree(world, 1000, 1),
                    *ahead_cosigned = cosign(ahead, "w.example");
    g_autofree char *fork = sign_tree(world, 1, 1), *fork_cosigned = cosign(fork, "w.example");
    g_autofree char *unsigned_one = NULL;

    assert_put_fails(world, "no note", VAULT_ERROR_MALFORMED);
    assert_put_fails(world, foreign_cosigned, VAULT_ERROR_MALFORMED);
    assert_put_fails(world, own, VAULT_ERROR_REFUSED);
    assert_put_fails(world, ahead_cosigned, VAULT_ERROR_REFUSED);
    assert_put_fails(world, fork_cosigned, VAULT_ERROR_REFUSED);
    /* Without the log's own signature. */
    unsigned_one = g_strdup_printf("%.*s%s\n", (int)(strstr(own, "\n\n") + 2 - own), own,
                                   strrchr(g_strchomp(own_cosigned), '\n') + 1);
    assert_put_fails(world, unsigned_one, VAULT_ERROR_NO_KEY);
    assert_null(kept_note(world, VAULT_LOG_ARCHIVE));
}

static void note_over_the_limit_is_too_large(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *text = g_strnfill(VAULT_NOTE_LEN_MAX + 1, 'x');

    assert_put_fails(world, text, VAULT_ERROR_TOO_LARGE);
}

/* One that the log does not continue lies there: the log was set back or forked. */
static void log_that_does_not_continue_what_was_cosigned_is_corrupt(void **state)
{
    g_autoptr(ReleaseWorld) world = release_world_new();
    g_autofree char *directory = vault_logs_directory(world->fixture->path, VAULT_LOG_ARCHIVE, 1);
    g_autofree char *fork = sign_tree(world, 1, 1);
    g_autofree char *note = newest_note(world, VAULT_LOG_ARCHIVE);
    g_autofree char *cosigned = cosign(note, "w.example");
    g_autoptr(GError) error = NULL;

    assert_true(vault_log_put_cosigned(directory, fork, NULL));
    assert_null(vault_keep_log_reader_cosigned(world->fixture->keep, VAULT_LOG_ARCHIVE,
                                               VAULT_KEEP_EPOCH_NOW, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
    /* Damage is another matter: the next one takes its place. */
    assert_true(vault_log_put_cosigned(directory, "damaged", NULL));
    assert_null(kept_note(world, VAULT_LOG_ARCHIVE));
    assert_true(put(world, cosigned, NULL));
    g_clear_pointer(&fork, g_free);
    fork = kept_note(world, VAULT_LOG_ARCHIVE);
    assert_string_equal(fork, cosigned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cosigned_checkpoint_is_kept_and_stays_as_the_log_grows),
        cmocka_unit_test(shorter_one_changes_nothing_and_a_longer_one_is_kept),
        cmocka_unit_test(cosignatures_of_one_size_are_gathered),
        cmocka_unit_test(what_others_add_displaces_no_cosignature),
        cmocka_unit_test(what_is_not_of_these_logs_is_refused),
        cmocka_unit_test(note_over_the_limit_is_too_large),
        cmocka_unit_test(log_that_does_not_continue_what_was_cosigned_is_corrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
