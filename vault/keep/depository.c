#include "vault/keep/internal.h"

/* What was received no further from now than this came by the clock, not from another source's
 * dates. */
#define LIVE_DELIVERY_S 86400

static VaultKeep *keep_of(VaultDepository *self)
{
    return self->user;
}

static VaultAdmission depository_admit(VaultDepository *self, const char *address)
{
    return vault_directory_admit(keep_of(self)->directory, address);
}

static gboolean depository_resolve(VaultDepository *self, const char *address,
                                   MailboxId *ret_mailbox, VaultResolution *ret_resolution,
                                   GError **error)
{
    return vault_directory_resolve(keep_of(self)->directory, address, ret_mailbox, ret_resolution,
                                   error);
}

/* ---- earlier deliveries --------------------------------------------------------------------- */

/* First what waits, then the catalog: a row leaves the one only after it is in the other. */
static gboolean find_tagged(VaultKeep *keep, const VaultTagList *list, GArray *ret_bodies,
                            GError **error)
{
    G_STATIC_ASSERT(VAULT_DAY_KEYS_MAX <= VAULT_CATALOG_TAGS_MAX);
    vault_catalog_feed_find_repeats(keep->feed, list->repeat, list->count, ret_bodies);
    return vault_catalog_find_repeats(keep->reading, list->repeat, list->count, ret_bodies, error);
}

static gboolean is_copy_live(VaultKeep *keep, const VaultCatalogCopy *copy, MailboxId *ret_mailbox,
                             gboolean *ret_is_live, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultMonthValue) month =
        vault_keyring_get_month(keep->keyring, &copy->month_key_id, &failure);

    *ret_is_live = month != NULL && !vault_erasure_tree_is_punctured(month->tree, copy->leaf);
    if (month != NULL)
        *ret_mailbox = month->mailbox_id;
    if (month != NULL || g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

/* Whether every owner has a live copy of the body. */
static gboolean has_all_owners(VaultKeep *keep, const RecordId *body_id, const MailboxId *owners,
                               gsize owner_count, gboolean *ret_has_all, GError **error)
{
    g_autoptr(GHashTable) missing = g_hash_table_new(vault_id_hash, vault_id_equal);
    g_autoptr(GArray) copies = g_array_new(FALSE, TRUE, sizeof(VaultCatalogCopy));
    g_autoptr(GArray) catalogued = NULL;

    for (gsize i = 0; i < owner_count; i++)
        g_hash_table_add(missing, (gpointer)&owners[i]);
    vault_catalog_feed_copies_of(keep->feed, body_id, copies);
    catalogued = vault_catalog_copies_of(keep->reading, body_id, error);
    if (catalogued == NULL)
        return FALSE;
    g_array_append_vals(copies, catalogued->data, catalogued->len);
    for (guint i = 0; i < copies->len; i++) {
        const VaultCatalogCopy *copy = &g_array_index(copies, VaultCatalogCopy, i);
        MailboxId mailbox;
        gboolean is_live;

        if (!is_copy_live(keep, copy, &mailbox, &is_live, error))
            return FALSE;
        if (is_live)
            g_hash_table_remove(missing, &mailbox);
    }
    *ret_has_all = g_hash_table_size(missing) == 0;
    return TRUE;
}

static gboolean is_retry_tag(const VaultTagList *list, const DeliveryTag *tag)
{
    for (gsize i = 0; i < list->count; i++)
        if (VAULT_ID_EQUAL(list->retry[i], *tag))
            return TRUE;
    return FALSE;
}

static gboolean judge_tagged(VaultKeep *keep, const VaultTagList *list, const GArray *bodies,
                             const MailboxId *owners, gsize owner_count, VaultEarlier *ret_earlier,
                             GError **error)
{
    for (guint i = 0; i < bodies->len; i++) {
        const VaultTaggedBody *found = &g_array_index(bodies, VaultTaggedBody, i);

        /* The same bytes stored before, by whoever and for whomever. */
        if (vault_id_is_zero(ret_earlier->repeats.bytes))
            ret_earlier->repeats = found->body_id;
        if (!is_retry_tag(list, &found->retry_tag))
            continue;
        if (!has_all_owners(keep, &found->body_id, owners, owner_count, &ret_earlier->is_retry,
                            error))
            return FALSE;
        if (ret_earlier->is_retry) {
            ret_earlier->archive_id = found->body_id;
            return TRUE;
        }
    }
    return TRUE;
}

static gboolean renew_day_key(VaultKeep *keep, GError **error)
{
    guint64 since_s;
    gboolean is_changed;

    if (!vault_tags_renew(keep->tags, &since_s, &is_changed, error))
        return FALSE;
    if (is_changed)
        vault_catalog_feed_set_tags_since(keep->feed, since_s);
    return TRUE;
}

static gboolean depository_find_earlier(VaultDepository *self, const char *sender,
                                        const VaultHash *received_hash,
                                        const VaultHash *stored_hash, const MailboxId *owners,
                                        gsize owner_count, const DayKey *import_key,
                                        VaultEarlier *ret_earlier, GError **error)
{
    VaultKeep *keep = keep_of(self);
    g_autoptr(GArray) bodies = g_array_new(FALSE, TRUE, sizeof(VaultTaggedBody));
    VaultTagList list;

    memset(ret_earlier, 0, sizeof *ret_earlier);
    if (!renew_day_key(keep, error))
        return FALSE;
    vault_tags_make(keep->tags, sender, received_hash, stored_hash, import_key, &list);
    vault_tags_enter(keep->tags, &list);
    ret_earlier->retry_tag = list.retry[0];
    ret_earlier->repeat_tag = list.repeat[0];
    if (find_tagged(keep, &list, bodies, error) &&
        judge_tagged(keep, &list, bodies, owners, owner_count, ret_earlier, error))
        return TRUE;
    vault_tags_leave(keep->tags, &list.retry[0]);
    return FALSE;
}

static void depository_settle(VaultDepository *self, const DeliveryTag *retry_tag)
{
    vault_tags_leave(keep_of(self)->tags, retry_tag);
}

/* ---- allot ---------------------------------------------------------------------------------- */

static gboolean is_live_delivery(guint64 received_s, guint64 now_s)
{
    return MAX(received_s, now_s) - MIN(received_s, now_s) <= LIVE_DELIVERY_S;
}

/* Mail that comes while the clock is unsure counts as received at the last good time: by a wrong
 * date no request would cover it, a hold might miss it and a minimum would be over at once. What
 * carries a date of its own (an import) keeps it. */
static void trust_time(VaultKeep *keep, guint64 now_s, guint64 *received_s, guint32 *ret_flags)
{
    guint64 good_s;

    *ret_flags = 0;
    if (vault_clock_judge(&keep->clock, now_s, &good_s) == VAULT_CLOCK_GOOD)
        return;
    *ret_flags = VAULT_FLAG_CLOCK_UNSURE;
    if (is_live_delivery(*received_s, now_s))
        *received_s = good_s;
}

static gboolean depository_allot(VaultDepository *self, const MailboxId *owners, gsize owner_count,
                                 guint64 *received_s, VaultAllotment *ret_allotments,
                                 guint32 *ret_flags, GError **error)
{
    VaultKeep *keep = keep_of(self);
    guint64 now_s = vault_clock_now_s(&keep->clock);
    VaultMonth month;

    trust_time(keep, now_s, received_s, ret_flags);
    month = vault_month_of_time(*received_s);
    for (gsize i = 0; i < owner_count; i++)
        if (!vault_open_months_allot(keep->months, &owners[i], month, now_s, &ret_allotments[i],
                                     error))
            return FALSE;
    return TRUE;
}

/* ---- large bodies --------------------------------------------------------------------------- */

typedef struct {
    VaultKeep *keep;
    VaultStreamPack *pack;
} StreamSink;

static void sink_free(StreamSink *sink)
{
    vault_stream_pack_free(sink->pack);
    g_free(sink);
}

static gboolean sink_append(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    StreamSink *sink = user;

    return vault_space_check(sink->keep->space, len, error) &&
           vault_stream_pack_append(sink->pack, bytes, len, error);
}

static gboolean sink_finish(gpointer user, const guint8 *header, gsize header_len,
                            VaultPlace *ret_place, GError **error)
{
    StreamSink *sink = user;

    if (!vault_stream_pack_finish(sink->pack, header, header_len, ret_place, error))
        return FALSE;
    sink_free(sink);
    return TRUE;
}

static void sink_abandon(gpointer user)
{
    sink_free(user);
}

static gboolean depository_stream(VaultDepository *self, VaultBodySink *ret_sink, GError **error)
{
    VaultKeep *keep = keep_of(self);
    VaultStreamPack *pack = NULL;
    StreamSink *sink;

    if (vault_space_check(keep->space, VAULT_BODY_WHOLE_MAX, error))
        pack = vault_stream_pack_begin(keep->writer, vault_record_header_len(VAULT_RECORD_BODY),
                                       error);
    if (pack == NULL)
        return FALSE;
    sink = g_new0(StreamSink, 1);
    sink->keep = keep;
    sink->pack = pack;
    *ret_sink = (VaultBodySink){
        .append = sink_append, .finish = sink_finish, .abandon = sink_abandon, .sink = sink};
    return TRUE;
}

typedef struct {
    VaultKeep *keep;
    PackId pack_id; /* zeros: nothing was read */
} StreamSource;

static gboolean source_read(gpointer user, const VaultPlace *place, guint64 offset, gsize len,
                            guint8 *ret_bytes, GError **error)
{
    StreamSource *source = user;

    source->pack_id = place->pack_id;
    return vault_pack_set_read(source->keep->packs, place, offset, len, ret_bytes, error);
}

/* Closed here, since the pack is removed when its message is not committed. */
static void source_close(gpointer user)
{
    StreamSource *source = user;

    if (!vault_id_is_zero(source->pack_id.bytes))
        vault_pack_set_forget(source->keep->packs, &source->pack_id);
    g_free(source);
}

static void depository_read_back(VaultDepository *self, VaultBodySource *ret_source)
{
    StreamSource *source = g_new0(StreamSource, 1);

    source->keep = keep_of(self);
    *ret_source = (VaultBodySource){.read = source_read, .close = source_close, .source = source};
}

/* ---- commit --------------------------------------------------------------------------------- */

/* What was sealed under a month that was erased since the leaf was given would be acknowledged and
 * lost. */
static gboolean check_month(VaultKeep *keep, const VaultRecord *record, GError **error)
{
    if (!vault_record_kind_has_leaf(record->kind) ||
        !vault_erasure_gate_is_dropped(keep->erasure_gate, &record->locator.month_key_id))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "month key %s was erased while mail for it was on its way: send it again",
                VAULT_ID_TEXT(record->locator.month_key_id));
    return FALSE;
}

gboolean vault_keep_commit_inside(VaultKeep *keep, GPtrArray *records, GError **error)
{
    guint64 len = 0;

    for (guint i = 0; i < records->len; i++) {
        const VaultRecord *record = g_ptr_array_index(records, i);

        len += record->bytes == NULL ? 0 : g_bytes_get_size(record->bytes);
        if (!check_month(keep, record, error))
            return FALSE;
    }
    return vault_space_check(keep->space, len, error) &&
           vault_catalog_feed_check(keep->feed, error) &&
           vault_pack_writer_commit(keep->writer, records, error);
}

static gboolean depository_commit(VaultDepository *self, GPtrArray *records, GError **error)
{
    VaultKeep *keep = keep_of(self);
    g_auto(VaultErasurePass) pass = vault_erasure_pass(keep->erasure_gate);

    return vault_keep_commit_inside(keep, records, error);
}

void vault_keep_init_depository(VaultKeep *keep)
{
    keep->depository = (VaultDepository){
        .sealer = keep->sealer,
        .admit = depository_admit,
        .resolve = depository_resolve,
        .find_earlier = depository_find_earlier,
        .settle = depository_settle,
        .allot = depository_allot,
        .stream = depository_stream,
        .read_back = depository_read_back,
        .commit = depository_commit,
        .user = keep,
    };
}
