/* The stored forms, pinned: each golden file is what the formatters make today, byte for byte, and
 * reads as its listing says. A file that differs means that packs on people's disks are no longer
 * what this program writes or reads: then the change is wrong, not the file.
 *
 * `test_pack_golden --write DIR` writes the files, for a form that is added. */
#include "tests/support/pack_fixture.h"

#include "vault/base/bytes.h"
#include "vault/store/pack_compacted.h"
#include "vault/store/pack_format.h"

#define GOLDEN SOURCE_DIR "/tests/golden/packs"
#define CREATED_S 1795512600 /* 2026-11-24 09:30:00 */

static const char *const kind_names[] = {"?",       "body",     "copy",  "terms-body", "terms-copy",
                                         "wrapper", "addendum", "event", "commit"};

static void fill(void *bytes, guint8 value, gsize len)
{
    memset(bytes, value, len);
}

static LocatorKey sample_key(void)
{
    LocatorKey key;

    for (gsize i = 0; i < sizeof key.bytes; i++)
        key.bytes[i] = (guint8)i;
    return key;
}

static VaultLocator sample_locator(void)
{
    VaultLocator locator = {.leaf = 0x01020304,
                            .received_s = CREATED_S,
                            .archived_s = CREATED_S + 1,
                            .flags = VAULT_FLAG_IMPORTED | VAULT_FLAG_DATE_UNCERTAIN,
                            .step = 7};

    fill(&locator.body_id, 0x31, VAULT_ID_LEN);
    fill(&locator.month_key_id, 0x32, VAULT_ID_LEN);
    fill(&locator.retry_tag, 0x33, VAULT_TAG_LEN);
    fill(&locator.repeat_tag, 0x34, VAULT_TAG_LEN);
    fill(&locator.repeats, 0x35, VAULT_ID_LEN);
    fill(locator.enc, 0x36, sizeof locator.enc);
    fill(&locator.row_id, 0x37, VAULT_ID_LEN);
    return locator;
}

/* Record number `number` of the samples: its id and ciphertext follow from that. */
static GByteArray *make_record(guint number, VaultRecordKind kind, gsize len, VaultHash *ret_hash)
{
    const LocatorKey key = sample_key();
    const VaultLocator locator = sample_locator();
    VaultRecordHeader header = {
        .kind = kind, .suite = VAULT_SUITE_X25519, .ciphertext_len = (guint64)len};
    g_autofree guint8 *ciphertext = g_malloc(len);
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    GByteArray *record = g_byte_array_new();
    VaultHash ciphertext_hash;
    gsize header_len;

    for (gsize i = 0; i < len; i++)
        ciphertext[i] = (guint8)(7 * i + 31 * number);
    fill(&header.record_id, (guint8)(0x10 + number), VAULT_ID_LEN);
    fill(header.by_kind, kind == VAULT_RECORD_EVENT ? 0 : 0x22, VAULT_RECORD_BY_KIND_LEN);
    header_len = vault_record_format_clear(&header, &key, &locator, bytes);
    header_len = vault_record_format_crcs(bytes, header_len, vault_crc32c(0, ciphertext, len));
    g_byte_array_append(record, bytes, (guint)header_len);
    g_byte_array_append(record, ciphertext, (guint)len);
    vault_hash(ciphertext, len, &ciphertext_hash);
    vault_record_hash(bytes, header_len, &ciphertext_hash, ret_hash);
    return record;
}

/* ---- packs in the making -------------------------------------------------------------------- */

typedef struct {
    GByteArray *bytes;
    GByteArray *index;
    PackId id;
    guint64 group_start;
    guint32 group_count;
    GByteArray *group_hashes;
} Draft;

static VaultPackHeader sample_header(VaultPackType type, guint64 sequence)
{
    VaultPackHeader header = {.type = type, .sequence = sequence, .created_s = CREATED_S};

    fill(&header.vault_id, 0xaa, VAULT_ID_LEN);
    fill(&header.pack_id, (guint8)(0xb0 + sequence), VAULT_ID_LEN);
    return header;
}

static void draft_begin(Draft *draft, const VaultPackHeader *header)
{
    guint8 bytes[VAULT_PACK_HEADER_LEN];

    vault_pack_header_format(header, bytes);
    *draft = (Draft){.bytes = g_byte_array_new(),
                     .index = g_byte_array_new(),
                     .id = header->pack_id,
                     .group_start = VAULT_PACK_HEADER_LEN,
                     .group_hashes = g_byte_array_new()};
    g_byte_array_append(draft->bytes, bytes, sizeof bytes);
}

static void draft_add(Draft *draft, guint number, VaultRecordKind kind, gsize len)
{
    VaultPackIndexEntry entry = {.kind = (guint8)kind, .offset = draft->bytes->len};
    g_autoptr(GByteArray) record = make_record(number, kind, len, &entry.hash);

    fill(&entry.record_id, (guint8)(0x10 + number), VAULT_ID_LEN);
    entry.len = record->len;
    vault_pack_index_append(draft->index, &entry);
    g_byte_array_append(draft->bytes, record->data, record->len);
    g_byte_array_append(draft->group_hashes, entry.hash.bytes, VAULT_HASH_LEN);
    draft->group_count++;
}

static void draft_commit(Draft *draft, guint number)
{
    VaultPackCommit commit = {.pack_id = draft->id,
                              .start = draft->group_start,
                              .len = draft->bytes->len - draft->group_start,
                              .count = draft->group_count};
    guint8 bytes[VAULT_PACK_COMMIT_LEN];
    RecordId id;

    vault_hash(draft->group_hashes->data, draft->group_hashes->len, &commit.hash);
    fill(&id, (guint8)(0x10 + number), VAULT_ID_LEN);
    vault_pack_commit_format(&commit, &id, bytes);
    g_byte_array_append(draft->bytes, bytes, sizeof bytes);
    draft->group_start = draft->bytes->len;
    draft->group_count = 0;
    g_byte_array_set_size(draft->group_hashes, 0);
}

static GByteArray *draft_finish(Draft *draft)
{
    g_byte_array_unref(draft->index);
    g_byte_array_unref(draft->group_hashes);
    return draft->bytes;
}

static GByteArray *make_closed(void)
{
    VaultPackHeader header = sample_header(VAULT_PACK_GROUPED, 1);
    g_autoptr(GByteArray) trailer = NULL;
    Draft draft;

    draft_begin(&draft, &header);
    draft_add(&draft, 1, VAULT_RECORD_BODY, 300);
    draft_add(&draft, 2, VAULT_RECORD_COPY, 272);
    draft_add(&draft, 3, VAULT_RECORD_COPY, 272);
    draft_commit(&draft, 4);
    draft_add(&draft, 5, VAULT_RECORD_TERMS_BODY, 150);
    draft_add(&draft, 6, VAULT_RECORD_TERMS_COPY, 80);
    draft_add(&draft, 7, VAULT_RECORD_WRAPPER, 100);
    draft_add(&draft, 8, VAULT_RECORD_ADDENDUM, 64);
    draft_add(&draft, 9, VAULT_RECORD_EVENT, 48);
    draft_commit(&draft, 10);
    trailer = vault_pack_trailer_format(draft.bytes->data, draft.index, draft.bytes->len);
    g_byte_array_append(draft.bytes, trailer->data, trailer->len);
    return draft_finish(&draft);
}

/* The successor of the closed one, as a power cut leaves it: a group, and half of the next. */
static GByteArray *make_open(void)
{
    VaultPackHeader header = sample_header(VAULT_PACK_GROUPED, 2);
    g_autoptr(GByteArray) closed = make_closed();
    Draft draft;

    fill(&header.predecessor, 0xb1, VAULT_ID_LEN);
    header.predecessor_end =
        vault_pack_footer_parse(closed->data + closed->len - VAULT_PACK_FOOTER_LEN, closed->len);
    draft_begin(&draft, &header);
    draft_add(&draft, 11, VAULT_RECORD_BODY, 200);
    draft_add(&draft, 12, VAULT_RECORD_COPY, 272);
    draft_commit(&draft, 13);
    draft_add(&draft, 14, VAULT_RECORD_BODY, 200);
    g_byte_array_set_size(draft.bytes, draft.bytes->len - 50);
    return draft_finish(&draft);
}

static GByteArray *make_damaged(void)
{
    GByteArray *bytes = make_closed();

    bytes->data[VAULT_PACK_HEADER_LEN + 156 + 300 + 136 + 5] ^= 1; /* in record 2's ciphertext */
    return bytes;
}

static GByteArray *make_stream(void)
{
    VaultPackHeader header = sample_header(VAULT_PACK_STREAM, 0);
    Draft draft;

    draft_begin(&draft, &header);
    draft_add(&draft, 15, VAULT_RECORD_BODY, 2000);
    return draft_finish(&draft);
}

static void draft_add_list(Draft *draft, const char *label, const guint8 *items, gsize len)
{
    const VaultSpan spans[] = {
        {label, strlen(label)}, {draft->id.bytes, VAULT_ID_LEN}, {items, len}};
    VaultHash hash;

    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    g_byte_array_append(draft->bytes, items, (guint)len);
    g_byte_array_append(draft->bytes, hash.bytes, VAULT_HASH_LEN);
}

/* What is left of the closed one and of the stream pack when the second copy and the large body are
 * dead. */
static GByteArray *make_compacted(void)
{
    VaultPackHeader header = sample_header(VAULT_PACK_COMPACTED, 1);
    g_autoptr(GByteArray) trailer = NULL, copy = NULL, body = NULL;
    VaultHash dropped[2];
    PackId replaced[2];
    Draft draft;

    fill(&header.pack_id, 0xc1, VAULT_ID_LEN);
    fill(&replaced[0], 0xb0, VAULT_ID_LEN);
    fill(&replaced[1], 0xb1, VAULT_ID_LEN);
    draft_begin(&draft, &header);
    draft_add(&draft, 1, VAULT_RECORD_BODY, 300);
    draft_add(&draft, 2, VAULT_RECORD_COPY, 272);
    draft_commit(&draft, 16);
    copy = make_record(3, VAULT_RECORD_COPY, 272, &dropped[0]);
    body = make_record(15, VAULT_RECORD_BODY, 2000, &dropped[1]);
    header.groups_end = draft.bytes->len;
    header.replaced_count = header.dropped_count = 2;
    vault_pack_header_format(&header, draft.bytes->data);
    draft_add_list(&draft, "muniment replaced", replaced[0].bytes, sizeof replaced);
    draft_add_list(&draft, "muniment dropped", dropped[0].bytes, sizeof dropped);
    trailer = vault_pack_trailer_format(draft.bytes->data, draft.index, draft.bytes->len);
    g_byte_array_append(draft.bytes, trailer->data, trailer->len);
    return draft_finish(&draft);
}

static GByteArray *make_later_version(void)
{
    GByteArray *bytes = make_closed();

    bytes->data[4] = 2;
    vault_bytes_put_u32(bytes->data + 124, vault_crc32c(0, bytes->data, 124));
    return bytes;
}

static const struct {
    const char *name;
    GByteArray *(*make)(void);
} samples[] = {{"closed.pack", make_closed},       {"open.pack", make_open},
               {"damaged.pack", make_damaged},     {"large.stream", make_stream},
               {"left.compacted", make_compacted}, {"later-version.pack", make_later_version}};

/* ---- listings ------------------------------------------------------------------------------- */

static void list_record(GString *text, const VaultScannedRecord *record)
{
    const LocatorKey key = sample_key();
    VaultLocator locator;

    g_string_append_printf(text, "  %s %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "%s ",
                           kind_names[record->header.kind], VAULT_ID_TEXT(record->header.record_id),
                           record->offset, record->len, record->is_intact ? "" : " damaged");
    for (gsize i = 0; i < VAULT_HASH_LEN; i++)
        g_string_append_printf(text, "%02x", record->hash.bytes[i]);
    g_string_append_c(text, '\n');
    /* What the header says sealed opens as well. */
    g_assert_true(
        vault_record_locator_open(record->header_bytes, &record->header, &key, &locator, NULL));
}

static void list_items(GString *text, const char *name, const GArray *items, guint item_len)
{
    for (guint i = 0; i < items->len; i++) {
        g_autofree char *hex =
            vault_bytes_to_hex((const guint8 *)items->data + (gsize)i * item_len, item_len);

        g_string_append_printf(text, "%s %s\n", name, hex);
    }
}

static void list_lists(GString *text, const char *path, const VaultPackHeader *header)
{
    g_autoptr(GArray) replaced = vault_pack_replaced_read(path, header, NULL);
    g_autoptr(GArray) dropped = vault_pack_dropped_read(path, header, NULL);

    g_assert_true(replaced != NULL && dropped != NULL);
    list_items(text, "replaces", replaced, VAULT_ID_LEN);
    list_items(text, "dropped", dropped, VAULT_HASH_LEN);
}

/* One line an event: name, offset, length; one a record: kind, id, offset, length, record hash. */
static char *list_events(const char *path)
{
    static const char *const names[] = {"group", "corrupt", "torn", "trailer", "end"};
    VaultPackHeader header;
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(path, NULL, VAULT_SCAN_CIPHERTEXTS, &header, &error);
    VaultScanEvent event = VAULT_SCAN_GROUP;
    GString *text = g_string_new("");

    if (scan == NULL) {
        g_string_append_printf(text, "refused, error %d\n", error->code);
        return g_string_free(text, FALSE);
    }
    g_string_append_printf(text, "pack %s sequence %" G_GUINT64_FORMAT,
                           VAULT_ID_TEXT(header.pack_id), header.sequence);
    g_string_append_printf(text, " predecessor %s ends %" G_GUINT64_FORMAT "\n",
                           VAULT_ID_TEXT(header.predecessor), header.predecessor_end);
    while (event != VAULT_SCAN_END) {
        guint64 offset, len;
        GArray *records;

        g_assert_true(vault_pack_scan_next(scan, &event, &records, &offset, &len, NULL));
        g_string_append_printf(text, "%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
                               names[event], offset, len);
        for (guint i = 0; records != NULL && i < records->len; i++)
            list_record(text, &g_array_index(records, VaultScannedRecord, i));
    }
    if (header.type == VAULT_PACK_COMPACTED)
        list_lists(text, path, &header);
    return g_string_free(text, FALSE);
}

static int write_all(const char *directory)
{
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        g_autoptr(GByteArray) bytes = samples[i].make();
        g_autofree char *path = g_build_filename(directory, samples[i].name, NULL);
        g_autofree char *listing_path = g_strconcat(path, ".events", NULL);
        g_autofree char *listing = NULL;

        pack_fixture_write(path, bytes->data, bytes->len);
        listing = list_events(path);
        pack_fixture_write(listing_path, (const guint8 *)listing, strlen(listing));
    }
    return 0;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void the_formatters_make_the_golden_files_byte_for_byte(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        g_autofree char *path = g_build_filename(GOLDEN, samples[i].name, NULL);
        g_autoptr(GByteArray) golden = pack_fixture_read(path);
        g_autoptr(GByteArray) bytes = samples[i].make();

        assert_int_equal(bytes->len, golden->len);
        assert_memory_equal(bytes->data, golden->data, golden->len);
    }
}

static void the_golden_files_read_as_their_listings_say(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        g_autofree char *path = g_build_filename(GOLDEN, samples[i].name, NULL);
        g_autofree char *listing_path = g_strconcat(path, ".events", NULL);
        g_autofree char *listing = list_events(path);
        g_autoptr(GByteArray) golden = pack_fixture_read(listing_path);

        g_byte_array_append(golden, (const guint8 *)"", 1);
        assert_string_equal(listing, (const char *)golden->data);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_formatters_make_the_golden_files_byte_for_byte),
        cmocka_unit_test(the_golden_files_read_as_their_listings_say),
    };

    vault_crypto_init();
    if (argc == 3 && g_str_equal(argv[1], "--write"))
        return write_all(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
