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
    g_free(result);
}

static gboolean take_all(VaultTextFile *file, VaultResultFile *result, GError **error)
{
    if (!vault_text_file_take_hex(file, "vault", result->vault_id.bytes, VAULT_ID_LEN, error))
        return FALSE;
    result->scope = vault_text_file_take_text(file, "scope", VAULT_RESULT_SCOPE_LEN_MAX, error);
    if (result->scope == NULL ||
        !vault_text_file_take_time(file, "created", &result->created_s, error) ||
        !vault_text_file_take_messages(file, VAULT_RESULT_MESSAGES_MAX, result->messages, error))
        return FALSE;
    if (result->messages->len == 0)
        return vault_text_file_refuse(file, error, "it names no message");
    return vault_text_file_finish(file, error);
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
    if (!vault_text_file_begin(&file, text, len, VAULT_RESULT_TYPE, error) ||
        !take_all(&file, result, error))
        return NULL;
    return g_steal_pointer(&result);
}

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

char *vault_result_file_format(VaultResultFile *result, GError **error)
{
    g_autoptr(GString) text = g_string_new(VAULT_RESULT_TYPE "\n");
    g_autoptr(VaultResultFile) again = NULL;

    sort_ids(result->messages);
    vault_text_append_hex_line(text, "vault", result->vault_id.bytes, VAULT_ID_LEN);
    vault_text_append(text, "scope", result->scope);
    vault_text_append_time(text, "created", result->created_s);
    vault_text_append_messages(text, result->messages);
    again = vault_result_file_parse(text->str, text->len, error);
    return again == NULL ? NULL : g_string_free(g_steal_pointer(&text), FALSE);
}
