#include "vault/act/approval.h"

void vault_approval_free(VaultApproval *approval)
{
    if (approval == NULL)
        return;
    g_free(approval->name);
    g_bytes_unref(approval->signature);
    g_free(approval);
}

GPtrArray *vault_approvals_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)vault_approval_free);
}

static const char *name_at(const GPtrArray *approvals, guint i)
{
    return ((const VaultApproval *)g_ptr_array_index(approvals, i))->name;
}

void vault_approvals_add(GPtrArray *approvals, const char *name, GBytes *signature)
{
    VaultApproval *approval = g_new0(VaultApproval, 1);
    guint at = 0;

    while (at < approvals->len && strcmp(name_at(approvals, at), name) < 0)
        at++;
    approval->name = g_strdup(name);
    approval->signature = g_bytes_ref(signature);
    if (at < approvals->len && g_str_equal(name_at(approvals, at), name))
        g_ptr_array_remove_index(approvals, at);
    g_ptr_array_insert(approvals, (gint)at, approval);
}

/* "approval: BASE64 NAME" */
static gboolean take_approval(VaultTextFile *file, GPtrArray *approvals, GError **error)
{
    g_autofree char *value = vault_text_file_take_text(
        file, "approval", VAULT_SSH_SIGNATURE_TEXT_LEN_MAX + 1 + VAULT_APPROVER_NAME_LEN_MAX,
        error);
    g_auto(GStrv) parts = NULL;
    g_autoptr(GBytes) signature = NULL;

    if (value == NULL || (parts = vault_text_file_split(file, value, 2, error)) == NULL)
        return FALSE;
    signature = vault_ssh_base64_parse(parts[0], VAULT_SSH_SIGNATURE_LEN_MAX, NULL);
    if (signature == NULL)
        return vault_text_file_refuse(file, error, "an approval is base64 and a name");
    if (!vault_text_is_readable(parts[1], VAULT_APPROVER_NAME_LEN_MAX))
        return vault_text_file_refuse(file, error, "the approval's name is too long");
    if (approvals->len > 0 && strcmp(name_at(approvals, approvals->len - 1), parts[1]) >= 0)
        return vault_text_file_refuse(file, error, "the approvals are not in order of name");
    vault_approvals_add(approvals, parts[1], signature);
    return TRUE;
}

gboolean vault_approvals_take(VaultTextFile *file, GPtrArray *approvals, GError **error)
{
    guint32 count;

    if (!vault_text_file_take_number(file, "approvals", VAULT_APPROVALS_MAX, &count, error))
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        if (!take_approval(file, approvals, error))
            return FALSE;
    }
    return TRUE;
}

void vault_approvals_append(GString *text, const GPtrArray *approvals)
{
    vault_text_append_number(text, "approvals", approvals->len);
    for (guint i = 0; i < approvals->len; i++) {
        const VaultApproval *approval = g_ptr_array_index(approvals, i);
        g_autofree char *base64 = g_base64_encode(g_bytes_get_data(approval->signature, NULL),
                                                  g_bytes_get_size(approval->signature));

        g_string_append_printf(text, "approval: %s %s\n", base64, approval->name);
    }
}

gsize vault_approvals_offset(const char *text, gsize len)
{
    static const char line[] = "\napprovals: ";
    const char *found = g_strrstr_len(text, (gssize)len, line);

    return found != NULL ? (gsize)(found + 1 - text) : len;
}
