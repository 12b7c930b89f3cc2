/* What log entries say, as bytes: one form, and nothing else is taken. */
#include "vault/log/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static VaultEntry entry_of(VaultEntryKind kind)
{
    VaultEntry entry = {.kind = kind, .time_s = 1795000000};

    switch (kind) {
    case VAULT_ENTRY_EPOCH_START:
        entry.vault_id.bytes[0] = 7;
        entry.log = VAULT_LOG_CONTROL;
        entry.epoch = 2;
        entry.earlier_size = 900;
        entry.earlier_root.bytes[3] = 3;
        break;
    case VAULT_ENTRY_BATCH:
        entry.count = VAULT_ENTRY_BATCH_MAX;
        entry.root.bytes[0] = 1;
        entry.list_hash.bytes[1] = 2;
        entry.mark = (VaultEntryMark){.sequence = 9, .offset = G_MAXUINT64};
        entry.mark.pack_id.bytes[2] = 5;
        break;
    case VAULT_ENTRY_KEY_ROTATED:
        entry.key.bytes[31] = 8;
        break;
    case VAULT_ENTRY_ACT:
        entry.act = VAULT_LOGGED_RELEASE;
        entry.commitment.bytes[4] = 4;
        entry.event_id.bytes[5] = 6;
        entry.count = 3;
        entry.root.bytes[6] = 7;
        break;
    }
    return entry;
}

static VaultErrorCode parse_error(const guint8 *bytes, gsize len)
{
    g_autoptr(GError) error = NULL;
    VaultEntry entry;

    assert_false(vault_entry_parse(bytes, len, &entry, &error));
    assert_int_equal(error->domain, VAULT_ERROR);
    return (VaultErrorCode)error->code;
}

/* As of a release, its number and root are known to everybody. */
static void searches_carry_count_and_root_and_other_acts_do_not(void **state)
{
    VaultEntry entry = entry_of(VAULT_ENTRY_ACT), back;
    g_autoptr(GBytes) search = NULL;
    g_autoptr(GBytes) opened = NULL;

    entry.act = VAULT_LOGGED_SEARCH;
    search = vault_entry_format(&entry);
    assert_true(
        vault_entry_parse(g_bytes_get_data(search, NULL), g_bytes_get_size(search), &back, NULL));
    assert_int_equal(back.count, 3);
    assert_memory_equal(back.root.bytes, entry.root.bytes, VAULT_HASH_LEN);
    entry.act = VAULT_LOGGED_CASE_OPENED;
    opened = vault_entry_format(&entry);
    assert_true(
        vault_entry_parse(g_bytes_get_data(opened, NULL), g_bytes_get_size(opened), &back, NULL));
    assert_int_equal(back.count, 0);
}

static void every_kind_comes_back_as_it_was(void **state)
{
    for (guint kind = 1; kind <= VAULT_ENTRY_ACT; kind++) {
        VaultEntry entry = entry_of((VaultEntryKind)kind), back;
        g_autoptr(GBytes) bytes = vault_entry_format(&entry);

        assert_true(
            vault_entry_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &back, NULL));
        assert_memory_equal(&back, &entry, sizeof entry);
    }
}

static void entries_cut_short_or_with_more_behind_are_malformed(void **state)
{
    for (guint kind = 1; kind <= VAULT_ENTRY_ACT; kind++) {
        VaultEntry entry = entry_of((VaultEntryKind)kind);
        g_autoptr(GBytes) bytes = vault_entry_format(&entry);
        gsize len = g_bytes_get_size(bytes);
        g_autofree guint8 *longer = g_malloc0(len + 1);

        memcpy(longer, g_bytes_get_data(bytes, NULL), len);
        for (gsize cut = 0; cut < len; cut++)
            assert_int_equal(parse_error(longer, cut), VAULT_ERROR_MALFORMED);
        assert_int_equal(parse_error(longer, len + 1), VAULT_ERROR_MALFORMED);
    }
}

static void unknown_versions_kinds_and_acts_are_unsupported(void **state)
{
    VaultEntry entry = entry_of(VAULT_ENTRY_ACT);
    g_autoptr(GBytes) bytes = vault_entry_format(&entry);
    gsize len = g_bytes_get_size(bytes);
    guint8 changed[256];

    memcpy(changed, g_bytes_get_data(bytes, NULL), len);
    changed[0] = 2;
    assert_int_equal(parse_error(changed, len), VAULT_ERROR_UNSUPPORTED);
    changed[0] = 1;
    changed[2] = 5;
    assert_int_equal(parse_error(changed, len), VAULT_ERROR_UNSUPPORTED);
    changed[2] = VAULT_ENTRY_ACT;
    changed[11 + 4 + 1] = VAULT_LOGGED_END;
    assert_int_equal(parse_error(changed, len), VAULT_ERROR_UNSUPPORTED);
    changed[11 + 4 + 1] = 0;
    assert_int_equal(parse_error(changed, len), VAULT_ERROR_UNSUPPORTED);
}

static void a_batch_over_its_limit_and_an_epoch_0_are_malformed(void **state)
{
    VaultEntry batch = entry_of(VAULT_ENTRY_BATCH), start = entry_of(VAULT_ENTRY_EPOCH_START);
    g_autoptr(GBytes) bytes = vault_entry_format(&batch);
    g_autoptr(GBytes) other = NULL;
    guint8 changed[256];

    memcpy(changed, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    changed[11 + 4 + 7]++; /* count: one past the limit */
    assert_int_equal(parse_error(changed, g_bytes_get_size(bytes)), VAULT_ERROR_MALFORMED);
    start.epoch = 1;
    other = vault_entry_format(&start);
    memcpy(changed, g_bytes_get_data(other, NULL), g_bytes_get_size(other));
    changed[11 + 20 + 5 + 4 + 3] = 0;
    assert_int_equal(parse_error(changed, g_bytes_get_size(other)), VAULT_ERROR_MALFORMED);
}

static void acts_have_names_that_lead_back_to_them(void **state)
{
    VaultLoggedAct act;

    for (guint i = 1; i < VAULT_LOGGED_END; i++) {
        assert_true(vault_logged_act_parse(vault_logged_act_name((VaultLoggedAct)i), &act));
        assert_int_equal(act, i);
    }
    assert_null(vault_logged_act_name(VAULT_LOGGED_END));
    assert_false(vault_logged_act_parse("start", &act));
}

static void records_of_a_batch_are_proved_and_others_are_not(void **state)
{
    VaultHash hashes[11], root, entry_hash;
    VaultMerkleProof proof;

    for (guint i = 0; i < G_N_ELEMENTS(hashes); i++)
        vault_hash(&i, sizeof i, &hashes[i]);
    for (gsize count = 1; count <= G_N_ELEMENTS(hashes); count++) {
        vault_entry_records_root(hashes, count, &root);
        for (gsize i = 0; i < count; i++) {
            assert_true(vault_entry_prove_record(hashes, count, i, &proof, NULL));
            vault_merkle_entry_hash(hashes[i].bytes, VAULT_HASH_LEN, &entry_hash);
            assert_true(vault_merkle_verify_inclusion(&proof, i, count, &entry_hash, &root));
            vault_merkle_entry_hash(hashes[(i + 1) % 11].bytes, VAULT_HASH_LEN, &entry_hash);
            assert_false(vault_merkle_verify_inclusion(&proof, i, count, &entry_hash, &root));
        }
        assert_false(vault_entry_prove_record(hashes, count, count, &proof, NULL));
    }
}

static void ids_are_sorted_and_each_counts_once(void **state)
{
    RecordId ids[] = {{{3}}, {{1}}, {{3}}, {{2}}}, sorted[] = {{{1}}, {{2}}, {{3}}};
    VaultHash root, other;

    assert_int_equal(vault_entry_sort_ids(ids, 4), 3);
    assert_memory_equal(ids, sorted, sizeof sorted);
    vault_entry_ids_root(ids, 3, &root);
    vault_entry_ids_root(ids, 2, &other);
    assert_memory_not_equal(&root, &other, sizeof root);
    assert_int_equal(vault_entry_sort_ids(ids, 0), 0);
}

static void lists_are_whole_hashes_up_to_the_limit(void **state)
{
    gsize len = (gsize)VAULT_ENTRY_BATCH_MAX * VAULT_HASH_LEN;
    g_autofree guint8 *zeros = g_malloc0(len + VAULT_HASH_LEN);
    g_autoptr(GBytes) most = g_bytes_new_static(zeros, len);
    g_autoptr(GBytes) over = g_bytes_new_static(zeros, len + VAULT_HASH_LEN);
    g_autoptr(GBytes) odd = g_bytes_new_static(zeros, 31);
    const VaultHash *hashes;
    gsize count;

    assert_true(vault_entry_list_parse(most, &hashes, &count, NULL));
    assert_int_equal(count, VAULT_ENTRY_BATCH_MAX);
    assert_false(vault_entry_list_parse(over, &hashes, &count, NULL));
    assert_false(vault_entry_list_parse(odd, &hashes, &count, NULL));
}

static int set_up(void **state)
{
    vault_crypto_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back_as_it_was),
        cmocka_unit_test(searches_carry_count_and_root_and_other_acts_do_not),
        cmocka_unit_test(entries_cut_short_or_with_more_behind_are_malformed),
        cmocka_unit_test(unknown_versions_kinds_and_acts_are_unsupported),
        cmocka_unit_test(a_batch_over_its_limit_and_an_epoch_0_are_malformed),
        cmocka_unit_test(acts_have_names_that_lead_back_to_them),
        cmocka_unit_test(records_of_a_batch_are_proved_and_others_are_not),
        cmocka_unit_test(ids_are_sorted_and_each_counts_once),
        cmocka_unit_test(lists_are_whole_hashes_up_to_the_limit),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
