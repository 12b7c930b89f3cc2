#include "check_world.h"

#include <unistd.h>

static void untouched_export_has_no_finding(void **state)
{
    CheckWorld *w = *state;

    assert_true(run_check(w, NULL));
    assert_int_equal(w->findings->len, 0);
    assert_int_equal(w->result.message_count, MESSAGES);
    assert_int_equal(w->result.in_log_count, 4);
    assert_int_equal(w->result.batch_count, 2);
}

static void changed_byte_of_a_file_is_found(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *file = file_of(w, 2);
    g_autofree char *changed = g_strdup(w->texts[2]);

    changed[3] ^= 1;
    assert_true(g_file_set_contents(file, changed, -1, NULL));
    assert_only_finding(w, "SHA-256");
    assert_true(g_file_set_contents(file, w->texts[2], 5, NULL));
    assert_only_finding(w, "bytes, the manifest says");
}

static void missing_and_strange_files_are_found(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *file = file_of(w, 0);
    g_autofree char *strange = g_build_filename(w->out, "alice@example.com", "more.eml", NULL);
    g_autofree char *kept = g_build_filename(w->folder, "kept", NULL);

    assert_int_equal(g_rename(file, kept), 0);
    assert_only_finding(w, "No such file");
    assert_int_equal(symlink(kept, file), 0);
    assert_only_finding(w, ".eml: ");
    assert_int_equal(g_unlink(file), 0);
    assert_int_equal(g_rename(kept, file), 0);
    assert_true(g_file_set_contents(strange, "x", -1, NULL));
    assert_only_finding(w, "does not name it");
}

/* Whoever changes a file can change its SHA-256 in the manifest; not what the record commits to. */
static void forged_message_with_a_fitting_manifest_is_found(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *file = file_of(w, 1);
    g_autofree char *forged = g_strdup(w->texts[1]);
    g_autofree char *old = vault_bytes_to_hex(w->bodies[1].message_hash.bytes, VAULT_HASH_LEN);
    g_autofree char *new = NULL;
    VaultHash hash;

    forged[0] = 'X';
    vault_hash(forged, strlen(forged), &hash);
    new = vault_bytes_to_hex(hash.bytes, VAULT_HASH_LEN);
    assert_true(g_file_set_contents(file, forged, -1, NULL));
    replace(w, old, new);
    assert_only_finding(w, "commits to");
}

static void each_changed_part_of_a_proof_is_found(void **state)
{
    CheckWorld *w = *state;
    static const struct {
        const char *from, *mark;
        gsize skip;
        const char *finding;
    } changes[] = {
        {"\"messages\"", "\"salt\":\"", 5, "commits to"},
        {"\"messages\"", "\"record\":\"", 40, "record is damaged"},
        {"\"messages\"", "\"ciphertext_sha256\":\"", 5, "not in the batch"},
        {"\"messages\"", "\"path\":\"", 5, "not in the batch"},
        {"\"messages\"", "\"place\":", 0, "not in the batch"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autofree char *before = read_manifest(w);

        change_digit(w, changes[i].from, changes[i].mark, changes[i].skip);
        assert_only_finding(w, changes[i].finding);
        write_manifest(w, before);
    }
}

static void changed_batch_and_checkpoint_are_found(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *before = read_manifest(w);

    /* The count in the first batch's entry, then its place in the log, then its proof. */
    change_digit(w, "\"batches\"", "\"entry\":\"", 44);
    assert_first_finding(w, "batch 1 of epoch 1: ");
    write_manifest(w, before);
    replace(w, "index 1\\n", "index 0\\n");
    assert_first_finding(w, "batch 0 of epoch 1: ");
    write_manifest(w, before);
    change_digit(w, "\"batches\"", "index 1\\n", 5);
    assert_first_finding(w, "batch 1 of epoch 1: ");
    write_manifest(w, before);
    change_digit(w, "\"batches\"", "\\n3\\n", 5);
    assert_first_finding(w, "batch 1 of epoch 1: ");
}

static void dropped_batch_is_found(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *text = read_manifest(w);
    char *batches = strstr(text, "\"batches\":[\n") + strlen("\"batches\":[\n");
    char *second = strstr(batches, ",\n{") + 2;

    memmove(batches, second, strlen(second) + 1);
    write_manifest(w, text);
    assert_true(run_check(w, NULL));
    assert_int_equal(w->findings->len, 3);
    assert_non_null(strstr(w->findings->pdata[0], "is not in the manifest"));
}

static void checkpoint_of_another_key_is_not_believed(void **state)
{
    CheckWorld *w = *state;
    LogSigningKey other;
    LogVerifyKey verify;
    g_autoptr(VaultNoteKey) key = NULL;
    g_autofree char *vkey = NULL;
    g_autofree char *policy = NULL;

    vault_log_key_create(&other, &verify);
    key = vault_note_key_new_log(w->origins[0], &verify, NULL);
    vkey = vault_note_key_format(key);
    policy = g_strdup_printf("log %s\nquorum none\n", vkey);
    set_policy(w, policy);
    assert_first_finding(w, "batch 1 of epoch 1: ");
    assert_int_equal(w->result.batch_count, 0);
}

/* A policy from before a recovery goes on believing what was logged before it. */
static void epoch_that_the_policy_does_not_list_is_not_believed(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *policy = g_strdup_printf("log %s\nquorum none\n", w->vkeys[0]);

    set_policy(w, policy);
    assert_first_finding(w, "batch 1 of epoch 2: ");
    assert_non_null(strstr(w->findings->pdata[0], "log checkpoint --vkey"));
    assert_int_equal(w->findings->len, 2); /* and the message that it has */
    assert_int_equal(w->result.batch_count, 1);
    assert_int_equal(w->result.in_log_count, 3);
}

/* Batches of one index in two epochs: neither stands for the other, nor may one be there twice. */
static void epoch_of_a_proof_cannot_be_changed(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *before = read_manifest(w);
    char *batches = strstr(before, "\"batches\":[\n") + strlen("\"batches\":[\n");
    g_autofree char *first = g_strndup(batches, (gsize)(strstr(batches, ",\n{") - batches));
    g_autofree char *twice = g_strconcat(first, ",\n", first, NULL);

    replace(w, "\"epoch\":1,", "\"epoch\":2,");
    assert_only_finding(w, "not in the batch");
    write_manifest(w, before);
    replace(w, "\"epoch\":1,", "\"epoch\":3,");
    assert_only_finding(w, "is not in the manifest");
    write_manifest(w, before);
    replace(w, "\"epoch\":1,", "\"epoch\":0,");
    assert_only_finding(w, "missing or damaged");
    write_manifest(w, before);
    replace(w, "\"epoch\":1,", "\"epoch\":4294967297,");
    assert_only_finding(w, "missing or damaged");
    write_manifest(w, before);
    replace(w, "/archive/2\\n", "/archive/1\\n");
    assert_first_finding(w, "batch 1 of epoch 1: ");
    write_manifest(w, before);
    replace(w, first, twice);
    assert_only_finding(w, "batch 1 of epoch 1: it is in the manifest twice");
}

static void batches_of_no_epoch_are_not_found(void **state)
{
    CheckWorld *w = *state;
    ProofSource source = proof_logs_source(w->logs);
    static const ProofBatchId missing[] = {
        {.epoch = 3, .index = 1}, {.epoch = 0, .index = 1}, {.epoch = 2, .index = 3}};

    for (gsize i = 0; i < G_N_ELEMENTS(missing); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(source.batches(source.user, &missing[i], 1, &error));
        log_world_assert_code(error, VAULT_ERROR_NOT_FOUND);
    }
}

static void proof_that_is_not_there_is_found(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *before = read_manifest(w);

    replace(w, "\"in_log\"", "\"in_logs\"");
    assert_only_finding(w, "no proof");
    write_manifest(w, before);
    /* A message that is not in the log cannot be said to be. */
    replace(w, "\"in_log\":false",
            "\"in_log\":true,\"epoch\":1,\"batch\":1,\"place\":0,\"path\":\"\"");
    assert_only_finding(w, "not in the batch");
}

static void message_under_another_id_is_found(void **state)
{
    CheckWorld *w = *state;

    replace(w, "\"id\":\"01", "\"id\":\"11");
    assert_only_finding(w, "another message");
}

static void wrong_counts_are_found(void **state)
{
    CheckWorld *w = *state;

    replace(w, "\"counts\":{\"messages\":5", "\"counts\":{\"messages\":6");
    assert_only_finding(w, "counts");
}

static void dropped_message_line_is_found(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *text = read_manifest(w);
    char *line = strstr(text, "{\"id\":\"02");
    char *next = strchr(line, '\n') + 1;

    memmove(line, next, strlen(next) + 1);
    write_manifest(w, text);
    assert_true(run_check(w, NULL));
    assert_int_equal(w->findings->len, 2); /* its counts, and a file that is not named */
}

static void what_is_no_manifest_is_refused(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *before = read_manifest(w);
    g_autofree char *line = g_strnfill(MANIFEST_LINE_LEN_MAX, ' ');
    g_autofree char *longer = g_strconcat(line, " \n", NULL);

    replace(w, "\"muniment_manifest\":1", "\"muniment_manifest\":2");
    assert_refused(w, VAULT_ERROR_UNSUPPORTED);
    write_manifest(w, before);
    replace(w, "\"errors\":[],\n", "");
    assert_refused(w, VAULT_ERROR_MALFORMED);
    write_manifest(w, before);
    replace(w, "}}\n", "}}\n\n");
    assert_refused(w, VAULT_ERROR_MALFORMED);
    write_manifest(w, "");
    assert_refused(w, VAULT_ERROR_MALFORMED);
    write_manifest(w, longer);
    assert_refused(w, VAULT_ERROR_TOO_LARGE);
    g_unlink(w->manifest);
    assert_refused(w, VAULT_ERROR_NOT_FOUND);
}

/* As an export from elsewhere may bring along: nothing is waited for. */
static void manifest_that_is_no_file_is_refused(void **state)
{
    CheckWorld *w = *state;

    g_unlink(w->manifest);
    assert_int_equal(mkfifo(w->manifest, 0600), 0);
    assert_refused(w, VAULT_ERROR_MALFORMED);
}

static void manifest_that_lies_elsewhere_is_found(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *aside = g_build_filename(w->folder, "aside", NULL);

    assert_int_equal(rename(w->manifest, aside), 0);
    assert_int_equal(symlink(aside, w->manifest), 0);
    assert_true(run_check(w, NULL));
    assert_int_equal(w->findings->len, 1);
}

static void changed_line_ends_are_told(void **state)
{
    CheckWorld *w = *state;

    write_export(w, EXPORT_MAILDIR, EXPORT_LF);
    assert_true(run_check(w, NULL));
    assert_int_equal(w->findings->len, 0);
    assert_int_equal(w->result.lf_count, MESSAGES);
    assert_int_equal(w->result.in_log_count, 4);
}

static void resumed_export_has_the_batches_of_both_runs(void **state)
{
    CheckWorld *w = *state;
    ProofSource source = proof_logs_source(w->logs);
    ExportOptions options = {.format = EXPORT_EML,
                             .path = w->out,
                             .start = EXPORT_RESUME,
                             .vault_id = &w->vault_id,
                             .now_s = 1790000000,
                             .proofs = &source};
    g_autoptr(Export) export = export_open(&options, NULL);
    ManifestCounts counts;

    assert_non_null(export);
    for (gsize i = 0; i < MESSAGES; i++) {
        g_autofree char *id = vault_bytes_to_hex((const guint8[16]){(guint8)(i + 1)}, 16);
        gboolean has = FALSE;

        assert_true(export_has(export, id, "alice@example.com", 1790000000, &has, NULL));
        assert_true(has);
    }
    assert_true(export_finish(export, &counts, NULL));
    untouched_export_has_no_finding(state);
}

/* Only the archive log says what was stored: another one of the same host is not asked. */
static void batches_of_another_log_are_not_believed(void **state)
{
    static const ProofBatchId first = {.epoch = 1, .index = 1};
    g_autoptr(GPtrArray) batches = NULL;
    g_autoptr(GError) error = NULL;
    CheckWorld *w = NULL;
    ProofSource source;
    VaultEntry entry;

    assert_int_equal(set_up_log(state, VAULT_LOG_CONTROL), 0);
    w = *state;
    source = proof_logs_source(w->logs);
    batches = source.batches(source.user, &first, 1, NULL);
    assert_non_null(batches);
    assert_false(proof_batch_check(batches->pdata[0], w->policy, &entry, &error));
    log_world_assert_code(error, VAULT_ERROR_MALFORMED);
    assert_non_null(strstr(error->message, "another log"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up_export, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(untouched_export_has_no_finding),
        CASE(changed_byte_of_a_file_is_found),
        CASE(missing_and_strange_files_are_found),
        CASE(forged_message_with_a_fitting_manifest_is_found),
        CASE(each_changed_part_of_a_proof_is_found),
        CASE(changed_batch_and_checkpoint_are_found),
        CASE(dropped_batch_is_found),
        CASE(checkpoint_of_another_key_is_not_believed),
        CASE(epoch_that_the_policy_does_not_list_is_not_believed),
        CASE(epoch_of_a_proof_cannot_be_changed),
        CASE(batches_of_no_epoch_are_not_found),
        CASE(proof_that_is_not_there_is_found),
        CASE(message_under_another_id_is_found),
        CASE(wrong_counts_are_found),
        CASE(dropped_message_line_is_found),
        CASE(what_is_no_manifest_is_refused),
        CASE(manifest_that_is_no_file_is_refused),
        CASE(manifest_that_lies_elsewhere_is_found),
        CASE(resumed_export_has_the_batches_of_both_runs),
        cmocka_unit_test_teardown(batches_of_another_log_are_not_believed, tear_down),
        cmocka_unit_test_setup_teardown(changed_line_ends_are_told, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
