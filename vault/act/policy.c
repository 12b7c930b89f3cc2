#include "vault/act/policy.h"

#include "vault/act/text_file.h"

static const char policy_type[] = "muniment-policy/1";

const char *vault_policy_initial_text(void)
{
    return "muniment-policy/1\n"
           "serial: 0\n"
           "approvals: 0\n";
}

gboolean vault_policy_serial(const char *text, gsize len, guint32 *ret_serial, GError **error)
{
    VaultTextFile file;

    return vault_text_file_begin(&file, text, len, policy_type, error) &&
           vault_text_file_take_number(&file, "serial", G_MAXUINT32, ret_serial, error);
}

gboolean vault_policy_approvals_needed(const char *text, guint *ret_count, GError **error)
{
    if (g_str_equal(text, vault_policy_initial_text())) {
        *ret_count = 0;
        return TRUE;
    }
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                        "the policy is not the initial one (serial 0), the only one that this "
                        "version understands; use a later version of muniment");
    return FALSE;
}
