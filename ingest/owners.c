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

/* A-label form, lower case. What IDNA refuses stays as it is, in ASCII lower case: real servers do
 * deliver to such names. */
static char *normalise_domain(const char *domain, gsize len)
{
    g_autofree char *text = g_strndup(domain, len);
    char *ascii = NULL;
    char *result;

    if (len > 0 && text[len - 1] == '.')
        text[len - 1] = '\0';
    if (g_str_is_ascii(text))
        return g_ascii_strdown(text, -1);
    if (g_utf8_validate(text, -1, NULL) &&
        idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK) {
        result = g_ascii_strdown(ascii, -1);
        idn2_free(ascii);
        return result;
    }
    return g_ascii_strdown(text, -1);
}

/* "a\"b" in quotes is a"b: quotes are a way of writing, not part of the name. */
static char *unquote(const char *local, gsize len)
{
    GString *plain;

    if (len < 2 || local[0] != '"' || local[len - 1] != '"')
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

static gboolean split(const IngestOwnerRules *rules, const char *text, Address *ret_address)
{
    const char *at = strrchr(text, '@');
    g_autofree char *local = NULL;

    if (at == NULL || at == text || at[1] == '\0')
        return FALSE;
    local = unquote(text, (gsize)(at - text));
    if (local[0] == '\0')
        return FALSE;
    ret_address->local = rules->is_local_case_exact ? g_steal_pointer(&local) : fold_case(local);
    ret_address->domain = normalise_domain(at + 1, strlen(at + 1));
    return ret_address->domain[0] != '\0';
}

static void cut_subaddress(const IngestOwnerRules *rules, Address *address)
{
    char *found = rules->delimiter[0] != '\0' ? strstr(address->local, rules->delimiter) : NULL;

    if (found != NULL && found != address->local)
        *found = '\0';
}

static char *join(const Address *address)
{
    return g_strconcat(address->local, "@", address->domain, NULL);
}

char *ingest_owner_normalise(const IngestOwnerRules *rules, const char *text)
{
    g_auto(Address) address = {0};
    const char *domain;

    if (!split(rules, text, &address))
        return NULL;
    domain = g_hash_table_lookup(rules->domain_aliases, address.domain);
    if (domain != NULL) {
        g_free(address.domain);
        address.domain = g_strdup(domain);
    }
    cut_subaddress(rules, &address);
    return join(&address);
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

        if (domain[0] == '\0' || strpbrk(domain, "@ \t=") != NULL) {
            g_free(domain);
            return malformed(error, "this is not a domain", domains[i]);
        }
        g_hash_table_add(set, domain);
    }
    return TRUE;
}

static gboolean add_domain_aliases(IngestOwnerRules *rules, const char *const *pairs,
                                   GError **error)
{
    for (gsize i = 0; pairs != NULL && pairs[i] != NULL; i++) {
        const char *equals = strchr(pairs[i], '=');

        if (equals == NULL || equals == pairs[i] || equals[1] == '\0')
            return malformed(error, "a domain alias is OLD=NEW", pairs[i]);
        g_hash_table_insert(rules->domain_aliases,
                            normalise_domain(pairs[i], (gsize)(equals - pairs[i])),
                            normalise_domain(equals + 1, strlen(equals + 1)));
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

        if (from == NULL || !split(rules, from, &source) || !split(rules, equals + 1, &target))
            return malformed(error, "an alias is FROM@DOMAIN=TO@DOMAIN", pairs[i]);
        g_hash_table_insert(rules->aliases, join(&source), join(&target));
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
        !add_aliases(rules, settings->aliases, error))
        return NULL;
    return g_steal_pointer(&rules);
}

/* ---- owners ---------------------------------------------------------------------------------- */

/* An alias first, then what normalising gives; NULL when the domain is none of ours. */
static char *mailbox_address(const IngestOwnerRules *rules, const char *text)
{
    g_auto(Address) address = {0};
    g_autofree char *whole = NULL, *normalised = NULL;
    const char *alias, *domain;

    if (!split(rules, text, &address))
        return NULL;
    whole = join(&address);
    alias = g_hash_table_lookup(rules->aliases, whole);
    normalised = ingest_owner_normalise(rules, alias != NULL ? alias : text);
    if (normalised == NULL)
        return NULL;
    domain = strrchr(normalised, '@') + 1;
    if (!g_hash_table_contains(rules->domains, domain) ||
        g_hash_table_contains(rules->archive_domains, domain))
        return NULL;
    return g_steal_pointer(&normalised);
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

static IngestOwner *find_owner(GPtrArray *owners, const char *address)
{
    for (guint i = 0; i < owners->len; i++) {
        IngestOwner *owner = g_ptr_array_index(owners, i);

        if (g_strcmp0(owner->address, address) == 0)
            return owner;
    }
    return NULL;
}

static IngestOwner *take_owner(GPtrArray *owners, const char *address, VaultOwnerRole role)
{
    IngestOwner *owner = find_owner(owners, address);

    if (owner != NULL)
        return owner;
    owner = g_new0(IngestOwner, 1);
    owner->address = g_strdup(address);
    owner->role = address != NULL ? role : VAULT_OWNER_UNASSIGNED;
    owner->recipients = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(owners, owner);
    return owner;
}

static void name_owner(GPtrArray *owners, const char *address, VaultOwnerRole role,
                       const char *recipient)
{
    IngestOwner *owner = take_owner(owners, address, role);

    if (!g_ptr_array_find_with_equal_func(owner->recipients, recipient, g_str_equal, NULL))
        g_ptr_array_add(owner->recipients, g_strdup(recipient));
}

GPtrArray *ingest_owners(const IngestOwnerRules *rules, GPtrArray *recipients)
{
    GPtrArray *owners = g_ptr_array_new_with_free_func((GDestroyNotify)ingest_owner_free);

    for (guint i = 0; i < recipients->len; i++) {
        const char *recipient = g_ptr_array_index(recipients, i);
        VaultOwnerRole role;
        g_autofree char *address = owner_address(rules, recipient, &role);

        name_owner(owners, address, role, recipient);
    }
    return owners;
}

GPtrArray *ingest_owners_named(const IngestOwnerRules *rules, const char *const *addresses)
{
    GPtrArray *owners = g_ptr_array_new_with_free_func((GDestroyNotify)ingest_owner_free);

    for (; addresses != NULL && *addresses != NULL; addresses++) {
        g_autofree char *address = ingest_owner_normalise(rules, *addresses);

        take_owner(owners, address, VAULT_OWNER_IMPORT);
    }
    if (owners->len == 0)
        take_owner(owners, NULL, VAULT_OWNER_UNASSIGNED);
    return owners;
}
