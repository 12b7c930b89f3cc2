/* Who was given slots of what is erased, before it was: from the control log. */
#include "vault/base/bytes.h"
#include "vault/crypto/value.h"
#include "vault/keep/erasure.h"
#include "vault/keep/internal.h"

typedef struct {
    VaultKeep *keep;
    VaultErasureValue *value;
    GHashTable *messages; /* RecordId */
    GHashTable *months;   /* MonthKeyId */
} Search;

static Search search_of(VaultKeep *keep, VaultErasureValue *value)
{
    Search search = {.keep = keep,
                     .value = value,
                     .messages = g_hash_table_new(vault_id_hash, vault_id_equal),
                     .months = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL)};

    for (guint i = 0; i < value->messages->len; i++)
        g_hash_table_add(search.messages, &g_array_index(value->messages, RecordId, i));
    return search;
}

static void search_clear(Search *search)
{
    g_hash_table_unref(search->messages);
    g_hash_table_unref(search->months);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Search, search_clear)

static gboolean note_dropped(const RowId *row_id, const GByteArray *bytes, gpointer user,
                             GError **error)
{
    Search *search = user;
    VaultTombstoneValue tombstone;

    if (!vault_tombstone_value_parse(bytes->data, bytes->len, &tombstone, error))
        return FALSE;
    if (VAULT_ID_EQUAL(tombstone.event_id, search->value->id))
        g_hash_table_add(search->months, g_memdup2(row_id, VAULT_ID_LEN));
    return TRUE;
}

/* ---- one release ---------------------------------------------------------------------------- */

static gboolean find_month(const Search *search, VaultLoggedAct act, const RecordId *id,
                           MonthKeyId *ret_month, GError **error)
{
    VaultCatalogTerms terms;
    VaultCatalogCopy copy;

    if (act == VAULT_LOGGED_SEARCH) {
        if (!vault_catalog_find_terms(search->keep->reading, id, &terms, error))
            return FALSE;
        *ret_month = terms.month_key_id;
        return TRUE;
    }
    if (!vault_catalog_find_copy(search->keep->reading, id, &copy, error))
        return FALSE;
    *ret_month = copy.month_key_id;
    return TRUE;
}

/* "copy: X of Y", of a search "terms: X of Y". */
static gboolean is_of_scope(const Search *search, VaultLoggedAct act, const char *line,
                            gboolean *ret_is, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_auto(GStrv) words = g_strsplit(line, " ", 4);
    RecordId copy_id, body_id;
    MonthKeyId month;

    *ret_is = FALSE;
    if (g_strv_length(words) != 4 || !vault_id_parse(words[1], copy_id.bytes, NULL) ||
        !vault_id_parse(words[3], body_id.bytes, NULL))
        return TRUE;
    *ret_is = g_hash_table_contains(search->messages, &body_id);
    if (*ret_is || g_hash_table_size(search->months) == 0)
        return TRUE;
    if (find_month(search, act, &copy_id, &month, &failure)) {
        *ret_is = g_hash_table_contains(search->months, &month);
        return TRUE;
    }
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

/* The value of a line that begins with `name` and ": "; NULL for another. */
static const char *value_of_line(const char *line, const char *name)
{
    gsize len = strlen(name);

    return g_str_has_prefix(line, name) && g_str_has_prefix(line + len, ": ") ? line + len + 2
                                                                              : NULL;
}

static void add_read(VaultErasureValue *value, VaultErasureRead *read)
{
    for (guint i = 0; i < value->reads->len; i++) {
        VaultErasureRead *known = g_ptr_array_index(value->reads, i);

        if (!vault_hash_equal(&known->grant_hash, &read->grant_hash))
            continue;
        known->copy_count += read->copy_count;
        known->words_count += read->words_count;
        vault_erasure_read_free(read);
        return;
    }
    if (read->copy_count + read->words_count > 0 && read->case_id != NULL && read->reader != NULL &&
        value->reads->len < VAULT_ERASURE_READS_MAX)
        g_ptr_array_add(value->reads, read);
    else
        vault_erasure_read_free(read);
}

static gboolean search_text(const Search *search, VaultLoggedAct act, const char *text,
                            GError **error)
{
    const char *line_name = act == VAULT_LOGGED_SEARCH ? "terms" : "copy";
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    VaultErasureRead *read = g_new0(VaultErasureRead, 1);
    guint32 *count = act == VAULT_LOGGED_SEARCH ? &read->words_count : &read->copy_count;

    for (char **line = lines; *line != NULL; line++) {
        gboolean is_of = FALSE;

        if (value_of_line(*line, "grant") != NULL)
            vault_bytes_from_hex(value_of_line(*line, "grant"), read->grant_hash.bytes,
                                 VAULT_HASH_LEN);
        else if (value_of_line(*line, "case") != NULL && read->case_id == NULL)
            read->case_id = g_strdup(value_of_line(*line, "case"));
        else if (value_of_line(*line, "reader") != NULL && read->reader == NULL)
            read->reader = g_strdup(value_of_line(*line, "reader"));
        else if (value_of_line(*line, line_name) != NULL &&
                 !is_of_scope(search, act, *line, &is_of, error)) {
            vault_erasure_read_free(read);
            return FALSE;
        }
        *count += is_of ? 1 : 0;
    }
    add_read(search->value, read);
    return TRUE;
}

/* A release whose text was itself erased names nobody. */
static gboolean search_release(const Search *search, const VaultEntry *entry, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *text = NULL;
    GByteArray *plain = vault_keep_event(search->keep, entry, &failure);

    if (plain == NULL && g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_ERASED))
        return TRUE;
    if (plain == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    text = g_strndup((const char *)plain->data + VAULT_ENTRY_SALT_LEN,
                     plain->len - VAULT_ENTRY_SALT_LEN);
    vault_value_free(plain);
    return search_text(search, entry->act, text, error);
}

/* ---- the log -------------------------------------------------------------------------------- */

static gboolean search_epoch(const Search *search, guint32 epoch, GError **error)
{
    g_autoptr(VaultLogReader) reader =
        vault_keep_log_reader(search->keep, VAULT_LOG_CONTROL, epoch, error);

    if (reader == NULL)
        return FALSE;
    for (guint64 i = 0; i < vault_log_reader_checkpoint(reader)->size; i++) {
        g_autoptr(GBytes) bytes = vault_log_reader_entry(reader, i, error);
        VaultEntry entry;

        if (bytes == NULL || !vault_entry_parse(g_bytes_get_data(bytes, NULL),
                                                g_bytes_get_size(bytes), &entry, error))
            return FALSE;
        if (entry.kind == VAULT_ENTRY_ACT && vault_logged_act_is_release(entry.act) &&
            !search_release(search, &entry, error))
            return FALSE;
    }
    return TRUE;
}

/* Also of what was released before the vault was recovered or adopted. */
static gboolean search_log(const Search *search, GError **error)
{
    guint32 epoch;

    if (!vault_keep_log_epoch(search->keep, &epoch, error))
        return FALSE;
    for (guint32 i = 1; i <= epoch; i++) {
        if (!search_epoch(search, i, error))
            return FALSE;
    }
    return TRUE;
}

gboolean vault_erasure_note_reads(VaultKeep *keep, VaultErasureValue *value, GError **error)
{
    g_auto(Search) search = search_of(keep, value);

    if ((value->flags & VAULT_ERASURE_READS_KNOWN) != 0)
        return TRUE;
    g_ptr_array_set_size(value->reads, 0);
    if (!vault_keyring_each(keep->keyring, VAULT_KEYRING_TOMBSTONES, note_dropped, &search,
                            error) ||
        !search_log(&search, error))
        return FALSE;
    value->flags |= VAULT_ERASURE_READS_KNOWN;
    return vault_erasure_put(keep, value, error);
}
