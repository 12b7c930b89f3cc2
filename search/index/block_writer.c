/* Writing: a block is sealed and goes out when its section has filled it. */
#include "search/index/blocks_internal.h"

#include "vault/base/bytes.h"
#include "vault/base/file.h"

#define OUT_LEN (32 * SEARCH_BLOCK_LEN)

typedef struct {
    guint8 *block; /* the one being filled */
    guint64 len;   /* of the section */
    GArray *map;   /* guint32 */
} Section;

struct SearchBlockWriter {
    int fd;
    char *name;
    VaultId file_id;
    VaultSealedBlocks *sealed;
    Section sections[SEARCH_SECTIONS_END];
    guint64 block_count;
    guint8 *out;
    gsize out_len;
};

static gboolean write_out(SearchBlockWriter *writer, GError **error)
{
    gboolean is_written =
        vault_file_write_all(writer->fd, writer->out, writer->out_len, writer->name, error);

    writer->out_len = 0;
    return is_written;
}

static gboolean write_header(SearchBlockWriter *writer, const SearchIndexKey *key, GError **error)
{
    VaultSpan span = {key->bytes, sizeof key->bytes};
    guint8 header[SEARCH_HEADER_LEN], *next = header;

    vault_random(&writer->file_id, VAULT_ID_LEN);
    vault_bytes_put_u32(next, SEARCH_MAGIC);
    vault_bytes_put_u16(next + 4, SEARCH_VERSION);
    vault_bytes_put_u32(next + 6, SEARCH_BLOCK_LEN);
    memcpy(next + 10, writer->file_id.bytes, VAULT_ID_LEN);
    next += 10 + VAULT_ID_LEN;
    writer->sealed = vault_sealed_blocks_new(&span, &writer->file_id, SEARCH_BLOCKS_LABEL, next);
    next += VAULT_BLOCK_COMMITMENT_LEN;
    vault_bytes_put_u32(next, vault_crc32c(0, header, sizeof header - 4));
    return vault_file_write_all(writer->fd, header, sizeof header, writer->name, error);
}

SearchBlockWriter *search_block_writer_begin(int fd, const char *name, const SearchIndexKey *key,
                                             GError **error)
{
    g_autoptr(SearchBlockWriter) writer = g_new0(SearchBlockWriter, 1);

    writer->fd = fd;
    writer->name = g_strdup(name);
    writer->out = g_malloc(OUT_LEN);
    for (guint section = 1; section < SEARCH_SECTIONS_END; section++) {
        writer->sections[section].block = g_malloc0(SEARCH_BLOCK_PLAIN_LEN);
        writer->sections[section].map = g_array_new(FALSE, FALSE, sizeof(guint32));
    }
    if (!write_header(writer, key, error))
        return NULL;
    return g_steal_pointer(&writer);
}

void search_block_writer_free(SearchBlockWriter *writer)
{
    if (writer == NULL)
        return;
    for (guint section = 1; section < SEARCH_SECTIONS_END; section++) {
        vault_wipe(writer->sections[section].block, SEARCH_BLOCK_PLAIN_LEN);
        g_free(writer->sections[section].block);
        g_array_unref(writer->sections[section].map);
    }
    vault_sealed_blocks_free(writer->sealed);
    g_free(writer->out);
    g_free(writer->name);
    g_free(writer);
}

static gboolean put_block(SearchBlockWriter *writer, guint8 kind, guint64 place_in_kind,
                          const guint8 *plaintext, GError **error)
{
    VaultBlockPlace place = {.number = writer->block_count, .kind = kind, .place = place_in_kind};

    if (writer->block_count == G_MAXUINT32) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE,
                    "%s: a case index holds at most %u blocks of %u bytes: search less at once",
                    writer->name, G_MAXUINT32, SEARCH_BLOCK_LEN);
        return FALSE;
    }
    vault_sealed_blocks_seal(writer->sealed, &place, plaintext, SEARCH_BLOCK_PLAIN_LEN,
                             writer->out + writer->out_len);
    writer->out_len += SEARCH_BLOCK_LEN;
    writer->block_count++;
    return writer->out_len < OUT_LEN || write_out(writer, error);
}

static gboolean put_section_block(SearchBlockWriter *writer, guint number, GError **error)
{
    Section *section = &writer->sections[number];
    guint32 block_number = (guint32)writer->block_count;
    guint64 place = section->map->len;

    g_array_append_val(section->map, block_number);
    if (!put_block(writer, (guint8)number, place, section->block, error))
        return FALSE;
    memset(section->block, 0, SEARCH_BLOCK_PLAIN_LEN);
    return TRUE;
}

gboolean search_block_writer_append(SearchBlockWriter *writer, SearchSection number,
                                    const void *bytes, gsize len, GError **error)
{
    Section *section = &writer->sections[number];
    const guint8 *next = bytes;

    while (len > 0) {
        gsize within = section->len % SEARCH_BLOCK_PLAIN_LEN;
        gsize here = MIN(len, SEARCH_BLOCK_PLAIN_LEN - within);

        memcpy(section->block + within, next, here);
        section->len += here;
        next += here;
        len -= here;
        if (within + here == SEARCH_BLOCK_PLAIN_LEN && !put_section_block(writer, number, error))
            return FALSE;
    }
    return TRUE;
}

gboolean search_block_writer_fill(SearchBlockWriter *writer, SearchSection number, GError **error)
{
    Section *section = &writer->sections[number];
    gsize within = section->len % SEARCH_BLOCK_PLAIN_LEN;

    if (within == 0)
        return TRUE;
    section->len += SEARCH_BLOCK_PLAIN_LEN - within;
    return put_section_block(writer, number, error);
}

guint64 search_block_writer_len(const SearchBlockWriter *writer, SearchSection section)
{
    return writer->sections[section].len;
}

static gboolean put_last_blocks(SearchBlockWriter *writer, GError **error)
{
    for (guint number = 1; number < SEARCH_SECTIONS_END; number++)
        if (writer->sections[number].len % SEARCH_BLOCK_PLAIN_LEN != 0 &&
            !put_section_block(writer, number, error))
            return FALSE;
    return TRUE;
}

static gboolean put_map(SearchBlockWriter *writer, GError **error)
{
    g_autoptr(GByteArray) map = g_byte_array_new();
    guint64 count;

    for (guint number = 1; number < SEARCH_SECTIONS_END; number++)
        for (guint i = 0; i < writer->sections[number].map->len; i++)
            vault_bytes_append_u32(map, g_array_index(writer->sections[number].map, guint32, i));
    count = search_block_count(map->len);
    while (map->len < count * SEARCH_BLOCK_PLAIN_LEN)
        vault_bytes_append_u32(map, 0);
    for (guint64 i = 0; i < count; i++)
        if (!put_block(writer, SEARCH_KIND_MAP, i, map->data + i * SEARCH_BLOCK_PLAIN_LEN, error))
            return FALSE;
    return TRUE;
}

gboolean search_block_writer_finish(SearchBlockWriter *writer, const void *facts, gsize facts_len,
                                    GError **error)
{
    g_autoptr(GByteArray) trailer = g_byte_array_new();

    g_assert(facts_len <= SEARCH_FACTS_LEN_MAX);
    for (guint number = 1; number < SEARCH_SECTIONS_END; number++)
        vault_bytes_append_u64(trailer, writer->sections[number].len);
    vault_bytes_append_u16(trailer, (guint16)facts_len);
    g_byte_array_append(trailer, facts, (guint)facts_len);
    while (trailer->len < SEARCH_BLOCK_PLAIN_LEN)
        vault_bytes_append_u8(trailer, 0);
    return put_last_blocks(writer, error) && put_map(writer, error) &&
           put_block(writer, SEARCH_KIND_TRAILER, 0, trailer->data, error) &&
           write_out(writer, error);
}

void search_block_writer_get_id(const SearchBlockWriter *writer, VaultId *ret_file_id)
{
    *ret_file_id = writer->file_id;
}
