/* The files of tests/golden/vault/ are read for ever: whatever they hold comes out as expected.txt
 * says. A difference means that vaults on people's disks are no longer read: then the change is
 * wrong, not the file.
 *
 * `test_golden_vault --write DIR` writes the listing of a folder that was made anew. */
#include "tests/unit/crypto_world.h"

#include "vault/base/bytes.h"
#include "vault/base/file.h"
#include "vault/crypto/index_session.h"
#include "vault/crypto/key_files.h"
#include "vault/crypto/stream.h"
#include "vault/crypto/value.h"
#include "vault/open.h"
#include "vault/store/keyring.h"
#include "vault/store/record.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOLDEN SOURCE_DIR "/tests/golden/vault"
#define PASSPHRASE "golden"
#define FILE_LEN_MAX (1u << 20)

typedef struct {
    const char *directory;
    GString *text; /* the listing */
    VaultId vault_id;
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX];
    gsize key_count;
    VaultMaster master;
    VaultIdentity reader;
    VaultKeyring *keyring;
    LocatorKey locator_key;
    RowKey event_key;
    VaultMonthValue *month;
    VaultGrantedKey granted;
    RecordId body_id;
} Listing;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            g_error("%s: %s", #call, error == NULL ? "" : error->message);                         \
    } while (0)

static void say(Listing *listing, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void say(Listing *listing, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_string_append_vprintf(listing->text, format, arguments);
    va_end(arguments);
    g_string_append_c(listing->text, '\n');
}

static void say_hex(Listing *listing, const char *name, const void *bytes, gsize len)
{
    g_autofree char *hex = vault_bytes_to_hex(bytes, len);

    say(listing, "%s %s", name, hex);
}

static GBytes *read_file(const Listing *listing, const char *name)
{
    g_autofree char *path = g_build_filename(listing->directory, name, NULL);
    g_autoptr(GError) error = NULL;
    GBytes *bytes = vault_file_read(path, FILE_LEN_MAX, &error);

    MUST(bytes != NULL);
    return bytes;
}

/* ---- key files ------------------------------------------------------------------------------ */

static void list_key_files(Listing *listing)
{
    g_autoptr(GBytes) vault_key = read_file(listing, "vault.key");
    g_autoptr(GBytes) master = read_file(listing, "master.key");
    g_autoptr(GBytes) master_public = read_file(listing, "master.pub");
    g_autoptr(GBytes) reader = read_file(listing, "reader.key");
    g_autoptr(GBytes) reader_public = read_file(listing, "reader.pub");
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    g_autofree char *fingerprint = NULL;
    MasterPublic public;
    ReaderPublicKey reader_key;

    MUST(vault_key_file_parse(g_bytes_get_data(vault_key, NULL), &listing->vault_id, listing->keys,
                              &listing->key_count, &error));
    MUST(vault_master_parse(g_bytes_get_data(master, NULL), PASSPHRASE, strlen(PASSPHRASE),
                            &listing->master, &error));
    MUST(vault_master_public_parse(g_bytes_get_data(master_public, NULL), &public, &error));
    MUST(vault_identity_parse(g_bytes_get_data(reader, NULL), &listing->reader, &error));
    MUST(vault_identity_public_parse(g_bytes_get_data(reader_public, NULL), &reader_key, &name,
                                     &error));
    g_assert_true(memcmp(&public, &listing->master.public, sizeof public) == 0);
    g_assert_true(memcmp(&reader_key, &listing->reader.public_key, sizeof reader_key) == 0);
    fingerprint = vault_master_fingerprint(&public);
    say_hex(listing, "vault", &listing->vault_id, VAULT_ID_LEN);
    for (gsize i = 0; i < listing->key_count; i++) {
        say(listing, "vault key generation %u", listing->keys[i].generation);
        say_hex(listing, "vault key", listing->keys[i].bytes, VAULT_KEY_LEN);
    }
    say_hex(listing, "master seed", listing->master.seed, 32);
    say(listing, "master fingerprint %s", fingerprint);
    say(listing, "reader %s", name);
    say_hex(listing, "reader key", &listing->reader.secret_key, VAULT_KEY_LEN);
}

/* ---- keyring -------------------------------------------------------------------------------- */

/* Readers never write to a golden file: SQLite gets a copy. */
static void open_keyring(Listing *listing, const char *path)
{
    g_autoptr(GBytes) bytes = read_file(listing, "keyring.sqlite");
    g_autoptr(GError) error = NULL;

    MUST(vault_file_write(path, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), 0600,
                          VAULT_FILE_NEW, &error));
    listing->keyring = vault_keyring_open(path, VAULT_KEYRING_READ, &listing->vault_id,
                                          listing->keys, listing->key_count, &error);
    MUST(listing->keyring != NULL);
    say(listing, "keyring generation %u", vault_keyring_generation(listing->keyring));
}

static gboolean list_row(const RowId *row_id, const GByteArray *value, gpointer user,
                         GError **error)
{
    say(user, "  row %s", VAULT_ID_TEXT(*row_id));
    say_hex(user, "  value", value->data, value->len);
    return TRUE;
}

static gboolean take_locator_key(const RowId *row_id, const GByteArray *value, gpointer user,
                                 GError **error)
{
    return vault_locator_key_value_parse(value->data, value->len, &((Listing *)user)->locator_key,
                                         error);
}

static gboolean take_event_key(const RowId *row_id, const GByteArray *value, gpointer user,
                               GError **error)
{
    return vault_event_key_value_parse(value->data, value->len, &((Listing *)user)->event_key,
                                       error);
}

static void list_rows(Listing *listing)
{
    g_autoptr(GError) error = NULL;

    /* The keyring's version 1 ends with these. */
    for (VaultKeyringTable table = 0; table <= VAULT_KEYRING_IMPORT_KEYS; table++) {
        say(listing, "table %u", (guint)table);
        MUST(vault_keyring_each(listing->keyring, table, list_row, listing, &error));
    }
    MUST(vault_keyring_each(listing->keyring, VAULT_KEYRING_LOCATOR_KEY, take_locator_key, listing,
                            &error));
    MUST(vault_keyring_each(listing->keyring, VAULT_KEYRING_EVENTS, take_event_key, listing,
                            &error));
}

static gboolean list_mailbox(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    say(user, "mailbox %s kind %u state %u created %" G_GUINT64_FORMAT " closed %" G_GUINT64_FORMAT,
        VAULT_ID_TEXT(mailbox->mailbox_id), mailbox->kind, mailbox->state, mailbox->created_s,
        mailbox->closed_s);
    for (guint i = 0; i < mailbox->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, i);

        say(user, "  address %s rank %u from %" G_GUINT64_FORMAT " until %" G_GUINT64_FORMAT,
            address->address, address->rank, address->from_s, address->until_s);
    }
    return TRUE;
}

static gboolean list_month(const VaultMonthValue *month, gpointer user, GError **error)
{
    say(user, "month %s mailbox %s %u address \"%s\" mark %" G_GUINT64_FORMAT " wraps %u",
        VAULT_ID_TEXT(month->month_key_id), VAULT_ID_TEXT(month->mailbox_id), month->month,
        month->address, month->leaf_mark, month->wraps->len);
    return TRUE;
}

static gboolean take_month(const VaultMonthValue *month, gpointer user, GError **error)
{
    Listing *listing = user;

    if (month->address[0] == '\0')
        return TRUE;
    listing->month = vault_keyring_get_month(listing->keyring, &month->month_key_id, error);
    return listing->month != NULL;
}

static void list_directory(Listing *listing)
{
    g_autoptr(GError) error = NULL;

    MUST(vault_keyring_each_mailbox(listing->keyring, list_mailbox, listing, &error));
    MUST(vault_keyring_each_month(listing->keyring, NULL, list_month, listing, &error));
    MUST(vault_keyring_each_month(listing->keyring, NULL, take_month, listing, &error));
    for (guint32 leaf = 0; leaf < 8; leaf++) {
        ContentSlot slot;

        if (vault_erasure_tree_content_slot(listing->month->tree, leaf, &slot, NULL))
            say_hex(listing, "  slot", &slot, VAULT_KEY_LEN);
        else
            say(listing, "  slot erased");
    }
}

static void list_unwrapped(Listing *listing)
{
    VaultMonthValue *month = listing->month;
    VaultMonthIdentity identity = {.vault_id = listing->vault_id,
                                   .mailbox_id = month->mailbox_id,
                                   .address = month->address,
                                   .month = month->month};
    VaultGrantedKey by_reader;
    g_autoptr(GError) error = NULL;

    listing->granted = (VaultGrantedKey){.month_key_id = month->month_key_id,
                                         .mailbox_id = month->mailbox_id,
                                         .month = month->month,
                                         .has_content = TRUE};
    MUST(vault_month_unwrap(&identity, &month->keys, &g_array_index(month->wraps, VaultWrap, 0),
                            listing->master.secret_key.bytes,
                            listing->master.public.public_key.bytes, &listing->granted.content,
                            &listing->granted.index, &error));
    MUST(vault_month_unwrap(&identity, &month->keys, &g_array_index(month->wraps, VaultWrap, 1),
                            listing->reader.secret_key.bytes, listing->reader.public_key.bytes,
                            &by_reader.content, &by_reader.index, &error));
    g_assert_true(memcmp(&by_reader.content, &listing->granted.content, VAULT_KEY_LEN) == 0);
    say_hex(listing, "content key", &listing->granted.content, VAULT_KEY_LEN);
    say_hex(listing, "index key", &listing->granted.index, VAULT_KEY_LEN);
}

/* ---- records -------------------------------------------------------------------------------- */

static const char *const kind_names[] = {"?",          "body",    "copy",     "terms-body",
                                         "terms-copy", "wrapper", "addendum", "event"};

/* A record as it lies in its file: header and locator as read, ciphertext behind them. */
typedef struct {
    GBytes *bytes;
    const guint8 *data;
    VaultRecordHeader header;
    VaultLocator locator;
    VaultSpan clear, ciphertext;
} Stored;

static void stored_clear(Stored *stored)
{
    g_clear_pointer(&stored->bytes, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Stored, stored_clear)

static Stored list_record(Listing *listing, VaultRecordKind kind)
{
    g_autofree char *name = g_strconcat(kind_names[kind], ".record", NULL);
    Stored stored = {.bytes = read_file(listing, name)};
    gsize len;
    g_autoptr(GError) error = NULL;
    VaultHash hash;
    const VaultLocator *locator = &stored.locator;

    stored.data = g_bytes_get_data(stored.bytes, &len);
    MUST(vault_record_header_parse(stored.data, len, &stored.header, &error));
    MUST(vault_record_locator_open(stored.data, &stored.header, &listing->locator_key,
                                   &stored.locator, &error));
    g_assert_true(stored.header.kind == kind);
    stored.clear = (VaultSpan){stored.data, stored.header.header_len - VAULT_RECORD_CRC_LEN};
    stored.ciphertext =
        (VaultSpan){stored.data + stored.header.header_len, stored.header.ciphertext_len};
    g_assert_true(vault_crc32c(0, stored.ciphertext.bytes, stored.ciphertext.len) ==
                  stored.header.ciphertext_crc);
    vault_hash(stored.ciphertext.bytes, stored.ciphertext.len, &hash);
    vault_record_hash(stored.data, stored.header.header_len, &hash, &hash);
    say(listing, "%s %s", kind_names[kind], VAULT_ID_TEXT(stored.header.record_id));
    say_hex(listing, "  hash", &hash, VAULT_HASH_LEN);
    say(listing,
        "  leaf %u step %u received %" G_GUINT64_FORMAT " archived %" G_GUINT64_FORMAT " flags %u",
        locator->leaf, locator->step, locator->received_s, locator->archived_s, locator->flags);
    say(listing, "  body %s month %s row %s repeats %s", VAULT_ID_TEXT(locator->body_id),
        VAULT_ID_TEXT(locator->month_key_id), VAULT_ID_TEXT(locator->row_id),
        VAULT_ID_TEXT(locator->repeats));
    say_hex(listing, "  retry tag", &locator->retry_tag, VAULT_TAG_LEN);
    say_hex(listing, "  repeat tag", &locator->repeat_tag, VAULT_TAG_LEN);
    return stored;
}

/* The record source of the library "open": the two files that a message is read from. */
static GBytes *fetch(gpointer user, const RecordId *record_id, gsize len_max, GError **error)
{
    Listing *listing = user;

    return read_file(listing,
                     VAULT_ID_EQUAL(*record_id, listing->body_id) ? "body.record" : "copy.record");
}

static gboolean record_length(gpointer user, const RecordId *record_id, guint64 *ret_len,
                              GError **error)
{
    g_autoptr(GBytes) bytes = fetch(user, record_id, FILE_LEN_MAX, error);

    *ret_len = g_bytes_get_size(bytes);
    return TRUE;
}

static gboolean record_read(gpointer user, const RecordId *record_id, guint64 offset, gsize len,
                            guint8 *ret_bytes, GError **error)
{
    g_autoptr(GBytes) bytes = fetch(user, record_id, FILE_LEN_MAX, error);

    g_assert_true(offset + len <= g_bytes_get_size(bytes));
    memcpy(ret_bytes, (const guint8 *)g_bytes_get_data(bytes, NULL) + offset, len);
    return TRUE;
}

static gboolean collect(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    g_byte_array_append(user, bytes, (guint)len);
    return TRUE;
}

static void list_message(Listing *listing)
{
    g_auto(Stored) body = list_record(listing, VAULT_RECORD_BODY);
    g_auto(Stored) copy = list_record(listing, VAULT_RECORD_COPY);
    VaultReaderScope scope = {.vault_id = &listing->vault_id,
                              .keys = &listing->granted,
                              .key_count = 1,
                              .to_s = G_MAXUINT64};
    g_autoptr(VaultReader) reader = vault_reader_new(&scope, NULL);
    VaultRecordSource source = {fetch, record_length, record_read, listing};
    VaultOpenEntry entry = {.record_id = copy.header.record_id,
                            .body_id = copy.locator.body_id,
                            .mailbox_id = listing->month->mailbox_id,
                            .month_key_id = copy.locator.month_key_id,
                            .leaf = copy.locator.leaf,
                            .received_s = copy.locator.received_s};
    ContentSlot slot;
    g_autoptr(GByteArray) message = g_byte_array_new();
    g_autoptr(GBytes) expected = read_file(listing, "message.eml");
    g_autoptr(VaultOpenedCopy) opened = NULL;
    g_autoptr(GError) error = NULL;
    VaultHash hash;

    listing->body_id = body.header.record_id;
    MUST(vault_erasure_tree_content_slot(listing->month->tree, entry.leaf, &slot, &error));
    opened = vault_reader_open_copy(reader, &entry, &slot, &source, &error);
    MUST(opened != NULL);
    say_hex(listing, "  facts", opened->facts->data, opened->facts->len);
    MUST(vault_reader_open_body(reader, opened, &source, collect, message, &hash, &error));
    g_assert_true(message->len == g_bytes_get_size(expected) &&
                  memcmp(message->data, g_bytes_get_data(expected, NULL), message->len) == 0);
    say_hex(listing, "  message", &hash, VAULT_HASH_LEN);
}

/* Their keys are not in any copy here: they are 32 bytes of their kind's number. */
static void list_stream(Listing *listing, VaultRecordKind kind)
{
    g_auto(Stored) stored = list_record(listing, kind);
    BodyKey key;
    VaultStreamParameters parameters = {.key = &key,
                                        .record_id = stored.header.record_id,
                                        .suite = stored.header.suite,
                                        .kind = (guint8)kind};
    guint8 commitment[VAULT_STREAM_COMMITMENT_LEN];
    const guint8 *ciphertext = stored.ciphertext.bytes;
    gsize len = stored.ciphertext.len - sizeof commitment;
    g_autofree char *text = g_malloc0(len);
    g_autoptr(VaultStream) stream = NULL;
    g_autoptr(GError) error = NULL;

    memset(&key, (int)kind, sizeof key);
    stream = vault_stream_new(&parameters, commitment);
    g_assert_true(memcmp(commitment, ciphertext, sizeof commitment) == 0);
    MUST(vault_stream_open(stream, ciphertext + sizeof commitment, len, VAULT_STREAM_LAST,
                           (guint8 *)text, &error));
    say(listing, "  text %s", text);
}

static void list_terms_copy(Listing *listing)
{
    g_auto(Stored) stored = list_record(listing, VAULT_RECORD_TERMS_COPY);
    VaultIndexContext context = {listing->vault_id, stored.locator.month_key_id};
    g_auto(VaultIndexSession) session = {.step = 0};
    IndexSlot slot;
    VaultIndexRecord record = {.slot = &slot, .record_id = stored.header.record_id};
    g_autofree char *text = g_malloc0(stored.ciphertext.len);
    g_autoptr(GError) error = NULL;

    memcpy(record.salt, stored.header.by_kind, sizeof record.salt);
    MUST(vault_erasure_tree_index_slot(listing->month->tree, stored.locator.leaf, &slot, &error));
    MUST(vault_index_session_open(&listing->granted.index, &listing->month->keys.index, &context,
                                  stored.locator.enc, &session, &error));
    MUST(vault_index_open(&session, stored.locator.step, &record, &stored.clear,
                          stored.ciphertext.bytes, stored.ciphertext.len, (guint8 *)text, &error));
    say(listing, "  text %s", text);
}

static void list_addendum(Listing *listing)
{
    g_auto(Stored) stored = list_record(listing, VAULT_RECORD_ADDENDUM);
    VaultContentContext context = {listing->vault_id, stored.locator.month_key_id,
                                   stored.locator.leaf};
    ContentSlot slot;
    g_autofree guint8 *plaintext = g_malloc0(stored.ciphertext.len);
    g_autoptr(GError) error = NULL;

    MUST(vault_erasure_tree_content_slot(listing->month->tree, stored.locator.leaf, &slot, &error));
    MUST(vault_content_open(&listing->granted.content, &listing->month->keys.content, &slot,
                            &context, stored.header.by_kind, &stored.clear, stored.ciphertext.bytes,
                            stored.ciphertext.len, plaintext, &error));
    say_hex(listing, "  plaintext", plaintext, stored.ciphertext.len - VAULT_HPKE_TAG_LEN);
}

static void list_event(Listing *listing)
{
    g_auto(Stored) stored = list_record(listing, VAULT_RECORD_EVENT);
    VaultValuePlace place = {.vault_id = listing->vault_id,
                             .table = VAULT_EVENT_RECORD_TABLE,
                             .row_id = stored.locator.row_id,
                             .row_version = VAULT_EVENT_RECORD_VERSION};
    g_autoptr(GError) error = NULL;
    GByteArray *value = vault_value_open(&listing->event_key, &place, stored.ciphertext.bytes,
                                         stored.ciphertext.len, &error);

    MUST(value != NULL);
    say(listing, "  text %.*s", (int)value->len, (const char *)value->data);
    vault_value_free(value);
}

/* Reading leaves SQLite's log behind. */
static void remove_copy(const char *folder, const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(path, suffixes[i], NULL);

        unlink(file);
    }
    g_assert_true(rmdir(folder) == 0);
}

static char *list_all(const char *directory)
{
    Listing listing = {.directory = directory, .text = g_string_new(NULL)};
    g_autofree char *folder = g_dir_make_tmp("golden-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "keyring.sqlite", NULL);

    list_key_files(&listing);
    open_keyring(&listing, path);
    list_rows(&listing);
    list_directory(&listing);
    list_unwrapped(&listing);
    list_message(&listing);
    list_stream(&listing, VAULT_RECORD_TERMS_BODY);
    list_stream(&listing, VAULT_RECORD_WRAPPER);
    list_terms_copy(&listing);
    list_addendum(&listing);
    list_event(&listing);
    vault_month_value_free(listing.month);
    vault_keyring_close(listing.keyring);
    remove_copy(folder, path);
    return g_string_free(listing.text, FALSE);
}

static void everything_that_was_stored_is_read_as_it_was(void **state)
{
    g_autofree char *listing = list_all(GOLDEN);
    g_autofree char *expected = NULL;

    assert_true(g_file_get_contents(GOLDEN "/expected.txt", &expected, NULL, NULL));
    assert_string_equal(listing, expected);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_was_stored_is_read_as_it_was),
    };

    vault_crypto_init();
    if (argc == 3 && g_str_equal(argv[1], "--write")) {
        g_autofree char *listing = list_all(argv[2]);
        g_autofree char *path = g_build_filename(argv[2], "expected.txt", NULL);

        return g_file_set_contents(path, listing, -1, NULL) ? 0 : 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
