#include "vault/keep/internal.h"

/* So long before a month begins its keys are made; so many mailboxes in one transaction. */
#define PREPARE_AHEAD_S (3 * 86400)
#define PREPARE_BATCH 64

void vault_mailbox_free(VaultMailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    g_free(mailbox->address);
    g_ptr_array_unref(mailbox->addresses);
    g_free(mailbox);
}

void vault_month_keys_free(VaultMonthKeys *month)
{
    if (month == NULL)
        return;
    g_free(month->address);
    if (month->wraps != NULL)
        g_array_unref(month->wraps);
    g_free(month);
}

/* ---- masters -------------------------------------------------------------------------------- */

static gboolean append_master(const RowId *row_id, const GByteArray *value, gpointer user,
                              GError **error)
{
    GArray *masters = user;
    VaultMasterValue master;

    if (!vault_master_value_parse(value->data, value->len, &master, error))
        return FALSE;
    if (master.state == VAULT_MASTER_ACTIVE)
        g_array_append_val(masters, master.master);
    return TRUE;
}

GArray *vault_keep_masters(VaultKeep *keep, GError **error)
{
    g_autoptr(GArray) masters = g_array_new(FALSE, TRUE, sizeof(MasterPublic));

    if (!vault_keyring_each(keep->keyring, VAULT_KEYRING_MASTERS, append_master, masters, error))
        return NULL;
    return g_steal_pointer(&masters);
}

/* ---- list and find -------------------------------------------------------------------------- */

static gboolean append_mailbox(const VaultMailboxValue *value, gpointer user, GError **error)
{
    GPtrArray *mailboxes = user;
    VaultMailbox *mailbox = g_new0(VaultMailbox, 1);

    mailbox->id = value->mailbox_id;
    mailbox->address = g_strdup(vault_mailbox_value_primary(value));
    mailbox->addresses = g_ptr_array_ref(value->addresses);
    mailbox->created_s = value->created_s;
    mailbox->closed_s = value->closed_s;
    g_ptr_array_add(mailboxes, mailbox);
    return TRUE;
}

static gboolean append_open_mailbox(const VaultMailboxValue *value, gpointer user, GError **error)
{
    return value->state != VAULT_MAILBOX_OPEN || append_mailbox(value, user, error);
}

static gint compare_mailboxes(gconstpointer a, gconstpointer b)
{
    const VaultMailbox *left = *(VaultMailbox *const *)a;
    const VaultMailbox *right = *(VaultMailbox *const *)b;

    if (left->address == NULL || right->address == NULL)
        return (left->address == NULL) - (right->address == NULL);
    return strcmp(left->address, right->address);
}

typedef struct {
    VaultKeep *keep;
    GHashTable *by_id; /* MailboxId -> VaultMailbox */
} Counting;

static gboolean count_month(const VaultMonthValue *month, gpointer user, GError **error)
{
    Counting *counting = user;
    VaultMailbox *mailbox = g_hash_table_lookup(counting->by_id, &month->mailbox_id);
    guint64 count, last_s;

    if (mailbox == NULL)
        return TRUE;
    if (!vault_catalog_month_totals(counting->keep->reading, &month->month_key_id, &count, &last_s,
                                    error))
        return FALSE;
    mailbox->message_count += count;
    mailbox->last_received_s = MAX(mailbox->last_received_s, last_s);
    return TRUE;
}

static gboolean count_messages(VaultKeep *keep, GPtrArray *mailboxes, GError **error)
{
    g_autoptr(GHashTable) by_id = g_hash_table_new(vault_id_hash, vault_id_equal);
    Counting counting = {.keep = keep, .by_id = by_id};

    for (guint i = 0; i < mailboxes->len; i++) {
        VaultMailbox *mailbox = g_ptr_array_index(mailboxes, i);

        g_hash_table_insert(by_id, &mailbox->id, mailbox);
    }
    vault_keep_catch_up(keep);
    return vault_keyring_each_month(keep->keyring, NULL, count_month, &counting, error);
}

GPtrArray *vault_keep_mailboxes(VaultKeep *keep, VaultMailboxDetail detail, GError **error)
{
    g_autoptr(GPtrArray) mailboxes =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_mailbox_free);

    if (!vault_keyring_each_mailbox(keep->keyring, append_mailbox, mailboxes, error))
        return NULL;
    if (detail == VAULT_MAILBOX_COUNTS && !count_messages(keep, mailboxes, error))
        return NULL;
    g_ptr_array_sort(mailboxes, compare_mailboxes);
    return g_steal_pointer(&mailboxes);
}

typedef struct {
    const char *name;
    MailboxId id;
    gboolean has_id; /* the name reads as an id */
    MailboxId found;
    guint rank; /* of the find: open before closed */
} Finding;

static gboolean bears_name(const VaultMailboxValue *mailbox, const Finding *finding)
{
    if (finding->has_id && VAULT_ID_EQUAL(mailbox->mailbox_id, finding->id))
        return TRUE;
    if (mailbox->kind == VAULT_MAILBOX_UNASSIGNED)
        return strcmp(finding->name, "unassigned") == 0;
    for (guint i = 0; i < mailbox->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, i);

        if (address->until_s == 0 && strcmp(address->address, finding->name) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean match_mailbox(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    Finding *finding = user;
    guint rank = mailbox->state == VAULT_MAILBOX_OPEN ? 2 : 1;

    if (rank > finding->rank && bears_name(mailbox, finding)) {
        finding->found = mailbox->mailbox_id;
        finding->rank = rank;
    }
    return TRUE;
}

gboolean vault_keep_find_mailbox(VaultKeep *keep, const char *name, MailboxId *ret_id,
                                 GError **error)
{
    Finding finding = {.name = name};

    finding.has_id = vault_id_parse(name, finding.id.bytes, NULL);
    if (!vault_keyring_each_mailbox(keep->keyring, match_mailbox, &finding, error))
        return FALSE;
    *ret_id = finding.found;
    if (finding.rank > 0)
        return TRUE;
    /* Without the name: errors carry no address. */
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                        "no such mailbox: muniment mailbox list shows all");
    return FALSE;
}

/* ---- months --------------------------------------------------------------------------------- */

typedef struct {
    GPtrArray *months;
    guint64 from_s, to_s;
} MonthRange;

static gboolean append_month(const VaultMonthValue *value, gpointer user, GError **error)
{
    MonthRange *range = user;
    VaultMonthKeys *month;

    if (!vault_month_overlaps(value->month, range->from_s, range->to_s))
        return TRUE;
    month = g_new0(VaultMonthKeys, 1);
    month->mailbox_id = value->mailbox_id;
    month->address = g_strdup(value->address);
    month->month = value->month;
    month->keys = value->keys;
    month->month_key_id = value->month_key_id;
    month->wraps = g_array_ref(value->wraps);
    g_ptr_array_add(range->months, month);
    return TRUE;
}

GPtrArray *vault_keep_months(VaultKeep *keep, const MailboxId *mailboxes, gsize count,
                             guint64 from_s, guint64 to_s, GError **error)
{
    g_autoptr(GPtrArray) months =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_keys_free);
    MonthRange range = {.months = months, .from_s = from_s, .to_s = to_s};

    for (gsize i = 0; i < count; i++)
        if (!vault_keyring_each_month(keep->keyring, &mailboxes[i], append_month, &range, error))
            return NULL;
    return g_steal_pointer(&months);
}

/* ---- next month's keys ---------------------------------------------------------------------- */

typedef struct {
    VaultKeep *keep;
    VaultMonth current, next;
    gboolean is_in_use;   /* got mail under this month's keys */
    gboolean is_prepared; /* has keys of the next */
} Usage;

static gboolean note_usage(const VaultMonthValue *month, gpointer user, GError **error)
{
    Usage *usage = user;
    guint64 leaf_end;

    usage->is_prepared = usage->is_prepared || month->month == usage->next;
    if (month->month != usage->current)
        return TRUE;
    if (!vault_catalog_leaf_end(usage->keep->reading, &month->month_key_id, &leaf_end, error))
        return FALSE;
    usage->is_in_use = usage->is_in_use || leaf_end > 0;
    return TRUE;
}

static gboolean add_months_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    const GPtrArray *months = user;

    for (guint i = 0; i < months->len; i++)
        if (!vault_keyring_add_month(keyring, g_ptr_array_index(months, i), error))
            return FALSE;
    return TRUE;
}

static gboolean write_prepared(VaultKeep *keep, GPtrArray *months, guint *ret_made, GError **error)
{
    if (months->len == 0)
        return TRUE;
    if (!vault_keyring_batch_run(keep->batch, add_months_job, months, error))
        return FALSE;
    for (guint i = 0; i < months->len; i++)
        vault_open_months_adopt(keep->months, g_ptr_array_index(months, i));
    *ret_made += months->len;
    g_ptr_array_set_size(months, 0);
    return TRUE;
}

/* Adds the next month of the mailbox to `months` when it is in use and has none. Mailbox by
 * mailbox, so that mail which needs the keyring meanwhile does not wait for a walk over all months.
 */
static gboolean prepare_mailbox(VaultKeep *keep, const VaultMailbox *mailbox, Usage usage,
                                guint64 now_s, GPtrArray *months, GError **error)
{
    VaultMonthValue *month;

    if (!vault_keyring_each_month(keep->keyring, &mailbox->id, note_usage, &usage, error))
        return FALSE;
    /* The unassigned mailbox takes mail when no key can be made: it has one before. */
    if (usage.is_prepared || (!usage.is_in_use && mailbox->address != NULL))
        return TRUE;
    month = vault_open_months_make(keep->months, &mailbox->id, mailbox->address, usage.next, now_s,
                                   error);
    if (month == NULL)
        return FALSE;
    g_ptr_array_add(months, month);
    return TRUE;
}

static gboolean prepare_all(VaultKeep *keep, VaultMonth current, guint64 now_s, guint *ret_made,
                            GError **error)
{
    g_autoptr(GPtrArray) mailboxes =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_mailbox_free);
    g_autoptr(GPtrArray) months =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_value_free);
    Usage usage = {.keep = keep, .current = current, .next = vault_month_next(current)};
    G_GNUC_UNUSED g_autoptr(GRWLockReaderLocker) making =
        g_rw_lock_reader_locker_new(vault_recipients_lock(keep->recipients));

    vault_keep_catch_up(keep);
    if (!vault_keyring_each_mailbox(keep->keyring, append_open_mailbox, mailboxes, error))
        return FALSE;
    for (guint i = 0; i < mailboxes->len; i++)
        if (!prepare_mailbox(keep, g_ptr_array_index(mailboxes, i), usage, now_s, months, error) ||
            (months->len == PREPARE_BATCH && !write_prepared(keep, months, ret_made, error)))
            return FALSE;
    return write_prepared(keep, months, ret_made, error);
}

gboolean vault_keep_prepare_next_month(VaultKeep *keep, guint64 now_s, guint *ret_made,
                                       GError **error)
{
    VaultMonth current = vault_month_of_time(now_s), next;
    guint64 good_s;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    *ret_made = 0;
    if (current >= VAULT_MONTH_MAX ||
        vault_clock_judge(&keep->clock, now_s, &good_s) == VAULT_CLOCK_UNSURE)
        return TRUE;
    next = vault_month_next(current);
    if (now_s + PREPARE_AHEAD_S < vault_month_start(next) ||
        g_atomic_int_get((gint *)&keep->prepared_month) == (gint)next)
        return TRUE;
    if (!prepare_all(keep, current, now_s, ret_made, error))
        return FALSE;
    g_atomic_int_set((gint *)&keep->prepared_month, (gint)next);
    return TRUE;
}
