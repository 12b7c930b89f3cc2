/* Writing a request in its one canonical form. */
#include "vault/act/request_file.h"
#include "vault/act/wrap_text.h"

static int compare_ids(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

static int compare_mailboxes(gconstpointer a, gconstpointer b)
{
    const VaultRequestMailbox *const *left = a, *const *right = b;

    return memcmp((*left)->id.bytes, (*right)->id.bytes, VAULT_ID_LEN);
}

static int compare_months(gconstpointer a, gconstpointer b)
{
    const VaultRequestMonth *const *left = a, *const *right = b;

    return (*left)->month < (*right)->month ? -1 : (*left)->month > (*right)->month;
}

static void sort(VaultRequestFile *request)
{
    g_array_sort(request->messages, compare_ids);
    g_ptr_array_sort(request->mailboxes, compare_mailboxes);
    for (guint i = 0; i < request->mailboxes->len; i++) {
        VaultRequestMailbox *mailbox = g_ptr_array_index(request->mailboxes, i);

        g_ptr_array_sort(mailbox->months, compare_months);
    }
}

static void append_month(GString *text, const VaultRequestMonth *month)
{
    g_string_append_printf(text, "key: %06u ", month->month);
    vault_text_append_hex(text, month->keys.content.bytes, VAULT_KEY_LEN);
    g_string_append_c(text, ' ');
    vault_text_append_hex(text, month->keys.index.bytes, VAULT_KEY_LEN);
    g_string_append_printf(text, " %u %s\n", month->wraps->len,
                           vault_text_of_address(month->address));
    for (guint i = 0; i < month->wraps->len; i++)
        vault_wrap_append(text, &g_array_index(month->wraps, VaultWrap, i));
}

static void append_mailbox(GString *text, const VaultRequestMailbox *mailbox)
{
    const char *address = vault_request_mailbox_address(mailbox);

    g_string_append_printf(text, "mailbox: %s %s\n", VAULT_ID_TEXT(mailbox->id),
                           vault_text_of_address(address != NULL ? address : ""));
    vault_text_append_number(text, "keys", mailbox->months->len);
    for (guint i = 0; i < mailbox->months->len; i++)
        append_month(text, g_ptr_array_index(mailbox->months, i));
}

static void append_policy(GString *text, const VaultRequestFile *request)
{
    g_auto(GStrv) lines = g_strsplit(request->policy, "\n", -1);
    guint count = g_strv_length(lines);

    /* The part after the last LF, which is empty where the policy ends as it must. */
    count -= count > 0 ? 1 : 0;
    vault_text_append_number(text, "policy-serial", request->policy_serial);
    vault_text_append_number(text, "policy-lines", count);
    for (guint i = 0; i < count; i++)
        vault_text_append(text, "policy", lines[i]);
}

char *vault_request_file_format(VaultRequestFile *request, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(VaultRequestFile) parsed = NULL;
    gboolean has_nonce = vault_request_file_has_nonce(request);

    sort(request);
    g_string_append_printf(text, "muniment-request/%d\n", has_nonce ? 2 : 1);
    vault_text_append(text, "act", vault_act_name(request->act));
    vault_text_append_hex_line(text, "vault", request->vault_id.bytes, VAULT_ID_LEN);
    if (has_nonce)
        vault_text_append_hex_line(text, "nonce", request->nonce, VAULT_REQUEST_NONCE_LEN);
    vault_text_append(text, "case", request->case_id);
    vault_text_append(text, "reason", request->reason);
    vault_text_append_time(text, "created", request->created_s);
    vault_text_append_time(text, "expires", request->expires_s);
    vault_text_append_time(text, "from", request->from_s);
    vault_text_append_time(text, "to", request->to_s);
    if (vault_act_is_granted(request->act)) {
        vault_text_append(text, "reader", request->reader_name);
        vault_text_append_hex_line(text, "reader-key", request->reader_key.bytes, VAULT_KEY_LEN);
    } else {
        vault_text_append(text, "detail", request->detail);
    }
    vault_text_append_messages(text, request->messages);
    vault_text_append_number(text, "mailboxes", request->mailboxes->len);
    for (guint i = 0; i < request->mailboxes->len; i++)
        append_mailbox(text, g_ptr_array_index(request->mailboxes, i));
    append_policy(text, request);
    vault_approvals_append(text, request->approvals);
    /* One judge of what a request may hold: the parser that everyone else reads it with. */
    parsed = vault_request_file_parse(text->str, text->len, error);
    return parsed != NULL ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}
