#include "search/index/dictionary_internal.h"

#include "vault/base/bytes.h"
#include "vault/base/error.h"

#include <string.h>

typedef struct {
    gsize offset, len; /* of the first term, in the table */
} First;

struct SearchDictionary {
    SearchBlocks *blocks;
    guint8 *table;
    GArray *firsts; /* First, one a block */
};

static gboolean corrupt(GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "the dictionary of the case index is not right");
    return FALSE;
}

static int compare_terms(const char *a, gsize a_len, const char *b, gsize b_len)
{
    int order = memcmp(a, b, MIN(a_len, b_len));

    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

int search_entry_compare(const char *term, gsize len, guint field, const SearchEntry *entry)
{
    int order = compare_terms(term, len, entry->term, entry->len);

    return order != 0 ? order : (field > entry->field) - (field < entry->field);
}

static gboolean read_table(SearchDictionary *dictionary, GError **error)
{
    guint64 len = search_blocks_len(dictionary->blocks, SEARCH_SECTION_DICTIONARY_TABLE);
    guint64 dictionary_len = search_blocks_len(dictionary->blocks, SEARCH_SECTION_DICTIONARY);

    dictionary->table = g_malloc(len + 1);
    dictionary->firsts = g_array_new(FALSE, FALSE, sizeof(First));
    if (!search_blocks_read(dictionary->blocks, SEARCH_SECTION_DICTIONARY_TABLE, 0,
                            dictionary->table, len, error))
        return FALSE;
    for (guint64 at = 0; at < len;) {
        First first = {.offset = at + 1, .len = dictionary->table[at]};

        g_array_append_val(dictionary->firsts, first);
        at = first.offset + first.len;
        if (at > len)
            return corrupt(error);
    }
    return (guint64)dictionary->firsts->len * SEARCH_BLOCK_PLAIN_LEN == dictionary_len ||
           corrupt(error);
}

SearchDictionary *search_dictionary_open(SearchBlocks *blocks, GError **error)
{
    g_autoptr(SearchDictionary) dictionary = g_new0(SearchDictionary, 1);

    dictionary->blocks = blocks;
    if (!read_table(dictionary, error))
        return NULL;
    return g_steal_pointer(&dictionary);
}

void search_dictionary_free(SearchDictionary *dictionary)
{
    if (dictionary == NULL)
        return;
    g_free(dictionary->table);
    g_array_unref(dictionary->firsts);
    g_free(dictionary);
}

/* The last block whose first term is before this one: entries of the term may begin in it. */
static guint64 find_block(const SearchDictionary *dictionary, const char *term, gsize len)
{
    guint low = 0, high = dictionary->firsts->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        const First *first = &g_array_index(dictionary->firsts, First, middle);

        if (compare_terms((const char *)dictionary->table + first->offset, first->len, term, len) <
            0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : 0;
}

static gboolean read_shared(VaultBytesReader *reader, SearchEntry *entry)
{
    guint8 shared = vault_bytes_read_u8(reader), len = vault_bytes_read_u8(reader);
    const guint8 *rest = vault_bytes_read_borrowed(reader, len);

    if (rest == NULL || shared > entry->len || (gsize)shared + len > sizeof entry->term)
        return FALSE;
    memcpy(entry->term + shared, rest, len);
    entry->len = (gsize)shared + len;
    return TRUE;
}

static gboolean read_varint(VaultBytesReader *reader, guint64 max, guint64 *ret_value)
{
    const guint8 *next = reader->next;

    if (!search_varint_read(&next, reader->next + reader->left, ret_value) || *ret_value > max)
        return FALSE;
    reader->left -= (gsize)(next - reader->next);
    reader->next = next;
    return TRUE;
}

static gboolean read_list(VaultBytesReader *reader, gboolean has_one, SearchListPlace *list)
{
    guint64 documents = 1, more = 0;

    list->postings_offset += list->postings_len;
    list->positions_offset += list->positions_len;
    list->table_len = 0;
    if (!has_one && (!read_varint(reader, SEARCH_NO_DOCUMENT - 1, &documents) ||
                     !read_varint(reader, G_MAXINT64, &more)))
        return FALSE;
    list->document_count = (guint32)documents;
    list->position_count = documents + more;
    return documents > 0 && read_varint(reader, G_MAXINT64, &list->postings_len) &&
           read_varint(reader, G_MAXINT64, &list->positions_len) &&
           (documents <= SEARCH_CHUNK_DOCUMENTS ||
            read_varint(reader, list->postings_len, &list->table_len));
}

static gboolean read_entry(VaultBytesReader *reader, guint64 tag, SearchEntry *entry)
{
    char before[INGEST_TERM_LEN_MAX];
    gsize before_len = entry->len;
    guint before_field = entry->field;

    memcpy(before, entry->term, before_len);
    if (!read_shared(reader, entry) || !read_list(reader, tag & 1, &entry->list))
        return FALSE;
    entry->field = (guint)(tag >> 1);
    return entry->field < INGEST_FIELD_COUNT &&
           search_entry_compare(before, before_len, before_field, entry) < 0;
}

gboolean search_dictionary_block_next(const guint8 *bytes, gsize len, gsize *at, SearchEntry *entry,
                                      gboolean *ret_is_end, GError **error)
{
    VaultBytesReader reader;
    guint64 tag;

    vault_bytes_reader_init(&reader, bytes + *at, len - *at);
    if (*at == 0) {
        *entry = (SearchEntry){.len = 0};
        entry->list.postings_offset = vault_bytes_read_u64(&reader);
        entry->list.positions_offset = vault_bytes_read_u64(&reader);
    }
    *ret_is_end = reader.left == 0 || *reader.next == 0;
    if (reader.failed)
        return corrupt(error);
    if (*ret_is_end)
        return TRUE;
    if (!read_varint(&reader, G_MAXUINT16, &tag) || !read_entry(&reader, tag, entry))
        return corrupt(error);
    *at = len - reader.left;
    return TRUE;
}

static gboolean read_block(SearchDictionaryCursor *cursor, GError **error)
{
    SearchBlocks *blocks = cursor->dictionary->blocks;
    gsize len;
    const guint8 *block =
        search_blocks_peek(blocks, SEARCH_SECTION_DICTIONARY, cursor->block, &len, error);

    if (block == NULL)
        return FALSE;
    memcpy(cursor->bytes, block, len);
    cursor->len = len;
    cursor->at = 0;
    cursor->block++;
    return TRUE;
}

gboolean search_dictionary_next(SearchDictionaryCursor *cursor, gboolean *ret_is_end,
                                GError **error)
{
    *ret_is_end = TRUE;
    if (cursor->len > 0 && !search_dictionary_block_next(cursor->bytes, cursor->len, &cursor->at,
                                                         &cursor->entry, ret_is_end, error))
        return FALSE;
    if (!*ret_is_end || cursor->block == cursor->dictionary->firsts->len)
        return TRUE;
    return read_block(cursor, error) &&
           search_dictionary_block_next(cursor->bytes, cursor->len, &cursor->at, &cursor->entry,
                                        ret_is_end, error);
}

gboolean search_dictionary_seek(SearchDictionary *dictionary, const char *term, gsize len,
                                SearchDictionaryCursor *ret_cursor, gboolean *ret_is_end,
                                GError **error)
{
    const SearchEntry *entry = &ret_cursor->entry;

    ret_cursor->dictionary = dictionary;
    ret_cursor->block = find_block(dictionary, term, len);
    ret_cursor->len = 0;
    do {
        if (!search_dictionary_next(ret_cursor, ret_is_end, error))
            return FALSE;
    } while (!*ret_is_end && compare_terms(entry->term, entry->len, term, len) < 0);
    return TRUE;
}
