/* Reading: the header in the clear, the trailer, the map, then any block. */
#include "search/index/blocks_internal.h"

#include "vault/base/bytes.h"
#include "vault/base/file.h"

#include <sys/stat.h>
#include <unistd.h>

struct SearchBlocks {
    VaultFd fd;
    char *name;
    VaultId file_id;
    VaultSealedBlocks *sealed;
    guint64 block_count;
    guint64 lens[SEARCH_SECTIONS_END];
    guint64 firsts[SEARCH_SECTIONS_END]; /* of each section, in the map */
    guint32 *map;                        /* block numbers, section by section */
    guint8 **held;                       /* the opened blocks, as the map has them */
    guint64 map_count, held_count, held_max;
    guint64 hand; /* goes round and lets go of what it meets */
    GByteArray *facts;
};

static gboolean corrupt(const SearchBlocks *blocks, const char *what, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the case index %s %s", blocks->name,
                what);
    return FALSE;
}

static gboolean read_header(SearchBlocks *blocks, const SearchIndexKey *key, GError **error)
{
    guint8 header[SEARCH_HEADER_LEN], commitment[VAULT_BLOCK_COMMITMENT_LEN], stored[32];
    VaultSpan span = {key->bytes, sizeof key->bytes};
    VaultBytesReader reader;
    guint32 magic, version, block_len;

    if (!vault_file_pread_exact(blocks->fd, header, sizeof header, 0, blocks->name, error))
        return FALSE;
    vault_bytes_reader_init(&reader, header, sizeof header);
    magic = vault_bytes_read_u32(&reader);
    version = vault_bytes_read_u16(&reader);
    block_len = vault_bytes_read_u32(&reader);
    vault_bytes_read(&reader, &blocks->file_id, VAULT_ID_LEN);
    vault_bytes_read(&reader, stored, sizeof stored);
    if (magic != SEARCH_MAGIC ||
        vault_bytes_read_u32(&reader) != vault_crc32c(0, header, sizeof header - 4))
        return corrupt(blocks, "does not begin as such a file does", error);
    if (version != SEARCH_VERSION || block_len != SEARCH_BLOCK_LEN) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "the case index %s has version %u, this program reads %u: close the case and "
                    "search again",
                    blocks->name, version, SEARCH_VERSION);
        return FALSE;
    }
    blocks->sealed =
        vault_sealed_blocks_new(&span, &blocks->file_id, SEARCH_BLOCKS_LABEL, commitment);
    if (memcmp(commitment, stored, sizeof stored) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                "the case index %s was made with another key", blocks->name);
    return FALSE;
}

static gboolean read_block(SearchBlocks *blocks, const VaultBlockPlace *place,
                           guint8 ret_plaintext[SEARCH_BLOCK_LEN], GError **error)
{
    guint64 offset = SEARCH_HEADER_LEN + place->number * SEARCH_BLOCK_LEN;

    if (!vault_file_pread_exact(blocks->fd, ret_plaintext, SEARCH_BLOCK_LEN, offset, blocks->name,
                                error))
        return FALSE;
    if (vault_sealed_blocks_open(blocks->sealed, place, ret_plaintext, SEARCH_BLOCK_LEN,
                                 ret_plaintext, error))
        return TRUE;
    g_prefix_error(error, "the case index %s: ", blocks->name);
    return FALSE;
}

static gboolean read_trailer(SearchBlocks *blocks, GError **error)
{
    guint8 trailer[SEARCH_BLOCK_LEN];
    VaultBlockPlace place = {.number = blocks->block_count - 1, .kind = SEARCH_KIND_TRAILER};
    VaultBytesReader reader;
    const guint8 *facts;
    guint16 facts_len;

    if (!read_block(blocks, &place, trailer, error))
        return FALSE;
    vault_bytes_reader_init(&reader, trailer, SEARCH_BLOCK_PLAIN_LEN);
    for (guint section = 1; section < SEARCH_SECTIONS_END; section++) {
        blocks->firsts[section] = blocks->map_count;
        blocks->lens[section] = vault_bytes_read_u64(&reader);
        if (blocks->lens[section] > blocks->block_count * SEARCH_BLOCK_PLAIN_LEN)
            return corrupt(blocks, "has a trailer that is not right", error);
        blocks->map_count += search_block_count(blocks->lens[section]);
    }
    facts_len = vault_bytes_read_u16(&reader);
    facts = vault_bytes_read_borrowed(&reader, facts_len);
    if (facts == NULL)
        return corrupt(blocks, "has a trailer that is not right", error);
    g_byte_array_append(blocks->facts, facts, facts_len);
    return TRUE;
}

static gboolean read_map(SearchBlocks *blocks, GError **error)
{
    guint64 map_blocks = search_block_count(blocks->map_count * 4);
    guint8 plaintext[SEARCH_BLOCK_LEN];
    guint64 at = 0;

    if (blocks->map_count + map_blocks + 1 != blocks->block_count)
        return corrupt(blocks, "has not as many blocks as its trailer says", error);
    blocks->map = g_new(guint32, blocks->map_count);
    blocks->held = g_new0(guint8 *, blocks->map_count);
    for (guint64 i = 0; i < map_blocks; i++) {
        VaultBlockPlace place = {
            .number = blocks->map_count + i, .kind = SEARCH_KIND_MAP, .place = i};
        VaultBytesReader reader;

        if (!read_block(blocks, &place, plaintext, error))
            return FALSE;
        vault_bytes_reader_init(&reader, plaintext, SEARCH_BLOCK_PLAIN_LEN);
        for (guint n = 0; n < SEARCH_BLOCK_PLAIN_LEN / 4 && at < blocks->map_count; n++)
            blocks->map[at++] = vault_bytes_read_u32(&reader);
    }
    return TRUE;
}

static gboolean read_all_but_blocks(SearchBlocks *blocks, const SearchIndexKey *key, GError **error)
{
    struct stat status;
    guint64 len;

    if (fstat(blocks->fd, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot look at", blocks->name);
    if (!read_header(blocks, key, error))
        return FALSE;
    len = (guint64)status.st_size - SEARCH_HEADER_LEN;
    blocks->block_count = len / SEARCH_BLOCK_LEN;
    if (len % SEARCH_BLOCK_LEN != 0 || blocks->block_count == 0 ||
        blocks->block_count > G_MAXUINT32)
        return corrupt(blocks, "is cut short", error);
    return read_trailer(blocks, error) && read_map(blocks, error);
}

SearchBlocks *search_blocks_open(int fd, const char *name, const SearchIndexKey *key,
                                 GError **error)
{
    g_autoptr(SearchBlocks) blocks = g_new0(SearchBlocks, 1);

    blocks->fd = fd;
    blocks->held_max = SEARCH_BLOCKS_HELD_MAX;
    blocks->name = g_strdup(name);
    blocks->facts = g_byte_array_new();
    if (!read_all_but_blocks(blocks, key, error))
        return NULL;
    return g_steal_pointer(&blocks);
}

static void let_go(SearchBlocks *blocks, guint64 index)
{
    if (blocks->held[index] == NULL)
        return;
    vault_wipe(blocks->held[index], SEARCH_BLOCK_LEN);
    g_clear_pointer(&blocks->held[index], g_free);
    blocks->held_count--;
}

void search_blocks_free(SearchBlocks *blocks)
{
    if (blocks == NULL)
        return;
    for (guint64 i = 0; blocks->held != NULL && i < blocks->map_count; i++)
        let_go(blocks, i);
    vault_fd_close(&blocks->fd);
    vault_sealed_blocks_free(blocks->sealed);
    g_free(blocks->name);
    g_free(blocks->map);
    g_free(blocks->held);
    g_byte_array_unref(blocks->facts);
    g_free(blocks);
}

const guint8 *search_blocks_facts(const SearchBlocks *blocks, gsize *ret_len)
{
    *ret_len = blocks->facts->len;
    return blocks->facts->data;
}

const VaultId *search_blocks_file_id(const SearchBlocks *blocks)
{
    return &blocks->file_id;
}

const char *search_blocks_name(const SearchBlocks *blocks)
{
    return blocks->name;
}

guint64 search_blocks_len(const SearchBlocks *blocks, SearchSection section)
{
    return blocks->lens[section];
}

guint64 search_blocks_file_len(const SearchBlocks *blocks)
{
    return SEARCH_HEADER_LEN + blocks->block_count * SEARCH_BLOCK_LEN;
}

guint64 search_blocks_held_count(const SearchBlocks *blocks)
{
    return blocks->held_count;
}

void search_blocks_limit_held(SearchBlocks *blocks, guint64 held_max)
{
    blocks->held_max = held_max;
}

static void make_room(SearchBlocks *blocks)
{
    while (blocks->held_count >= blocks->held_max) {
        let_go(blocks, blocks->hand);
        blocks->hand = (blocks->hand + 1) % blocks->map_count;
    }
}

/* The opened block that the map has at `index`. */
static const guint8 *hold(SearchBlocks *blocks, SearchSection section, guint64 index,
                          GError **error)
{
    VaultBlockPlace place = {.number = blocks->map[index],
                             .kind = (guint8)section,
                             .place = index - blocks->firsts[section]};
    guint8 *plaintext;

    make_room(blocks);
    plaintext = g_malloc(SEARCH_BLOCK_LEN);
    if (!read_block(blocks, &place, plaintext, error)) {
        g_free(plaintext);
        return NULL;
    }
    blocks->held[index] = plaintext;
    blocks->held_count++;
    return plaintext;
}

const guint8 *search_blocks_peek(SearchBlocks *blocks, SearchSection section, guint64 number,
                                 gsize *ret_len, GError **error)
{
    guint64 offset = number * SEARCH_BLOCK_PLAIN_LEN;
    guint64 index = blocks->firsts[section] + number;

    if (number >= search_block_count(blocks->lens[section])) {
        corrupt(blocks, "points past the end of a section", error);
        return NULL;
    }
    *ret_len = MIN(blocks->lens[section] - offset, SEARCH_BLOCK_PLAIN_LEN);
    return blocks->held[index] != NULL ? blocks->held[index] : hold(blocks, section, index, error);
}

gboolean search_blocks_read(SearchBlocks *blocks, SearchSection section, guint64 offset,
                            void *ret_bytes, gsize len, GError **error)
{
    guint8 *next = ret_bytes;

    if (offset > blocks->lens[section] || len > blocks->lens[section] - offset)
        return corrupt(blocks, "points past the end of a section", error);
    while (len > 0) {
        gsize within = offset % SEARCH_BLOCK_PLAIN_LEN, here;
        const guint8 *block =
            search_blocks_peek(blocks, section, offset / SEARCH_BLOCK_PLAIN_LEN, &here, error);

        if (block == NULL)
            return FALSE;
        here = MIN(len, here - within);
        memcpy(next, block + within, here);
        next += here;
        offset += here;
        len -= here;
    }
    return TRUE;
}
