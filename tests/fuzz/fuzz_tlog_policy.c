/* Trust policies: formatting what parses and parsing it again is the same policy; and one with a
 * quorum of witnesses is never met by a note that nobody signed. */
#include "vault/log/tlog_policy.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static const char text[] = "log\n1\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultTlogPolicy) policy = NULL;
    g_autoptr(VaultTlogPolicy) second = NULL;
    g_autoptr(VaultNote) note = NULL;
    g_autofree char *formatted = NULL;
    g_autofree char *again = NULL;

    vault_crypto_init();
    policy = vault_tlog_policy_parse((const char *)data, size, &error);
    g_assert((policy == NULL) == (error != NULL));
    if (policy == NULL)
        return 0;
    formatted = vault_tlog_policy_format(policy);
    second = vault_tlog_policy_parse(formatted, strlen(formatted), NULL);
    g_assert(second != NULL);
    again = vault_tlog_policy_format(second);
    g_assert_cmpstr(again, ==, formatted);
    note = vault_note_new(text);
    g_assert(vault_tlog_policy_check(policy, note, NULL) == NULL);
    return 0;
}
