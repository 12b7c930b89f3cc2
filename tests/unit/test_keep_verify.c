/* verify finds each kind of damage and each disagreement, and nothing where nothing is wrong. */
#include "tests/support/keep_damage.h"

#include "vault/store/pack_reader.h"

#include <glib/gstdio.h>
#include <string.h>

#define ANNA "anna@example.org"
#define BERT "bert@example.org"
#define LARGE_LEN (VAULT_BODY_WHOLE_MAX + 4096)

static void add_finding(const char *text, gpointer user)
{
    g_string_append_printf(user, "%s\n", text);
}

static char *findings_of(VaultKeep *keep, VaultVerifyDepth depth)
{
    GString *text = g_string_new(NULL);
    VaultVerifyCallbacks callbacks = {.finding = add_finding, .user = text};
    g_autoptr(GError) error = NULL;
    VaultVerifyResult result;
    guint lines = 0;

    if (!vault_keep_verify(keep, depth, &callbacks, &result, &error))
        fail_msg("%s", error->message);
    for (const char *at = text->str; *at != '\0'; at++)
        lines += *at == '\n';
    assert_int_equal(result.finding_count, lines);
    return g_string_free(text, FALSE);
}

/* As a command sees it: without a writer. */
static char *findings(KeepFixture *fixture, VaultVerifyDepth depth)
{
    g_autoptr(VaultKeep) reader = keep_fixture_reader(fixture);

    return findings_of(reader, depth);
}

static void assert_found(KeepFixture *fixture, VaultVerifyDepth depth, const char *part)
{
    g_autofree char *found = findings(fixture, depth);

    if (part == NULL)
        assert_string_equal(found, "");
    else if (strstr(found, part) == NULL)
        fail_msg("not found: %s\nbut: %s", part, found);
}

/* Two mailboxes, three messages, one of them large; closed. */
static KeepFixture *closed_vault(KeepDelivery *ret_first)
{
    KeepFixture *fixture = keep_fixture_new();
    KeepDelivery first = keep_fixture_deliver(fixture, "one", ANNA);

    keep_fixture_deliver(fixture, "two", BERT);
    keep_fixture_deliver_large(fixture, LARGE_LEN, BERT);
    keep_fixture_close(fixture);
    if (ret_first != NULL)
        *ret_first = first;
    return fixture;
}

static char *path_of(const KeepFixture *fixture, const char *suffix)
{
    g_autoptr(GPtrArray) packs = keep_fixture_packs(fixture, suffix);

    assert_true(packs->len > 0);
    return g_strdup(g_ptr_array_index(packs, 0));
}

/* ---- catalog against packs ------------------------------------------------------------------ */

static void disagreements_of_the_catalog_are_found(void **state)
{
    static const struct {
        const char *script, *found;
    } cases[] = {
        {"SELECT 1", NULL},
        {"DELETE FROM copies WHERE record_id = (SELECT min(record_id) FROM copies)",
         "the catalog does not have it"},
        {"DELETE FROM bodies", "the catalog does not have it"},
        {"DELETE FROM bodies", "its body is not there"},
        {"UPDATE bodies SET offset = offset + 1", "elsewhere or as another kind"},
        {"UPDATE copies SET len = len - 1", "elsewhere or as another kind"},
        {"UPDATE copies SET pack_no = (SELECT max(pack_no) FROM packs)",
         "elsewhere or as another kind"},
        {"INSERT INTO bodies SELECT randomblob(16), pack_no, offset, len, received_s, archived_s, "
         "flags, repeats FROM bodies LIMIT 1",
         "no pack holds"},
        {"INSERT INTO copies SELECT received_s, randomblob(16), body_id, month_key_id, leaf, "
         "flags, pack_no, offset, len, sequence, terms_id FROM copies LIMIT 1; "
         "UPDATE totals SET copy_count = copy_count + 1",
         "no pack holds"},
        {"UPDATE copies SET terms_id = NULL", "3 copies have other terms"},
        {"DELETE FROM others", "3 copies have other terms"},
        {"DELETE FROM others", "the catalog does not have it"},
        {"UPDATE copies SET terms_id = randomblob(16) WHERE leaf = 0", "copies have other terms"},
        {"UPDATE totals SET copy_count = copy_count + 1", "what its rows add up to"},
        {"INSERT INTO packs (pack_id, end, state) VALUES (randomblob(16), 200, 2)", "is missing"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(KeepFixture) fixture = closed_vault(NULL);

        keep_damage_sql(fixture, "catalog.sqlite", cases[i].script);
        assert_found(fixture, VAULT_VERIFY_CATALOG, cases[i].found);
    }
}

/* The row of a pack that a successor ended is gone: what is in it was catalogued. */
static void pack_that_the_catalog_forgot_is_found(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    keep_fixture_deliver(fixture, "two", ANNA);
    keep_fixture_close(fixture);
    keep_damage_sql(fixture, "catalog.sqlite",
                    "DELETE FROM bodies WHERE pack_no = 1; DELETE FROM copies WHERE pack_no = 1; "
                    "DELETE FROM packs WHERE pack_no = 1; UPDATE totals SET message_count = 1, "
                    "copy_count = 1");
    assert_found(fixture, VAULT_VERIFY_CATALOG, "the catalog does not have it");
}

static void damaged_catalog_file_is_found(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *path = keep_damage_path(fixture, "catalog.sqlite");
    g_autofree char *root = NULL;
    g_autoptr(GByteArray) bytes = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    keep_fixture_close(fixture);
    root = keep_damage_rows(fixture, "catalog.sqlite",
                            "SELECT rootpage FROM sqlite_master WHERE name = 'others_body'");
    bytes = keep_damage_read(path);
    memset(bytes->data + (g_ascii_strtoull(root + 1, NULL, 10) - 1) * 4096, 0x55, 64);
    keep_damage_write(path, bytes->data, bytes->len);
    assert_found(fixture, VAULT_VERIFY_CATALOG, "catalog:");
    /* And the packs are looked at all the same. */
    {
        g_autofree char *pack = path_of(fixture, ".pack");

        keep_damage_flip(pack, VAULT_PACK_HEADER_LEN + 400);
    }
    assert_found(fixture, VAULT_VERIFY_DEEP, ".pack, offset 128");
}

/* ---- packs ---------------------------------------------------------------------------------- */

/* Offset of the last byte of the first record of this kind. */
static guint64 last_byte_of(const char *path, VaultRecordKind kind)
{
    VaultPackHeader header;
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(path, NULL, VAULT_SCAN_HEADERS, &header, NULL);
    VaultScanEvent event = VAULT_SCAN_GROUP;

    while (event != VAULT_SCAN_END) {
        GArray *records = NULL;
        guint64 offset, len;

        assert_true(vault_pack_scan_next(scan, &event, &records, &offset, &len, NULL));
        for (guint i = 0; records != NULL && i < records->len; i++) {
            const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);

            if (record->header.kind == kind)
                return record->offset + record->len - 1;
        }
    }
    fail();
    return 0;
}

static void flipped_ciphertexts_are_found_by_the_deep_check_only(void **state)
{
    static const struct {
        const char *suffix;
        VaultRecordKind kind;
    } cases[] = {
        {".pack", VAULT_RECORD_BODY}, {".pack", VAULT_RECORD_COPY}, {".stream", VAULT_RECORD_BODY}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(KeepFixture) fixture = closed_vault(NULL);
        g_autofree char *path = path_of(fixture, cases[i].suffix);
        g_autofree char *name = g_path_get_basename(path);

        keep_damage_flip(path, last_byte_of(path, cases[i].kind));
        assert_found(fixture, VAULT_VERIFY_CATALOG, NULL);
        assert_found(fixture, VAULT_VERIFY_DEEP, "damaged");
        assert_found(fixture, VAULT_VERIFY_DEEP, name);
    }
}

/* Headers of pack and record, commit record and trailer: each byte that is not ciphertext. */
static void flipped_bytes_outside_ciphertexts_are_found_at_once(void **state)
{
    g_autoptr(KeepFixture) fixture = closed_vault(NULL);
    g_autofree char *path = path_of(fixture, ".pack");
    g_autoptr(GByteArray) bytes = keep_damage_read(path);
    guint64 first_body_end = last_byte_of(path, VAULT_RECORD_BODY) + 1;
    guint64 first_copy_end = last_byte_of(path, VAULT_RECORD_COPY) + 1;
    const guint64 offsets[] = {0,
                               40,
                               VAULT_PACK_HEADER_LEN - 1,
                               VAULT_PACK_HEADER_LEN,
                               VAULT_PACK_HEADER_LEN + 30,
                               VAULT_PACK_HEADER_LEN + 100,
                               first_body_end + 1,
                               first_body_end + 90,
                               first_copy_end + 1,
                               first_copy_end + 80,
                               bytes->len - 1,
                               bytes->len - 60};

    for (gsize i = 0; i < G_N_ELEMENTS(offsets); i++) {
        g_autofree char *found = NULL;

        keep_damage_flip(path, offsets[i]);
        found = findings(fixture, VAULT_VERIFY_CATALOG);
        if (found[0] == '\0')
            fail_msg("nothing found at %" G_GUINT64_FORMAT, offsets[i]);
        keep_damage_write(path, bytes->data, bytes->len);
        assert_found(fixture, VAULT_VERIFY_DEEP, NULL);
    }
}

static void missing_and_shortened_packs_are_found(void **state)
{
    static const char *const suffixes[] = {".pack", ".stream"};

    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autoptr(KeepFixture) fixture = closed_vault(NULL);
        g_autofree char *path = path_of(fixture, suffixes[i]);
        g_autoptr(GByteArray) bytes = keep_damage_read(path);

        keep_damage_write(path, bytes->data, bytes->len / 2);
        assert_found(fixture, VAULT_VERIFY_CATALOG,
                     i == 0 ? "it is good up to here only" : "damaged");
        keep_damage_write(path, bytes->data, bytes->len - 1);
        assert_found(fixture, VAULT_VERIFY_CATALOG, i == 0 ? "its trailer is damaged" : "damaged");
        keep_damage_write(path, bytes->data, 50);
        assert_found(fixture, VAULT_VERIFY_CATALOG, "header is damaged or was never written");
        assert_int_equal(g_unlink(path), 0);
        assert_found(fixture, VAULT_VERIFY_CATALOG, "is missing: the catalog has records in it");
    }
}

/* Just behind a group, and a stretch out of its middle: what is left looks whole. */
static void cut_packs_are_named(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    g_autofree char *path = NULL;
    g_autoptr(GByteArray) first = NULL, whole = NULL;

    keep_fixture_deliver(fixture, "one", ANNA);
    path = path_of(fixture, ".pack");
    first = keep_damage_read(path);
    keep_fixture_deliver(fixture, "two", ANNA);
    keep_fixture_deliver(fixture, "three", ANNA);
    keep_fixture_close(fixture);
    whole = keep_damage_read(path);
    for (guint round = 0; round <= 1; round++) {
        g_autoptr(GByteArray) all = g_byte_array_new();

        g_byte_array_append(all, whole->data, whole->len);
        keep_damage_write(path, first->data, first->len);
        assert_found(fixture, VAULT_VERIFY_CATALOG, path + strlen(path) - 30);
        g_byte_array_remove_range(all, first->len + 100, 64);
        keep_damage_write(path, all->data, all->len);
        assert_found(fixture, VAULT_VERIFY_CATALOG, path + strlen(path) - 30);
        /* Once with the state that a close leaves, once without it. */
        keep_damage_sql(fixture, "catalog.sqlite", "UPDATE packs SET state = 0");
    }
}

/* ---- keyring -------------------------------------------------------------------------------- */

static void unknown_month_is_found_and_a_dropped_one_is_no_finding(void **state)
{
    KeepDelivery first;
    g_autoptr(KeepFixture) fixture = closed_vault(&first);
    g_autoptr(KeepFixture) other = NULL;

    keep_damage_forget_month(fixture, &first.months[0]);
    assert_found(fixture, VAULT_VERIFY_CATALOG, "its month key is not in the keyring");
    other = closed_vault(&first);
    keep_fixture_open(other);
    keep_damage_drop_month(other, &first.months[0]);
    keep_fixture_close(other);
    keep_damage_remove(other, "catalog.sqlite");
    keep_fixture_open(other);
    keep_fixture_close(other);
    assert_found(other, VAULT_VERIFY_CATALOG, NULL);
}

static void values_that_do_not_open_are_found(void **state)
{
    static const char *const tables[] = {"masters", "day_keys", "log_keys", "mailboxes", "months"};

    for (gsize i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autoptr(KeepFixture) fixture = closed_vault(NULL);
        g_autofree char *script = g_strdup_printf(
            "UPDATE %s SET sealed = substr(sealed, 1, length(sealed) - 1)", tables[i]);

        keep_damage_sql(fixture, "keyring.sqlite", script);
        assert_found(fixture, VAULT_VERIFY_CATALOG, "keyring:");
    }
}

/* ---- beside a writer ------------------------------------------------------------------------ */

typedef struct {
    KeepFixture *fixture;
    gint is_over, delivered;
} Beside;

static gpointer deliver_on(gpointer user)
{
    Beside *beside = user;

    for (guint i = 0; !g_atomic_int_get(&beside->is_over); i++) {
        g_autofree char *text = g_strdup_printf("%u %u", i, g_random_int());

        keep_fixture_deliver(beside->fixture, text, i % 2 == 0 ? ANNA : BERT);
        g_atomic_int_inc(&beside->delivered);
        if (i % 50 == 49)
            keep_fixture_deliver_large(beside->fixture, LARGE_LEN, ANNA);
    }
    return NULL;
}

static void nothing_is_found_beside_deliveries(void **state)
{
    g_autoptr(KeepFixture) fixture = keep_fixture_new();
    Beside beside = {.fixture = fixture};
    g_autoptr(VaultKeep) reader = NULL;
    GThread *thread;

    keep_fixture_close(fixture);
    fixture->options.pack_size = 65536;
    keep_fixture_open(fixture);
    reader = keep_fixture_reader(fixture);
    thread = g_thread_new("deliver", deliver_on, &beside);
    for (guint i = 0; i < 8 || g_atomic_int_get(&beside.delivered) < 60; i++) {
        g_autofree char *read = findings_of(reader, VAULT_VERIFY_CATALOG);
        g_autofree char *written = findings_of(fixture->keep, VAULT_VERIFY_DEEP);

        assert_string_equal(read, "");
        assert_string_equal(written, "");
    }
    g_atomic_int_set(&beside.is_over, TRUE);
    g_thread_join(thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disagreements_of_the_catalog_are_found),
        cmocka_unit_test(pack_that_the_catalog_forgot_is_found),
        cmocka_unit_test(damaged_catalog_file_is_found),
        cmocka_unit_test(flipped_ciphertexts_are_found_by_the_deep_check_only),
        cmocka_unit_test(flipped_bytes_outside_ciphertexts_are_found_at_once),
        cmocka_unit_test(missing_and_shortened_packs_are_found),
        cmocka_unit_test(cut_packs_are_named),
        cmocka_unit_test(unknown_month_is_found_and_a_dropped_one_is_no_finding),
        cmocka_unit_test(values_that_do_not_open_are_found),
        cmocka_unit_test(nothing_is_found_beside_deliveries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
