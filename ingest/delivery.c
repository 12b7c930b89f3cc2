#include "ingest/delivery.h"

#include "ingest/delivery_terms.h"
#include "ingest/words/secret_buffer.h"
#include "vault/base/bytes.h"

#include <string.h>

/* A declared length is only a claim: it gets no more than this before any byte has come. */
#define PRESIZE_MAX (128u << 10)
#define PRESIZE_DEFAULT (32u << 10)

struct IngestDelivery {
    VaultDepository *depository;
    GPtrArray *owners;
    char *sender, *source, *folder, *keywords;
    guint64 declared_len;
    guint64 received_s, archived_s;
    guint32 flags;
    gboolean has_import_key;
    DayKey import_key;
    char *retry_sender;       /* the sender, and an import's position: what a retry repeats */
    IngestSecretBuffer whole; /* the message while it is short */
    VaultBodyStream *stream;  /* the message since it is long */
    guint64 message_len;
    IngestTermsMaker *terms; /* NULL: none are wanted */
    gboolean are_terms_left; /* wanted, but not made */
    gboolean is_over;        /* failed or committed */
};

/* A space is in no sender as SMTP has it, and the position is of fixed length and comes last. */
static char *make_retry_sender(const IngestDeliveryOptions *options)
{
    GString *text = g_string_new(options->sender);

    if (options->import_position == NULL)
        return g_string_free(text, FALSE);
    g_string_append_c(text, ' ');
    for (gsize i = 0; i < VAULT_HASH_LEN; i++)
        g_string_append_printf(text, "%02x", options->import_position->bytes[i]);
    return g_string_free(text, FALSE);
}

IngestDelivery *ingest_delivery_begin(VaultDepository *depository,
                                      const IngestDeliveryOptions *options, GError **error)
{
    IngestDelivery *delivery = g_new0(IngestDelivery, 1);

    g_assert(options->owners->len > 0);
    delivery->depository = depository;
    delivery->owners = options->owners;
    delivery->sender = g_strdup(options->sender);
    delivery->retry_sender = make_retry_sender(options);
    delivery->source = g_strdup(options->source);
    delivery->folder = g_strdup(options->folder);
    delivery->keywords = g_strdup(options->keywords);
    delivery->declared_len = options->declared_len;
    delivery->received_s = options->received_s;
    delivery->archived_s = options->archived_s;
    delivery->flags = options->flags;
    delivery->terms = options->terms;
    delivery->has_import_key = options->import_key != NULL;
    if (options->import_key != NULL)
        delivery->import_key = *options->import_key;
    return delivery;
}

void ingest_delivery_free(IngestDelivery *delivery)
{
    if (delivery == NULL)
        return;
    vault_body_stream_free(delivery->stream);
    ingest_secret_buffer_clear(&delivery->whole);
    g_ptr_array_unref(delivery->owners);
    g_free(delivery->sender);
    g_free(delivery->retry_sender);
    g_free(delivery->source);
    g_free(delivery->folder);
    g_free(delivery->keywords);
    vault_wipe(delivery, sizeof *delivery);
    g_free(delivery);
}

void ingest_delivery_leave_terms(IngestDelivery *delivery)
{
    delivery->are_terms_left = TRUE;
}

gsize ingest_delivery_memory(const IngestDelivery *delivery)
{
    gsize stream_len = delivery->stream != NULL ? vault_body_stream_memory() : 0;

    return sizeof *delivery + delivery->whole.allocated + stream_len;
}

static gboolean is_usable(const IngestDelivery *delivery, GError **error)
{
    if (!delivery->is_over)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "this delivery has failed before");
    return FALSE;
}

static gboolean begin_stream(IngestDelivery *delivery, GError **error)
{
    VaultDepository *depository = delivery->depository;
    IngestSecretBuffer *whole = &delivery->whole;
    VaultBodySink sink;

    if (!depository->stream(depository, &sink, error))
        return FALSE;
    delivery->stream = vault_body_stream_begin(depository->sealer, sink, error);
    if (delivery->stream == NULL ||
        !vault_body_stream_write(delivery->stream, whole->bytes, whole->len, error))
        return FALSE;
    ingest_secret_buffer_clear(whole);
    return TRUE;
}

static void append_whole(IngestDelivery *delivery, const void *bytes, gsize len)
{
    if (delivery->whole.bytes == NULL && delivery->declared_len > 0)
        ingest_secret_buffer_reserve(&delivery->whole, MIN(delivery->declared_len, PRESIZE_MAX));
    else if (delivery->whole.bytes == NULL)
        ingest_secret_buffer_reserve(&delivery->whole, PRESIZE_DEFAULT);
    ingest_secret_buffer_append(&delivery->whole, bytes, len);
}

gboolean ingest_delivery_write(IngestDelivery *delivery, const void *bytes, gsize len,
                               GError **error)
{
    if (!is_usable(delivery, error))
        return FALSE;
    delivery->message_len += len;
    if (delivery->stream == NULL && len <= VAULT_BODY_WHOLE_MAX - delivery->whole.len) {
        append_whole(delivery, bytes, len);
        return TRUE;
    }
    if ((delivery->stream != NULL || begin_stream(delivery, error)) &&
        vault_body_stream_write(delivery->stream, bytes, len, error))
        return TRUE;
    delivery->is_over = TRUE;
    return FALSE;
}

/* ---- owners to copies ------------------------------------------------------------------------ */

/* One mailbox that gets a copy. */
typedef struct {
    MailboxId mailbox_id;
    gboolean is_unassigned;
    GPtrArray *owners; /* IngestOwner, borrowed: those that resolved to it */
} Target;

static void target_free(gpointer pointer)
{
    Target *target = pointer;

    g_ptr_array_unref(target->owners);
    g_free(target);
}

static Target *add_target(GPtrArray *targets, GHashTable *by_mailbox, const MailboxId *mailbox_id)
{
    Target *target = g_new0(Target, 1);

    target->mailbox_id = *mailbox_id;
    target->owners = g_ptr_array_new();
    g_ptr_array_add(targets, target);
    g_hash_table_insert(by_mailbox, &target->mailbox_id, target);
    return target;
}

static gboolean resolve_owner(IngestDelivery *delivery, IngestOwner *owner, GPtrArray *targets,
                              GHashTable *by_mailbox, guint *unassigned_count, GError **error)
{
    VaultDepository *depository = delivery->depository;
    VaultResolution resolution;
    MailboxId mailbox_id;
    Target *target;

    if (!depository->resolve(depository, owner->address, &mailbox_id, &resolution, error))
        return FALSE;
    target = g_hash_table_lookup(by_mailbox, &mailbox_id);
    if (target == NULL)
        target = add_target(targets, by_mailbox, &mailbox_id);
    g_ptr_array_add(target->owners, owner);
    if (owner->address == NULL || resolution == VAULT_RESOLVE_UNASSIGNED)
        target->is_unassigned = TRUE;
    if (owner->address != NULL && resolution == VAULT_RESOLVE_UNASSIGNED)
        (*unassigned_count)++;
    return TRUE;
}

static GPtrArray *resolve_owners(IngestDelivery *delivery, guint *unassigned_count, GError **error)
{
    g_autoptr(GPtrArray) targets = g_ptr_array_new_with_free_func(target_free);
    g_autoptr(GHashTable) by_mailbox = g_hash_table_new(vault_id_hash, vault_id_equal);

    for (guint i = 0; i < delivery->owners->len; i++)
        if (!resolve_owner(delivery, g_ptr_array_index(delivery->owners, i), targets, by_mailbox,
                           unassigned_count, error))
            return NULL;
    return g_steal_pointer(&targets);
}

static void append_text(GByteArray *facts, VaultFact type, const char *text)
{
    if (text != NULL)
        vault_fact_append(facts, type, text, strlen(text));
}

/* What one mailbox's copy says of the delivery: never who else got it. */
static GByteArray *copy_facts(const IngestDelivery *delivery, const Target *target)
{
    GByteArray *facts = g_byte_array_new();
    const IngestOwner *first = g_ptr_array_index(target->owners, 0);
    guint8 role = target->is_unassigned ? VAULT_OWNER_UNASSIGNED : first->role;
    guint8 date[8];

    append_text(facts, VAULT_FACT_SENDER, delivery->sender);
    for (guint i = 0; i < target->owners->len; i++) {
        const IngestOwner *owner = g_ptr_array_index(target->owners, i);

        for (guint k = 0; owner->recipients != NULL && k < owner->recipients->len; k++)
            append_text(facts, VAULT_FACT_RECIPIENT, g_ptr_array_index(owner->recipients, k));
        append_text(facts, VAULT_FACT_OWNER_ADDRESS, owner->address);
    }
    vault_fact_append(facts, VAULT_FACT_ROLE, &role, sizeof role);
    append_text(facts, VAULT_FACT_SOURCE, delivery->source);
    append_text(facts, VAULT_FACT_FOLDER, delivery->folder);
    append_text(facts, VAULT_FACT_KEYWORDS, delivery->keywords);
    vault_bytes_put_u64(date, delivery->received_s);
    vault_fact_append(facts, VAULT_FACT_INTERNAL_DATE, date, sizeof date);
    return facts;
}

static void facts_free(GByteArray *facts)
{
    vault_wipe(facts->data, facts->len);
    g_byte_array_unref(facts);
}

/* ---- commit ---------------------------------------------------------------------------------- */

static void hash_message(IngestDelivery *delivery, VaultHash *ret_hash)
{
    if (delivery->stream != NULL)
        vault_body_stream_message_hash(delivery->stream, ret_hash);
    else
        vault_hash(delivery->whole.bytes, delivery->whole.len, ret_hash);
}

static VaultSealedBody *seal_body(IngestDelivery *delivery, const VaultHash *hash,
                                  const VaultLocator *locator, GError **error)
{
    if (delivery->stream != NULL)
        return vault_body_stream_finish(delivery->stream, locator, error);
    return vault_seal_hashed_body(delivery->depository->sealer, delivery->whole.bytes,
                                  delivery->whole.len, hash, locator, error);
}

static gboolean add_copies(const IngestDelivery *delivery, const VaultSealedBody *body,
                           GPtrArray *targets, const VaultAllotment *allotments, guint32 flags,
                           GPtrArray *records, GError **error)
{
    for (guint i = 0; i < targets->len; i++) {
        const Target *target = g_ptr_array_index(targets, i);
        GByteArray *facts = copy_facts(delivery, target);
        VaultRecord *copy = vault_seal_copy(
            delivery->depository->sealer, body, &allotments[i], delivery->received_s,
            flags | (target->is_unassigned ? VAULT_FLAG_UNASSIGNED : 0), facts, error);

        facts_free(facts);
        if (copy == NULL)
            return FALSE;
        g_ptr_array_add(records, copy);
    }
    return TRUE;
}

/* A streamed body is read back, which needs the memory of the stream. */
static void add_terms(IngestDelivery *delivery, const VaultSealedBody *body, const VaultHash *hash,
                      VaultAllotment *allotments, gsize owner_count, GPtrArray *records)
{
    const IngestDeliveryTerms terms = {.maker = delivery->terms,
                                       .depository = delivery->depository,
                                       .body = body,
                                       .is_streamed = delivery->stream != NULL,
                                       .whole = delivery->whole.bytes,
                                       .len = delivery->message_len,
                                       .message_hash = hash,
                                       .allotments = allotments,
                                       .owner_count = owner_count};

    if (delivery->terms == NULL || delivery->are_terms_left)
        return;
    g_clear_pointer(&delivery->stream, vault_body_stream_free);
    delivery->are_terms_left = !ingest_delivery_terms_add(&terms, records);
}

/* Body first, then the copies in the order of the owners, then the terms. */
static GPtrArray *seal_records(IngestDelivery *delivery, GPtrArray *targets,
                               VaultAllotment *allotments, const VaultHash *hash,
                               const VaultLocator *locator, GError **error)
{
    g_autoptr(VaultSealedBody) body = seal_body(delivery, hash, locator, error);
    g_autoptr(GPtrArray) records = NULL;

    if (body == NULL)
        return NULL;
    records = g_ptr_array_new_full(targets->len + 1, (GDestroyNotify)vault_record_free);
    if (!add_copies(delivery, body, targets, allotments, locator->flags, records, error))
        return NULL;
    add_terms(delivery, body, hash, allotments, targets->len, records);
    g_ptr_array_insert(records, 0, vault_sealed_body_take_record(body));
    return g_steal_pointer(&records);
}

static gboolean store(IngestDelivery *delivery, GPtrArray *targets, const MailboxId *mailboxes,
                      const VaultHash *hash, const VaultEarlier *earlier, RecordId *ret_archive_id,
                      GError **error)
{
    VaultDepository *depository = delivery->depository;
    g_autofree VaultAllotment *allotments = g_new0(VaultAllotment, targets->len);
    g_autoptr(GPtrArray) records = NULL;
    guint32 clock_flags = 0;
    VaultLocator locator = {
        .archived_s = delivery->archived_s,
        .retry_tag = earlier->retry_tag,
        .repeat_tag = earlier->repeat_tag,
        .repeats = earlier->repeats,
    };

    if (depository->allot(depository, mailboxes, targets->len, &delivery->received_s, allotments,
                          &clock_flags, error)) {
        locator.received_s = delivery->received_s;
        locator.flags = delivery->flags | clock_flags;
        records = seal_records(delivery, targets, allotments, hash, &locator, error);
    }
    vault_wipe(allotments, targets->len * sizeof *allotments);
    if (records == NULL)
        return FALSE;
    *ret_archive_id = ((VaultRecord *)g_ptr_array_index(records, 0))->record_id;
    return depository->commit(depository, records, error);
}

/* From find_earlier() on, whatever happens, settle() comes exactly once. */
static gboolean store_unless_retry(IngestDelivery *delivery, GPtrArray *targets,
                                   IngestDeliveryResult *result, GError **error)
{
    VaultDepository *depository = delivery->depository;
    const DayKey *import_key = delivery->has_import_key ? &delivery->import_key : NULL;
    g_autofree MailboxId *mailboxes = g_new(MailboxId, targets->len);
    VaultEarlier earlier = {0};
    gboolean is_stored = TRUE;
    VaultHash hash;

    for (guint i = 0; i < targets->len; i++)
        mailboxes[i] = ((const Target *)g_ptr_array_index(targets, i))->mailbox_id;
    hash_message(delivery, &hash);
    if (!depository->find_earlier(depository, delivery->retry_sender, &hash, &hash, mailboxes,
                                  targets->len, import_key, &earlier, error))
        return FALSE;
    result->is_already_archived = earlier.is_retry;
    result->archive_id = earlier.archive_id;
    if (!earlier.is_retry)
        is_stored =
            store(delivery, targets, mailboxes, &hash, &earlier, &result->archive_id, error);
    depository->settle(depository, &earlier.retry_tag);
    return is_stored;
}

gboolean ingest_delivery_commit(IngestDelivery *delivery, IngestDeliveryResult *ret_result,
                                GError **error)
{
    IngestDeliveryResult result = {0};
    g_autoptr(GPtrArray) targets = NULL;

    if (!is_usable(delivery, error))
        return FALSE;
    delivery->is_over = TRUE;
    targets = resolve_owners(delivery, &result.unassigned_count, error);
    if (targets == NULL || !store_unless_retry(delivery, targets, &result, error))
        return FALSE;
    result.lacks_terms =
        delivery->terms != NULL && delivery->are_terms_left && !result.is_already_archived;
    *ret_result = result;
    return TRUE;
}
