/* What only a holder of a body's key can do: put another message in a body's place, sealed under
 * the same key, with fitting checksums. The copies tell. (All that others can do to a pack:
 * tests/system/test_tamper.py.) */
#include "tests/support/vault_world.h"

#include "vault/base/bytes.h"
#include "vault/base/file.h"
#include "vault/crypto/stream.h"
#include "vault/store/pack_format.h"

#include <string.h>
#include <zstd.h>

#define OWNER "anna@example.org"

static const char *const messages[] = {"Subject: first\r\n\r\nI will pay 100 for it.\r\n",
                                       "Subject: second\r\n\r\nI will pay 200 for it.\r\n",
                                       "Subject: third\r\n\r\nI will pay 300 for it.\r\n"};
static const char forged_message[] = "Subject: second\r\n\r\nI will pay 900 for it.\r\n";

typedef struct {
    VaultWorld *world;
    GArray *granted;
    RecordId ids[G_N_ELEMENTS(messages)];
    char *pack_path;
} Forgery;

static void forgery_free(Forgery *forgery)
{
    g_array_unref(forgery->granted);
    vault_world_free(forgery->world);
    g_free(forgery->pack_path);
    g_free(forgery);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Forgery, forgery_free)

static Forgery *forgery_new(void)
{
    Forgery *forgery = g_new0(Forgery, 1);

    forgery->world = vault_world_new();
    for (guint i = 0; i < G_N_ELEMENTS(messages); i++)
        forgery->ids[i] =
            vault_world_deliver(forgery->world, OWNER, messages[i], strlen(messages[i]));
    forgery->granted = vault_world_grant(forgery->world);
    return forgery;
}

/* Where the body of message `number` lies, with what its copy says of it. */
static VaultPlace find_body(Forgery *forgery, guint number, VaultBodyReference *ret_body)
{
    VaultWorld *world = forgery->world;
    g_autoptr(VaultReader) reader = vault_world_reader(world, forgery->granted);
    g_autoptr(GArray) copies = vault_world_copies(world);
    VaultPlace place = {0};

    assert_true(vault_keep_record_place(world->keep, &forgery->ids[number], &place, NULL));
    for (guint i = 0; i < copies->len; i++) {
        const VaultCopyEntry *entry = &g_array_index(copies, VaultCopyEntry, i);
        if (!VAULT_ID_EQUAL(entry->body_id, forgery->ids[number]))
            continue;
        ContentSlot slot = vault_world_release(world, entry);
        g_autoptr(VaultOpenedCopy) copy = vault_world_open_copy(world, reader, entry, &slot, NULL);
        assert_non_null(copy);
        *ret_body = copy->body;
        return place;
    }
    fail_msg("message %u has no copy", number);
    return place;
}

/* A ciphertext of the same length under the same body key: commitment, one chunk. */
static void forge_ciphertext(const VaultBodyReference *body, guint8 *ret_bytes, gsize len)
{
    VaultStreamParameters parameters = {.key = &body->key,
                                        .record_id = body->body_id,
                                        .suite = VAULT_SUITE_X25519,
                                        .kind = VAULT_RECORD_BODY};
    g_autoptr(VaultStream) stream = vault_stream_new(&parameters, ret_bytes);
    gsize plain_len = len - VAULT_STREAM_COMMITMENT_LEN - VAULT_STREAM_TAG_LEN;
    g_autofree guint8 *plain = g_malloc0(plain_len);
    gsize frame_len = ZSTD_compress(plain, plain_len, forged_message, strlen(forged_message), 3);

    assert_false(ZSTD_isError(frame_len));
    assert_true(vault_stream_seal(stream, plain, plain_len, VAULT_STREAM_LAST,
                                  ret_bytes + VAULT_STREAM_COMMITMENT_LEN, NULL));
}

static GByteArray *read_pack(Forgery *forgery)
{
    g_autofree char *folder = g_build_filename(forgery->world->path, "packs", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name = g_dir_read_name(dir);
    g_autoptr(GBytes) bytes = NULL;

    assert_non_null(name);
    assert_null(g_dir_read_name(dir)); /* one pack */
    forgery->pack_path = g_build_filename(folder, name, NULL);
    bytes = vault_file_read(forgery->pack_path, 1u << 30, NULL);
    return g_bytes_unref_to_array(g_steal_pointer(&bytes));
}

/* Puts the forged body in its place: same header up to the locator, new checksums. */
static void forge_record(GByteArray *pack, const VaultPlace *place, const VaultBodyReference *body)
{
    guint8 *record = pack->data + place->offset;
    gsize header_len = vault_record_header_len(VAULT_RECORD_BODY);
    gsize ciphertext_len = place->len - header_len;

    forge_ciphertext(body, record + header_len, ciphertext_len);
    vault_record_format_crcs(record, header_len - VAULT_RECORD_CRC_LEN,
                             vault_crc32c(0, record + header_len, ciphertext_len));
}

/* Makes the group's commit record fit what now stands before it. */
static void forge_commit(GByteArray *pack, const VaultPlace *place)
{
    for (gsize at = place->offset; at < pack->len; at++) {
        VaultPackCommit commit;
        if (!vault_pack_commit_parse(pack->data + at, pack->len - at, &commit))
            continue;
        g_autoptr(GByteArray) hashes = g_byte_array_new();
        for (guint64 record = commit.start; record < commit.start + commit.len;) {
            const guint8 *bytes = pack->data + record;
            VaultRecordHeader header;
            VaultHash ciphertext, hash;

            assert_true(vault_record_header_parse(bytes, pack->len - record, &header, NULL));
            vault_hash(bytes + header.header_len, header.ciphertext_len, &ciphertext);
            vault_record_hash(bytes, header.header_len, &ciphertext, &hash);
            g_byte_array_append(hashes, hash.bytes, VAULT_HASH_LEN);
            record += header.header_len + header.ciphertext_len;
        }
        RecordId id;
        memcpy(id.bytes, pack->data + at + 8, VAULT_ID_LEN);
        vault_hash(hashes->data, hashes->len, &commit.hash);
        vault_pack_commit_format(&commit, &id, pack->data + at);
        return;
    }
    fail_msg("no commit record after the body");
}

/* The trailer goes: as after a crash, the start makes one for what it finds. */
static void write_pack(Forgery *forgery, GByteArray *pack, gboolean without_trailer)
{
    gsize len = pack->len;

    if (without_trailer)
        len = vault_pack_footer_parse(pack->data + pack->len - VAULT_PACK_FOOTER_LEN, pack->len);
    assert_true(len > 0);
    assert_true(
        vault_file_write(forgery->pack_path, pack->data, len, 0600, VAULT_FILE_REPLACE, NULL));
}

static void count_finding(const char *text, gpointer user)
{
    ++*(guint *)user;
}

static guint findings_of(VaultWorld *world)
{
    guint count = 0;
    VaultVerifyCallbacks callbacks = {.finding = count_finding, .user = &count};
    VaultVerifyResult result;

    assert_true(vault_keep_verify(world->keep, VAULT_VERIFY_DEEP, &callbacks, &result, NULL));
    assert_int_equal(result.finding_count, count);
    return count;
}

/* The forged message is refused as CORRUPT or its record as damaged, the others open. */
static void assert_only_the_forged_is_refused(Forgery *forgery)
{
    VaultWorld *world = forgery->world;
    g_autoptr(VaultReader) reader = vault_world_reader(world, forgery->granted);
    g_autoptr(GArray) copies = vault_world_copies(world);
    guint opened = 0;

    for (guint i = 0; i < copies->len; i++) {
        const VaultCopyEntry *entry = &g_array_index(copies, VaultCopyEntry, i);
        ContentSlot slot = vault_world_release(world, entry);
        g_autoptr(GError) error = NULL;
        g_autoptr(VaultOpenedCopy) copy =
            vault_world_open_copy(world, reader, entry, &slot, &error);
        g_autoptr(GByteArray) message =
            copy == NULL ? NULL : vault_world_open_body(world, reader, copy, &error);

        if (message != NULL)
            opened++;
        assert_true((message == NULL) == VAULT_ID_EQUAL(entry->body_id, forgery->ids[1]));
        assert_true(message != NULL || g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
    }
    assert_int_equal(opened, G_N_ELEMENTS(messages) - 1);
}

static void forge(Forgery *forgery, gboolean with_commit)
{
    VaultBodyReference body;
    VaultPlace place = find_body(forgery, 1, &body);
    g_autoptr(GByteArray) pack = NULL;

    vault_world_close(forgery->world);
    pack = read_pack(forgery);
    forge_record(pack, &place, &body);
    if (with_commit)
        forge_commit(pack, &place);
    write_pack(forgery, pack, with_commit);
    vault_world_open(forgery->world);
}

static void untouched_vault_has_no_findings(void **state)
{
    g_autoptr(Forgery) forgery = forgery_new();

    vault_world_close(forgery->world);
    vault_world_open(forgery->world);
    assert_int_equal(findings_of(forgery->world), 0);
}

static void body_replaced_under_its_own_key_is_named_and_refused(void **state)
{
    g_autoptr(Forgery) forgery = forgery_new();

    forge(forgery, FALSE);
    assert_int_not_equal(findings_of(forgery->world), 0);
    assert_only_the_forged_is_refused(forgery);
}

/* With a new commit record too the host alone cannot tell; the copies still do. */
static void body_replaced_with_its_commit_record_is_refused(void **state)
{
    g_autoptr(Forgery) forgery = forgery_new();

    forge(forgery, TRUE);
    assert_only_the_forged_is_refused(forgery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_vault_has_no_findings),
        cmocka_unit_test(body_replaced_under_its_own_key_is_named_and_refused),
        cmocka_unit_test(body_replaced_with_its_commit_record_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
