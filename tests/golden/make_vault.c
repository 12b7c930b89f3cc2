/* Makes the files of tests/golden/vault/ that must be read for ever: key files of each kind, a
 * keyring with something in each table, and a record of each kind, sealed for real.
 *
 *     golden_make_vault DIR       and then:  test_golden_vault --write DIR
 *
 * To be run for a form that is added, into a new folder; never over the files of an old one. */
#include "vault/base/bytes.h"
#include "vault/base/file.h"
#include "vault/crypto/index_session.h"
#include "vault/crypto/key_files.h"
#include "vault/crypto/stream.h"
#include "vault/crypto/value.h"
#include "vault/seal.h"
#include "vault/store/keyring.h"

#include <stdlib.h>

#define NOW_S G_GUINT64_CONSTANT(1795512600) /* 2026-11-24 09:30:00 */
#define LEAF 5
#define ERASED_LEAF 3
#define PASSPHRASE "golden"

static const char message[] = "From: Ada <ada@example.org>\r\nTo: a@example.org\r\n"
                              "Subject: for ever\r\n\r\nThis is read in every later version.\r\n";

typedef struct {
    const char *directory;
    VaultId vault_id;
    VaultKey keys[2];
    VaultMaster master;
    VaultIdentity reader;
    LocatorKey locator_key;
    VaultMonthValue *month;
    RowId event_row;
    RowKey event_key;
    VaultKeyring *keyring;
} Maker;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            g_error("%s: %s", #call, error == NULL ? "" : error->message);                         \
    } while (0)

static void write_file(const Maker *maker, const char *name, const void *bytes, gsize len)
{
    g_autofree char *path = g_build_filename(maker->directory, name, NULL);
    g_autoptr(GError) error = NULL;

    MUST(vault_file_write(path, bytes, len, 0644, VAULT_FILE_NEW, &error));
}

static void write_text(const Maker *maker, const char *name, char *text)
{
    g_assert(text != NULL);
    write_file(maker, name, text, strlen(text));
    vault_key_text_free(text);
}

static void make_key_files(Maker *maker)
{
    static const VaultPassphraseCost cheap = {.memory_kib = 8, .passes = 1};
    g_autoptr(GError) error = NULL;

    vault_random(&maker->vault_id, VAULT_ID_LEN);
    for (guint i = 0; i < 2; i++) {
        maker->keys[i].generation = 3 + i;
        vault_random(maker->keys[i].bytes, VAULT_KEY_LEN);
    }
    vault_master_create(&maker->master);
    MUST(vault_identity_create("Ada Lövelace", &maker->reader, &error));
    write_text(maker, "vault.key", vault_key_file_format(&maker->vault_id, maker->keys, 2));
    write_text(maker, "master.key",
               vault_master_format(&maker->master, PASSPHRASE, strlen(PASSPHRASE), &cheap, NULL));
    write_text(maker, "master.pub", vault_master_public_format(&maker->master.public));
    write_text(maker, "reader.key", vault_identity_format(&maker->reader));
    write_text(maker, "reader.pub", vault_identity_public_format(&maker->reader));
}

/* ---- keyring -------------------------------------------------------------------------------- */

static RowId put(Maker *maker, VaultKeyringTable table, GByteArray *value)
{
    g_autoptr(GError) error = NULL;
    RowId row_id;

    vault_random(&row_id, VAULT_ID_LEN);
    MUST(vault_keyring_put(maker->keyring, table, &row_id, value, &error));
    vault_value_free(value);
    return row_id;
}

static void put_values(Maker *maker)
{
    VaultMasterValue master = {
        .state = VAULT_MASTER_ACTIVE, .added_s = NOW_S, .master = maker->master.public};
    VaultDayKeyValue day = {.day = 20781};
    VaultLogKeyValue log = {.created_s = NOW_S};
    VaultTombstoneValue tombstone = {.month = 202601, .dropped_s = NOW_S};

    vault_random(&maker->locator_key, VAULT_KEY_LEN);
    vault_random(&maker->event_key, VAULT_KEY_LEN);
    vault_random(&day.key, VAULT_KEY_LEN);
    vault_log_key_create(&log.signing, &log.verify);
    vault_random(&tombstone.mailbox_id, VAULT_ID_LEN);
    put(maker, VAULT_KEYRING_MASTERS, vault_master_value_format(&master));
    put(maker, VAULT_KEYRING_LOCATOR_KEY, vault_locator_key_value_format(&maker->locator_key));
    put(maker, VAULT_KEYRING_DAY_KEYS, vault_day_key_value_format(&day));
    put(maker, VAULT_KEYRING_IMPORT_KEYS, vault_day_key_value_format(&day));
    put(maker, VAULT_KEYRING_LOG_KEYS, vault_log_key_value_format(&log));
    put(maker, VAULT_KEYRING_TOMBSTONES, vault_tombstone_value_format(&tombstone));
    maker->event_row =
        put(maker, VAULT_KEYRING_EVENTS, vault_event_key_value_format(&maker->event_key));
}

static VaultMonthValue *make_month(const Maker *maker, const MailboxId *mailbox_id,
                                   const char *address)
{
    VaultMonthIdentity identity = {.vault_id = maker->vault_id,
                                   .mailbox_id = *mailbox_id,
                                   .address = address,
                                   .month = 202611};
    VaultWrapRecipient recipients[] = {
        {.kind = VAULT_WRAP_MASTER, .key_id = vault_master_key_id(&maker->master.public)},
        {.kind = VAULT_WRAP_STANDING_READER,
         .key_id = vault_reader_key_id(&maker->reader.public_key)}};

    memcpy(recipients[0].public_key, maker->master.public.public_key.bytes, VAULT_KEY_LEN);
    memcpy(recipients[1].public_key, maker->reader.public_key.bytes, VAULT_KEY_LEN);
    return vault_month_value_new(&identity, recipients, 2, NOW_S, NULL);
}

static void put_mailboxes(Maker *maker)
{
    g_autoptr(VaultMailboxValue) mailbox = vault_mailbox_value_new("ä@example.org", NOW_S);
    g_autoptr(VaultMailboxValue) unassigned = vault_mailbox_value_new(NULL, NOW_S);
    g_autoptr(VaultMonthValue) other = make_month(maker, &unassigned->mailbox_id, "");
    g_autoptr(GError) error = NULL;

    MUST(vault_keyring_add_mailbox(maker->keyring, mailbox, &error));
    mailbox->state = VAULT_MAILBOX_CLOSED;
    mailbox->closed_s = NOW_S + 60;
    MUST(vault_keyring_update_mailbox(maker->keyring, mailbox, &error));
    MUST(vault_keyring_add_mailbox(maker->keyring, unassigned, &error));
    MUST(vault_keyring_add_month(maker->keyring, other, &error));
    maker->month = make_month(maker, &mailbox->mailbox_id, "ä@example.org");
    MUST(vault_keyring_add_month(maker->keyring, maker->month, &error));
    MUST(vault_erasure_tree_puncture(maker->month->tree, ERASED_LEAF, &error));
    maker->month->leaf_mark += VAULT_LEAF_BLOCK;
    MUST(vault_keyring_update_month(maker->keyring, maker->month, &error));
}

static void make_keyring(Maker *maker)
{
    g_autofree char *path = g_build_filename(maker->directory, "keyring.sqlite", NULL);
    g_autoptr(GError) error = NULL;

    MUST(vault_keyring_create(path, &maker->vault_id, &maker->keys[0], NOW_S, &error));
    maker->keyring =
        vault_keyring_open(path, VAULT_KEYRING_WRITE, &maker->vault_id, maker->keys, 2, &error);
    MUST(maker->keyring != NULL);
    put_values(maker);
    put_mailboxes(maker);
    g_clear_pointer(&maker->keyring, vault_keyring_close);
}

/* ---- records -------------------------------------------------------------------------------- */

/* A record in the making: header up to its CRCs, which is what is sealed behind it is bound to. */
typedef struct {
    VaultRecordHeader header;
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    VaultSpan clear;
    guint8 *ciphertext;
} Draft;

static void draft_begin(const Maker *maker, Draft *draft, VaultRecordKind kind, gsize len,
                        const VaultLocator *locator)
{
    draft->header.kind = kind;
    draft->header.suite = VAULT_SUITE_X25519;
    draft->header.ciphertext_len = len;
    draft->clear.len = vault_record_format_clear(
        &draft->header, locator == NULL ? NULL : &maker->locator_key, locator, draft->bytes);
    draft->clear.bytes = draft->bytes;
    draft->ciphertext = g_malloc(len);
}

static void draft_write(const Maker *maker, Draft *draft, const char *name)
{
    gsize header_len =
        vault_record_format_crcs(draft->bytes, draft->clear.len,
                                 vault_crc32c(0, draft->ciphertext, draft->header.ciphertext_len));
    g_autoptr(GByteArray) record = g_byte_array_new();

    g_byte_array_append(record, draft->bytes, (guint)header_len);
    g_byte_array_append(record, draft->ciphertext, (guint)draft->header.ciphertext_len);
    write_file(maker, name, record->data, record->len);
    g_free(draft->ciphertext);
}

static void write_record(const Maker *maker, const char *name, VaultRecord *record)
{
    gsize len;
    const void *bytes = g_bytes_get_data(record->bytes, &len);

    write_file(maker, name, bytes, len);
    vault_record_free(record);
}

static VaultLocator part_locator(const Maker *maker, const RecordId *body_id)
{
    return (VaultLocator){.body_id = *body_id,
                          .month_key_id = maker->month->month_key_id,
                          .leaf = LEAF,
                          .received_s = NOW_S,
                          .flags = VAULT_FLAG_IMPORTED};
}

static RecordId make_body_and_copy(Maker *maker)
{
    g_autoptr(VaultSealer) sealer = vault_sealer_new(&(VaultSealerOptions){
        .vault_id = maker->vault_id, .locator_key = &maker->locator_key, .contexts_max = 1});
    VaultLocator locator = {.received_s = NOW_S, .archived_s = NOW_S + 1};
    g_autoptr(VaultSealedBody) body = NULL;
    g_autoptr(GByteArray) facts = g_byte_array_new();
    VaultAllotment allotment = {.mailbox_id = maker->month->mailbox_id,
                                .month_key_id = maker->month->month_key_id,
                                .content_key = maker->month->keys.content,
                                .leaf = LEAF};

    memset(&locator.retry_tag, 0x33, VAULT_TAG_LEN);
    memset(&locator.repeat_tag, 0x34, VAULT_TAG_LEN);
    memset(&locator.repeats, 0x35, VAULT_ID_LEN);
    body = vault_seal_body(sealer, message, sizeof message - 1, &locator, NULL);
    vault_fact_append(facts, VAULT_FACT_SENDER, "ada@example.org", 15);
    vault_fact_append(facts, (VaultFact)60000, "of a later program", 18);
    g_assert_true(vault_erasure_tree_content_slot(maker->month->tree, LEAF, &allotment.slot, NULL));
    write_record(
        maker, "copy.record",
        vault_seal_copy(sealer, body, &allotment, NOW_S, VAULT_FLAG_IMPORTED, facts, NULL));
    write_record(maker, "body.record", vault_sealed_body_take_record(body));
    return *vault_sealed_body_id(body);
}

/* Under a key that the test knows: 32 bytes of its kind's number. */
static void make_stream(const Maker *maker, const char *name, VaultRecordKind kind,
                        const RecordId *body_id)
{
    static const char text[] = "a stream of one chunk";
    VaultLocator locator = part_locator(maker, body_id);
    Draft draft = {.clear = {NULL, 0}};
    BodyKey key;
    VaultStreamParameters parameters = {
        .key = &key, .suite = VAULT_SUITE_X25519, .kind = (guint8)kind};
    g_autoptr(VaultStream) stream = NULL;

    memset(&key, (int)kind, sizeof key);
    vault_random(&draft.header.record_id, VAULT_ID_LEN);
    vault_random(draft.header.by_kind, sizeof draft.header.by_kind);
    parameters.record_id = draft.header.record_id;
    draft_begin(maker, &draft, kind, vault_stream_ciphertext_len(sizeof text - 1), &locator);
    stream = vault_stream_new(&parameters, draft.ciphertext);
    g_assert_true(vault_stream_seal(stream, (const guint8 *)text, sizeof text - 1,
                                    VAULT_STREAM_LAST,
                                    draft.ciphertext + VAULT_STREAM_COMMITMENT_LEN, NULL));
    draft_write(maker, &draft, name);
}

static void make_terms_copy(const Maker *maker, const RecordId *body_id)
{
    static const char text[] = "what opens the terms";
    VaultLocator locator = part_locator(maker, body_id);
    VaultIndexContext context = {maker->vault_id, maker->month->month_key_id};
    g_auto(VaultIndexSession) session = {.step = 0};
    IndexSlot slot;
    VaultIndexRecord record = {.slot = &slot};
    IndexMessageKey key;
    Draft draft = {.clear = {NULL, 0}};

    g_assert_true(vault_index_session_begin(&maker->month->keys.index, &context, &session, NULL));
    g_assert_true(vault_erasure_tree_index_slot(maker->month->tree, LEAF, &slot, NULL));
    for (int i = 0; i <= 9; i++)
        g_assert_true(vault_index_session_next(&session, &locator.step, &key, NULL));
    memcpy(locator.enc, session.enc, sizeof locator.enc);
    vault_random(&draft.header.record_id, VAULT_ID_LEN);
    vault_random(record.salt, sizeof record.salt);
    memcpy(draft.header.by_kind, record.salt, sizeof record.salt);
    record.record_id = draft.header.record_id;
    draft_begin(maker, &draft, VAULT_RECORD_TERMS_COPY, sizeof text - 1 + VAULT_INDEX_OVERHEAD_LEN,
                &locator);
    vault_index_seal(&key, &record, &draft.clear, text, sizeof text - 1, draft.ciphertext);
    draft_write(maker, &draft, "terms-copy.record");
}

/* Facts in the form of an addendum: their length, they, zeros. */
static void make_addendum(const Maker *maker, const RecordId *body_id)
{
    guint8 plaintext[256] = {0};
    g_autoptr(GByteArray) facts = g_byte_array_new();
    VaultLocator locator = part_locator(maker, body_id);
    VaultContentContext context = {maker->vault_id, maker->month->month_key_id, LEAF};
    ContentSlot slot;
    VaultHpkeContext sealer;
    Draft draft = {.clear = {NULL, 0}};

    vault_fact_append(facts, VAULT_FACT_KEYWORDS, "\\Seen", 5);
    plaintext[0] = 1;
    memcpy(plaintext + 1, facts->data, facts->len);
    g_assert_true(vault_erasure_tree_content_slot(maker->month->tree, LEAF, &slot, NULL));
    g_assert_true(vault_content_seal_begin(&maker->month->keys.content, &slot, &context,
                                           draft.header.by_kind, &sealer, NULL));
    vault_random(&draft.header.record_id, VAULT_ID_LEN);
    draft_begin(maker, &draft, VAULT_RECORD_ADDENDUM, sizeof plaintext + VAULT_HPKE_TAG_LEN,
                &locator);
    vault_content_seal_finish(&sealer, &draft.clear, plaintext, sizeof plaintext, draft.ciphertext);
    draft_write(maker, &draft, "addendum.record");
}

static void make_event(const Maker *maker)
{
    static const char text[] = "{\"act\":\"golden\"}";
    VaultLocator locator = {.row_id = maker->event_row};
    VaultValuePlace place = {.vault_id = maker->vault_id,
                             .table = VAULT_EVENT_RECORD_TABLE,
                             .row_id = maker->event_row,
                             .row_version = VAULT_EVENT_RECORD_VERSION};
    g_autoptr(GBytes) sealed = vault_value_seal(&maker->event_key, &place, text, sizeof text - 1);
    Draft draft = {.clear = {NULL, 0}};
    gsize len;
    const void *bytes = g_bytes_get_data(sealed, &len);

    vault_random(&draft.header.record_id, VAULT_ID_LEN);
    draft_begin(maker, &draft, VAULT_RECORD_EVENT, len, &locator);
    memcpy(draft.ciphertext, bytes, len);
    draft_write(maker, &draft, "event.record");
}

int main(int argc, char **argv)
{
    Maker maker = {.directory = argc == 2 ? argv[1] : NULL};
    RecordId body_id;

    if (maker.directory == NULL) {
        g_printerr("usage: golden_make_vault DIR\n");
        return EXIT_FAILURE;
    }
    vault_crypto_init();
    make_key_files(&maker);
    make_keyring(&maker);
    write_file(&maker, "message.eml", message, sizeof message - 1);
    body_id = make_body_and_copy(&maker);
    make_stream(&maker, "terms-body.record", VAULT_RECORD_TERMS_BODY, &body_id);
    make_stream(&maker, "wrapper.record", VAULT_RECORD_WRAPPER, &body_id);
    make_terms_copy(&maker, &body_id);
    make_addendum(&maker, &body_id);
    make_event(&maker);
    vault_month_value_free(maker.month);
    return EXIT_SUCCESS;
}
