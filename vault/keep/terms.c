#include "vault/keep_terms.h"

#include "vault/keep/internal.h"
#include "vault/keep/liveness.h"

static VaultTermsEntry entry_of(const VaultCatalogArrival *copy, const MailboxId *mailbox_id)
{
    return (VaultTermsEntry){.terms_id = copy->terms_id,
                             .copy_id = copy->copy_id,
                             .body_id = copy->body_id,
                             .mailbox_id = *mailbox_id,
                             .month_key_id = copy->month_key_id,
                             .leaf = copy->leaf,
                             .received_s = copy->received_s,
                             .flags = copy->flags};
}

/* As in a list of copies: what was erased, or is of a month that the keyring does not have, belongs
 * to nobody. */
static gboolean append_live(VaultLiveness *liveness, const GArray *arrivals, GArray *page,
                            GError **error)
{
    for (guint i = 0; i < arrivals->len; i++) {
        const VaultCatalogArrival *copy = &g_array_index(arrivals, VaultCatalogArrival, i);
        VaultTermsEntry entry;
        MailboxId mailbox_id;
        VaultLife life;

        if (!vault_liveness_of_leaf(liveness, &copy->month_key_id, copy->leaf, &life, error))
            return FALSE;
        if (life.state != VAULT_LIFE_LIVE)
            continue;
        mailbox_id = vault_liveness_mailbox(liveness, &copy->month_key_id);
        entry = entry_of(copy, &mailbox_id);
        g_array_append_val(page, entry);
    }
    return TRUE;
}

gboolean vault_keep_terms(VaultKeep *keep, const VaultCopyFilter *filter,
                          VaultTermsPosition *position, gsize max, GArray *page,
                          gboolean *ret_is_more, GError **error)
{
    const VaultCatalogFilter catalog_filter = {
        .months = filter->month_count > 0 ? filter->months : NULL,
        .month_count = filter->month_count,
        .messages = filter->message_count > 0 ? filter->messages : NULL,
        .message_count = filter->message_count,
        .from_s = filter->from_s,
        .to_s = filter->to_s};
    VaultCatalogPosition at = {.mark = position->catalog_mark, .sequence = position->sequence};
    g_autoptr(GArray) arrivals = g_array_new(FALSE, FALSE, sizeof(VaultCatalogArrival));
    g_autoptr(VaultLiveness) liveness = vault_liveness_new(keep->keyring);

    vault_keep_catch_up(keep);
    if (!vault_catalog_arrivals(keep->reading, &catalog_filter, &at, max, arrivals, ret_is_more,
                                error) ||
        !append_live(liveness, arrivals, page, error))
        return FALSE;
    *position = (VaultTermsPosition){
        .catalog_mark = at.mark, .sequence = at.sequence, .is_anew = at.is_anew};
    return TRUE;
}
