/* Standing readers as commands ask about them: who they are, which months they have. */
#include "vault/keep/internal.h"

static gboolean append_reader(const RowId *row_id, const GByteArray *value, gpointer user,
                              GError **error)
{
    VaultReaderValue *reader = vault_reader_value_parse(value->data, value->len, error);

    if (reader != NULL)
        g_ptr_array_add(user, reader);
    return reader != NULL;
}

GPtrArray *vault_keep_readers(VaultKeep *keep, GError **error)
{
    g_autoptr(GPtrArray) readers =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_reader_value_free);

    if (!vault_keyring_each(keep->keyring, VAULT_KEYRING_READERS, append_reader, readers, error))
        return NULL;
    return g_steal_pointer(&readers);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

/* ---- months that he has --------------------------------------------------------------------- */

typedef struct {
    const VaultRequestFile *request;
    KeyId reader;
    GPtrArray *months; /* VaultMonthKeys, of one mailbox */
} Wrapped;

static gboolean append_wrapped(const VaultMonthValue *value, gpointer user, GError **error)
{
    Wrapped *wrapped = user;
    const VaultWrap *wrap =
        vault_month_value_wrap(value, VAULT_WRAP_STANDING_READER, &wrapped->reader);
    VaultMonthKeys *month;

    if (wrap == NULL || !vault_request_month_overlaps(wrapped->request, value->month))
        return TRUE;
    month = g_new0(VaultMonthKeys, 1);
    month->mailbox_id = value->mailbox_id;
    month->address = g_strdup(value->address);
    month->month = value->month;
    month->keys = value->keys;
    month->month_key_id = value->month_key_id;
    month->wraps = g_array_new(FALSE, FALSE, sizeof(VaultWrap));
    g_array_append_vals(month->wraps, wrap, 1);
    g_ptr_array_add(wrapped->months, month);
    return TRUE;
}

static gboolean append_id(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    g_array_append_val((GArray *)user, mailbox->mailbox_id);
    return TRUE;
}

/* MailboxId, ascending: those that the grant names, or all. */
static GArray *mailboxes_of(VaultKeep *keep, const VaultRequestFile *request, GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(MailboxId));

    for (guint i = 0; i < request->mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(request->mailboxes, i);

        g_array_append_val(ids, mailbox->id);
    }
    if (ids->len == 0 && !vault_keyring_each_mailbox(keep->keyring, append_id, ids, error))
        return NULL;
    g_array_sort(ids, compare_ids);
    return g_steal_pointer(&ids);
}

static int compare_months(gconstpointer a, gconstpointer b)
{
    const VaultMonthKeys *const *left = a, *const *right = b;

    return compare_ids(&(*left)->month_key_id, &(*right)->month_key_id);
}

static gboolean is_behind(const VaultReaderPosition *position, const VaultMonthKeys *month)
{
    int order = compare_ids(&month->mailbox_id, &position->mailbox_id);

    return !position->is_set || order > 0 ||
           (order == 0 && compare_ids(&month->month_key_id, &position->month_key_id) > 0);
}

/* Moves what lies behind the position to the page; FALSE: that is full. */
static gboolean take_months(GPtrArray *months, VaultReaderPosition *position, gsize end,
                            GPtrArray *page)
{
    g_ptr_array_sort(months, compare_months);
    for (guint i = 0; i < months->len; i++) {
        VaultMonthKeys *month = g_ptr_array_index(months, i);

        if (!is_behind(position, month))
            continue;
        if (page->len == end)
            return FALSE;
        *position = (VaultReaderPosition){TRUE, month->mailbox_id, month->month_key_id};
        g_ptr_array_add(page, month);
        months->pdata[i] = NULL;
    }
    return TRUE;
}

gboolean vault_keep_reader_months(VaultKeep *keep, const VaultGrantFile *grant,
                                  VaultReaderPosition *position, gsize max, GPtrArray *page,
                                  GError **error)
{
    g_autoptr(GArray) ids = mailboxes_of(keep, grant->request, error);
    Wrapped wrapped = {.request = grant->request,
                       .reader = vault_reader_key_id(&grant->request->reader_key)};
    gsize end = page->len + max;

    g_assert(vault_grant_file_is_standing(grant));
    if (ids == NULL)
        return FALSE;
    for (guint i = 0; i < ids->len; i++) {
        const MailboxId *id = &g_array_index(ids, MailboxId, i);
        g_autoptr(GPtrArray) months =
            g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_keys_free);

        if (position->is_set && compare_ids(id, &position->mailbox_id) < 0)
            continue;
        wrapped.months = months;
        if (!vault_keyring_each_month(keep->keyring, id, append_wrapped, &wrapped, error))
            return FALSE;
        if (!take_months(months, position, end, page))
            return TRUE;
    }
    return TRUE;
}

/* ---- from when on --------------------------------------------------------------------------- */

void vault_reader_coverage_free(VaultReaderCoverage *coverage)
{
    if (coverage == NULL)
        return;
    g_free(coverage->address);
    g_free(coverage);
}

typedef struct {
    const VaultReaderValue *reader;
    GPtrArray *list;
    VaultMonth first;
} Coverages;

static gboolean append_coverage(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    Coverages *coverages = user;
    VaultReaderCoverage *coverage;

    if (mailbox->state != VAULT_MAILBOX_OPEN ||
        !vault_reader_value_has_mailbox(coverages->reader, &mailbox->mailbox_id))
        return TRUE;
    coverage = g_new0(VaultReaderCoverage, 1);
    coverage->mailbox_id = mailbox->mailbox_id;
    coverage->address = g_strdup(vault_mailbox_value_primary(mailbox));
    coverage->from = coverages->first;
    g_ptr_array_add(coverages->list, coverage);
    return TRUE;
}

typedef struct {
    KeyId reader;
    VaultMonth from; /* so far */
} Covering;

/* A month whose keys are there, and not his: he begins with the next. */
static gboolean pass_month(const VaultMonthValue *month, gpointer user, GError **error)
{
    Covering *covering = user;

    if (month->month >= covering->from && month->month < VAULT_MONTH_MAX &&
        vault_month_value_wrap(month, VAULT_WRAP_STANDING_READER, &covering->reader) == NULL)
        covering->from = vault_month_next(month->month);
    return TRUE;
}

static int compare_coverages(gconstpointer a, gconstpointer b)
{
    const VaultReaderCoverage *const *left = a, *const *right = b;

    return compare_ids(&(*left)->mailbox_id, &(*right)->mailbox_id);
}

GPtrArray *vault_keep_reader_coverage(VaultKeep *keep, const VaultReaderValue *reader,
                                      GError **error)
{
    g_autoptr(GPtrArray) list =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_reader_coverage_free);
    guint64 first_s = MAX(vault_clock_now_s(&keep->clock), reader->from_s);
    Coverages coverages = {reader, list, vault_month_of_time(first_s)};

    if (!vault_keyring_each_mailbox(keep->keyring, append_coverage, &coverages, error))
        return NULL;
    for (guint i = 0; i < list->len; i++) {
        VaultReaderCoverage *coverage = g_ptr_array_index(list, i);
        Covering covering = {vault_reader_key_id(&reader->key), coverage->from};

        if (!vault_keyring_each_month(keep->keyring, &coverage->mailbox_id, pass_month, &covering,
                                      error))
            return NULL;
        coverage->from = covering.from;
    }
    g_ptr_array_sort(list, compare_coverages);
    return g_steal_pointer(&list);
}
