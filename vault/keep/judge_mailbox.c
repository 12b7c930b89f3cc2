#include "vault/keep/judge_mailbox.h"

#define DAY_S 86400

/* ---- holds ---------------------------------------------------------------------------------- */

static GHashTable *set_of_texts(const GPtrArray *texts)
{
    GHashTable *set = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < texts->len; i++)
        g_hash_table_add(set, g_ptr_array_index(texts, i));
    return set;
}

static GHashTable *set_of_ids(const GArray *ids)
{
    GHashTable *set = g_hash_table_new(vault_id_hash, vault_id_equal);

    for (guint i = 0; i < ids->len; i++)
        g_hash_table_add(set, ids->data + (gsize)i * VAULT_ID_LEN);
    return set;
}

VaultJudgedHold *vault_judged_hold_new(VaultHoldValue *hold)
{
    VaultJudgedHold *judged = g_new0(VaultJudgedHold, 1);

    judged->hold = hold;
    judged->addresses = set_of_texts(hold->addresses);
    judged->domains = set_of_texts(hold->domains);
    judged->mailboxes = set_of_ids(hold->mailboxes);
    judged->messages = hold->messages->len > 0 ? set_of_ids(hold->messages) : NULL;
    return judged;
}

void vault_judged_hold_free(VaultJudgedHold *hold)
{
    if (hold == NULL)
        return;
    g_hash_table_unref(hold->addresses);
    g_hash_table_unref(hold->domains);
    g_hash_table_unref(hold->mailboxes);
    g_clear_pointer(&hold->messages, g_hash_table_unref);
    vault_hold_value_free(hold->hold);
    g_free(hold);
}

/* NULL: it has none. */
static const char *domain_of(const char *address)
{
    const char *at = strrchr(address, '@');

    return at != NULL ? at + 1 : NULL;
}

gboolean vault_judged_hold_fits(const VaultJudgedHold *hold, const VaultMailboxValue *mailbox)
{
    if (hold->hold->is_all || g_hash_table_contains(hold->mailboxes, &mailbox->mailbox_id))
        return TRUE;
    for (guint i = 0; i < mailbox->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, i);
        const char *domain = domain_of(address->address);

        if (g_hash_table_contains(hold->addresses, address->address) ||
            (domain != NULL && g_hash_table_contains(hold->domains, domain)))
            return TRUE;
    }
    return FALSE;
}

/* ---- retention ------------------------------------------------------------------------------ */

static gboolean rule_fits(const VaultRetentionValue *rule, const VaultMailboxValue *mailbox)
{
    if (rule->scope == VAULT_RETENTION_DEFAULT)
        return TRUE;
    if (rule->scope == VAULT_RETENTION_MAILBOX &&
        strcmp(rule->name, VAULT_ID_TEXT(mailbox->mailbox_id)) == 0)
        return TRUE;
    for (guint i = 0; i < mailbox->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, i);
        const char *name =
            rule->scope == VAULT_RETENTION_MAILBOX ? address->address : domain_of(address->address);

        if (name != NULL && strcmp(rule->name, name) == 0)
            return TRUE;
    }
    return FALSE;
}

GPtrArray *vault_retention_rules_of(const GPtrArray *rules, const VaultMailboxValue *mailbox)
{
    GPtrArray *of_mailbox = g_ptr_array_new();
    VaultRetentionScope narrowest = VAULT_RETENTION_DEFAULT;

    for (guint i = 0; i < rules->len; i++) {
        VaultRetentionValue *rule = g_ptr_array_index(rules, i);

        if (rule->scope < narrowest || !rule_fits(rule, mailbox))
            continue;
        if (rule->scope > narrowest)
            g_ptr_array_set_size(of_mailbox, 0);
        narrowest = rule->scope;
        g_ptr_array_add(of_mailbox, rule);
    }
    return of_mailbox;
}

/* When the days of a rule begin; G_MAXUINT64: they have not. What comes after a mailbox was closed,
 * by import, is kept as long from then. */
static guint64 begin_of(const VaultRetentionValue *rule, const VaultMailboxValue *mailbox,
                        guint64 received_s)
{
    if (rule->basis == VAULT_RETENTION_FROM_RECEIPT)
        return received_s;
    return mailbox->state == VAULT_MAILBOX_OPEN ? G_MAXUINT64 : MAX(mailbox->closed_s, received_s);
}

static guint64 days_after(guint64 begin_s, guint32 days)
{
    guint64 add_s = (guint64)days * DAY_S;

    return begin_s > G_MAXUINT64 - add_s ? G_MAXUINT64 : begin_s + add_s;
}

guint64 vault_retention_kept_until(const VaultRetentionValue *rule,
                                   const VaultMailboxValue *mailbox, guint64 received_s)
{
    return rule->min_days == 0 ? 0
                               : days_after(begin_of(rule, mailbox, received_s), rule->min_days);
}

guint64 vault_retention_expires(const VaultRetentionValue *rule, const VaultMailboxValue *mailbox,
                                guint64 received_s)
{
    return rule->max_days == 0 ? G_MAXUINT64
                               : days_after(begin_of(rule, mailbox, received_s), rule->max_days);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static gboolean append_hold(const RowId *row_id, const GByteArray *value, gpointer user,
                            GError **error)
{
    VaultHoldValue *hold = vault_hold_value_parse(row_id, value->data, value->len, error);

    if (hold != NULL)
        g_ptr_array_add(user, hold);
    return hold != NULL;
}

GPtrArray *vault_holds_read(VaultKeyring *keyring, GError **error)
{
    g_autoptr(GPtrArray) holds =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_hold_value_free);

    if (!vault_keyring_each(keyring, VAULT_KEYRING_HOLDS, append_hold, holds, error))
        return NULL;
    return g_steal_pointer(&holds);
}

static gboolean append_rule(const RowId *row_id, const GByteArray *value, gpointer user,
                            GError **error)
{
    VaultRetentionValue *rule = vault_retention_value_parse(row_id, value->data, value->len, error);

    if (rule != NULL)
        g_ptr_array_add(user, rule);
    return rule != NULL;
}

GPtrArray *vault_retention_rules_read(VaultKeyring *keyring, GError **error)
{
    g_autoptr(GPtrArray) rules =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_retention_value_free);

    if (!vault_keyring_each(keyring, VAULT_KEYRING_RETENTION, append_rule, rules, error))
        return NULL;
    return g_steal_pointer(&rules);
}
