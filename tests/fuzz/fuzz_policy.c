/* Policies: whatever has the form is formatted again to the very same bytes, is safe to count by,
 * and only a valid signature makes a signed one of it. */
#include "vault/act/policy.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    gsize signed_len = 0;
    g_autoptr(VaultPolicy) form =
        vault_policy_parse_form((const char *)data, size, &signed_len, &error);
    g_autoptr(VaultPolicy) policy = vault_policy_parse((const char *)data, size, NULL);
    g_autofree char *again = NULL;
    guint32 serial;

    g_assert((form == NULL) == (error != NULL));
    if (form == NULL) {
        g_assert(policy == NULL);
        return 0;
    }
    g_assert(policy != NULL || form->is_signed);
    g_assert(form->is_signed == (signed_len < size));
    g_assert(vault_policy_serial((const char *)data, size, &serial, NULL));
    g_assert(serial == form->serial);
    again = vault_policy_format(form, NULL);
    g_assert(again != NULL && strlen(again) == size && memcmp(again, data, size) == 0);
    for (VaultAct act = VAULT_ACT_SEARCH; act < VAULT_ACT_COUNTED_END; act++)
        g_assert(form->needed[act] <= form->approvers->len);
    return 0;
}
