#include "restore/case_content.h"

#include "ingest/message_text.h"
#include "vault/crypto/value.h"

/* Messages asked for in one list: few, so that what is listed is released while it is remembered.
 */
#define LISTED_MAX 256

typedef struct {
    VaultView *view;
    RestoreScope *scope;
    VaultRecordSource records;
    SourcesReleases releases;
    IngestMessageText *text;
    IngestWordSplitter *splitter;
    GHashTable *opened; /* RecordId of bodies */
    GHashTable *unread; /* the same: could not be had, but may be another time */
    CaseContentVisit visit;
    gpointer user;
    guint64 opened_count;
} Reading;

static void reading_clear(Reading *reading)
{
    ingest_message_text_free(reading->text);
    ingest_word_splitter_free(reading->splitter);
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

static gboolean keep_bytes(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    g_byte_array_append(user, bytes, (guint)len);
    return TRUE;
}

static gboolean release(Reading *reading, const VaultOpenEntry *entry, VaultReleasedSlot *ret_slot,
                        GError **error)
{
    VaultReleaseSource source = sources_releases(&reading->releases);

    if (!vault_reader_covers(reading->scope->reader, entry, error) ||
        !source.release(source.user, entry, 1, ret_slot, error))
        return FALSE;
    if (ret_slot->state == VAULT_RELEASE_GIVEN)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_ERASED, "the message is no more");
    return FALSE;
}

static VaultOpenedCopy *open_copy(Reading *reading, const VaultOpenEntry *entry, GError **error)
{
    VaultReleasedSlot slot = {0};
    VaultOpenedCopy *copy = NULL;

    if (release(reading, entry, &slot, error))
        copy = vault_reader_open_copy(reading->scope->reader, entry, &slot.slot, &reading->records,
                                      error);
    vault_wipe(&slot, sizeof slot);
    return copy;
}

static gboolean check_copy(const VaultOpenedCopy *copy, const VaultCopyEntry *listed,
                           GError **error)
{
    gboolean is_of = VAULT_ID_EQUAL(copy->body.body_id, listed->body_id);

    if (is_of && copy->body.message_len <= CASE_CONTENT_LEN_MAX)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, is_of ? VAULT_ERROR_TOO_LARGE : VAULT_ERROR_CORRUPT,
                        is_of ? "the message is too long to be read for its words"
                              : "the copy is of another message than it is listed for");
    return FALSE;
}

/* NULL: it cannot be opened. */
static GByteArray *open_message(Reading *reading, const VaultCopyEntry *listed, VaultHash *ret_hash,
                                GError **error)
{
    VaultOpenEntry entry = sources_open_entry(listed);
    g_autoptr(VaultOpenedCopy) copy = open_copy(reading, &entry, error);
    GByteArray *message;

    if (copy == NULL || !check_copy(copy, listed, error))
        return NULL;
    /* Never grows: nothing of it is left behind. */
    message = g_byte_array_sized_new((guint)copy->body.message_len + 1);
    if (vault_reader_open_body(reading->scope->reader, copy, &reading->records, keep_bytes, message,
                               ret_hash, error))
        return message;
    vault_value_free(message);
    return NULL;
}

static void note_missing(Reading *reading, const RecordId *body_id, const GError *failure)
{
    if (!case_content_is_final(failure))
        g_hash_table_add(reading->unread, g_memdup2(body_id, sizeof *body_id));
}

static gboolean read_one(Reading *reading, const VaultCopyEntry *entry, GError **error)
{
    VaultHash hash;
    g_autoptr(GError) failure = NULL;
    GByteArray *message = open_message(reading, entry, &hash, &failure), *bytes;
    g_autoptr(IngestTerms) terms = NULL;
    gboolean ok = TRUE;

    if (message == NULL) {
        note_missing(reading, &entry->body_id, failure);
        return TRUE;
    }
    g_hash_table_remove(reading->unread, &entry->body_id);
    g_hash_table_add(reading->opened, g_memdup2(&entry->body_id, sizeof entry->body_id));
    reading->opened_count++;
    bytes = ingest_message_text_terms(reading->text, message->data, message->len, &hash);
    vault_value_free(message);
    terms = ingest_terms_parse(bytes->data, bytes->len, reading->splitter, error);
    ok = terms != NULL && reading->visit(&entry->body_id, terms, reading->user, error);
    g_clear_pointer(&terms, ingest_terms_free);
    vault_value_free(bytes);
    return ok;
}

/* Any copy will do: their body is the same. */
static gboolean read_listed(Reading *reading, const RecordId *bodies, gsize count, GError **error)
{
    VaultViewFilter filter = reading->scope->filter;
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    VaultViewPosition position = {0};

    filter.messages = bodies;
    filter.message_count = count;
    do {
        g_array_set_size(page, 0);
        if (!vault_view_list(reading->view, &filter, &position, VAULT_VIEW_PAGE_COUNT_MAX, page,
                             error))
            return FALSE;
        for (guint i = 0; i < page->len; i++) {
            const VaultCopyEntry *entry = &g_array_index(page, VaultCopyEntry, i);

            if (!g_hash_table_contains(reading->opened, &entry->body_id) &&
                !read_one(reading, entry, error))
                return FALSE;
        }
    } while (page->len == VAULT_VIEW_PAGE_COUNT_MAX);
    return TRUE;
}

gboolean case_content_read(VaultView *view, RestoreScope *scope, const GArray *bodies,
                           CaseContentVisit visit, gpointer user, CaseContentMissing *ret_missing,
                           GError **error)
{
    IngestMessageTextOptions options = {.extractor = NULL};
    g_auto(Reading)
        reading = {.view = view,
                   .scope = scope,
                   .records = vault_view_records(view),
                   .releases = vault_view_releases(view, &scope->identity, &scope->grant_hash),
                   .text = ingest_message_text_new(&options),
                   .splitter = ingest_word_splitter_new(),
                   .opened = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL),
                   .unread = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL),
                   .visit = visit,
                   .user = user};

    for (guint i = 0; i < bodies->len; i += LISTED_MAX) {
        if (!read_listed(&reading, &g_array_index(bodies, RecordId, i),
                         MIN(bodies->len - i, LISTED_MAX), error))
            return FALSE;
    }
    ret_missing->unread_count = g_hash_table_size(reading.unread);
    ret_missing->failed_count = bodies->len - reading.opened_count - ret_missing->unread_count;
    return TRUE;
}
