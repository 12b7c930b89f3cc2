#include "search/index/summaries.h"

#include "vault/base/bytes.h"

#include <string.h>
#include <zstd.h>

#define LEVEL 3
#define NO_GROUP G_MAXUINT32

static gboolean corrupt(GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "a summary of the case index is not right");
    return FALSE;
}

/* A text of a summary may be one byte longer than the length has room for: its last character goes.
 */
static void append_text(GByteArray *bytes, const char *text)
{
    gsize len = text != NULL ? strlen(text) : 0;

    if (len > G_MAXUINT16)
        for (len = G_MAXUINT16; len > 0 && ((guint8)text[len] & 0xc0) == 0x80;)
            len--;
    vault_bytes_append_u16(bytes, (guint16)len);
    g_byte_array_append(bytes, (const guint8 *)text, (guint)len);
}

static void append_texts(GByteArray *bytes, const GPtrArray *texts)
{
    guint count = texts != NULL ? texts->len : 0;

    vault_bytes_append_u16(bytes, (guint16)count);
    for (guint i = 0; i < count; i++)
        append_text(bytes, g_ptr_array_index(texts, i));
}

void search_summary_format(const IngestSummary *summary, GByteArray *bytes)
{
    vault_bytes_append_u64(bytes, (guint64)summary->date_s);
    g_byte_array_append(bytes, summary->message_hash.bytes, VAULT_HASH_LEN);
    append_text(bytes, summary->from);
    append_text(bytes, summary->to);
    append_text(bytes, summary->cc);
    append_text(bytes, summary->bcc);
    append_text(bytes, summary->subject);
    append_text(bytes, summary->list);
    append_texts(bytes, summary->filenames);
    append_text(bytes, summary->message_id);
    append_texts(bytes, summary->references);
    append_text(bytes, summary->snippet);
}

/* NULL: there is none. */
static char *read_text(VaultBytesReader *reader)
{
    g_autofree char *text = vault_bytes_read_string16(reader);

    return text != NULL && *text != '\0' ? g_steal_pointer(&text) : NULL;
}

static void read_texts(VaultBytesReader *reader, GPtrArray *texts)
{
    guint count = vault_bytes_read_u16(reader);

    if (count > INGEST_SUMMARY_NAMES_MAX)
        reader->failed = TRUE;
    for (guint i = 0; i < count && !reader->failed; i++) {
        char *text = vault_bytes_read_string16(reader);

        if (text != NULL)
            g_ptr_array_add(texts, text);
    }
}

IngestSummary *search_summary_parse(const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(IngestSummary) summary = ingest_summary_new();
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes, len);
    summary->date_s = (gint64)vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, &summary->message_hash, VAULT_HASH_LEN);
    summary->from = read_text(&reader);
    summary->to = read_text(&reader);
    summary->cc = read_text(&reader);
    summary->bcc = read_text(&reader);
    summary->subject = read_text(&reader);
    summary->list = read_text(&reader);
    read_texts(&reader, summary->filenames);
    summary->message_id = read_text(&reader);
    read_texts(&reader, summary->references);
    summary->snippet = read_text(&reader);
    if (vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END))
        return g_steal_pointer(&summary);
    corrupt(error);
    return NULL;
}

struct SearchSummaryWriter {
    SearchBlockWriter *blocks;
    GByteArray *group;
    guint count; /* in the group */
    GByteArray *packed;
    ZSTD_CCtx *context;
};

SearchSummaryWriter *search_summary_writer_new(SearchBlockWriter *blocks)
{
    SearchSummaryWriter *writer = g_new0(SearchSummaryWriter, 1);

    writer->blocks = blocks;
    writer->group = g_byte_array_new();
    writer->packed = g_byte_array_new();
    writer->context = ZSTD_createCCtx();
    return writer;
}

void search_summary_writer_free(SearchSummaryWriter *writer)
{
    if (writer == NULL)
        return;
    if (writer->group->len > 0)
        vault_wipe(writer->group->data, writer->group->len);
    g_byte_array_unref(writer->group);
    g_byte_array_unref(writer->packed);
    ZSTD_freeCCtx(writer->context);
    g_free(writer);
}

static gboolean put_group(SearchSummaryWriter *writer, GError **error)
{
    guint8 offset[8];
    gsize len;

    if (writer->count == 0)
        return TRUE;
    vault_bytes_put_u64(offset, search_block_writer_len(writer->blocks, SEARCH_SECTION_SUMMARIES));
    g_byte_array_set_size(writer->packed, (guint)ZSTD_compressBound(writer->group->len));
    len = ZSTD_compressCCtx(writer->context, writer->packed->data, writer->packed->len,
                            writer->group->data, writer->group->len, LEVEL);
    g_assert(!ZSTD_isError(len));
    g_byte_array_set_size(writer->group, 0);
    writer->count = 0;
    return search_block_writer_append(writer->blocks, SEARCH_SECTION_SUMMARY_TABLE, offset,
                                      sizeof offset, error) &&
           search_block_writer_append(writer->blocks, SEARCH_SECTION_SUMMARIES,
                                      writer->packed->data, len, error);
}

gboolean search_summary_writer_add(SearchSummaryWriter *writer, const guint8 *bytes, gsize len,
                                   GError **error)
{
    vault_bytes_append_u32(writer->group, (guint32)len);
    g_byte_array_append(writer->group, bytes, (guint)len);
    writer->count++;
    return writer->count < SEARCH_SUMMARY_GROUP || put_group(writer, error);
}

gboolean search_summary_writer_finish(SearchSummaryWriter *writer, GError **error)
{
    return put_group(writer, error);
}

struct SearchSummaries {
    SearchBlocks *blocks;
    ZSTD_DCtx *context;
    guint32 group_number; /* the one unpacked */
    GByteArray *group;
    guint32 document; /* the one last given, and where its bytes end */
    gsize end;
};

SearchSummaries *search_summaries_new(SearchBlocks *blocks)
{
    SearchSummaries *summaries = g_new0(SearchSummaries, 1);

    summaries->blocks = blocks;
    summaries->context = ZSTD_createDCtx();
    summaries->group = g_byte_array_new();
    summaries->group_number = NO_GROUP;
    return summaries;
}

void search_summaries_free(SearchSummaries *summaries)
{
    if (summaries == NULL)
        return;
    if (summaries->group->len > 0)
        vault_wipe(summaries->group->data, summaries->group->len);
    g_byte_array_unref(summaries->group);
    ZSTD_freeDCtx(summaries->context);
    g_free(summaries);
}

/* Where a frame begins, or the last one ends. */
static gboolean read_offset(SearchBlocks *blocks, guint32 group, guint64 *ret_offset,
                            GError **error)
{
    guint8 bytes[8];
    VaultBytesReader reader;

    if ((guint64)group * 8 == search_blocks_len(blocks, SEARCH_SECTION_SUMMARY_TABLE)) {
        *ret_offset = search_blocks_len(blocks, SEARCH_SECTION_SUMMARIES);
        return TRUE;
    }
    if (!search_blocks_read(blocks, SEARCH_SECTION_SUMMARY_TABLE, (guint64)group * 8, bytes,
                            sizeof bytes, error))
        return FALSE;
    vault_bytes_reader_init(&reader, bytes, sizeof bytes);
    *ret_offset = vault_bytes_read_u64(&reader);
    return TRUE;
}

static gboolean unpack(SearchSummaries *summaries, const guint8 *packed, gsize packed_len,
                       GError **error)
{
    unsigned long long len = ZSTD_getFrameContentSize(packed, packed_len);
    gsize unpacked_len;

    if (len > SEARCH_SUMMARY_FRAME_LEN_MAX)
        return corrupt(error);
    g_byte_array_set_size(summaries->group, (guint)len);
    unpacked_len =
        ZSTD_decompressDCtx(summaries->context, summaries->group->data, len, packed, packed_len);
    return unpacked_len == len || corrupt(error);
}

static gboolean load(SearchSummaries *summaries, guint32 group, GError **error)
{
    g_autofree guint8 *packed = NULL;
    guint64 begin, end;

    summaries->group_number = NO_GROUP;
    if (!read_offset(summaries->blocks, group, &begin, error) ||
        !read_offset(summaries->blocks, group + 1, &end, error))
        return FALSE;
    if (end < begin || end - begin > SEARCH_SUMMARY_FRAME_LEN_MAX)
        return corrupt(error);
    packed = g_malloc(end - begin);
    if (!search_blocks_read(summaries->blocks, SEARCH_SECTION_SUMMARIES, begin, packed, end - begin,
                            error) ||
        !unpack(summaries, packed, end - begin, error))
        return FALSE;
    summaries->group_number = group;
    summaries->document = group * SEARCH_SUMMARY_GROUP;
    summaries->end = 0;
    return TRUE;
}

gboolean search_summaries_get(SearchSummaries *summaries, guint32 document,
                              const guint8 **ret_bytes, gsize *ret_len, GError **error)
{
    VaultBytesReader reader;

    if ((document / SEARCH_SUMMARY_GROUP != summaries->group_number ||
         document < summaries->document) &&
        !load(summaries, document / SEARCH_SUMMARY_GROUP, error))
        return FALSE;
    vault_bytes_reader_init(&reader, summaries->group->data + summaries->end,
                            summaries->group->len - summaries->end);
    do {
        *ret_len = vault_bytes_read_u32(&reader);
        *ret_bytes = vault_bytes_read_borrowed(&reader, *ret_len);
    } while (summaries->document++ < document && !reader.failed);
    summaries->end = summaries->group->len - reader.left;
    return !reader.failed || corrupt(error);
}
