/* Trust policies and proof files. */
#include "tests/unit/log_world.h"

#include "vault/log/tlog_proof.h"

#define WITNESS_COUNT 5

typedef struct {
    LogWorld *log;
    WitnessSigningKey signing[WITNESS_COUNT];
    char *log_vkey;
    char *vkeys[WITNESS_COUNT];
    VaultHash entry_hashes[3];
    VaultMerkleProof path; /* of entry 1 */
    VaultNote *note;       /* signed by the log, by no witness */
} PolicyWorld;

static PolicyWorld *policy_world_new(void)
{
    PolicyWorld *world = g_new0(PolicyWorld, 1);
    VaultMerkleList list = {world->entry_hashes, 3};
    VaultMerkleSource source = vault_merkle_list_source(&list);
    g_autoptr(VaultCheckpoint) checkpoint = NULL;
    g_autofree char *text = NULL;
    VaultHash root;

    world->log = log_world_new();
    world->log_vkey = vault_note_key_format(g_ptr_array_index(world->log->keys, 0));
    for (int i = 0; i < WITNESS_COUNT; i++) {
        g_autofree char *name = g_strdup_printf("witness.example/%d", i);
        g_autoptr(VaultNoteKey) key = NULL;
        WitnessVerifyKey verify;

        vault_witness_key_create(&world->signing[i], &verify);
        key = vault_note_key_new_witness(name, &verify, NULL);
        world->vkeys[i] = vault_note_key_format(key);
    }
    for (guint8 i = 0; i < 3; i++)
        vault_merkle_entry_hash(&i, 1, &world->entry_hashes[i]);
    assert_true(vault_merkle_root(&source, 3, &root, NULL));
    assert_true(vault_merkle_prove_inclusion(&source, 1, 3, &world->path, NULL));
    checkpoint = vault_checkpoint_new(LOG_ORIGIN, 3, &root);
    text = vault_checkpoint_format(checkpoint);
    world->note = vault_note_new(text);
    vault_note_sign(world->note, LOG_ORIGIN, &world->log->key);
    return world;
}

static void policy_world_free(PolicyWorld *world)
{
    if (world == NULL)
        return;
    log_world_free(world->log);
    g_free(world->log_vkey);
    for (int i = 0; i < WITNESS_COUNT; i++)
        g_free(world->vkeys[i]);
    vault_note_free(world->note);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PolicyWorld, policy_world_free)

static void cosign(PolicyWorld *world, int witness)
{
    g_autofree char *name = g_strdup_printf("witness.example/%d", witness);

    vault_note_cosign(world->note, name, &world->signing[witness], 1000);
}

/* `rules` after lines that define the log and the witnesses W0 to W4. */
static VaultTlogPolicy *policy_of(const PolicyWorld *world, const char *rules, GError **error)
{
    GString *text = g_string_new(NULL);
    VaultTlogPolicy *policy;

    g_string_append_printf(text, "log %s\n", world->log_vkey);
    for (int i = 0; i < WITNESS_COUNT; i++)
        g_string_append_printf(text, "witness W%d %s\n", i, world->vkeys[i]);
    g_string_append(text, rules);
    policy = vault_tlog_policy_parse(text->str, text->len, error);
    g_string_free(text, TRUE);
    return policy;
}

static gboolean is_valid(const PolicyWorld *world, const char *rules, VaultErrorCode code)
{
    g_autoptr(VaultTlogPolicy) policy = policy_of(world, rules, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultCheckpoint) checkpoint = NULL;

    assert_non_null(policy);
    checkpoint = vault_tlog_policy_check(policy, world->note, &error);
    if (checkpoint == NULL)
        log_world_assert_code(error, code);
    return checkpoint != NULL;
}

static void a_quorum_counts_members_and_groups_of_groups(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    static const char nested[] = "group X 2 W0 W1 W2\ngroup Y any W3 W4\ngroup Z all X Y\n"
                                 "quorum Z\n";

    assert_true(is_valid(world, "quorum none\n", VAULT_ERROR_REFUSED));
    assert_false(is_valid(world, "quorum W0\n", VAULT_ERROR_REFUSED));
    assert_false(is_valid(world, nested, VAULT_ERROR_REFUSED));
    cosign(world, 0);
    assert_true(is_valid(world, "quorum W0\n", VAULT_ERROR_REFUSED));
    assert_false(is_valid(world, "quorum W1\n", VAULT_ERROR_REFUSED));
    cosign(world, 4);
    assert_false(is_valid(world, nested, VAULT_ERROR_REFUSED)); /* X has one of two */
    cosign(world, 2);
    assert_true(is_valid(world, nested, VAULT_ERROR_REFUSED));
    assert_false(is_valid(world, "group A all W0 W1 W2\nquorum A\n", VAULT_ERROR_REFUSED));
    assert_true(is_valid(world, "group A 3 W0 W1 W2 W3 W4\nquorum A\n", VAULT_ERROR_REFUSED));
    assert_false(is_valid(world, "group A 4 W0 W1 W2 W3 W4\nquorum A\n", VAULT_ERROR_REFUSED));
}

static void cosigning_twice_counts_once(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();

    cosign(world, 0);
    cosign(world, 0);
    assert_false(is_valid(world, "group A 2 W0 W1\nquorum A\n", VAULT_ERROR_REFUSED));
}

static void a_false_signature_of_a_listed_key_is_refused_even_where_it_is_not_needed(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    VaultNoteSignature *signature;

    cosign(world, 3);
    signature = g_ptr_array_index(world->note->signatures, 1);
    signature->signature->data[20] ^= 1;
    assert_false(is_valid(world, "quorum none\n", VAULT_ERROR_MALFORMED));
}

static void a_listed_log_speaks_for_itself_only(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    g_autoptr(VaultNote) renamed = NULL;
    g_autoptr(VaultTlogPolicy) policy = policy_of(world, "quorum none\n", NULL);
    g_autoptr(GError) other_origin = NULL;
    g_autoptr(GError) unsigned_note = NULL;
    g_autofree char *text =
        g_strconcat("another/log", world->note->text + strlen(LOG_ORIGIN), NULL);

    renamed = vault_note_new(text);
    vault_note_sign(renamed, LOG_ORIGIN, &world->log->key);
    assert_null(vault_tlog_policy_check(policy, renamed, &other_origin));
    log_world_assert_code(other_origin, VAULT_ERROR_REFUSED);
    g_ptr_array_set_size(world->note->signatures, 0);
    cosign(world, 0);
    assert_null(vault_tlog_policy_check(policy, world->note, &unsigned_note));
    log_world_assert_code(unsigned_note, VAULT_ERROR_REFUSED);
}

static void what_is_not_a_policy_is_refused(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    static const char *const wrong[] = {
        "",                           /* no quorum */
        "quorum none",                /* no newline */
        "quorum none\nquorum none\n", /* twice */
        "quorum W9\n",                /* unknown */
        "quorum\n",
        "quorum W0 W1\n",
        "group G 0 W0\nquorum G\n",
        "group G 2 W0\nquorum G\n",
        "group G 01 W0\nquorum G\n",
        "group G -1 W0\nquorum G\n",
        "group G some W0\nquorum G\n",
        "group G any\nquorum none\n",    /* no member */
        "group G any W0 W0\nquorum G\n", /* a member twice */
        "group G any W0\ngroup H any W0\nquorum G\n",
        "group G any G\nquorum G\n",                 /* itself */
        "group G any H\ngroup H any W0\nquorum G\n", /* defined later */
        "group none any W0\nquorum none\n",
        "group G any none\nquorum G\n",
        "group W0 any W1\nquorum W0\n", /* a name twice */
        "group G any W0\ngroup G any W1\nquorum G\n",
        "Quorum none\n",
        "witness W9\nquorum none\n",
        "log\nquorum none\n",
        "log x y z\nquorum none\n",
        "# bell \a\nquorum none\n",
        "quorum none\r\n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(policy_of(world, wrong[i], &error));
        log_world_assert_code(error, VAULT_ERROR_MALFORMED);
    }
}

static void keys_are_of_the_right_kind_and_listed_once(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    g_autofree char *log_as_witness =
        g_strdup_printf("witness L %s\nquorum none\n", world->log_vkey);
    g_autofree char *witness_as_log = g_strdup_printf("log %s\nquorum none\n", world->vkeys[0]);
    g_autofree char *log_twice = g_strdup_printf("log %s\nquorum none\n", world->log_vkey);
    g_autofree char *witness_twice =
        g_strdup_printf("witness again %s\nquorum none\n", world->vkeys[0]);

    assert_null(policy_of(world, log_as_witness, NULL));
    assert_null(policy_of(world, witness_as_log, NULL));
    assert_null(policy_of(world, log_twice, NULL));
    assert_null(policy_of(world, witness_twice, NULL));
}

static void one_key_signs_for_the_logs_of_several_epochs(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    g_autoptr(VaultNoteKey) key = vault_note_key_parse(world->log_vkey, NULL);
    LogVerifyKey verify;
    g_autoptr(VaultNoteKey) next = NULL;
    g_autofree char *vkey = NULL;
    g_autofree char *once = NULL;
    g_autofree char *twice = NULL;

    memcpy(verify.bytes, key->public_key, sizeof verify.bytes);
    next = vault_note_key_new_log("muniment/next", &verify, NULL);
    vkey = vault_note_key_format(next);
    once = g_strdup_printf("log %s\nquorum none\n", vkey);
    twice = g_strdup_printf("log %s\nlog %s\nquorum none\n", vkey, vkey);
    assert_true(is_valid(world, once, VAULT_ERROR_REFUSED));
    assert_null(policy_of(world, twice, NULL));
}

static void spaces_comments_and_urls_make_no_difference(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    g_autofree char *text =
        g_strdup_printf("# a policy\n\n  \t\n\t# more\n log\t%s  https://l.example/\t\n"
                        "witness  W %s https://w.example/\n"
                        "group G all W\nquorum  G\n",
                        world->log_vkey, world->vkeys[0]);
    g_autoptr(VaultTlogPolicy) policy = vault_tlog_policy_parse(text, strlen(text), NULL);
    g_autofree char *formatted = NULL;
    g_autofree char *expected = g_strdup_printf(
        "log %s https://l.example/\nwitness W %s https://w.example/\ngroup G 1 W\nquorum G\n",
        world->log_vkey, world->vkeys[0]);

    assert_non_null(policy);
    formatted = vault_tlog_policy_format(policy);
    assert_string_equal(formatted, expected);
}

static void a_policy_has_its_limits(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    GString *groups = g_string_new("group G0 any W0\n");
    g_autoptr(VaultTlogPolicy) policy = NULL;
    g_autoptr(GError) too_many = NULL;
    g_autoptr(GError) too_long = NULL;
    g_autofree char *comment = g_strnfill(VAULT_TLOG_POLICY_LEN_MAX, ' ');

    /* With the log, the witnesses and G0 there are 7. */
    for (int i = 1; i <= VAULT_TLOG_POLICY_LINES_MAX - 7; i++)
        g_string_append_printf(groups, "group G%d any G%d\n", i, i - 1);
    g_string_append(groups, "quorum G1\n");
    policy = policy_of(world, groups->str, NULL);
    assert_non_null(policy);
    g_string_append(groups, "group H any W1\n");
    assert_null(policy_of(world, groups->str, &too_many));
    log_world_assert_code(too_many, VAULT_ERROR_TOO_LARGE);
    assert_null(policy_of(world, comment, &too_long));
    log_world_assert_code(too_long, VAULT_ERROR_TOO_LARGE);
    g_string_free(groups, TRUE);
}

/* ---- proofs --------------------------------------------------------------------------------- */

static VaultTlogProof *proof_of(const PolicyWorld *world)
{
    g_autofree char *note = vault_note_format(world->note);
    VaultTlogProof *proof = vault_tlog_proof_new(1, &world->path, note, strlen(note), NULL);

    assert_non_null(proof);
    return proof;
}

static void a_proof_leads_from_its_entry_to_a_valid_checkpoint(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    g_autoptr(VaultTlogPolicy) open_policy = policy_of(world, "quorum none\n", NULL);
    g_autoptr(VaultTlogPolicy) strict = policy_of(world, "quorum W0\n", NULL);
    g_autoptr(VaultTlogProof) proof = proof_of(world);
    g_autofree char *text = vault_tlog_proof_format(proof);
    g_autoptr(VaultTlogProof) parsed = vault_tlog_proof_parse(text, strlen(text), NULL);
    g_autoptr(VaultCheckpoint) checkpoint = NULL;
    g_autoptr(GError) other_entry = NULL;
    g_autoptr(GError) too_few = NULL;

    assert_non_null(parsed);
    checkpoint = vault_tlog_proof_check(parsed, open_policy, &world->entry_hashes[1], NULL);
    assert_non_null(checkpoint);
    assert_int_equal(checkpoint->size, 3);
    assert_null(vault_tlog_proof_check(parsed, open_policy, &world->entry_hashes[0], &other_entry));
    log_world_assert_code(other_entry, VAULT_ERROR_MALFORMED);
    assert_null(vault_tlog_proof_check(parsed, strict, &world->entry_hashes[1], &too_few));
    log_world_assert_code(too_few, VAULT_ERROR_REFUSED);
    parsed->index = 0;
    assert_null(vault_tlog_proof_check(parsed, open_policy, &world->entry_hashes[1], NULL));
}

static void a_proof_file_reads_as_it_was_written(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    g_autoptr(VaultTlogProof) proof = proof_of(world);
    g_autoptr(VaultTlogProof) parsed = NULL;
    g_autofree char *text = NULL;
    g_autofree char *again = NULL;

    proof->extra = g_byte_array_new();
    g_byte_array_append(proof->extra, (const guint8 *)"extra", 5);
    text = vault_tlog_proof_format(proof);
    assert_true(g_str_has_prefix(text, "c2sp.org/tlog-proof@v1\nextra ZXh0cmE=\nindex 1\n"));
    parsed = vault_tlog_proof_parse(text, strlen(text), NULL);
    assert_non_null(parsed);
    again = vault_tlog_proof_format(parsed);
    assert_string_equal(again, text);
}

static void what_is_not_a_proof_is_refused(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    g_autofree char *note = vault_note_format(world->note);
    static const char *const heads[] = {
        "",
        "c2sp.org/tlog-proof@v2\nindex 1\n\n",
        "c2sp.org/tlog-proof@v1\n\n",
        "c2sp.org/tlog-proof@v1\nindex 01\n\n",
        "c2sp.org/tlog-proof@v1\nindex\n\n",
        "c2sp.org/tlog-proof@v1\nindex 1\nextra ZXh0cmE=\n\n",
        "c2sp.org/tlog-proof@v1\nextra ZXh0cmE\nindex 1\n\n",
        "c2sp.org/tlog-proof@v1\nextra \nindex 1\n\n",
        "c2sp.org/tlog-proof@v1\nindex 1\n",
        "c2sp.org/tlog-proof@v1\nindex 1\nAQID\n\n",
        "c2sp.org/tlog-proof@v1\nindex 1\n\n\n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(heads); i++) {
        g_autofree char *text = g_strconcat(heads[i], note, NULL);
        g_autoptr(VaultTlogProof) proof = vault_tlog_proof_parse(text, strlen(text), NULL);

        /* One of them has a blank line too many: that is part of the note's text, whose signature
         * is false then. */
        assert_true(proof == NULL || proof->note->text[0] == '\n');
    }
}

static void a_proof_has_63_hashes_and_a_mebibyte_at_most(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    g_autofree char *note = vault_note_format(world->note);
    GString *text = g_string_new("c2sp.org/tlog-proof@v1\nindex 1\n");
    g_autofree char *fits = NULL;
    g_autofree char *too_many = NULL;
    g_autofree char *too_long = g_strnfill(VAULT_TLOG_PROOF_LEN_MAX + 1, 'a');
    g_autoptr(VaultTlogProof) proof = NULL;
    g_autoptr(GError) error = NULL;

    for (int i = 0; i < VAULT_MERKLE_PROOF_MAX; i++)
        g_string_append(text, "sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n");
    fits = g_strconcat(text->str, "\n", note, NULL);
    proof = vault_tlog_proof_parse(fits, strlen(fits), NULL);
    assert_non_null(proof);
    g_string_append(text, "sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n");
    too_many = g_strconcat(text->str, "\n", note, NULL);
    assert_null(vault_tlog_proof_parse(too_many, strlen(too_many), NULL));
    assert_null(vault_tlog_proof_parse(too_long, strlen(too_long), &error));
    log_world_assert_code(error, VAULT_ERROR_TOO_LARGE);
    g_string_free(text, TRUE);
}

static void a_policy_file_that_cannot_be_used_is_named(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    g_autofree char *path = g_build_filename(world->log->folder, "policy", NULL);
    g_autofree char *text = g_strdup_printf("log %s\nquorum none\n", world->log_vkey);
    g_autoptr(VaultTlogPolicy) policy = NULL;
    g_autoptr(GError) absent = NULL;
    g_autoptr(GError) malformed = NULL;

    assert_null(vault_tlog_policy_load(path, &absent));
    log_world_assert_code(absent, VAULT_ERROR_NOT_FOUND);
    assert_non_null(strstr(absent->message, path));
    assert_true(g_file_set_contents(path, "nonsense\n", -1, NULL));
    assert_null(vault_tlog_policy_load(path, &malformed));
    log_world_assert_code(malformed, VAULT_ERROR_MALFORMED);
    assert_non_null(strstr(malformed->message, path));
    assert_true(g_file_set_contents(path, text, -1, NULL));
    policy = vault_tlog_policy_load(path, NULL);
    assert_non_null(policy);
}

static void witnesses_are_told_in_the_policy_s_order(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    g_autofree char *text = g_strdup_printf(
        "witness b %s http://one.example/\nwitness a %s\ngroup g any a b\nquorum g\n",
        world->vkeys[0], world->vkeys[1]);
    g_autoptr(VaultTlogPolicy) policy = vault_tlog_policy_parse(text, strlen(text), NULL);
    g_autoptr(GArray) witnesses = vault_tlog_policy_witnesses(policy);
    const VaultTlogWitness *first = &g_array_index(witnesses, VaultTlogWitness, 0);

    assert_int_equal(witnesses->len, 2);
    assert_string_equal(first->name, "b");
    assert_string_equal(first->url, "http://one.example/");
    assert_string_equal(first->key->name, "witness.example/0");
    assert_string_equal(first[1].name, "a");
    assert_null(first[1].url);
}

static void a_quorum_is_met_by_witnesses_whosever_log_it_is(void **state)
{
    g_autoptr(PolicyWorld) world = policy_world_new();
    g_autofree char *text = g_strdup_printf("witness a %s\nquorum a\n", world->vkeys[0]);
    g_autoptr(VaultTlogPolicy) policy = vault_tlog_policy_parse(text, strlen(text), NULL);
    g_autoptr(GError) error = NULL;

    assert_false(vault_tlog_policy_meets_quorum(policy, world->note, &error));
    log_world_assert_code(error, VAULT_ERROR_REFUSED);
    vault_note_cosign(world->note, "witness.example/0", &world->signing[0], 1);
    assert_true(vault_tlog_policy_meets_quorum(policy, world->note, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quorum_counts_members_and_groups_of_groups),
        cmocka_unit_test(cosigning_twice_counts_once),
        cmocka_unit_test(a_false_signature_of_a_listed_key_is_refused_even_where_it_is_not_needed),
        cmocka_unit_test(a_listed_log_speaks_for_itself_only),
        cmocka_unit_test(what_is_not_a_policy_is_refused),
        cmocka_unit_test(keys_are_of_the_right_kind_and_listed_once),
        cmocka_unit_test(one_key_signs_for_the_logs_of_several_epochs),
        cmocka_unit_test(spaces_comments_and_urls_make_no_difference),
        cmocka_unit_test(a_policy_has_its_limits),
        cmocka_unit_test(a_policy_file_that_cannot_be_used_is_named),
        cmocka_unit_test(witnesses_are_told_in_the_policy_s_order),
        cmocka_unit_test(a_quorum_is_met_by_witnesses_whosever_log_it_is),
        cmocka_unit_test(a_proof_leads_from_its_entry_to_a_valid_checkpoint),
        cmocka_unit_test(a_proof_file_reads_as_it_was_written),
        cmocka_unit_test(what_is_not_a_proof_is_refused),
        cmocka_unit_test(a_proof_has_63_hashes_and_a_mebibyte_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
