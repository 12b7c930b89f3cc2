/* One sample of a hold and of a retention rule, always the same: the vectors of
 * docs/formats/keyring.md, and the seeds of fuzz_holds. */
#pragma once

#include "tests/unit/values_world.h"

#include "vault/store/hold_value.h"
#include "vault/store/retention_value.h"

static inline VaultHoldValue *sample_hold_new(void)
{
    VaultHoldValue *hold = vault_hold_value_new();
    MailboxId mailbox;
    RecordId message;

    sample_fill(&hold->hold_id, 0xa1, VAULT_ID_LEN);
    sample_fill(&mailbox, 0xa2, VAULT_ID_LEN);
    sample_fill(&message, 0xa3, VAULT_ID_LEN);
    hold->created_s = SAMPLE_S;
    hold->from_s = SAMPLE_S - 3600;
    hold->to_s = SAMPLE_S + 3600;
    hold->until_s = SAMPLE_S + 7200;
    hold->removed_s = SAMPLE_S + 60;
    hold->case_id = g_strdup("4711");
    hold->reason = g_strdup("suit");
    g_free(hold->removed_reason);
    hold->removed_reason = g_strdup("won");
    g_ptr_array_add(hold->addresses, g_strdup("a@b.example"));
    g_ptr_array_add(hold->domains, g_strdup("c.example"));
    g_array_append_val(hold->mailboxes, mailbox);
    g_array_append_val(hold->messages, message);
    return hold;
}

static inline GByteArray *sample_hold(void)
{
    g_autoptr(VaultHoldValue) hold = sample_hold_new();

    return vault_hold_value_format(hold);
}

static inline GByteArray *sample_retention(void)
{
    g_autoptr(VaultRetentionValue) rule =
        vault_retention_value_new(VAULT_RETENTION_DOMAIN, "b.example");

    rule->basis = VAULT_RETENTION_FROM_CLOSING;
    rule->min_days = 2192;
    rule->max_days = 3653;
    rule->set_s = SAMPLE_S;
    return vault_retention_value_format(rule);
}
