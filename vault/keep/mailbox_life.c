#include "vault/keep/mailbox_life.h"

#include "vault/act/mailbox_change.h"
#include "vault/keep/internal.h"

typedef struct {
    VaultMailboxChange change;
    guint64 now_s;
} Life;

static void life_clear(Life *life)
{
    vault_mailbox_change_clear(&life->change);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Life, life_clear)

static gboolean refuse(GError **error, const char *why)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED, why);
    return FALSE;
}

/* An open mailbox of people. */
static VaultMailboxValue *open_mailbox(VaultKeyring *keyring, const Life *life, GError **error)
{
    g_autoptr(VaultMailboxValue) mailbox =
        vault_keyring_get_mailbox(keyring, &life->change.mailbox_id, error);

    if (mailbox == NULL)
        return NULL;
    if (mailbox->kind == VAULT_MAILBOX_UNASSIGNED)
        refuse(error, "the mailbox unassigned has no addresses and is never closed");
    else if (mailbox->state == VAULT_MAILBOX_CLOSED)
        refuse(error, "the mailbox is closed, and never opens again");
    else
        return g_steal_pointer(&mailbox);
    return NULL;
}

/* The address as the mailbox has it now; NULL: it has not. */
static VaultMailboxAddress *current(const VaultMailboxValue *mailbox, const char *text)
{
    for (guint i = 0; i < mailbox->addresses->len; i++) {
        VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, i);

        if (address->until_s == 0 && strcmp(address->address, text) == 0)
            return address;
    }
    return NULL;
}

/* Reads the text. The clock may be wrong: then the last good time counts, so that an address never
 * ends before it began. */
static gboolean begin(VaultKeep *keep, const char *text, gsize len, gboolean names_address,
                      Life *life, GError **error)
{
    g_assert(keep->mode == VAULT_KEEP_WRITER);
    if (!vault_mailbox_change_parse(text, len, &life->change, error))
        return FALSE;
    vault_clock_judge(&keep->clock, vault_clock_now_s(&keep->clock), &life->now_s);
    if (names_address == (life->change.address != NULL))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "the change names an address and should not, or should and does not");
    return FALSE;
}

static gboolean log_life(VaultKeep *keep, VaultLoggedAct act, const Life *life, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);

    vault_text_append(payload, "act", vault_logged_act_name(act));
    vault_text_append_hex_line(payload, "mailbox", life->change.mailbox_id.bytes, VAULT_ID_LEN);
    if (life->change.address != NULL)
        vault_text_append(payload, "address", life->change.address);
    if (act == VAULT_LOGGED_ADDRESS_ADDED)
        vault_text_append(payload, "rank", life->change.is_primary ? "primary" : "alias");
    return vault_keep_log_act(keep, act, payload->str, payload->len, error);
}

/* ---- close ---------------------------------------------------------------------------------- */

static gboolean close_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    const Life *life = user;
    g_autoptr(VaultMailboxValue) mailbox = open_mailbox(keyring, life, error);

    if (mailbox == NULL)
        return FALSE;
    mailbox->state = VAULT_MAILBOX_CLOSED;
    mailbox->closed_s = MAX(life->now_s, 1);
    return vault_keyring_update_mailbox(keyring, mailbox, error);
}

gboolean vault_mailbox_life_close(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                  GError **error)
{
    g_auto(Life) life = {.now_s = 0};
    g_autoptr(VaultMailboxValue) mailbox = NULL;

    if (!begin(keep, text, len, FALSE, &life, error))
        return FALSE;
    mailbox = open_mailbox(keep->keyring, &life, error);
    if (mailbox == NULL || !log_life(keep, VAULT_LOGGED_MAILBOX_CLOSED, &life, error) ||
        !vault_keyring_batch_run(keep->batch, close_job, &life, error))
        return FALSE;
    vault_directory_close(keep->directory, &life.change.mailbox_id);
    return TRUE;
}

/* ---- addresses ------------------------------------------------------------------------------ */

/* The primary address becomes an alias from now on: it ends, and begins anew with the other rank.
 */
static void demote_primary(VaultMailboxValue *mailbox, guint64 now_s)
{
    guint count = mailbox->addresses->len;

    for (guint i = 0; i < count; i++) {
        VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, i);

        if (address->until_s != 0 || address->rank != VAULT_ADDRESS_PRIMARY)
            continue;
        address->until_s = MAX(now_s, MAX(address->from_s, 1));
        g_ptr_array_add(
            mailbox->addresses,
            vault_mailbox_address_new(address->address, VAULT_ADDRESS_ALIAS, address->until_s, 0));
    }
}

static gboolean add_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    const Life *life = user;
    g_autoptr(VaultMailboxValue) mailbox = open_mailbox(keyring, life, error);

    if (mailbox == NULL)
        return FALSE;
    if (life->change.is_primary)
        demote_primary(mailbox, life->now_s);
    g_ptr_array_add(mailbox->addresses,
                    vault_mailbox_address_new(life->change.address,
                                              life->change.is_primary ? VAULT_ADDRESS_PRIMARY
                                                                      : VAULT_ADDRESS_ALIAS,
                                              life->now_s, 0));
    if (mailbox->addresses->len <= VAULT_MAILBOX_ADDRESSES_MAX)
        return vault_keyring_update_mailbox(keyring, mailbox, error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "a mailbox has at most %d addresses, ended ones included",
                VAULT_MAILBOX_ADDRESSES_MAX);
    return FALSE;
}

gboolean vault_mailbox_life_add_address(VaultKeep *keep, const char *text, gsize len,
                                        GString *answer, GError **error)
{
    g_auto(Life) life = {.now_s = 0};
    g_autoptr(VaultMailboxValue) mailbox = NULL;
    gboolean is_added;

    if (!begin(keep, text, len, TRUE, &life, error))
        return FALSE;
    mailbox = open_mailbox(keep->keyring, &life, error);
    /* From here on no mail makes a mailbox of that address. */
    if (mailbox == NULL || !vault_directory_reserve(keep->directory, life.change.address, error))
        return FALSE;
    is_added = log_life(keep, VAULT_LOGGED_ADDRESS_ADDED, &life, error) &&
               vault_keyring_batch_run(keep->batch, add_job, &life, error);
    vault_directory_settle(keep->directory, life.change.address,
                           is_added ? &life.change.mailbox_id : NULL);
    return is_added;
}

static gboolean end_address(VaultMailboxValue *mailbox, const Life *life, GError **error)
{
    VaultMailboxAddress *address = current(mailbox, life->change.address);

    if (address == NULL) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                            "the mailbox has no such address: muniment mailbox show lists them");
        return FALSE;
    }
    if (address->rank == VAULT_ADDRESS_PRIMARY)
        return refuse(error, "the primary address is the mailbox's name: make another one primary "
                             "first, or close the mailbox");
    address->until_s = MAX(life->now_s, MAX(address->from_s, 1));
    return TRUE;
}

static gboolean remove_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    const Life *life = user;
    g_autoptr(VaultMailboxValue) mailbox = open_mailbox(keyring, life, error);

    return mailbox != NULL && end_address(mailbox, life, error) &&
           vault_keyring_update_mailbox(keyring, mailbox, error);
}

gboolean vault_mailbox_life_remove_address(VaultKeep *keep, const char *text, gsize len,
                                           GString *answer, GError **error)
{
    g_auto(Life) life = {.now_s = 0};
    g_autoptr(VaultMailboxValue) mailbox = NULL;

    if (!begin(keep, text, len, TRUE, &life, error))
        return FALSE;
    mailbox = open_mailbox(keep->keyring, &life, error);
    if (mailbox == NULL || !end_address(mailbox, &life, error) ||
        !log_life(keep, VAULT_LOGGED_ADDRESS_REMOVED, &life, error) ||
        !vault_keyring_batch_run(keep->batch, remove_job, &life, error))
        return FALSE;
    vault_directory_forget(keep->directory, life.change.address, &life.change.mailbox_id);
    return TRUE;
}
