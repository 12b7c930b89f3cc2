#include "vault/keep/directory.h"

#define HOUR_S 3600

struct VaultDirectory {
    VaultDirectoryOptions options;
    GMutex lock;
    GCond created;
    GHashTable *by_address; /* char * -> MailboxId */
    GHashTable *creating;   /* char *, addresses that a thread is making a mailbox for */
    GHashTable *closed;     /* char *, addresses that a closed mailbox had to its end */
    VaultPolicyClosedMail closed_mail;
    MailboxId unassigned;
    guint64 hour; /* since 1970 */
    guint created_this_hour;
};

static void bind(VaultDirectory *directory, const char *address, const MailboxId *mailbox_id)
{
    g_hash_table_insert(directory->by_address, g_strdup(address),
                        g_memdup2(mailbox_id, sizeof *mailbox_id));
}

static gboolean add_mailbox(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    VaultDirectory *directory = user;

    if (mailbox->kind == VAULT_MAILBOX_UNASSIGNED)
        directory->unassigned = mailbox->mailbox_id;
    for (guint i = 0; i < mailbox->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, i);

        if (address->until_s == 0 && mailbox->state == VAULT_MAILBOX_CLOSED)
            g_hash_table_add(directory->closed, g_strdup(address->address));
        else if (address->until_s == 0)
            bind(directory, address->address, &mailbox->mailbox_id);
    }
    return TRUE;
}

VaultDirectory *vault_directory_new(const VaultDirectoryOptions *options, GError **error)
{
    g_autoptr(VaultDirectory) directory = g_new0(VaultDirectory, 1);

    directory->options = *options;
    if (directory->options.new_mailboxes_per_hour == 0)
        directory->options.new_mailboxes_per_hour = VAULT_NEW_MAILBOXES_PER_HOUR;
    g_mutex_init(&directory->lock);
    g_cond_init(&directory->created);
    directory->by_address = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    directory->creating = g_hash_table_new(g_str_hash, g_str_equal);
    directory->closed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    directory->closed_mail = VAULT_CLOSED_MAIL_UNASSIGNED;
    if (!vault_keyring_each_mailbox(options->keyring, add_mailbox, directory, error))
        return NULL;
    if (vault_id_is_zero(directory->unassigned.bytes)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                            "the keyring has no mailbox for unassigned mail");
        return NULL;
    }
    return g_steal_pointer(&directory);
}

void vault_directory_free(VaultDirectory *directory)
{
    if (directory == NULL)
        return;
    g_hash_table_unref(directory->by_address);
    g_hash_table_unref(directory->creating);
    g_hash_table_unref(directory->closed);
    g_mutex_clear(&directory->lock);
    g_cond_clear(&directory->created);
    g_free(directory);
}

/* ---- making a mailbox ----------------------------------------------------------------------- */

typedef struct {
    VaultMailboxValue *mailbox;
    VaultMonthValue *month;
} NewMailbox;

static void new_mailbox_clear(NewMailbox *new)
{
    vault_mailbox_value_free(new->mailbox);
    vault_month_value_free(new->month);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NewMailbox, new_mailbox_clear)

static gboolean add_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    const NewMailbox *new = user;

    return vault_keyring_add_mailbox(keyring, new->mailbox, error) &&
           vault_keyring_add_month(keyring, new->month, error);
}

static gboolean create_mailbox(VaultDirectory *directory, const char *address,
                               MailboxId *ret_mailbox, GError **error)
{
    const VaultDirectoryOptions *options = &directory->options;
    guint64 now_s = vault_clock_now_s(options->clock), good_s;
    G_GNUC_UNUSED g_autoptr(GRWLockReaderLocker) making =
        g_rw_lock_reader_locker_new(vault_recipients_lock(options->recipients));
    g_auto(NewMailbox) new = {.mailbox = vault_mailbox_value_new(address, now_s)};

    vault_clock_judge(options->clock, now_s, &good_s);
    new.month = vault_open_months_make(options->months, &new.mailbox->mailbox_id, address,
                                       vault_month_of_time(good_s), now_s, error);
    if (new.month == NULL || !vault_keyring_batch_run(options->batch, add_job, &new, error))
        return FALSE;
    vault_open_months_adopt(options->months, new.month);
    *ret_mailbox = new.mailbox->mailbox_id;
    return TRUE;
}

/* With the lock held: whether this hour has room for one more; counts it. A place that came to
 * nothing is given back, or a failing disk would send the mail of new mailboxes to the unassigned
 * one. */
static gboolean take_hourly_place(VaultDirectory *directory)
{
    guint64 hour = vault_clock_now_s(directory->options.clock) / HOUR_S;

    if (hour != directory->hour) {
        directory->hour = hour;
        directory->created_this_hour = 0;
    }
    if (directory->created_this_hour >= directory->options.new_mailboxes_per_hour)
        return FALSE;
    directory->created_this_hour++;
    return TRUE;
}

static gboolean is_possible_address(const char *address)
{
    return address != NULL && address[0] != '\0' && strlen(address) <= VAULT_ADDRESS_LEN_MAX &&
           g_utf8_validate(address, -1, NULL);
}

/* Called and left with the lock held, which it gives up while it writes. */
static gboolean create_unlocked(VaultDirectory *directory, const char *address,
                                MailboxId *ret_mailbox, GError **error)
{
    gboolean is_created;

    g_hash_table_add(directory->creating, (gpointer)address);
    g_mutex_unlock(&directory->lock);
    is_created = create_mailbox(directory, address, ret_mailbox, error);
    g_mutex_lock(&directory->lock);
    g_hash_table_remove(directory->creating, address);
    g_cond_broadcast(&directory->created);
    if (is_created)
        bind(directory, address, ret_mailbox);
    return is_created;
}

/* A closed mailbox had it, and no open one has. With the lock held. */
static gboolean is_closed(VaultDirectory *directory, const char *address)
{
    return g_hash_table_contains(directory->closed, address) &&
           !g_hash_table_contains(directory->by_address, address);
}

static gboolean resolve_locked(VaultDirectory *directory, const char *address,
                               MailboxId *ret_mailbox, VaultResolution *ret_resolution,
                               GError **error)
{
    const MailboxId *known;
    g_autoptr(GError) failure = NULL;

    while (g_hash_table_contains(directory->creating, address))
        g_cond_wait(&directory->created, &directory->lock);
    known = g_hash_table_lookup(directory->by_address, address);
    if (known != NULL) {
        *ret_mailbox = *known;
        *ret_resolution = VAULT_RESOLVE_FOUND;
        return TRUE;
    }
    *ret_mailbox = directory->unassigned;
    *ret_resolution = VAULT_RESOLVE_UNASSIGNED;
    /* What should have been rejected is here: where it was closed meanwhile, or by import. */
    if (is_closed(directory, address) && directory->closed_mail != VAULT_CLOSED_MAIL_NEW)
        return TRUE;
    if (!take_hourly_place(directory))
        return TRUE;
    if (create_unlocked(directory, address, ret_mailbox, &failure)) {
        *ret_resolution = VAULT_RESOLVE_CREATED;
        return TRUE;
    }
    directory->created_this_hour -= MIN(directory->created_this_hour, 1);
    /* Without a key there is still the unassigned mailbox, whose key may be there already; a disk
     * that fails is the sender's to try again. */
    *ret_mailbox = directory->unassigned;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_KEY))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

gboolean vault_directory_resolve(VaultDirectory *directory, const char *address,
                                 MailboxId *ret_mailbox, VaultResolution *ret_resolution,
                                 GError **error)
{
    gboolean is_resolved;

    if (!is_possible_address(address)) {
        *ret_mailbox = directory->unassigned;
        *ret_resolution = address == NULL ? VAULT_RESOLVE_FOUND : VAULT_RESOLVE_UNASSIGNED;
        return TRUE;
    }
    g_mutex_lock(&directory->lock);
    is_resolved = resolve_locked(directory, address, ret_mailbox, ret_resolution, error);
    g_mutex_unlock(&directory->lock);
    return is_resolved;
}

/* ---- closed mailboxes, changed addresses ---------------------------------------------------- */

void vault_directory_set_closed_mail(VaultDirectory *directory, VaultPolicyClosedMail closed_mail)
{
    g_mutex_lock(&directory->lock);
    directory->closed_mail = closed_mail;
    g_mutex_unlock(&directory->lock);
}

VaultAdmission vault_directory_admit(VaultDirectory *directory, const char *address)
{
    VaultAdmission admission = VAULT_ADMIT;

    g_mutex_lock(&directory->lock);
    if (address != NULL && is_closed(directory, address)) {
        if (directory->closed_mail == VAULT_CLOSED_MAIL_REJECT_TEMPORARY)
            admission = VAULT_REJECT_TEMPORARY;
        else if (directory->closed_mail == VAULT_CLOSED_MAIL_REJECT_PERMANENT)
            admission = VAULT_REJECT_PERMANENT;
    }
    g_mutex_unlock(&directory->lock);
    return admission;
}

void vault_directory_close(VaultDirectory *directory, const MailboxId *mailbox_id)
{
    GHashTableIter iter;
    gpointer address, bound_to;

    g_mutex_lock(&directory->lock);
    g_hash_table_iter_init(&iter, directory->by_address);
    while (g_hash_table_iter_next(&iter, &address, &bound_to)) {
        if (!vault_id_equal(bound_to, mailbox_id))
            continue;
        g_hash_table_add(directory->closed, g_strdup(address));
        g_hash_table_iter_remove(&iter);
    }
    g_mutex_unlock(&directory->lock);
}

gboolean vault_directory_reserve(VaultDirectory *directory, const char *address, GError **error)
{
    gboolean is_taken;

    g_mutex_lock(&directory->lock);
    while (g_hash_table_contains(directory->creating, address))
        g_cond_wait(&directory->created, &directory->lock);
    is_taken = g_hash_table_contains(directory->by_address, address);
    if (!is_taken)
        g_hash_table_add(directory->creating, (gpointer)address);
    g_mutex_unlock(&directory->lock);
    if (!is_taken)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "an open mailbox has that address: muniment mailbox show says which");
    return FALSE;
}

void vault_directory_settle(VaultDirectory *directory, const char *address,
                            const MailboxId *mailbox_id)
{
    g_mutex_lock(&directory->lock);
    g_hash_table_remove(directory->creating, address);
    if (mailbox_id != NULL)
        bind(directory, address, mailbox_id);
    g_cond_broadcast(&directory->created);
    g_mutex_unlock(&directory->lock);
}

void vault_directory_forget(VaultDirectory *directory, const char *address,
                            const MailboxId *mailbox_id)
{
    const MailboxId *bound_to;

    g_mutex_lock(&directory->lock);
    bound_to = g_hash_table_lookup(directory->by_address, address);
    if (bound_to != NULL && VAULT_ID_EQUAL(*bound_to, *mailbox_id))
        g_hash_table_remove(directory->by_address, address);
    g_mutex_unlock(&directory->lock);
}
