#include "search/index/segment.h"

#include "vault/base/bytes.h"

/* Rows of each section, by what the facts count. */
typedef struct {
    SearchSection section;
    guint len;
} Column;

static const Column document_columns[] = {
    {SEARCH_SECTION_IDS, VAULT_ID_LEN}, {SEARCH_SECTION_DATES, 8},
    {SEARCH_SECTION_SIZES, 8},          {SEARCH_SECTION_MARKS, 4},
    {SEARCH_SECTION_MESSAGE_IDS, 4},    {SEARCH_SECTION_LENGTHS, SEARCH_LENGTHS_LEN},
};

static gboolean corrupt(const SearchSegment *segment, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "the case index %s has tables that do not fit each other",
                search_blocks_name(segment->blocks));
    return FALSE;
}

int search_document_compare(const SearchDocument *a, const SearchDocument *b)
{
    if (a->date_s != b->date_s)
        return a->date_s > b->date_s ? -1 : 1;
    return memcmp(a->id.bytes, b->id.bytes, VAULT_ID_LEN);
}

guint32 search_message_id_hash(const char *message_id)
{
    VaultBytesReader reader;
    VaultHash hash;
    guint32 first;

    if (message_id == NULL || *message_id == '\0')
        return 0;
    vault_hash(message_id, strlen(message_id), &hash);
    vault_bytes_reader_init(&reader, hash.bytes, sizeof hash.bytes);
    first = vault_bytes_read_u32(&reader);
    return MAX(first, 1);
}

static gboolean has_len(SearchSegment *segment, SearchSection section, guint64 rows, guint len)
{
    return search_blocks_len(segment->blocks, section) == rows * len;
}

static gboolean check_tables(SearchSegment *segment, GError **error)
{
    const SearchFacts *facts = &segment->facts;

    for (guint i = 0; i < G_N_ELEMENTS(document_columns); i++)
        if (!has_len(segment, document_columns[i].section, facts->document_count,
                     document_columns[i].len))
            return corrupt(segment, error);
    if (has_len(segment, SEARCH_SECTION_FIRST_COPIES, (guint64)facts->document_count + 1, 4) &&
        has_len(segment, SEARCH_SECTION_COPY_MAILBOXES, facts->copy_count, 4) &&
        has_len(segment, SEARCH_SECTION_COPIES, facts->copy_count, SEARCH_COPY_LEN) &&
        has_len(segment, SEARCH_SECTION_STRAYS, facts->stray_count, SEARCH_STRAY_LEN) &&
        has_len(segment, SEARCH_SECTION_MAILBOXES, facts->mailbox_count, VAULT_ID_LEN))
        return TRUE;
    return corrupt(segment, error);
}

SearchSegment *search_segment_open(int fd, const char *name, const SearchIndexKey *key,
                                   GError **error)
{
    g_autoptr(SearchSegment) segment = g_new0(SearchSegment, 1);
    const guint8 *facts;
    gsize len;

    segment->blocks = search_blocks_open(fd, name, key, error);
    if (segment->blocks == NULL)
        return NULL;
    facts = search_blocks_facts(segment->blocks, &len);
    if (!search_facts_parse(facts, len, &segment->facts, error) || !check_tables(segment, error))
        return NULL;
    segment->dictionary = search_dictionary_open(segment->blocks, error);
    segment->summaries = search_summaries_new(segment->blocks);
    return segment->dictionary != NULL ? g_steal_pointer(&segment) : NULL;
}

void search_segment_free(SearchSegment *segment)
{
    if (segment == NULL)
        return;
    search_dictionary_free(segment->dictionary);
    search_summaries_free(segment->summaries);
    search_blocks_free(segment->blocks);
    g_free(segment);
}

/* A row that lies within one block, NULL on error. */
static const guint8 *row_of(SearchSegment *segment, SearchSection section, guint len, guint32 row,
                            GError **error)
{
    guint64 offset = (guint64)row * len;
    gsize here, within = offset % SEARCH_BLOCK_PLAIN_LEN;
    const guint8 *block =
        search_blocks_peek(segment->blocks, section, offset / SEARCH_BLOCK_PLAIN_LEN, &here, error);

    if (block != NULL && within + len > here) {
        corrupt(segment, error);
        return NULL;
    }
    return block != NULL ? block + within : NULL;
}

gboolean search_segment_id(SearchSegment *segment, guint32 document, RecordId *ret_id,
                           GError **error)
{
    const guint8 *row = row_of(segment, SEARCH_SECTION_IDS, VAULT_ID_LEN, document, error);

    if (row == NULL)
        return FALSE;
    memcpy(ret_id->bytes, row, VAULT_ID_LEN);
    return TRUE;
}

static gboolean read_number(SearchSegment *segment, SearchSection section, guint len, guint32 row,
                            guint64 *ret_value, GError **error)
{
    const guint8 *bytes = row_of(segment, section, len, row, error);
    VaultBytesReader reader;

    if (bytes == NULL)
        return FALSE;
    vault_bytes_reader_init(&reader, bytes, len);
    *ret_value = len == 8 ? vault_bytes_read_u64(&reader) : vault_bytes_read_u32(&reader);
    return TRUE;
}

gboolean search_segment_date(SearchSegment *segment, guint32 document, gint64 *ret_date_s,
                             GError **error)
{
    guint64 value;

    if (!read_number(segment, SEARCH_SECTION_DATES, 8, document, &value, error))
        return FALSE;
    *ret_date_s = (gint64)value;
    return TRUE;
}

gboolean search_segment_column(SearchSegment *segment, SearchSection section, guint32 row,
                               guint64 *ret_value, GError **error)
{
    return read_number(segment, section, section == SEARCH_SECTION_SIZES ? 8 : 4, row, ret_value,
                       error);
}

gboolean search_segment_lengths(SearchSegment *segment, guint32 document,
                                guint32 ret_lengths[INGEST_FIELD_COUNT], GError **error)
{
    guint8 bytes[SEARCH_LENGTHS_LEN];
    VaultBytesReader reader;

    if (!search_blocks_read(segment->blocks, SEARCH_SECTION_LENGTHS,
                            (guint64)document * sizeof bytes, bytes, sizeof bytes, error))
        return FALSE;
    vault_bytes_reader_init(&reader, bytes, sizeof bytes);
    ret_lengths[0] = 0;
    for (guint field = 1; field < INGEST_FIELD_COUNT; field++)
        ret_lengths[field] = field < INGEST_FIELD_BODY ? vault_bytes_read_u16(&reader)
                                                       : vault_bytes_read_u32(&reader);
    return TRUE;
}

gboolean search_segment_document(SearchSegment *segment, guint32 document,
                                 SearchDocument *ret_document, GError **error)
{
    guint64 marks, hash;

    if (!search_segment_id(segment, document, &ret_document->id, error) ||
        !search_segment_date(segment, document, &ret_document->date_s, error) ||
        !search_segment_column(segment, SEARCH_SECTION_SIZES, document, &ret_document->size,
                               error) ||
        !search_segment_column(segment, SEARCH_SECTION_MARKS, document, &marks, error) ||
        !search_segment_column(segment, SEARCH_SECTION_MESSAGE_IDS, document, &hash, error))
        return FALSE;
    ret_document->marks = (guint32)marks;
    ret_document->message_id_hash = (guint32)hash;
    return search_segment_lengths(segment, document, ret_document->lengths, error);
}

static void read_copy(VaultBytesReader *reader, SearchCopyRow *copy)
{
    vault_bytes_read(reader, copy->terms_id.bytes, VAULT_ID_LEN);
    copy->received_s = vault_bytes_read_u64(reader);
    copy->flags = vault_bytes_read_u32(reader);
}

gboolean search_segment_copy(SearchSegment *segment, guint32 row, SearchCopyRow *ret_copy,
                             GError **error)
{
    const guint8 *bytes = row_of(segment, SEARCH_SECTION_COPIES, SEARCH_COPY_LEN, row, error);
    VaultBytesReader reader;
    guint64 mailbox;

    if (bytes == NULL)
        return FALSE;
    vault_bytes_reader_init(&reader, bytes, SEARCH_COPY_LEN);
    read_copy(&reader, ret_copy);
    if (!search_segment_column(segment, SEARCH_SECTION_COPY_MAILBOXES, row, &mailbox, error))
        return FALSE;
    ret_copy->mailbox = (guint32)mailbox;
    return mailbox < segment->facts.mailbox_count || corrupt(segment, error);
}

gboolean search_segment_stray(SearchSegment *segment, guint32 row, SearchStray *ret_stray,
                              GError **error)
{
    guint8 bytes[SEARCH_STRAY_LEN];
    VaultBytesReader reader;

    if (!search_blocks_read(segment->blocks, SEARCH_SECTION_STRAYS, (guint64)row * sizeof bytes,
                            bytes, sizeof bytes, error))
        return FALSE;
    vault_bytes_reader_init(&reader, bytes, sizeof bytes);
    ret_stray->segment = vault_bytes_read_u64(&reader);
    ret_stray->document = vault_bytes_read_u32(&reader);
    ret_stray->copy.mailbox = vault_bytes_read_u32(&reader);
    read_copy(&reader, &ret_stray->copy);
    return ret_stray->copy.mailbox < segment->facts.mailbox_count || corrupt(segment, error);
}

gboolean search_segment_mailbox(SearchSegment *segment, guint32 mailbox, MailboxId *ret_id,
                                GError **error)
{
    const guint8 *bytes = row_of(segment, SEARCH_SECTION_MAILBOXES, VAULT_ID_LEN, mailbox, error);

    if (bytes == NULL)
        return FALSE;
    memcpy(ret_id->bytes, bytes, VAULT_ID_LEN);
    return TRUE;
}
