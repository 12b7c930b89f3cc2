#include "ingest/owners.h"

#include <idn2.h>
#include <string.h>

struct IngestOwnerRules {
    GHashTable *domains, *archive_domains; /* normalised domain set */
    GHashTable *aliases;                   /* normalised address -> normalised address */
    GHashTable *domain_aliases;            /* normalised domain -> normalised domain */
    char *delimiter;
    gboolean is_local_case_exact;
};

void ingest_owner_rules_free(IngestOwnerRules *rules)
{
    if (rules == NULL)
        return;
    g_clear_pointer(&rules->domains, g_hash_table_unref);
    g_clear_pointer(&rules->archive_domains, g_hash_table_unref);
    g_clear_pointer(&rules->aliases, g_hash_table_unref);
    g_clear_pointer(&rules->domain_aliases, g_hash_table_unref);
    g_free(rules->delimiter);
    g_free(rules);
}

void ingest_owner_free(IngestOwner *owner)
{
    if (owner == NULL)
        return;
    g_free(owner->address);
    g_clear_pointer(&owner->recipients, g_ptr_array_unref);
    g_free(owner);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static char *to_a_label(const char *text)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);
    char *ascii = NULL;
    char *result;

    if (g_str_is_ascii(text) || !g_utf8_validate(text, -1, NULL) ||
        idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return g_steal_pointer(&lower);
    result = g_ascii_strdown(ascii, -1);
    idn2_free(ascii);
    return result;
}

static char *strip_dots(char *domain)
{
    for (gsize len = strlen(domain); len > 0 && domain[len - 1] == '.'; len--)
        domain[len - 1] = '\0';
    return domain;
}

/* A-label form, lower case, without the root's dot. What IDNA refuses stays as it is, in ASCII
 * lower case: real servers do deliver to such names. NULL when it is no domain: IDNA's mapping
 * turns look-alikes of '@' or '.' into these, so that is asked afterwards. */
static char *normalise_domain(const char *domain, gsize len)
{
    g_autofree char *text = strip_dots(g_strndup(domain, len));
    g_autofree char *normalised = strip_dots(to_a_label(text));

    if (normalised[0] == '\0' || strpbrk(normalised, "@=\"<> \t\r\n") != NULL)
        return NULL;
    return g_steal_pointer(&normalised);
}

static gboolean is_quoted(const char *local, gsize len)
{
    return len >= 2 && local[0] == '"' && local[len - 1] == '"';
}

/* "a\"b" in quotes is a"b: quotes are a way of writing, not part of the name. */
static char *unquote(const char *local, gsize len)
{
    GString *plain;

    if (!is_quoted(local, len))
        return g_strndup(local, len);
    plain = g_string_sized_new(len);
    for (gsize i = 1; i + 1 < len; i++) {
        if (local[i] == '\\' && i + 2 < len)
            i++;
        g_string_append_c(plain, local[i]);
    }
    return g_string_free(plain, FALSE);
}

static char *fold_case(const char *local)
{
    if (g_str_is_ascii(local) || !g_utf8_validate(local, -1, NULL))
        return g_ascii_strdown(local, -1);
    return g_utf8_strdown(local, -1);
}

typedef struct {
    char *local;
    char *domain;
} Address;

static void address_clear(Address *address)
{
    g_clear_pointer(&address->local, g_free);
    g_clear_pointer(&address->domain, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Address, address_clear)

/* The local part unquoted, its case as it is. */
static gboolean split(const char *text, Address *ret_address)
{
    const char *at = strrchr(text, '@');

    if (at == NULL || at == text || at[1] == '\0')
        return FALSE;
    ret_address->local = unquote(text, (gsize)(at - text));
    ret_address->domain = normalise_domain(at + 1, strlen(at + 1));
    return ret_address->local[0] != '\0' && ret_address->domain != NULL;
}

static void cut_subaddress(const IngestOwnerRules *rules, Address *address)
{
    char *found = rules->delimiter[0] != '\0' ? strstr(address->local, rules->delimiter) : NULL;

    if (found != NULL && found != address->local)
        *found = '\0';
}

/* A local part that has quotes around it in earnest keeps them quoted: else "\"a\""@x would be
 * written as "a"@x, which is a@x. */
static char *join(const IngestOwnerRules *rules, const Address *address)
{
    g_autofree char *local =
        rules->is_local_case_exact ? g_strdup(address->local) : fold_case(address->local);
    GString *quoted;

    if (!is_quoted(local, strlen(local)))
        return g_strconcat(local, "@", address->domain, NULL);
    quoted = g_string_new("\"");
    for (const char *at = local; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            g_string_append_c(quoted, '\\');
        g_string_append_c(quoted, *at);
    }
    g_string_append_printf(quoted, "\"@%s", address->domain);
    return g_string_free(quoted, FALSE);
}

char *ingest_owner_normalise(const IngestOwnerRules *rules, const char *text)
{
    g_auto(Address) address = {0};
    const char *domain;

    if (!split(text, &address))
        return NULL;
    domain = g_hash_table_lookup(rules->domain_aliases, address.domain);
    if (domain != NULL) {
        g_free(address.domain);
        address.domain = g_strdup(domain);
    }
    cut_subaddress(rules, &address);
    return join(rules, &address);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static gboolean malformed(GError **error, const char *what, const char *entry)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s: %s", what, entry);
    return FALSE;
}

static gboolean add_domains(GHashTable *set, const char *const *domains, GError **error)
{
    for (gsize i = 0; domains != NULL && domains[i] != NULL; i++) {
        char *domain = normalise_domain(domains[i], strlen(domains[i]));

        if (domain == NULL)
            return malformed(error, "this is not a domain", domains[i]);
        g_hash_table_add(set, domain);
    }
    return TRUE;
}

static gboolean add_domain_aliases(IngestOwnerRules *rules, const char *const *pairs,
                                   GError **error)
{
    for (gsize i = 0; pairs != NULL && pairs[i] != NULL; i++) {
        const char *equals = strchr(pairs[i], '=');
        g_autofree char *from =
            equals != NULL ? normalise_domain(pairs[i], (gsize)(equals - pairs[i])) : NULL;
        g_autofree char *to =
            equals != NULL ? normalise_domain(equals + 1, strlen(equals + 1)) : NULL;

        if (from == NULL || to == NULL)
            return malformed(error, "a domain alias is OLD=NEW", pairs[i]);
        g_hash_table_insert(rules->domain_aliases, g_steal_pointer(&from), g_steal_pointer(&to));
    }
    return TRUE;
}

/* Each domain straight to the end of its chain. */
static gboolean join_domain_aliases(IngestOwnerRules *rules, GError **error)
{
    GHashTable *aliases = rules->domain_aliases;
    GHashTableIter iter;
    gpointer from, to;

    g_hash_table_iter_init(&iter, aliases);
    while (g_hash_table_iter_next(&iter, &from, &to)) {
        guint steps = 0;

        for (const char *next = to; next != NULL; next = g_hash_table_lookup(aliases, next)) {
            if (steps++ > g_hash_table_size(aliases))
                return malformed(error, "domain aliases go round in a circle", from);
            to = (gpointer)next;
        }
        g_hash_table_iter_replace(&iter, g_strdup(to));
    }
    return TRUE;
}

static gboolean add_aliases(IngestOwnerRules *rules, const char *const *pairs, GError **error)
{
    for (gsize i = 0; pairs != NULL && pairs[i] != NULL; i++) {
        const char *equals = strchr(pairs[i], '=');
        g_autofree char *from =
            equals != NULL ? g_strndup(pairs[i], (gsize)(equals - pairs[i])) : NULL;
        g_auto(Address) source = {0}, target = {0};

        if (from == NULL || !split(from, &source) || !split(equals + 1, &target))
            return malformed(error, "an alias is FROM@DOMAIN=TO@DOMAIN", pairs[i]);
        g_hash_table_insert(rules->aliases, join(rules, &source), join(rules, &target));
    }
    return TRUE;
}

/* ---- aliases --------------------------------------------------------------------------------- */

/* The address that `text` means: an alias of it as it is, else of what normalising makes of it, is
 * followed as long as there is one. NULL when it is no address, or the aliases have no end. */
static char *follow_aliases(const IngestOwnerRules *rules, const char *text)
{
    g_auto(Address) parts = {0};
    g_autofree char *address = split(text, &parts) ? join(rules, &parts) : NULL;

    for (guint steps = 0; address != NULL && steps <= g_hash_table_size(rules->aliases); steps++) {
        const char *alias = g_hash_table_lookup(rules->aliases, address);
        g_autofree char *normalised = NULL;

        if (alias == NULL) {
            normalised = ingest_owner_normalise(rules, address);
            alias = normalised != NULL ? g_hash_table_lookup(rules->aliases, normalised) : NULL;
        }
        if (alias == NULL)
            return g_steal_pointer(&normalised);
        g_free(address);
        address = g_strdup(alias);
    }
    return NULL;
}

static gboolean check_aliases(const IngestOwnerRules *rules, GError **error)
{
    GHashTableIter iter;
    gpointer from;

    g_hash_table_iter_init(&iter, rules->aliases);
    while (g_hash_table_iter_next(&iter, &from, NULL)) {
        g_autofree char *end = follow_aliases(rules, from);

        if (end == NULL)
            return malformed(error, "aliases go round in a circle", from);
    }
    return TRUE;
}

IngestOwnerRules *ingest_owner_rules_new(const IngestOwnerSettings *settings, GError **error)
{
    g_autoptr(IngestOwnerRules) rules = g_new0(IngestOwnerRules, 1);

    rules->domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    rules->archive_domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    rules->aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    rules->domain_aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    rules->delimiter = g_strdup(settings->delimiter != NULL ? settings->delimiter : "");
    rules->is_local_case_exact = settings->is_local_case_exact;
    if (!add_domains(rules->domains, settings->domains, error) ||
        !add_domains(rules->archive_domains, settings->archive_domains, error) ||
        !add_domain_aliases(rules, settings->domain_aliases, error) ||
        !join_domain_aliases(rules, error) || !add_aliases(rules, settings->aliases, error) ||
        !check_aliases(rules, error))
        return NULL;
    return g_steal_pointer(&rules);
}

/* ---- owners ---------------------------------------------------------------------------------- */

static gboolean is_of(const char *address, GHashTable *domains)
{
    return g_hash_table_contains(domains, strrchr(address, '@') + 1);
}

/* NULL when the domain is none of ours. */
static char *mailbox_address(const IngestOwnerRules *rules, const char *text)
{
    g_autofree char *address = follow_aliases(rules, text);

    if (address == NULL || !is_of(address, rules->domains) ||
        is_of(address, rules->archive_domains))
        return NULL;
    return g_steal_pointer(&address);
}

/* archive+[from+]LOCAL=DOMAIN: the last '=' parts local part and domain, as in VERP. */
static char *template_address(const char *local, VaultOwnerRole *ret_role)
{
    const char *plus = strchr(local, '+');
    g_autofree char *inner = NULL;
    char *equals;

    *ret_role = VAULT_OWNER_RECIPIENT;
    if (plus == NULL)
        return NULL;
    plus++;
    if (g_ascii_strncasecmp(plus, "from+", 5) == 0) {
        *ret_role = VAULT_OWNER_SENDER;
        plus += 5;
    }
    inner = g_strdup(plus);
    equals = strrchr(inner, '=');
    if (equals == NULL || equals == inner || equals[1] == '\0')
        return NULL;
    *equals = '@';
    return g_steal_pointer(&inner);
}

static char *owner_address(const IngestOwnerRules *rules, const char *recipient,
                           VaultOwnerRole *ret_role)
{
    const char *at = strrchr(recipient, '@');
    g_autofree char *domain = at != NULL ? normalise_domain(at + 1, strlen(at + 1)) : NULL;
    g_autofree char *local = NULL, *inner = NULL;

    *ret_role = VAULT_OWNER_RECIPIENT;
    if (domain == NULL || !g_hash_table_contains(rules->archive_domains, domain))
        return mailbox_address(rules, recipient);
    local = unquote(recipient, (gsize)(at - recipient));
    inner = template_address(local, ret_role);
    return inner != NULL ? mailbox_address(rules, inner) : NULL;
}

/* Lists may be of 100,000, so that nothing here is a search. */
typedef struct {
    GPtrArray *owners;
    GHashTable *by_address; /* "" for unassigned; all borrowed */
} OwnerList;

static OwnerList owner_list_new(void)
{
    return (OwnerList){g_ptr_array_new_with_free_func((GDestroyNotify)ingest_owner_free),
                       g_hash_table_new(g_str_hash, g_str_equal)};
}

static GPtrArray *owner_list_finish(OwnerList *list)
{
    g_hash_table_unref(list->by_address);
    return list->owners;
}

static IngestOwner *take_owner(OwnerList *list, const char *address, VaultOwnerRole role)
{
    IngestOwner *owner = g_hash_table_lookup(list->by_address, address != NULL ? address : "");

    if (owner != NULL)
        return owner;
    owner = g_new0(IngestOwner, 1);
    owner->address = g_strdup(address);
    owner->role = address != NULL ? role : VAULT_OWNER_UNASSIGNED;
    owner->recipients = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(list->owners, owner);
    g_hash_table_insert(list->by_address, address != NULL ? owner->address : (char *)"", owner);
    return owner;
}

GPtrArray *ingest_owners(const IngestOwnerRules *rules, GPtrArray *recipients)
{
    OwnerList list = owner_list_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < recipients->len; i++) {
        char *recipient = g_ptr_array_index(recipients, i);
        VaultOwnerRole role;
        g_autofree char *address = NULL;

        if (!g_hash_table_add(seen, recipient))
            continue;
        address = owner_address(rules, recipient, &role);
        g_ptr_array_add(take_owner(&list, address, role)->recipients, g_strdup(recipient));
    }
    return owner_list_finish(&list);
}

GPtrArray *ingest_owners_named(const IngestOwnerRules *rules, const char *const *addresses)
{
    OwnerList list = owner_list_new();

    for (; addresses != NULL && *addresses != NULL; addresses++) {
        g_autofree char *address = ingest_owner_normalise(rules, *addresses);

        if (address != NULL && is_of(address, rules->archive_domains))
            g_clear_pointer(&address, g_free);
        take_owner(&list, address, VAULT_OWNER_IMPORT);
    }
    if (list.owners->len == 0)
        take_owner(&list, NULL, VAULT_OWNER_UNASSIGNED);
    return owner_list_finish(&list);
}
