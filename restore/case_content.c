#include "restore/case_content.h"

#include "ingest/message_text.h"
#include "vault/crypto/value.h"

/* Messages asked for in one list, and released at once: few, so that what is listed is released
 * while it is remembered. */
#define LISTED_MAX 256

typedef struct {
    const CaseContentOptions *options;
    VaultRecordSource records;
    SourcesReleases releases;
    IngestMessageText *text;
    GHashTable *opened; /* RecordId of bodies */
    GHashTable *unread; /* the same: could not be had, but may be another time */
    guint64 opened_count;
} Reading;

static void reading_clear(Reading *reading)
{
    ingest_message_text_free(reading->text);
    g_clear_pointer(&reading->opened, g_hash_table_unref);
    g_clear_pointer(&reading->unread, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reading, reading_clear)

gboolean case_content_is_final(const GError *failure)
{
    return g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT) ||
           g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED) ||
           g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_TOO_LARGE) ||
           g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_ERASED) ||
           g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_KEY);
}

static void note_missing(Reading *reading, const RecordId *body_id, const GError *failure)
{
    if (!case_content_is_final(failure))
        g_hash_table_add(reading->unread, g_memdup2(body_id, sizeof *body_id));
}

/* ---- one message ----------------------------------------------------------------------------- */

static gboolean keep_bytes(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    g_byte_array_append(user, bytes, (guint)len);
    return TRUE;
}

static gboolean check_copy(const VaultOpenedCopy *copy, const VaultOpenEntry *entry, GError **error)
{
    gboolean is_of = VAULT_ID_EQUAL(copy->body.body_id, entry->body_id);

    if (is_of && copy->body.message_len <= CASE_CONTENT_LEN_MAX)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, is_of ? VAULT_ERROR_TOO_LARGE : VAULT_ERROR_CORRUPT,
                        is_of ? "the message is too long to be read for its words"
                              : "the copy is of another message than it is listed for");
    return FALSE;
}

/* NULL: it cannot be opened. */
static GByteArray *open_message(Reading *reading, const VaultOpenEntry *entry,
                                const VaultReleasedSlot *slot, VaultHash *ret_hash, GError **error)
{
    VaultReader *reader = reading->options->scope->reader;
    g_autoptr(VaultOpenedCopy) copy =
        vault_reader_open_copy(reader, entry, &slot->slot, &reading->records, error);
    GByteArray *message;

    if (copy == NULL || !check_copy(copy, entry, error))
        return NULL;
    /* Never grows: nothing of it is left behind. */
    message = g_byte_array_sized_new((guint)copy->body.message_len + 1);
    if (vault_reader_open_body(reader, copy, &reading->records, keep_bytes, message, ret_hash,
                               error))
        return message;
    vault_value_free(message);
    return NULL;
}

static gboolean read_one(Reading *reading, const VaultOpenEntry *entry,
                         const VaultReleasedSlot *slot, GError **error)
{
    const CaseContentOptions *options = reading->options;
    g_autoptr(GError) failure = NULL;
    GByteArray *message, *terms;
    VaultHash hash;
    gboolean ok;

    if (slot->state != VAULT_RELEASE_GIVEN)
        return TRUE;
    message = open_message(reading, entry, slot, &hash, &failure);
    if (message == NULL) {
        note_missing(reading, &entry->body_id, failure);
        return TRUE;
    }
    g_hash_table_remove(reading->unread, &entry->body_id);
    g_hash_table_add(reading->opened, g_memdup2(&entry->body_id, sizeof entry->body_id));
    reading->opened_count++;
    terms = ingest_message_text_terms(reading->text, message->data, message->len, &hash);
    vault_value_free(message);
    ok = options->visit(&entry->body_id, terms, options->user, error);
    vault_value_free(terms);
    return ok;
}

/* ---- many ------------------------------------------------------------------------------------ */

/* Of each message that is not opened yet the first copy that the keys open; those taken go from the
 * page. Any copy will do: their body is the same. */
static GArray *take_round(Reading *reading, GArray *page)
{
    GArray *round = g_array_new(FALSE, FALSE, sizeof(VaultOpenEntry));
    g_autoptr(GHashTable) taken =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    guint left = 0;

    for (guint i = 0; i < page->len; i++) {
        VaultCopyEntry *listed = &g_array_index(page, VaultCopyEntry, i);
        VaultOpenEntry entry = sources_open_entry(listed);

        if (g_hash_table_contains(reading->opened, &listed->body_id) ||
            !vault_reader_covers(reading->options->scope->reader, &entry, NULL))
            continue;
        if (round->len < LISTED_MAX && !g_hash_table_contains(taken, &listed->body_id)) {
            g_array_append_val(round, entry);
            g_hash_table_add(taken, g_memdup2(&listed->body_id, sizeof listed->body_id));
        } else {
            g_array_index(page, VaultCopyEntry, left++) = *listed;
        }
    }
    g_array_set_size(page, left);
    return round;
}

static gboolean read_round(Reading *reading, const GArray *round, GError **error)
{
    const VaultOpenEntry *entries = (const VaultOpenEntry *)(gconstpointer)round->data;
    VaultReleaseSource source = sources_releases(&reading->releases);
    gsize slots_len = round->len * sizeof(VaultReleasedSlot);
    g_autofree VaultReleasedSlot *slots = g_malloc0(slots_len);
    g_autoptr(GError) failure = NULL;
    gboolean ok = source.release(source.user, entries, round->len, slots, &failure);

    /* Stops no other: what is wrong with the vault itself fails the next list. */
    for (guint i = 0; !ok && i < round->len; i++)
        note_missing(reading, &entries[i].body_id, failure);
    if (!ok)
        return TRUE;
    for (guint i = 0; ok && i < round->len; i++)
        ok = read_one(reading, &entries[i], &slots[i], error);
    vault_wipe(slots, slots_len);
    return ok;
}

/* A message whose first copy does not open may by another. */
static gboolean read_page(Reading *reading, GArray *page, GError **error)
{
    for (;;) {
        g_autoptr(GArray) round = take_round(reading, page);

        if (round->len == 0)
            return TRUE;
        if (!read_round(reading, round, error))
            return FALSE;
    }
}

static gboolean read_listed(Reading *reading, const RecordId *bodies, gsize count, GError **error)
{
    const CaseContentOptions *options = reading->options;
    VaultViewFilter filter = options->scope->filter;
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    VaultViewPosition position = {0};
    gboolean is_last = FALSE;

    filter.messages = bodies;
    filter.message_count = count;
    while (!is_last) {
        g_array_set_size(page, 0);
        if (!vault_view_list(options->view, &filter, &position, VAULT_VIEW_PAGE_COUNT_MAX, page,
                             error))
            return FALSE;
        is_last = page->len < VAULT_VIEW_PAGE_COUNT_MAX;
        if (!read_page(reading, page, error))
            return FALSE;
    }
    return TRUE;
}

gboolean case_content_read(const CaseContentOptions *options, const GArray *bodies,
                           CaseContentMissing *ret_missing, GError **error)
{
    IngestMessageTextOptions text = {.extractor = options->extractor,
                                     .text_len_max = options->text_len_max};
    RestoreScope *scope = options->scope;
    g_auto(Reading) reading = {
        .options = options,
        .records = vault_view_records(options->view),
        .releases = vault_view_releases(options->view, &scope->identity, &scope->grant_hash),
        .text = ingest_message_text_new(&text),
        .opened = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL),
        .unread = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL)};

    for (guint i = 0; i < bodies->len; i += LISTED_MAX) {
        if (!read_listed(&reading, &g_array_index(bodies, RecordId, i),
                         MIN(bodies->len - i, LISTED_MAX), error))
            return FALSE;
    }
    ret_missing->unread_count = g_hash_table_size(reading.unread);
    ret_missing->failed_count = bodies->len - reading.opened_count - ret_missing->unread_count;
    return TRUE;
}
