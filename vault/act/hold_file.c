#include "vault/act/hold_file.h"

#include "vault/act/request_file.h"

static const char type[] = "muniment-hold/1";

VaultHoldFile *vault_hold_file_new(void)
{
    VaultHoldFile *hold = g_new0(VaultHoldFile, 1);

    hold->to_s = VAULT_TEXT_TIME_END_S - 1;
    hold->mailboxes = g_ptr_array_new_with_free_func(g_free);
    hold->domains = g_ptr_array_new_with_free_func(g_free);
    hold->messages = g_array_new(FALSE, FALSE, sizeof(RecordId));
    return hold;
}

void vault_hold_file_free(VaultHoldFile *hold)
{
    if (hold == NULL)
        return;
    g_free(hold->case_id);
    g_free(hold->reason);
    g_ptr_array_unref(hold->mailboxes);
    g_ptr_array_unref(hold->domains);
    g_array_unref(hold->messages);
    g_free(hold);
}

/* ---- parse ---------------------------------------------------------------------------------- */

static gboolean take_yes_or_no(VaultTextFile *file, const char *name, gboolean *ret_is_yes,
                               GError **error)
{
    g_autofree char *value = vault_text_file_take(file, name, 3, error);

    if (value == NULL)
        return FALSE;
    *ret_is_yes = g_str_equal(value, "yes");
    return *ret_is_yes || g_str_equal(value, "no") ||
           vault_text_file_refuse(file, error, "\"%s\" is yes or no", name);
}

static gboolean take_until(VaultTextFile *file, VaultHoldFile *hold, GError **error)
{
    gboolean has_end;

    if (!take_yes_or_no(file, "ends", &has_end, error))
        return FALSE;
    if (!has_end)
        return TRUE;
    if (!vault_text_file_take_time(file, "until", &hold->until_s, error))
        return FALSE;
    return hold->until_s > 0 || vault_text_file_refuse(file, error, "it ends before it begins");
}

static gboolean take_names(VaultTextFile *file, const char *list, const char *item, guint32 max,
                           GPtrArray *names, GError **error)
{
    guint32 count;

    if (!vault_text_file_take_number(file, list, max, &count, error))
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        char *name = vault_text_file_take_text(file, item, VAULT_ADDRESS_LEN_MAX, error);

        if (name == NULL)
            return FALSE;
        g_ptr_array_add(names, name);
    }
    return TRUE;
}

static gboolean take_scope(VaultTextFile *file, VaultHoldFile *hold, GError **error)
{
    if (!take_yes_or_no(file, "all", &hold->is_all, error) ||
        !take_names(file, "mailboxes", "mailbox", VAULT_HOLD_FILE_NAMES_MAX, hold->mailboxes,
                    error) ||
        !take_names(file, "domains", "domain", VAULT_HOLD_FILE_DOMAINS_MAX, hold->domains, error))
        return FALSE;
    if (hold->is_all == (hold->mailboxes->len > 0 || hold->domains->len > 0))
        return vault_text_file_refuse(file, error, "it covers no mailbox, or all and some");
    return vault_text_file_take_messages(file, VAULT_HOLD_FILE_MESSAGES_MAX, hold->messages, error);
}

VaultHoldFile *vault_hold_file_parse(const char *text, gsize len, GError **error)
{
    g_autoptr(VaultHoldFile) hold = vault_hold_file_new();
    VaultTextFile file;

    if (len > VAULT_HOLD_FILE_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "what a hold covers takes over %u bytes: make several holds",
                    VAULT_HOLD_FILE_LEN_MAX);
        return NULL;
    }
    if (!vault_text_file_begin(&file, text, len, type, error))
        return NULL;
    hold->case_id = vault_text_file_take_text(&file, "case", VAULT_REQUEST_CASE_LEN_MAX, error);
    if (hold->case_id == NULL)
        return NULL;
    hold->reason = vault_text_file_take_text(&file, "reason", VAULT_REQUEST_REASON_LEN_MAX, error);
    if (hold->reason == NULL ||
        !vault_text_file_take_period(&file, &hold->from_s, &hold->to_s, error) ||
        !take_until(&file, hold, error) ||
        !take_yes_or_no(&file, "expected", &hold->is_expected, error) ||
        !take_scope(&file, hold, error) || !vault_text_file_finish(&file, error))
        return NULL;
    return g_steal_pointer(&hold);
}

/* ---- format --------------------------------------------------------------------------------- */

static gint compare_ids(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

static void sort_messages(GArray *messages)
{
    g_array_sort(messages, compare_ids);
    for (guint i = messages->len; i > 1; i--) {
        if (VAULT_ID_EQUAL(g_array_index(messages, RecordId, i - 1),
                           g_array_index(messages, RecordId, i - 2)))
            g_array_remove_index(messages, i - 1);
    }
}

static void append_names(GString *text, const char *list, const char *item, const GPtrArray *names)
{
    vault_text_append_number(text, list, names->len);
    for (guint i = 0; i < names->len; i++)
        vault_text_append(text, item, g_ptr_array_index(names, i));
}

char *vault_hold_file_format(VaultHoldFile *hold, GError **error)
{
    g_autoptr(GString) text = g_string_new(type);
    g_autoptr(VaultHoldFile) again = NULL;

    sort_messages(hold->messages);
    g_string_append_c(text, '\n');
    vault_text_append(text, "case", hold->case_id);
    vault_text_append(text, "reason", hold->reason);
    vault_text_append_time(text, "from", hold->from_s);
    vault_text_append_time(text, "to", hold->to_s);
    vault_text_append(text, "ends", hold->until_s != 0 ? "yes" : "no");
    if (hold->until_s != 0)
        vault_text_append_time(text, "until", hold->until_s);
    vault_text_append(text, "expected", hold->is_expected ? "yes" : "no");
    vault_text_append(text, "all", hold->is_all ? "yes" : "no");
    append_names(text, "mailboxes", "mailbox", hold->mailboxes);
    append_names(text, "domains", "domain", hold->domains);
    vault_text_append_messages(text, hold->messages);
    again = vault_hold_file_parse(text->str, text->len, error);
    return again != NULL ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}
