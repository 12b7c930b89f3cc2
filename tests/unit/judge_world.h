/* A vault with mailboxes, holds, rules and a policy put into its keyring directly, and judges over
 * it. */
#pragma once

#include "tests/unit/approval_world.h"

#include "tests/support/keep_fixture.h"
#include "vault/keep/internal.h"
#include "vault/keep/judge.h"
#include "vault/keep/judge_mailbox.h"

#define NOW KEEP_FIXTURE_NOW_S
#define DAY KEEP_FIXTURE_DAY_S
#define AFTERLIFE VAULT_HOLD_AFTERLIFE_S

static inline MailboxId judge_world_add_mailbox(KeepFixture *fixture, const char *address)
{
    g_autoptr(VaultMailboxValue) mailbox = vault_mailbox_value_new(address, NOW - 1000 * DAY);

    assert_true(vault_keyring_add_mailbox(fixture->keep->keyring, mailbox, NULL));
    return mailbox->mailbox_id;
}

static inline void judge_world_close_mailbox(KeepFixture *fixture, const MailboxId *id,
                                             guint64 closed_s)
{
    g_autoptr(VaultMailboxValue) mailbox =
        vault_keyring_get_mailbox(fixture->keep->keyring, id, NULL);

    assert_non_null(mailbox);
    mailbox->state = VAULT_MAILBOX_CLOSED;
    mailbox->closed_s = closed_s;
    for (guint i = 0; i < mailbox->addresses->len; i++)
        ((VaultMailboxAddress *)g_ptr_array_index(mailbox->addresses, i))->until_s = closed_s;
    assert_true(vault_keyring_update_mailbox(fixture->keep->keyring, mailbox, NULL));
}

/* In force, over nothing yet: the test adds a scope, then puts it. */
static inline VaultHoldValue *judge_world_hold(void)
{
    VaultHoldValue *hold = vault_hold_value_new();

    hold->created_s = NOW;
    hold->case_id = g_strdup("4711");
    hold->reason = g_strdup("a suit");
    return hold;
}

static inline void judge_world_put_hold(KeepFixture *fixture, const VaultHoldValue *hold)
{
    g_autoptr(GByteArray) value = vault_hold_value_format(hold);
    g_autoptr(GError) error = NULL;

    if (!vault_keyring_put(fixture->keep->keyring, VAULT_KEYRING_HOLDS, &hold->hold_id, value,
                           &error))
        fail_msg("%s", error->message);
}

static inline void judge_world_remove_hold(KeepFixture *fixture, VaultHoldValue *hold,
                                           guint64 removed_s)
{
    hold->removed_s = removed_s;
    g_free(hold->removed_reason);
    hold->removed_reason = g_strdup("it is over");
    judge_world_put_hold(fixture, hold);
}

static inline void judge_world_put_rule(KeepFixture *fixture, VaultRetentionScope scope,
                                        const char *name, VaultRetentionBasis basis,
                                        guint32 min_days, guint32 max_days)
{
    g_autoptr(VaultRetentionValue) rule = vault_retention_value_new(scope, name);
    g_autoptr(GByteArray) value = NULL;

    rule->basis = basis;
    rule->min_days = min_days;
    rule->max_days = max_days;
    value = vault_retention_value_format(rule);
    assert_true(vault_keyring_put(fixture->keep->keyring, VAULT_KEYRING_RETENTION, &rule->rule_id,
                                  value, NULL));
}

static inline VaultJudge *judge_world_judge(KeepFixture *fixture, const VaultJudgedAct *act)
{
    VaultJudgeOptions options = {.keyring = fixture->keep->keyring,
                                 .catalog = fixture->keep->reading,
                                 .clock = &fixture->keep->clock};
    g_autoptr(GError) error = NULL;
    VaultJudge *judge;

    options.act = act != NULL ? *act : (VaultJudgedAct){.act = VAULT_ACT_ERASE};
    judge = vault_judge_new(&options, &error);
    if (judge == NULL)
        fail_msg("%s", error->message);
    return judge;
}

static inline VaultVerdict judge_world_copy(VaultJudge *judge, const MailboxId *mailbox,
                                            const RecordId *message, guint64 received_s)
{
    VaultJudgedCopy copy = {.mailbox_id = *mailbox, .received_s = received_s};
    VaultVerdict verdict;

    if (message != NULL)
        copy.archive_id = *message;
    assert_true(vault_judge_copy(judge, &copy, &verdict, NULL));
    return verdict;
}

static inline VaultVerdict judge_world_span(VaultJudge *judge, const MailboxId *mailbox,
                                            guint64 from_s, guint64 to_s)
{
    VaultVerdict verdict;
    g_autoptr(GError) error = NULL;

    if (!vault_judge_span(judge, mailbox, from_s, to_s, &verdict, &error))
        fail_msg("%s", error->message);
    return verdict;
}
