#include "tests/support/fake_depository.h"

#include "tests/support/terms_open.h"

#include <string.h>

#define UNASSIGNED "unassigned"

static FakeDepository *fake_of(VaultDepository *depository)
{
    return (FakeDepository *)(gpointer)depository;
}

static gboolean fails(FakeDepository *fake, FakeStep step, GError **error)
{
    guint call = fake->calls[step]++;

    if (fake->failing != step || call < fake->calls_before_failure)
        return FALSE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE, "step %d fails", (int)step);
    return TRUE;
}

/* ---- keys of a mailbox ----------------------------------------------------------------------- */

static MailboxId mailbox_id(const char *name)
{
    VaultHash hash;
    MailboxId id;

    vault_hash(name, strlen(name), &hash);
    memcpy(id.bytes, hash.bytes, VAULT_ID_LEN);
    return id;
}

static void make_keys(const MailboxId *id, ContentSecretKey *ret_secret, ContentPublicKey *ret_key)
{
    VaultHash hash;

    vault_hash(id, sizeof *id, &hash);
    memcpy(ret_secret->bytes, hash.bytes, VAULT_KEY_LEN);
    vault_content_public_key(ret_secret, ret_key);
}

static void make_slot(guint32 leaf, ContentSlot *ret_slot)
{
    VaultHash hash;

    vault_hash(&leaf, sizeof leaf, &hash);
    memcpy(ret_slot->bytes, hash.bytes, VAULT_KEY_LEN);
}

static void make_index_keys(const MailboxId *id, IndexSecretKey *ret_secret,
                            IndexPublicKey *ret_key)
{
    VaultSpan spans[] = {{id->bytes, VAULT_ID_LEN}, {"index", 5}};
    g_auto(ContentSecretKey) secret = {0};
    ContentPublicKey key;
    VaultHash hash;

    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    memcpy(secret.bytes, hash.bytes, VAULT_KEY_LEN);
    vault_content_public_key(&secret, &key);
    memcpy(ret_secret->bytes, secret.bytes, VAULT_KEY_LEN);
    memcpy(ret_key->bytes, key.bytes, VAULT_KEY_LEN);
}

static void make_index_slot(guint32 leaf, IndexSlot *ret_slot)
{
    VaultSpan spans[] = {{&leaf, sizeof leaf}, {"index", 5}};
    VaultHash hash;

    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    memcpy(ret_slot->bytes, hash.bytes, VAULT_KEY_LEN);
}

/* ---- what the pipeline calls ----------------------------------------------------------------- */

static VaultAdmission admit(VaultDepository *self, const char *address)
{
    return VAULT_ADMIT;
}

static gboolean resolve(VaultDepository *self, const char *address, MailboxId *ret_mailbox,
                        VaultResolution *ret_resolution, GError **error)
{
    FakeDepository *fake = fake_of(self);
    gboolean is_capped = address != NULL && g_str_has_prefix(address, "capped");
    g_autofree char *name = address != NULL && !is_capped
                                ? g_strndup(address, strcspn(address, ".@"))
                                : g_strdup(UNASSIGNED);

    if (fails(fake, FAKE_RESOLVE, error))
        return FALSE;
    *ret_mailbox = mailbox_id(name);
    *ret_resolution = is_capped ? VAULT_RESOLVE_UNASSIGNED : VAULT_RESOLVE_FOUND;
    g_hash_table_insert(fake->names, g_memdup2(ret_mailbox, sizeof *ret_mailbox),
                        g_steal_pointer(&name));
    return TRUE;
}

static gboolean find_earlier(VaultDepository *self, const char *sender,
                             const VaultHash *received_hash, const VaultHash *stored_hash,
                             const MailboxId *owners, gsize owner_count, const DayKey *import_key,
                             VaultEarlier *ret_earlier, GError **error)
{
    FakeDepository *fake = fake_of(self);

    if (fails(fake, FAKE_FIND_EARLIER, error))
        return FALSE;
    g_free(fake->retry_sender);
    fake->retry_sender = g_strdup(sender);
    fake->received_hash = *received_hash;
    fake->stored_hash = *stored_hash;
    fake->has_import_key = import_key != NULL;
    if (import_key != NULL)
        fake->import_key = *import_key;
    *ret_earlier = fake->earlier;
    return TRUE;
}

static void settle(VaultDepository *self, const DeliveryTag *retry_tag)
{
    FakeDepository *fake = fake_of(self);

    assert_memory_equal(retry_tag, &fake->earlier.retry_tag, sizeof *retry_tag);
    fake->settle_count++;
}

/* Each mailbox has one session, as long as its steps suffice. */
static void allot_index(FakeDepository *fake, VaultAllotment *allotment)
{
    VaultIndexSession *session = g_hash_table_lookup(fake->sessions, &allotment->mailbox_id);
    VaultIndexContext context = {fake->vault_id, allotment->month_key_id};
    g_auto(IndexSecretKey) secret = {0};
    IndexPublicKey key;

    if (session == NULL) {
        session = g_new0(VaultIndexSession, 1);
        make_index_keys(&allotment->mailbox_id, &secret, &key);
        assert_true(vault_index_session_begin(&key, &context, session, NULL));
        g_hash_table_insert(fake->sessions,
                            g_memdup2(&allotment->mailbox_id, sizeof allotment->mailbox_id),
                            session);
    }
    memcpy(allotment->index_enc, session->enc, sizeof session->enc);
    make_index_slot(allotment->leaf, &allotment->index_slot);
    allotment->has_index =
        vault_index_session_next(session, &allotment->index_step, &allotment->index_key, NULL);
}

static gboolean allot(VaultDepository *self, const MailboxId *owners, gsize owner_count,
                      guint64 *received_s, VaultAllotment *ret_allotments, guint32 *ret_flags,
                      GError **error)
{
    FakeDepository *fake = fake_of(self);

    if (fails(fake, FAKE_ALLOT, error))
        return FALSE;
    for (gsize i = 0; i < owner_count; i++) {
        VaultAllotment *allotment = &ret_allotments[i];
        g_auto(ContentSecretKey) secret = {0};

        allotment->mailbox_id = owners[i];
        make_keys(&owners[i], &secret, &allotment->content_key);
        allotment->month_key_id = vault_month_key_id(&allotment->content_key);
        allotment->leaf = fake->allotted->len;
        make_slot(allotment->leaf, &allotment->slot);
        allotment->has_index = FALSE;
        if (!fake->has_no_index)
            allot_index(fake, allotment);
        g_ptr_array_add(fake->allotted, g_strdup(g_hash_table_lookup(fake->names, &owners[i])));
    }
    *ret_flags = fake->clock_flags;
    return TRUE;
}

static gboolean sink_append(gpointer sink, const guint8 *bytes, gsize len, GError **error)
{
    FakeDepository *fake = sink;

    if (fails(fake, FAKE_APPEND, error))
        return FALSE;
    g_byte_array_append(fake->stream, bytes, (guint)len);
    return TRUE;
}

static gboolean sink_finish(gpointer sink, const guint8 *header, gsize header_len,
                            VaultPlace *ret_place, GError **error)
{
    FakeDepository *fake = sink;

    if (fails(fake, FAKE_FINISH, error))
        return FALSE;
    g_byte_array_prepend(fake->stream, header, (guint)header_len);
    *ret_place = (VaultPlace){.len = fake->stream->len};
    return TRUE;
}

static void sink_abandon(gpointer sink)
{
    FakeDepository *fake = sink;

    fake->abandon_count++;
}

static gboolean stream(VaultDepository *self, VaultBodySink *ret_sink, GError **error)
{
    FakeDepository *fake = fake_of(self);

    if (fails(fake, FAKE_STREAM, error))
        return FALSE;
    g_byte_array_set_size(fake->stream, 0);
    *ret_sink = (VaultBodySink){sink_append, sink_finish, sink_abandon, fake};
    return TRUE;
}

static gboolean source_read(gpointer source, const VaultPlace *place, guint64 offset, gsize len,
                            guint8 *ret_bytes, GError **error)
{
    FakeDepository *fake = source;

    if (fails(fake, FAKE_READ_BACK, error))
        return FALSE;
    assert_int_equal(place->len, fake->stream->len);
    assert_true(offset <= place->len && len <= place->len - offset);
    memcpy(ret_bytes, fake->stream->data + offset, len);
    return TRUE;
}

static void source_close(gpointer source)
{
    FakeDepository *fake = source;

    fake->close_count++;
}

static void read_back(VaultDepository *self, VaultBodySource *ret_source)
{
    *ret_source = (VaultBodySource){source_read, source_close, fake_of(self)};
}

static void record_free(gpointer pointer)
{
    FakeRecord *record = pointer;

    g_bytes_unref(record->bytes);
    g_free(record->mailbox);
    g_free(record);
}

static gboolean commit(VaultDepository *self, GPtrArray *records, GError **error)
{
    FakeDepository *fake = fake_of(self);

    if (fails(fake, FAKE_COMMIT, error))
        return FALSE;
    for (guint i = 0; i < records->len; i++) {
        const VaultRecord *record = g_ptr_array_index(records, i);
        FakeRecord *kept = g_new0(FakeRecord, 1);

        kept->record_id = record->record_id;
        kept->kind = record->kind;
        kept->locator = record->locator;
        kept->bytes = record->bytes != NULL ? g_bytes_ref(record->bytes)
                                            : g_bytes_new(fake->stream->data, fake->stream->len);
        if (vault_record_kind_has_leaf(record->kind))
            kept->mailbox = g_strdup(fake->allotted->pdata[record->locator.leaf]);
        g_ptr_array_add(fake->committed, kept);
    }
    return TRUE;
}

/* ---- life ------------------------------------------------------------------------------------ */

FakeDepository *fake_depository_new(void)
{
    FakeDepository *fake = g_new0(FakeDepository, 1);

    vault_crypto_init();
    vault_random(&fake->vault_id, sizeof fake->vault_id);
    vault_random(&fake->locator_key, sizeof fake->locator_key);
    vault_random(&fake->earlier.retry_tag, sizeof fake->earlier.retry_tag);
    vault_random(&fake->earlier.repeat_tag, sizeof fake->earlier.repeat_tag);
    fake->failing = FAKE_NOTHING;
    fake->allotted = g_ptr_array_new_with_free_func(g_free);
    fake->committed = g_ptr_array_new_with_free_func(record_free);
    fake->stream = g_byte_array_new();
    fake->sessions = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, g_free);
    fake->names = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, g_free);
    fake->depository = (VaultDepository){
        .sealer = vault_sealer_new(
            &(VaultSealerOptions){.vault_id = fake->vault_id, .locator_key = &fake->locator_key}),
        .admit = admit,
        .resolve = resolve,
        .find_earlier = find_earlier,
        .settle = settle,
        .allot = allot,
        .stream = stream,
        .read_back = read_back,
        .commit = commit,
    };
    return fake;
}

void fake_depository_free(FakeDepository *fake)
{
    if (fake == NULL)
        return;
    vault_sealer_free(fake->depository.sealer);
    g_free(fake->retry_sender);
    g_ptr_array_unref(fake->allotted);
    g_ptr_array_unref(fake->committed);
    g_byte_array_unref(fake->stream);
    g_hash_table_unref(fake->sessions);
    g_hash_table_unref(fake->names);
    g_free(fake);
}

const FakeRecord *fake_depository_record(FakeDepository *fake, guint number)
{
    assert_true(number < fake->committed->len);
    return g_ptr_array_index(fake->committed, number);
}

/* ---- opening --------------------------------------------------------------------------------- */

static const FakeRecord *find_record(FakeDepository *fake, const RecordId *id)
{
    for (guint i = 0; i < fake->committed->len; i++) {
        const FakeRecord *record = fake->committed->pdata[i];

        if (VAULT_ID_EQUAL(record->record_id, *id))
            return record;
    }
    fail_msg("no record %s was committed", VAULT_ID_TEXT(*id));
    return NULL;
}

static GBytes *fetch(gpointer user, const RecordId *record_id, gsize len_max, GError **error)
{
    return g_bytes_ref(find_record(user, record_id)->bytes);
}

static gboolean length(gpointer user, const RecordId *record_id, guint64 *ret_len, GError **error)
{
    *ret_len = g_bytes_get_size(find_record(user, record_id)->bytes);
    return TRUE;
}

static gboolean read_part(gpointer user, const RecordId *record_id, guint64 offset, gsize len,
                          guint8 *ret_bytes, GError **error)
{
    gsize all = 0;
    const guint8 *bytes = g_bytes_get_data(find_record(user, record_id)->bytes, &all);

    assert_true(offset <= all && len <= all - offset);
    memcpy(ret_bytes, bytes + offset, len);
    return TRUE;
}

static VaultReader *make_reader(FakeDepository *fake, const FakeRecord *copy)
{
    ContentPublicKey key;
    g_autoptr(GError) error = NULL;
    g_auto(VaultGrantedKey) granted = {.mailbox_id = mailbox_id(copy->mailbox),
                                       .month_key_id = copy->locator.month_key_id,
                                       .has_content = TRUE};
    VaultReaderScope scope = {
        .vault_id = &fake->vault_id, .keys = &granted, .key_count = 1, .to_s = G_MAXUINT64};
    VaultReader *reader;

    make_keys(&granted.mailbox_id, &granted.content, &key);
    reader = vault_reader_new(&scope, &error);
    if (reader == NULL)
        fail_msg("%s", error->message);
    return reader;
}

static VaultOpenedCopy *open_copy(FakeDepository *fake, VaultReader *reader, const FakeRecord *copy,
                                  const VaultRecordSource *source)
{
    g_autoptr(GError) error = NULL;
    g_auto(ContentSlot) slot = {0};
    VaultOpenEntry entry = {.record_id = copy->record_id,
                            .body_id = copy->locator.body_id,
                            .mailbox_id = mailbox_id(copy->mailbox),
                            .month_key_id = copy->locator.month_key_id,
                            .leaf = copy->locator.leaf,
                            .received_s = copy->locator.received_s};
    VaultOpenedCopy *opened;

    make_slot(entry.leaf, &slot);
    opened = vault_reader_open_copy(reader, &entry, &slot, source, &error);
    if (opened == NULL)
        fail_msg("%s", error->message);
    return opened;
}

static VaultRecordSource source_of(FakeDepository *fake)
{
    return (VaultRecordSource){.fetch = fetch, .length = length, .read = read_part, .user = fake};
}

static void append_fact(GString *text, guint16 type, const guint8 *value, gsize len)
{
    static const char *const names[] = {
        [VAULT_FACT_SENDER] = "sender",      [VAULT_FACT_RECIPIENT] = "recipient",
        [VAULT_FACT_ROLE] = "role",          [VAULT_FACT_SOURCE] = "source",
        [VAULT_FACT_FOLDER] = "folder",      [VAULT_FACT_KEYWORDS] = "keywords",
        [VAULT_FACT_INTERNAL_DATE] = "date", [VAULT_FACT_EVIDENCE] = "evidence",
        [VAULT_FACT_OWNER_ADDRESS] = "owner"};
    guint64 number = 0;

    assert_true(type < G_N_ELEMENTS(names) && names[type] != NULL);
    g_string_append_printf(text, "%s%s=", text->len > 0 ? " " : "", names[type]);
    if (type != VAULT_FACT_ROLE && type != VAULT_FACT_INTERNAL_DATE) {
        g_string_append_len(text, (const char *)value, (gssize)len);
        return;
    }
    for (gsize i = 0; i < len; i++)
        number = number << 8 | value[i];
    g_string_append_printf(text, "%" G_GUINT64_FORMAT, number);
}

char *fake_depository_facts(FakeDepository *fake, guint number)
{
    const FakeRecord *copy = fake_depository_record(fake, number);
    VaultRecordSource source = source_of(fake);
    g_autoptr(VaultReader) reader = make_reader(fake, copy);
    g_autoptr(VaultOpenedCopy) opened = open_copy(fake, reader, copy, &source);
    GString *text = g_string_new(NULL);
    gsize offset = 0, len;
    guint16 type;
    const guint8 *value;

    while (vault_fact_next(opened->facts->data, opened->facts->len, &offset, &type, &value, &len))
        append_fact(text, type, value, len);
    return g_string_free(text, FALSE);
}

static gboolean collect(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    g_byte_array_append(user, bytes, (guint)len);
    return TRUE;
}

GByteArray *fake_depository_message(FakeDepository *fake, guint number)
{
    const FakeRecord *copy = fake_depository_record(fake, number);
    VaultRecordSource source = source_of(fake);
    g_autoptr(VaultReader) reader = make_reader(fake, copy);
    g_autoptr(VaultOpenedCopy) opened = open_copy(fake, reader, copy, &source);
    GByteArray *message = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    VaultHash hash;

    if (!vault_reader_open_body(reader, opened, &source, collect, message, &hash, &error))
        fail_msg("%s", error->message);
    return message;
}

GByteArray *fake_depository_terms(FakeDepository *fake, guint number)
{
    const FakeRecord *copy = fake_depository_record(fake, number);
    VaultRecordSource source = source_of(fake);
    const MailboxId mailbox = mailbox_id(copy->mailbox);
    SupportTermsKey key = {.vault_id = fake->vault_id,
                           .month_key_id = copy->locator.month_key_id,
                           .step = copy->locator.step};
    g_autoptr(GError) error = NULL;
    GByteArray *terms;

    assert_int_equal(copy->kind, VAULT_RECORD_TERMS_COPY);
    make_index_keys(&mailbox, &key.secret, &key.public_key);
    make_index_slot(copy->locator.leaf, &key.slot);
    memcpy(key.enc, copy->locator.enc, sizeof key.enc);
    terms = support_open_terms(&key, copy->bytes, &source, &error);
    if (terms == NULL)
        fail_msg("%s", error->message);
    return terms;
}
