#include "restore/mailbox_names.h"

#include "ingest/owners.h"
#include "restore/near_names.h"

#define SUGGESTED_MAX 3

static char *normalise(const char *address, GError **error)
{
    IngestOwnerSettings settings = {.delimiter = ""};
    g_autoptr(IngestOwnerRules) rules = ingest_owner_rules_new(&settings, error);
    char *normalised = rules != NULL ? ingest_owner_normalise(rules, address) : NULL;

    if (rules != NULL && normalised == NULL)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "\"%s\" is no address, no id and not \"unassigned\"", address);
    return normalised;
}

char *restore_mailbox_name(const char *typed, GError **error)
{
    MailboxId id;

    if (g_str_equal(typed, "unassigned"))
        return g_strdup(typed);
    if (vault_id_parse(typed, id.bytes, NULL))
        return g_strdup(VAULT_ID_TEXT(id));
    return normalise(typed, error);
}

char *restore_domain_name(const char *typed, GError **error)
{
    g_autofree char *address = g_strconcat("x@", typed, NULL);
    g_autofree char *normalised = NULL;

    if (strchr(typed, '@') == NULL)
        normalised = normalise(address, NULL);
    if (normalised != NULL)
        return g_strdup(strrchr(normalised, '@') + 1);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "\"%s\" is no domain", typed);
    return NULL;
}

/* ---- what there is -------------------------------------------------------------------------- */

typedef gboolean (*AddressTest)(const char *address, const char *name);

static gboolean is_address(const char *address, const char *name)
{
    return g_str_equal(address, name);
}

static gboolean is_of_domain(const char *address, const char *domain)
{
    const char *at = strrchr(address, '@');

    return at != NULL && g_str_equal(at + 1, domain);
}

static gboolean has_address(const VaultMailbox *mailbox, AddressTest test, const char *name)
{
    for (guint i = 0; i < mailbox->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, i);

        if (test(address->address, name))
            return TRUE;
    }
    return FALSE;
}

static gboolean is_called(const VaultMailbox *mailbox, const char *name)
{
    return g_str_equal(VAULT_ID_TEXT(mailbox->id), name) ||
           (mailbox->address == NULL && mailbox->addresses->len == 0 &&
            g_str_equal(name, "unassigned"));
}

gboolean restore_mailbox_is_known(const GPtrArray *mailboxes, const char *name)
{
    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = g_ptr_array_index(mailboxes, i);

        if (is_called(mailbox, name) || has_address(mailbox, is_address, name))
            return TRUE;
    }
    return FALSE;
}

gboolean restore_domain_is_known(const GPtrArray *mailboxes, const char *domain)
{
    for (guint i = 0; i < mailboxes->len; i++) {
        if (has_address(g_ptr_array_index(mailboxes, i), is_of_domain, domain))
            return TRUE;
    }
    return FALSE;
}

gboolean restore_mailbox_refuse(const GPtrArray *mailboxes, const char *name, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GPtrArray) near = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = g_ptr_array_index(mailboxes, i);

        if (mailbox->address != NULL)
            g_ptr_array_add(names, mailbox->address);
    }
    near = restore_near_names(name, names, SUGGESTED_MAX);
    for (guint i = 0; i < near->len; i++)
        g_string_append_printf(text, "%s%s", i == 0 ? "did you mean " : " or ",
                               (const char *)g_ptr_array_index(near, i));
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "there is no mailbox %s; %s", name,
                near->len > 0 ? g_string_append_c(text, '?')->str
                              : "\"muniment mailbox list VAULT\" shows what is");
    return FALSE;
}

const VaultMailbox *restore_mailbox_find(const GPtrArray *mailboxes, const char *name,
                                         GError **error)
{
    const VaultMailbox *found = NULL;

    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = g_ptr_array_index(mailboxes, i);
        gboolean bears = is_called(mailbox, name);

        for (guint k = 0; !bears && k < mailbox->addresses->len; k++) {
            const VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, k);

            bears = address->until_s == 0 && g_str_equal(address->address, name);
        }
        if (bears && (found == NULL || mailbox->closed_s == 0))
            found = mailbox;
    }
    if (found == NULL)
        restore_mailbox_refuse(mailboxes, name, error);
    return found;
}
