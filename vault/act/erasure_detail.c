#include "vault/act/erasure_detail.h"

#include "vault/base/error.h"

#include <string.h>

static const char *reach_name(VaultAct act, VaultErasureReach reach)
{
    if (act == VAULT_ACT_SHRED)
        return reach == VAULT_ERASURE_REACH_ALL ? "mailbox" : "months";
    return reach == VAULT_ERASURE_REACH_ALL ? "everywhere" : "mailboxes";
}

char *vault_erasure_detail_format(VaultAct act, const VaultErasureDetail *detail)
{
    g_assert(act == VAULT_ACT_ERASE || act == VAULT_ACT_SHRED);
    return g_strconcat(reach_name(act, detail->reach), detail->skips_held ? " skip-held" : "",
                       detail->overrides_retention ? " override-retention" : "", NULL);
}

/* There are few: the one that is written so is meant. */
gboolean vault_erasure_detail_parse(VaultAct act, const char *text, VaultErasureDetail *ret_detail,
                                    GError **error)
{
    guint variants = act == VAULT_ACT_ERASE ? 8 : 4;

    g_assert(act == VAULT_ACT_ERASE || act == VAULT_ACT_SHRED);
    for (guint i = 0; i < variants; i++) {
        VaultErasureDetail detail = {.reach =
                                         i & 1 ? VAULT_ERASURE_REACH_PART : VAULT_ERASURE_REACH_ALL,
                                     .overrides_retention = (i & 2) != 0,
                                     .skips_held = (i & 4) != 0};
        g_autofree char *form = vault_erasure_detail_format(act, &detail);

        if (strcmp(form, text) != 0)
            continue;
        *ret_detail = detail;
        return TRUE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "the request's detail says nothing that can be done: write it with muniment %s "
                "--propose",
                act == VAULT_ACT_SHRED ? "shred" : "erase");
    return FALSE;
}
