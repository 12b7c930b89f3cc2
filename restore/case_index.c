#include "restore/case_index.h"

#include "restore/case_content.h"
#include "restore/case_folder.h"
#include "restore/progress.h"
#include "restore/terms_scan.h"
#include "restore/verb.h"
#include "vault/base/bytes.h"

/* What the index keeps for us between two scans:
 *   version u8 1 | has content u8 | catalog mark u64 | sequence u64 | read u64 | without u64 |
 *   failed u64 */
#define POSITION_VERSION 1
#define POSITION_LEN 42

typedef struct {
    gboolean has_content; /* of the grant that it was made under */
    VaultTermsPosition list;
    guint64 read_count, without_count, failed_count;
} CasePosition;

/* One update under way. */
typedef struct {
    const CaseIndexOptions *options;
    SearchIndex *index;        /* what is known */
    SearchIndexWriter *writer; /* what is new */
    CasePosition position;
    GHashTable *bodies;    /* RecordId: taken in by this update */
    GArray *without;       /* VaultTermsEntry that have no terms, all copies */
    GArray *without_ids;   /* RecordId of their bodies, each once */
    guint64 added_count;
    Progress *progress;
} CaseUpdate;

static void case_update_clear(CaseUpdate *update)
{
    g_clear_pointer(&update->index, search_index_free);
    g_clear_pointer(&update->writer, search_index_writer_free);
    g_clear_pointer(&update->bodies, g_hash_table_unref);
    g_clear_pointer(&update->without, g_array_unref);
    g_clear_pointer(&update->without_ids, g_array_unref);
    g_clear_pointer(&update->progress, progress_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CaseUpdate, case_update_clear)

/* ---- position -------------------------------------------------------------------------------- */

/* Of another version: zeros, and the list begins anew. */
static void position_parse(GBytes *bytes, CasePosition *ret_position)
{
    CasePosition position = {0};
    VaultBytesReader in;
    gsize len;
    const guint8 *start = bytes == NULL ? NULL : g_bytes_get_data(bytes, &len);

    *ret_position = position;
    if (start == NULL)
        return;
    vault_bytes_reader_init(&in, start, len);
    if (vault_bytes_read_u8(&in) != POSITION_VERSION)
        return;
    position.has_content = vault_bytes_read_u8(&in) != 0;
    position.list.catalog_mark = vault_bytes_read_u64(&in);
    position.list.sequence = vault_bytes_read_u64(&in);
    position.read_count = vault_bytes_read_u64(&in);
    position.without_count = vault_bytes_read_u64(&in);
    position.failed_count = vault_bytes_read_u64(&in);
    if (vault_bytes_reader_finish(&in, VAULT_BYTES_MUST_END))
        *ret_position = position;
}

static GByteArray *position_format(const CasePosition *position)
{
    GByteArray *bytes = g_byte_array_new();

    vault_bytes_append_u8(bytes, POSITION_VERSION);
    vault_bytes_append_u8(bytes, position->has_content ? 1 : 0);
    vault_bytes_append_u64(bytes, position->list.catalog_mark);
    vault_bytes_append_u64(bytes, position->list.sequence);
    vault_bytes_append_u64(bytes, position->read_count);
    vault_bytes_append_u64(bytes, position->without_count);
    vault_bytes_append_u64(bytes, position->failed_count);
    g_assert(bytes->len == POSITION_LEN);
    return bytes;
}

/* A grant that opens messages reads those without terms that one before it could not: the list
 * begins anew, and what is known is passed over. */
static void begin_position(CaseUpdate *update)
{
    g_autoptr(GBytes) kept = search_index_position(update->index);
    gboolean has_content = restore_scope_has_content(update->options->scope);

    position_parse(kept, &update->position);
    if (has_content && !update->position.has_content && update->position.without_count > 0) {
        update->position.list = (VaultTermsPosition){0};
        update->position.without_count = 0;
    }
    update->position.has_content = update->position.has_content || has_content;
}

/* ---- what is new ----------------------------------------------------------------------------- */

/* Copies without terms are known by their own record id. */
static SearchCopy copy_of(const VaultTermsEntry *entry)
{
    gboolean has_terms = !vault_id_is_zero(entry->terms_id.bytes);

    return (SearchCopy){.terms_id = has_terms ? entry->terms_id : entry->copy_id,
                        .body_id = entry->body_id,
                        .mailbox_id = entry->mailbox_id,
                        .received_s = entry->received_s,
                        .flags = entry->flags};
}

static gboolean take_body(CaseUpdate *update, const RecordId *body_id)
{
    return g_hash_table_add(update->bodies, g_memdup2(body_id, sizeof *body_id));
}

static void keep_without(CaseUpdate *update, const VaultTermsEntry *entry)
{
    if (!restore_scope_has_content(update->options->scope)) {
        update->position.without_count++;
        return;
    }
    g_array_append_vals(update->without, entry, 1);
    if (take_body(update, &entry->body_id))
        g_array_append_val(update->without_ids, entry->body_id);
}

/* Called for each entry of the list, in order, in one thread. Are its terms wanted? Of a message
 * that is known already the copy alone is taken in. */
static gboolean is_wanted(const VaultTermsEntry *entry, gpointer user)
{
    CaseUpdate *update = user;
    SearchCopy copy = copy_of(entry);

    if (search_index_has_copy(update->index, &copy.terms_id))
        return FALSE;
    if (search_index_has_body(update->index, &entry->body_id)) {
        (void)search_index_writer_add(update->writer, &copy, NULL, NULL);
        update->added_count++;
        return FALSE;
    }
    if (vault_id_is_zero(entry->terms_id.bytes)) {
        keep_without(update, entry);
        return FALSE;
    }
    return TRUE;
}
