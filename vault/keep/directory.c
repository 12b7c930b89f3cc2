#include "vault/keep/directory.h"

#define HOUR_S 3600

struct VaultDirectory {
    VaultDirectoryOptions options;
    GMutex lock;
    GCond created;
    GHashTable *by_address; /* char * -> MailboxId */
    GHashTable *creating;   /* char *, addresses that a thread is making a mailbox for */
    MailboxId unassigned;
    guint64 hour; /* since 1970 */
    guint created_this_hour;
};

static gboolean add_mailbox(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    VaultDirectory *directory = user;

    if (mailbox->state != VAULT_MAILBOX_OPEN)
        return TRUE;
    if (mailbox->kind == VAULT_MAILBOX_UNASSIGNED)
        directory->unassigned = mailbox->mailbox_id;
    for (guint i = 0; i < mailbox->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, i);

        if (address->until_s == 0)
            g_hash_table_insert(directory->by_address, g_strdup(address->address),
                                g_memdup2(&mailbox->mailbox_id, sizeof mailbox->mailbox_id));
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
        g_hash_table_insert(directory->by_address, g_strdup(address),
                            g_memdup2(ret_mailbox, sizeof *ret_mailbox));
    return is_created;
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

static gboolean is_of_mailbox(gpointer address, gpointer mailbox_id, gpointer user)
{
    return vault_id_equal(mailbox_id, user);
}

void vault_directory_forget(VaultDirectory *directory, const MailboxId *mailbox_id)
{
    g_mutex_lock(&directory->lock);
    g_hash_table_foreach_remove(directory->by_address, is_of_mailbox, (gpointer)mailbox_id);
    g_mutex_unlock(&directory->lock);
}
