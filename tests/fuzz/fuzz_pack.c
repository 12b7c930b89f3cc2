/* Pack files. The input is a pack, or, when it begins with "EDIT", changes to a sound one: u8 which
 * (1 closed, 2 compacted, else open), then u16 offset, u8 kind of change, u8 value, again and
 * again. Properties: the events of a scan lie side by side from the pack header to the end; every
 * record lies in its group; what reading the ciphertexts finds intact has the hash that its bytes
 * have; sealing off keeps each record that was intact, closes the pack, and done twice changes
 * nothing; the lists of a compacted pack have as many items as its header says, or are refused. */
#include "vault/store/pack_compacted.h"
#include "vault/store/pack_format.h"

#include "vault/base/bytes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define EDIT "EDIT"
#define EDIT_LEN 4
#define INPUT_LEN_MAX (1u << 16)

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* ---- a sound pack --------------------------------------------------------------------------- */

static void add_record(GByteArray *pack, GByteArray *index, GByteArray *hashes, guint8 number)
{
    static const LocatorKey key = {{1}};
    static const VaultLocator locator;
    VaultRecordHeader header = {.kind = number % 3 == 0 ? VAULT_RECORD_BODY : VAULT_RECORD_COPY,
                                .suite = VAULT_SUITE_X25519,
                                .ciphertext_len = 20u + number};
    VaultPackIndexEntry entry = {.kind = (guint8)header.kind, .offset = pack->len};
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX], ciphertext[256];
    VaultHash hash;
    gsize len;

    memset(&header.record_id, number, VAULT_ID_LEN);
    memset(ciphertext, number, sizeof ciphertext);
    len = vault_record_format_clear(&header, &key, &locator, bytes);
    len = vault_record_format_crcs(bytes, len, vault_crc32c(0, ciphertext, header.ciphertext_len));
    g_byte_array_append(pack, bytes, (guint)len);
    g_byte_array_append(pack, ciphertext, (guint)header.ciphertext_len);
    vault_hash(ciphertext, header.ciphertext_len, &hash);
    vault_record_hash(bytes, len, &hash, &entry.hash);
    entry.record_id = header.record_id;
    entry.len = (guint32)(len + header.ciphertext_len);
    vault_pack_index_append(index, &entry);
    g_byte_array_append(hashes, entry.hash.bytes, VAULT_HASH_LEN);
}

static void add_list(GByteArray *pack, const char *label, guint len)
{
    static const guint8 items[64] = {3};
    static const PackId pack_id;
    const VaultSpan spans[] = {{label, strlen(label)}, {pack_id.bytes, VAULT_ID_LEN}, {items, len}};
    VaultHash hash;

    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    g_byte_array_append(pack, items, len);
    g_byte_array_append(pack, hash.bytes, VAULT_HASH_LEN);
}

static void make_compacted(GByteArray *pack)
{
    VaultPackHeader header = {.type = VAULT_PACK_COMPACTED,
                              .sequence = 1,
                              .groups_end = pack->len,
                              .replaced_count = 4,
                              .dropped_count = 2};

    vault_pack_header_format(&header, pack->data);
    add_list(pack, "muniment replaced", 4 * VAULT_ID_LEN);
    add_list(pack, "muniment dropped", 2 * VAULT_HASH_LEN);
}

static GByteArray *sound_pack(guint8 which)
{
    VaultPackHeader header = {.type = VAULT_PACK_GROUPED, .sequence = 1};
    g_autoptr(GByteArray) index = g_byte_array_new(), trailer = NULL;
    GByteArray *pack = g_byte_array_new();
    guint8 bytes[VAULT_PACK_HEADER_LEN];

    vault_pack_header_format(&header, bytes);
    g_byte_array_append(pack, bytes, sizeof bytes);
    for (guint8 group = 0; group < 3; group++) {
        g_autoptr(GByteArray) hashes = g_byte_array_new();
        VaultPackCommit commit = {.start = pack->len, .count = 3};
        guint8 record[VAULT_PACK_COMMIT_LEN];

        for (guint8 i = 0; i < 3; i++)
            add_record(pack, index, hashes, (guint8)(3 * group + i));
        commit.len = pack->len - commit.start;
        vault_hash(hashes->data, hashes->len, &commit.hash);
        vault_pack_commit_format(&commit, &(RecordId){{99}}, record);
        g_byte_array_append(pack, record, sizeof record);
    }
    if (which == 2)
        make_compacted(pack);
    trailer = vault_pack_trailer_format(pack->data, index, pack->len);
    if (which == 1 || which == 2)
        g_byte_array_append(pack, trailer->data, trailer->len);
    return pack;
}

/* Puts the header checksum of a record that begins at `at` right, so that edits get behind it. */
static void mend_record(GByteArray *pack, gsize at)
{
    guint8 *bytes = pack->data + at;
    gsize len = at + 6 <= pack->len ? vault_record_header_len((VaultRecordKind)bytes[5]) : 0;

    if (len != 0 && len <= pack->len - at)
        vault_bytes_put_u32(bytes + len - 4, vault_crc32c(0, bytes, len - 4));
}

static void apply_edit(GByteArray *pack, gsize at, guint8 change, guint8 value)
{
    at %= pack->len;
    switch (change % 5) {
    case 0:
        pack->data[at] = value;
        return;
    case 1:
        pack->data[at] ^= value;
        return;
    case 2:
        mend_record(pack, at);
        return;
    case 3:
        memset(pack->data + at, 0, MIN((gsize)value * 8, pack->len - at));
        return;
    default:
        g_byte_array_set_size(pack, MAX((guint)at, 1));
        return;
    }
}

static GByteArray *read_input(const guint8 *data, gsize size)
{
    VaultBytesReader reader;
    GByteArray *pack;

    if (size <= EDIT_LEN || memcmp(data, EDIT, EDIT_LEN) != 0) {
        pack = g_byte_array_new();
        g_byte_array_append(pack, data, (guint)size);
        return pack;
    }
    vault_bytes_reader_init(&reader, data + EDIT_LEN, size - EDIT_LEN);
    pack = sound_pack(vault_bytes_read_u8(&reader) & 3);
    while (reader.left >= 4) {
        guint16 at = vault_bytes_read_u16(&reader);
        guint8 change = vault_bytes_read_u8(&reader);

        apply_edit(pack, at, change, vault_bytes_read_u8(&reader));
    }
    return pack;
}

/* ---- properties ----------------------------------------------------------------------------- */

typedef struct {
    GHashTable *intact; /* record hashes, as GBytes */
    guint64 groups_end; /* of the groups that were found whole or salvaged */
    gboolean is_closed;
} Found;

static Found *found_new(void)
{
    Found *found = g_new0(Found, 1);

    found->intact =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    found->groups_end = VAULT_PACK_HEADER_LEN;
    return found;
}

static void found_free(Found *found)
{
    if (found != NULL)
        g_hash_table_unref(found->intact);
    g_free(found);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Found, found_free)

static void check_group(const guint8 *bytes, const GArray *records, guint64 start, guint64 end,
                        Found *found)
{
    guint64 next = start;

    g_assert(records->len > 0);
    for (guint i = 0; i < records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);
        const guint8 *at = bytes + record->offset;
        VaultHash hash;

        g_assert(record->offset >= next && record->len <= end - record->offset);
        g_assert(record->header.kind != VAULT_RECORD_COMMIT);
        next = record->offset + record->len;
        vault_hash(at + record->header.header_len, record->header.ciphertext_len, &hash);
        vault_record_hash(at, record->header.header_len, &hash, &hash);
        if (!record->is_intact)
            continue;
        g_assert(memcmp(&hash, &record->hash, sizeof hash) == 0);
        g_hash_table_add(found->intact, g_bytes_new(&hash, sizeof hash));
    }
}

static Found *scan(const char *path, const GByteArray *bytes, VaultScanDepth depth)
{
    g_autoptr(Found) found = found_new();
    g_autoptr(VaultPackScan) opened = vault_pack_scan_open(path, NULL, depth, NULL, NULL);
    VaultScanEvent event = VAULT_SCAN_GROUP, before;
    guint64 position = VAULT_PACK_HEADER_LEN, offset, len;
    GArray *records;

    if (opened == NULL)
        return NULL;
    while (event != VAULT_SCAN_END) {
        before = event;
        g_assert(vault_pack_scan_next(opened, &event, &records, &offset, &len, NULL));
        /* Only what was salvaged repeats its stretch. */
        g_assert(offset == position || (before == VAULT_SCAN_CORRUPT && event == VAULT_SCAN_GROUP));
        g_assert((records != NULL) == (event == VAULT_SCAN_GROUP));
        position = offset + len;
        g_assert(position <= bytes->len);
        if (event == VAULT_SCAN_GROUP && depth == VAULT_SCAN_CIPHERTEXTS)
            check_group(bytes->data, records, offset, position, found);
        if (event == VAULT_SCAN_GROUP || event == VAULT_SCAN_CORRUPT)
            found->groups_end = position;
        found->is_closed = found->is_closed || event == VAULT_SCAN_TRAILER;
    }
    g_assert(position == bytes->len);
    return g_steal_pointer(&found);
}

static void write_file(const char *path, const GByteArray *bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    g_assert(fd >= 0 && write(fd, bytes->data, bytes->len) == (ssize_t)bytes->len);
    close(fd);
}

static GByteArray *read_file(const char *path)
{
    char *bytes;
    gsize len;

    g_assert(g_file_get_contents(path, &bytes, &len, NULL));
    return g_byte_array_new_take((guint8 *)bytes, len);
}

static void check_seal_off(const char *path, const Found *before)
{
    g_autoptr(GByteArray) first = NULL, second = NULL;
    g_autoptr(Found) after = NULL;
    GHashTableIter iter;
    gpointer hash;

    g_assert(vault_pack_seal_off(path, before->groups_end, NULL));
    first = read_file(path);
    after = scan(path, first, VAULT_SCAN_CIPHERTEXTS);
    g_assert(after != NULL && after->is_closed);
    g_hash_table_iter_init(&iter, before->intact);
    while (g_hash_table_iter_next(&iter, &hash, NULL))
        g_assert(g_hash_table_contains(after->intact, hash));
    g_assert(vault_pack_seal_off(path, before->groups_end, NULL));
    second = read_file(path);
    g_assert(first->len == second->len && memcmp(first->data, second->data, first->len) == 0);
}

/* The others are whole when they get their names, and not sealed off. */
static gboolean is_grouped(const GByteArray *bytes)
{
    VaultPackHeader header;

    return vault_pack_header_parse(bytes->data, bytes->len, &header, NULL) &&
           header.type == VAULT_PACK_GROUPED;
}

static void check_lists(const char *path, const GByteArray *bytes)
{
    g_autoptr(GArray) replaced = NULL, dropped = NULL;
    VaultPackHeader header;

    if (!vault_pack_header_parse(bytes->data, bytes->len, &header, NULL) ||
        header.type != VAULT_PACK_COMPACTED)
        return;
    replaced = vault_pack_replaced_read(path, &header, NULL);
    dropped = vault_pack_dropped_read(path, &header, NULL);
    g_assert(replaced == NULL || replaced->len == header.replaced_count);
    g_assert(dropped == NULL || dropped->len == header.dropped_count);
    g_assert(dropped == NULL ||
             header.groups_end +
                     VAULT_PACK_LIST_LEN(replaced == NULL ? 0 : replaced->len, dropped->len) <=
                 bytes->len);
}

static char *directory;

static void remove_directory(void)
{
    rmdir(directory);
    g_free(directory);
}

static void make_directory(void)
{
    if (directory != NULL)
        return;
    vault_crypto_init();
    /* Memory if there is any: sealing off syncs. */
    if (access("/dev/shm", W_OK) == 0)
        g_setenv("TMPDIR", "/dev/shm", TRUE);
    directory = g_dir_make_tmp("fuzz-pack-XXXXXX", NULL);
    g_assert(directory != NULL);
    atexit(remove_directory);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *path = NULL;
    g_autoptr(GByteArray) bytes = NULL;
    g_autoptr(Found) shallow = NULL, deep = NULL;

    if (size == 0 || size > INPUT_LEN_MAX)
        return 0;
    make_directory();
    path = g_build_filename(directory, "pack", NULL);
    bytes = read_input(data, size);
    write_file(path, bytes);
    shallow = scan(path, bytes, VAULT_SCAN_HEADERS);
    deep = scan(path, bytes, VAULT_SCAN_CIPHERTEXTS);
    g_assert((shallow == NULL) == (deep == NULL));
    check_lists(path, bytes);
    if (deep != NULL && is_grouped(bytes))
        check_seal_off(path, deep);
    unlink(path);
    return 0;
}
