#include "vault/act/result_file.h"

#include "vault/act/text_file.h"

VaultResultFile *vault_result_file_new(void)
{
    VaultResultFile *result = g_new0(VaultResultFile, 1);

    result->messages = g_array_new(FALSE, FALSE, sizeof(RecordId));
    return result;
}

void vault_result_file_free(VaultResultFile *result)
{
    if (result == NULL)
        return;
    g_free(result->scope);
    g_array_unref(result->messages);
    g_clear_pointer(&result->hashes, g_array_unref);
    g_free(result);
}

void vault_result_file_add(VaultResultFile *result, const RecordId *id, const VaultHash *hash)
{
    if (result->hashes == NULL)
        result->hashes = g_array_new(FALSE, FALSE, sizeof(VaultHash));
    g_array_append_vals(result->messages, id, 1);
    g_array_append_vals(result->hashes, hash, 1);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Decimal, without sign or leading zeros. */
static gboolean parse_index(const char *text, guint64 *ret_index)
{
    return (*text != '0' || text[1] == '\0') &&
           g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, ret_index, NULL);
}

static gboolean take_log(VaultTextFile *file, VaultResultFile *result, GError **error)
{
    g_autofree char *value = vault_text_file_take_text(file, "log", 20, error);

    if (value == NULL)
        return FALSE;
    return parse_index(value, &result->log_index) ||
           vault_text_file_refuse(file, error, "\"log\" is not a plain number");
}

static gboolean take_message(VaultTextFile *file, VaultResultFile *result, GError **error)
{
    g_autofree char *value =
        vault_text_file_take(file, "message", VAULT_ID_HEX_LEN + 1 + 2 * VAULT_HASH_LEN, error);
    g_auto(GStrv) parts = value == NULL ? NULL : vault_text_file_split(file, value, 2, error);
    guint count = result->messages->len;
    RecordId id;
    VaultHash hash;

    if (parts == NULL ||
        !vault_text_file_hex(file, "message", parts[0], id.bytes, VAULT_ID_LEN, error) ||
        !vault_text_file_hex(file, "hash", parts[1], hash.bytes, VAULT_HASH_LEN, error))
        return FALSE;
    if (count > 0 && memcmp(id.bytes, g_array_index(result->messages, RecordId, count - 1).bytes,
                            VAULT_ID_LEN) <= 0)
        return vault_text_file_refuse(file, error, "the messages are not in order of id");
    vault_result_file_add(result, &id, &hash);
    return TRUE;
}

static gboolean take_hashed_messages(VaultTextFile *file, VaultResultFile *result, GError **error)
{
    guint32 count;

    if (!vault_text_file_take_number(file, "messages", VAULT_RESULT_MESSAGES_MAX, &count, error))
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        if (!take_message(file, result, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean take_search(VaultTextFile *file, VaultResultFile *result, GError **error)
{
    result->scope = vault_text_file_take_text(file, "query", VAULT_RESULT_QUERY_LEN_MAX, error);
    return result->scope != NULL &&
           vault_text_file_take_time(file, "created", &result->created_s, error) &&
           take_log(file, result, error) && take_hashed_messages(file, result, error);
}

static gboolean take_list(VaultTextFile *file, VaultResultFile *result, GError **error)
{
    result->scope = vault_text_file_take_text(file, "scope", VAULT_RESULT_SCOPE_LEN_MAX, error);
    return result->scope != NULL &&
           vault_text_file_take_time(file, "created", &result->created_s, error) &&
           vault_text_file_take_messages(file, VAULT_RESULT_MESSAGES_MAX, result->messages, error);
}

static gboolean take_all(VaultTextFile *file, VaultResultFile *result, GError **error)
{
    gboolean is_search = g_str_equal(file->type, VAULT_RESULT_SEARCH_TYPE);

    if (!vault_text_file_take_hex(file, "vault", result->vault_id.bytes, VAULT_ID_LEN, error) ||
        !(is_search ? take_search(file, result, error) : take_list(file, result, error)))
        return FALSE;
    if (result->messages->len == 0)
        return vault_text_file_refuse(file, error, "it names no message");
    return vault_text_file_finish(file, error);
}

static const char *type_of(const char *text, gsize len)
{
    gsize type_len = strlen(VAULT_RESULT_SEARCH_TYPE);

    return len > type_len && memcmp(text, VAULT_RESULT_SEARCH_TYPE "\n", type_len + 1) == 0
               ? VAULT_RESULT_SEARCH_TYPE
               : VAULT_RESULT_TYPE;
}

VaultResultFile *vault_result_file_parse(const char *text, gsize len, GError **error)
{
    g_autoptr(VaultResultFile) result = vault_result_file_new();
    VaultTextFile file;

    if (len > VAULT_RESULT_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "a result file has at most %u bytes",
                    VAULT_RESULT_LEN_MAX);
        return NULL;
    }
    if (!vault_text_file_begin(&file, text, len, type_of(text, len), error) ||
        !take_all(&file, result, error))
        return NULL;
    return g_steal_pointer(&result);
}

/* ---- writing --------------------------------------------------------------------------------- */

static gint compare_ids(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

static void sort_ids(GArray *ids)
{
    guint kept = 0;

    g_array_sort(ids, compare_ids);
    for (guint i = 0; i < ids->len; i++) {
        RecordId id = g_array_index(ids, RecordId, i);

        if (kept == 0 || !VAULT_ID_EQUAL(g_array_index(ids, RecordId, kept - 1), id))
            g_array_index(ids, RecordId, kept++) = id;
    }
    g_array_set_size(ids, kept);
}

typedef struct {
    RecordId id;
    VaultHash hash;
} HashedMessage;

static void sort_hashed(VaultResultFile *result)
{
    g_autoptr(GArray) both = g_array_new(FALSE, FALSE, sizeof(HashedMessage));

    for (guint i = 0; i < result->messages->len; i++) {
        HashedMessage message = {.id = g_array_index(result->messages, RecordId, i),
                                 .hash = g_array_index(result->hashes, VaultHash, i)};

        g_array_append_val(both, message);
    }
    g_array_sort(both, compare_ids);
    g_array_set_size(result->messages, 0);
    g_array_set_size(result->hashes, 0);
    for (guint i = 0; i < both->len; i++) {
        const HashedMessage *message = &g_array_index(both, HashedMessage, i);

        if (i == 0 || !VAULT_ID_EQUAL(message[-1].id, message->id))
            vault_result_file_add(result, &message->id, &message->hash);
    }
}

static void append_hashed(GString *text, const VaultResultFile *result)
{
    vault_text_append_number(text, "messages", result->messages->len);
    for (guint i = 0; i < result->messages->len; i++) {
        const VaultHash *hash = &g_array_index(result->hashes, VaultHash, i);

        g_string_append_printf(text, "message: %s ",
                               VAULT_ID_TEXT(g_array_index(result->messages, RecordId, i)));
        for (gsize at = 0; at < VAULT_HASH_LEN; at++)
            g_string_append_printf(text, "%02x", hash->bytes[at]);
        g_string_append_c(text, '\n');
    }
}

char *vault_result_file_format(VaultResultFile *result, GError **error)
{
    gboolean is_search = result->hashes != NULL;
    g_autoptr(GString) text =
        g_string_new(is_search ? VAULT_RESULT_SEARCH_TYPE "\n" : VAULT_RESULT_TYPE "\n");
    g_autoptr(VaultResultFile) again = NULL;

    if (is_search)
        sort_hashed(result);
    else
        sort_ids(result->messages);
    vault_text_append_hex_line(text, "vault", result->vault_id.bytes, VAULT_ID_LEN);
    vault_text_append(text, is_search ? "query" : "scope", result->scope);
    vault_text_append_time(text, "created", result->created_s);
    if (is_search) {
        g_string_append_printf(text, "log: %" G_GUINT64_FORMAT "\n", result->log_index);
        append_hashed(text, result);
    } else {
        vault_text_append_messages(text, result->messages);
    }
    again = vault_result_file_parse(text->str, text->len, error);
    return again == NULL ? NULL : g_string_free(g_steal_pointer(&text), FALSE);
}
