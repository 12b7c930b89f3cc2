#include "search/index/segment.h"

#include "vault/base/bytes.h"

struct SearchSegmentWriter {
    SearchBlockWriter *blocks;
    SearchListWriter *lists;
    SearchDictionaryWriter *dictionary;
    SearchSummaryWriter *summaries;
    GHashTable *mailboxes; /* MailboxId -> its place + 1 */
    GArray *strays;        /* SearchStray: they are written sorted */
    SearchFacts counted;
};

SearchSegmentWriter *search_segment_writer_begin(int fd, const char *name,
                                                 const SearchIndexKey *key, GError **error)
{
    g_autoptr(SearchSegmentWriter) writer = g_new0(SearchSegmentWriter, 1);

    writer->blocks = search_block_writer_begin(fd, name, key, error);
    if (writer->blocks == NULL)
        return NULL;
    writer->lists = search_list_writer_new(writer->blocks);
    writer->dictionary = search_dictionary_writer_new(writer->blocks);
    writer->summaries = search_summary_writer_new(writer->blocks);
    writer->strays = g_array_new(FALSE, FALSE, sizeof(SearchStray));
    writer->mailboxes = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    return g_steal_pointer(&writer);
}

void search_segment_writer_free(SearchSegmentWriter *writer)
{
    if (writer == NULL)
        return;
    search_list_writer_free(writer->lists);
    search_dictionary_writer_free(writer->dictionary);
    search_summary_writer_free(writer->summaries);
    search_block_writer_free(writer->blocks);
    g_clear_pointer(&writer->mailboxes, g_hash_table_unref);
    g_clear_pointer(&writer->strays, g_array_unref);
    g_free(writer);
}

static gboolean put_u64(SearchSegmentWriter *writer, SearchSection section, guint64 value,
                        GError **error)
{
    guint8 bytes[8];

    vault_bytes_put_u64(bytes, value);
    return search_block_writer_append(writer->blocks, section, bytes, sizeof bytes, error);
}

static gboolean put_u32(SearchSegmentWriter *writer, SearchSection section, guint32 value,
                        GError **error)
{
    guint8 bytes[4];

    vault_bytes_put_u32(bytes, value);
    return search_block_writer_append(writer->blocks, section, bytes, sizeof bytes, error);
}

static gboolean put_lengths(SearchSegmentWriter *writer, const SearchDocument *document,
                            GError **error)
{
    guint8 bytes[SEARCH_LENGTHS_LEN], *next = bytes;

    for (guint field = 1; field < INGEST_FIELD_COUNT; field++) {
        guint32 length = document->lengths[field];

        if (field < INGEST_FIELD_BODY) {
            length = MIN(length, SEARCH_LENGTH_SHORT_MAX);
            vault_bytes_put_u16(next, (guint16)length);
            next += 2;
        } else {
            vault_bytes_put_u32(next, length);
            next += 4;
        }
        writer->counted.lengths[field] += length;
    }
    return search_block_writer_append(writer->blocks, SEARCH_SECTION_LENGTHS, bytes, sizeof bytes,
                                      error);
}

gboolean search_segment_writer_add_document(SearchSegmentWriter *writer,
                                            const SearchDocument *document, const guint8 *summary,
                                            gsize summary_len, GError **error)
{
    writer->counted.document_count++;
    return search_block_writer_append(writer->blocks, SEARCH_SECTION_IDS, document->id.bytes,
                                      VAULT_ID_LEN, error) &&
           put_u64(writer, SEARCH_SECTION_DATES, (guint64)document->date_s, error) &&
           put_u64(writer, SEARCH_SECTION_SIZES, document->size, error) &&
           put_u32(writer, SEARCH_SECTION_MARKS, document->marks, error) &&
           put_u32(writer, SEARCH_SECTION_MESSAGE_IDS, document->message_id_hash, error) &&
           put_u32(writer, SEARCH_SECTION_FIRST_COPIES, writer->counted.copy_count, error) &&
           put_lengths(writer, document, error) &&
           search_summary_writer_add(writer->summaries, summary, summary_len, error);
}

static gboolean place_of(SearchSegmentWriter *writer, const MailboxId *mailbox_id,
                         guint32 *ret_place, GError **error)
{
    guint place = GPOINTER_TO_UINT(g_hash_table_lookup(writer->mailboxes, mailbox_id));

    if (place != 0) {
        *ret_place = place - 1;
        return TRUE;
    }
    *ret_place = writer->counted.mailbox_count++;
    g_hash_table_insert(writer->mailboxes, g_memdup2(mailbox_id, sizeof *mailbox_id),
                        GUINT_TO_POINTER(*ret_place + 1));
    return search_block_writer_append(writer->blocks, SEARCH_SECTION_MAILBOXES, mailbox_id->bytes,
                                      VAULT_ID_LEN, error);
}

static void format_copy(const SearchCopyRow *copy, guint8 bytes[SEARCH_COPY_LEN])
{
    memcpy(bytes, copy->terms_id.bytes, VAULT_ID_LEN);
    vault_bytes_put_u64(bytes + VAULT_ID_LEN, copy->received_s);
    vault_bytes_put_u32(bytes + VAULT_ID_LEN + 8, copy->flags);
}

static gboolean row_of(SearchSegmentWriter *writer, const SearchCopy *copy, SearchCopyRow *ret_row,
                       GError **error)
{
    *ret_row = (SearchCopyRow){
        .terms_id = copy->terms_id, .received_s = copy->received_s, .flags = copy->flags};
    return place_of(writer, &copy->mailbox_id, &ret_row->mailbox, error);
}

gboolean search_segment_writer_add_copy(SearchSegmentWriter *writer, const SearchCopy *copy,
                                        GError **error)
{
    guint8 bytes[SEARCH_COPY_LEN];
    SearchCopyRow row;

    if (!row_of(writer, copy, &row, error))
        return FALSE;
    format_copy(&row, bytes);
    writer->counted.copy_count++;
    return put_u32(writer, SEARCH_SECTION_COPY_MAILBOXES, row.mailbox, error) &&
           search_block_writer_append(writer->blocks, SEARCH_SECTION_COPIES, bytes, sizeof bytes,
                                      error);
}

gboolean search_segment_writer_add_stray(SearchSegmentWriter *writer, guint64 segment,
                                         guint32 document, const SearchCopy *copy, GError **error)
{
    SearchStray stray = {.segment = segment, .document = document};

    if (!row_of(writer, copy, &stray.copy, error))
        return FALSE;
    g_array_append_val(writer->strays, stray);
    return TRUE;
}

static gint compare_strays(gconstpointer a, gconstpointer b)
{
    const SearchStray *left = a, *right = b;

    if (left->segment != right->segment)
        return left->segment < right->segment ? -1 : 1;
    if (left->document != right->document)
        return left->document < right->document ? -1 : 1;
    return memcmp(left->copy.terms_id.bytes, right->copy.terms_id.bytes, VAULT_ID_LEN);
}

static gboolean put_strays(SearchSegmentWriter *writer, GError **error)
{
    g_array_sort(writer->strays, compare_strays);
    writer->counted.stray_count = writer->strays->len;
    for (guint i = 0; i < writer->strays->len; i++) {
        const SearchStray *stray = &g_array_index(writer->strays, SearchStray, i);
        guint8 bytes[SEARCH_STRAY_LEN];

        vault_bytes_put_u64(bytes, stray->segment);
        vault_bytes_put_u32(bytes + 8, stray->document);
        vault_bytes_put_u32(bytes + 12, stray->copy.mailbox);
        format_copy(&stray->copy, bytes + 16);
        if (!search_block_writer_append(writer->blocks, SEARCH_SECTION_STRAYS, bytes, sizeof bytes,
                                        error))
            return FALSE;
    }
    return TRUE;
}

SearchListWriter *search_segment_writer_list(SearchSegmentWriter *writer)
{
    return writer->lists;
}

gboolean search_segment_writer_end_list(SearchSegmentWriter *writer, const char *term, gsize len,
                                        guint field, GError **error)
{
    SearchEntry entry;

    memcpy(entry.term, term, len);
    entry.len = len;
    entry.field = field;
    return search_list_writer_end(writer->lists, &entry.list, error) &&
           search_dictionary_writer_add(writer->dictionary, &entry, error);
}

gboolean search_segment_writer_finish(SearchSegmentWriter *writer, SearchFacts *facts,
                                      GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    if (!put_strays(writer, error))
        return FALSE;
    facts->document_count = writer->counted.document_count;
    facts->copy_count = writer->counted.copy_count;
    facts->stray_count = writer->counted.stray_count;
    facts->mailbox_count = writer->counted.mailbox_count;
    memcpy(facts->lengths, writer->counted.lengths, sizeof facts->lengths);
    search_facts_format(facts, bytes);
    return put_u32(writer, SEARCH_SECTION_FIRST_COPIES, writer->counted.copy_count, error) &&
           search_dictionary_writer_finish(writer->dictionary, error) &&
           search_summary_writer_finish(writer->summaries, error) &&
           search_block_writer_finish(writer->blocks, bytes->data, bytes->len, error);
}
