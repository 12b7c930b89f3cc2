#include "ingest/delivery.h"

#include <string.h>

/* One mailbox to be given a copy: owners that came to the same mailbox are one. */
typedef struct {
    MailboxId mailbox;
    GPtrArray *owners; /* IngestOwner, borrowed */
    gboolean is_unassigned;
} Target;

struct IngestDelivery {
    VaultDepository *depository;
    char *sender, *source, *folder, *keywords;
    GPtrArray *owners;
    guint64 received_s, archived_s;
    guint32 flags;
    DayKey import_key;
    gboolean has_import_key;
    char *retry_sender; /* the sender, and an import's position: what a retry repeats */

    VaultHasher *hasher;
    GByteArray *held;        /* until it outgrows VAULT_BODY_WHOLE_MAX */
    VaultBodyStream *stream; /* from then on */
    VaultEarlier earlier;
    gboolean is_in_flight;
};

static void wipe_held(IngestDelivery *delivery)
{
    if (delivery->held == NULL)
        return;
    vault_wipe(delivery->held->data, delivery->held->len);
    g_clear_pointer(&delivery->held, g_byte_array_unref);
}

static void settle(IngestDelivery *delivery)
{
    if (delivery->is_in_flight)
        delivery->depository->settle(delivery->depository, &delivery->earlier.retry_tag);
    delivery->is_in_flight = FALSE;
}

void ingest_delivery_free(IngestDelivery *delivery)
{
    if (delivery == NULL)
        return;
    settle(delivery);
    wipe_held(delivery);
    vault_body_stream_free(delivery->stream);
    vault_hasher_free(delivery->hasher);
    g_clear_pointer(&delivery->owners, g_ptr_array_unref);
    g_free(delivery->sender);
    g_free(delivery->retry_sender);
    g_free(delivery->source);
    g_free(delivery->folder);
    g_free(delivery->keywords);
    vault_wipe(&delivery->import_key, sizeof delivery->import_key);
    g_free(delivery);
}

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
    delivery->sender = g_strdup(options->sender);
    delivery->retry_sender = make_retry_sender(options);
    delivery->source = g_strdup(options->source);
    delivery->folder = g_strdup(options->folder);
    delivery->keywords = g_strdup(options->keywords);
    delivery->owners = options->owners;
    delivery->received_s = options->received_s;
    delivery->archived_s = options->archived_s;
    delivery->flags = options->flags;
    delivery->has_import_key = options->import_key != NULL;
    if (options->import_key != NULL)
        delivery->import_key = *options->import_key;
    delivery->hasher = vault_hasher_new();
    delivery->held = g_byte_array_sized_new(65536);
    return delivery;
}

gsize ingest_delivery_memory(const IngestDelivery *delivery)
{
    if (delivery->stream != NULL)
        return vault_body_stream_memory();
    return delivery->held != NULL ? delivery->held->len : 0;
}

static gboolean begin_stream(IngestDelivery *delivery, GError **error)
{
    VaultDepository *depository = delivery->depository;
    VaultBodySink sink;

    if (!depository->stream(depository, &sink, error))
        return FALSE;
    delivery->stream = vault_body_stream_begin(depository->sealer, sink, error);
    if (delivery->stream == NULL || !vault_body_stream_write(delivery->stream, delivery->held->data,
                                                             delivery->held->len, error))
        return FALSE;
    wipe_held(delivery);
    return TRUE;
}

gboolean ingest_delivery_write(IngestDelivery *delivery, const void *bytes, gsize len,
                               GError **error)
{
    if (len == 0)
        return TRUE;
    vault_hasher_update(delivery->hasher, bytes, len);
    if (delivery->stream == NULL) {
        if (delivery->held->len + len <= VAULT_BODY_WHOLE_MAX) {
            g_byte_array_append(delivery->held, bytes, (guint)len);
            return TRUE;
        }
        if (!begin_stream(delivery, error))
            return FALSE;
    }
    return vault_body_stream_write(delivery->stream, bytes, len, error);
}

/* ---- commit ---------------------------------------------------------------------------------- */

static void target_clear(gpointer target)
{
    g_ptr_array_unref(((Target *)target)->owners);
}

static Target *find_target(GArray *targets, const MailboxId *mailbox)
{
    for (guint i = 0; i < targets->len; i++) {
        Target *target = &g_array_index(targets, Target, i);

        if (VAULT_ID_EQUAL(target->mailbox, *mailbox))
            return target;
    }
    return NULL;
}

static GArray *resolve_owners(IngestDelivery *delivery, guint *ret_unassigned, GError **error)
{
    VaultDepository *depository = delivery->depository;
    g_autoptr(GArray) targets = g_array_new(FALSE, TRUE, sizeof(Target));

    g_array_set_clear_func(targets, target_clear);
    for (guint i = 0; i < delivery->owners->len; i++) {
        IngestOwner *owner = g_ptr_array_index(delivery->owners, i);
        VaultResolution resolution;
        MailboxId mailbox;
        Target *target;

        if (!depository->resolve(depository, owner->address, &mailbox, &resolution, error))
            return NULL;
        if (resolution == VAULT_RESOLVE_UNASSIGNED && owner->address != NULL)
            (*ret_unassigned)++;
        target = find_target(targets, &mailbox);
        if (target == NULL) {
            Target fresh = {mailbox, g_ptr_array_new(), resolution == VAULT_RESOLVE_UNASSIGNED};

            g_array_append_val(targets, fresh);
            target = &g_array_index(targets, Target, targets->len - 1);
        }
        g_ptr_array_add(target->owners, owner);
    }
    return g_steal_pointer(&targets);
}

static void append_text(GByteArray *facts, VaultFact type, const char *text)
{
    if (text != NULL)
        vault_fact_append(facts, type, text, strlen(text));
}

static GByteArray *facts_of(const IngestDelivery *delivery, const Target *target)
{
    const IngestOwner *first = g_ptr_array_index(target->owners, 0);
    guint8 role = (guint8)(target->is_unassigned ? VAULT_OWNER_UNASSIGNED : first->role);
    guint8 date[8];
    GByteArray *facts = g_byte_array_new();

    append_text(facts, VAULT_FACT_SENDER, delivery->sender);
    for (guint i = 0; i < target->owners->len; i++) {
        const IngestOwner *owner = g_ptr_array_index(target->owners, i);

        for (guint k = 0; owner->recipients != NULL && k < owner->recipients->len; k++)
            append_text(facts, VAULT_FACT_RECIPIENT, g_ptr_array_index(owner->recipients, k));
        append_text(facts, VAULT_FACT_OWNER_ADDRESS, owner->address);
    }
    vault_fact_append(facts, VAULT_FACT_ROLE, &role, 1);
    append_text(facts, VAULT_FACT_SOURCE, delivery->source);
    append_text(facts, VAULT_FACT_FOLDER, delivery->folder);
    append_text(facts, VAULT_FACT_KEYWORDS, delivery->keywords);
    for (gsize i = 0; i < sizeof date; i++)
        date[i] = (guint8)(delivery->received_s >> (56 - 8 * i));
    if ((delivery->flags & VAULT_FLAG_IMPORTED) != 0)
        vault_fact_append(facts, VAULT_FACT_INTERNAL_DATE, date, sizeof date);
    return facts;
}

static VaultSealedBody *seal_body(IngestDelivery *delivery, guint32 flags, GError **error)
{
    VaultLocator locator = {.received_s = delivery->received_s,
                            .archived_s = delivery->archived_s,
                            .flags = flags,
                            .retry_tag = delivery->earlier.retry_tag,
                            .repeat_tag = delivery->earlier.repeat_tag,
                            .repeats = delivery->earlier.repeats};

    if (delivery->stream != NULL)
        return vault_body_stream_finish(delivery->stream, &locator, error);
    return vault_seal_body(delivery->depository->sealer, delivery->held->data, delivery->held->len,
                           &locator, error);
}

static gboolean seal_copies(IngestDelivery *delivery, const VaultSealedBody *body, GArray *targets,
                            const VaultAllotment *allotments, guint32 flags, GPtrArray *records,
                            GError **error)
{
    for (guint i = 0; i < targets->len; i++) {
        const Target *target = &g_array_index(targets, Target, i);
        g_autoptr(GByteArray) facts = facts_of(delivery, target);
        guint32 copy_flags = flags | (target->is_unassigned ? VAULT_FLAG_UNASSIGNED : 0);
        VaultRecord *copy = vault_seal_copy(delivery->depository->sealer, body, &allotments[i],
                                            delivery->received_s, copy_flags, facts, error);

        vault_wipe(facts->data, facts->len);
        if (copy == NULL)
            return FALSE;
        g_ptr_array_add(records, copy);
    }
    return TRUE;
}

static gboolean store(IngestDelivery *delivery, GArray *targets, const MailboxId *mailboxes,
                      RecordId *ret_id, GError **error)
{
    VaultDepository *depository = delivery->depository;
    g_autofree VaultAllotment *allotments = g_new0(VaultAllotment, targets->len);
    g_autoptr(GPtrArray) records =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free);
    g_autoptr(VaultSealedBody) body = NULL;
    guint32 flags = 0;
    gboolean is_stored = FALSE;

    if (depository->allot(depository, mailboxes, targets->len, delivery->received_s, allotments,
                          &flags, error)) {
        flags |= delivery->flags;
        body = seal_body(delivery, flags, error);
        if (body != NULL) {
            *ret_id = *vault_sealed_body_id(body);
            g_ptr_array_add(records, vault_sealed_body_take_record(body));
            is_stored = seal_copies(delivery, body, targets, allotments, flags, records, error) &&
                        depository->commit(depository, records, error);
        }
    }
    vault_wipe(allotments, targets->len * sizeof *allotments);
    return is_stored;
}

gboolean ingest_delivery_commit(IngestDelivery *delivery, IngestDeliveryResult *ret_result,
                                GError **error)
{
    VaultDepository *depository = delivery->depository;
    g_autoptr(GArray) targets = NULL;
    g_autofree MailboxId *mailboxes = NULL;
    VaultHash hash;
    gboolean is_good = TRUE;

    memset(ret_result, 0, sizeof *ret_result);
    vault_hasher_finish(delivery->hasher, &hash);
    targets = resolve_owners(delivery, &ret_result->unassigned_count, error);
    if (targets == NULL)
        return FALSE;
    mailboxes = g_new(MailboxId, targets->len);
    for (guint i = 0; i < targets->len; i++)
        mailboxes[i] = g_array_index(targets, Target, i).mailbox;
    if (!depository->find_earlier(
            depository, delivery->retry_sender, &hash, &hash, mailboxes, targets->len,
            delivery->has_import_key ? &delivery->import_key : NULL, &delivery->earlier, error))
        return FALSE;
    delivery->is_in_flight = TRUE;
    ret_result->archive_id = delivery->earlier.archive_id;
    ret_result->is_already_archived = delivery->earlier.is_retry;
    if (!delivery->earlier.is_retry)
        is_good = store(delivery, targets, mailboxes, &ret_result->archive_id, error);
    settle(delivery);
    return is_good;
}
