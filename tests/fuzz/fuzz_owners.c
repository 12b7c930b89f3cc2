/* Owners: each recipient names one, each owner is there once; a mailbox address is of a configured
 * domain, never of an archive's, and normalising it again changes nothing; quotes do not matter.
 *
 * The first byte of an input chooses delimiter and case; each line of the rest is a setting, told
 * by its first two characters, or a recipient. */
#include <string.h>

#include "ingest/owners.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

typedef struct {
    GPtrArray *domains, *archive_domains, *aliases, *domain_aliases, *recipients;
} Lines;

static void lines_clear(Lines *lines)
{
    g_ptr_array_unref(lines->domains);
    g_ptr_array_unref(lines->archive_domains);
    g_ptr_array_unref(lines->aliases);
    g_ptr_array_unref(lines->domain_aliases);
    g_ptr_array_unref(lines->recipients);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Lines, lines_clear)

static void sort_lines(Lines *lines, char **text)
{
    for (; *text != NULL; text++) {
        if (g_str_has_prefix(*text, "d:"))
            g_ptr_array_add(lines->domains, *text + 2);
        else if (g_str_has_prefix(*text, "a:"))
            g_ptr_array_add(lines->archive_domains, *text + 2);
        else if (g_str_has_prefix(*text, "m:"))
            g_ptr_array_add(lines->aliases, *text + 2);
        else if (g_str_has_prefix(*text, "o:"))
            g_ptr_array_add(lines->domain_aliases, *text + 2);
        else
            g_ptr_array_add(lines->recipients, *text);
    }
    g_ptr_array_add(lines->domains, (gpointer) "example.com");
    g_ptr_array_add(lines->archive_domains, (gpointer) "archive.test");
    g_ptr_array_add(lines->domains, NULL);
    g_ptr_array_add(lines->archive_domains, NULL);
    g_ptr_array_add(lines->aliases, NULL);
    g_ptr_array_add(lines->domain_aliases, NULL);
}

/* Without the bad entries, if there are any. */
static IngestOwnerRules *make_rules(IngestOwnerSettings *settings)
{
    static const char *const domains[] = {"example.com", NULL};
    static const char *const archive_domains[] = {"archive.test", NULL};
    g_autoptr(GError) error = NULL;
    IngestOwnerRules *rules = ingest_owner_rules_new(settings, &error);

    if (rules != NULL)
        return rules;
    g_assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
    settings->domains = domains;
    settings->archive_domains = archive_domains;
    settings->aliases = settings->domain_aliases = NULL;
    return ingest_owner_rules_new(settings, NULL);
}

/* Is the domain of `address`, a normalised one, in the list? Asked of rules that know no aliases.
 */
static gboolean is_of(const char *address, const char *const *domains)
{
    g_autoptr(IngestOwnerRules) plain = ingest_owner_rules_new(&(IngestOwnerSettings){0}, NULL);

    for (; *domains != NULL; domains++) {
        g_autofree char *typed = g_strconcat("x@", *domains, NULL);
        g_autofree char *normalised = ingest_owner_normalise(plain, typed);

        if (g_str_equal(strrchr(address, '@'), strrchr(normalised, '@')))
            return TRUE;
    }
    return FALSE;
}

static void check_normalised(const IngestOwnerRules *rules, const char *address)
{
    g_autofree char *again = ingest_owner_normalise(rules, address);

    g_assert_cmpstr(again, ==, address);
}

static void check_address(const IngestOwnerRules *rules, const char *typed)
{
    const char *at = strrchr(typed, '@');
    g_autofree char *normalised = ingest_owner_normalise(rules, typed);
    g_autofree char *quoted = NULL, *same = NULL;

    if (normalised == NULL)
        return;
    check_normalised(rules, normalised);
    quoted = g_strdup_printf("\"%.*s\"%s", (int)(at - typed), typed, at);
    if (memchr(typed, '"', (gsize)(at - typed)) == NULL &&
        memchr(typed, '\\', (gsize)(at - typed)) == NULL) {
        same = ingest_owner_normalise(rules, quoted);
        g_assert_cmpstr(same, ==, normalised);
    }
}

static void check_owners(const IngestOwnerRules *rules, const IngestOwnerSettings *settings,
                         GPtrArray *recipients)
{
    g_autoptr(GPtrArray) owners = ingest_owners(rules, recipients);
    g_autoptr(GHashTable) addresses = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) named = g_hash_table_new(g_str_hash, g_str_equal);
    char unassigned[] = "";
    g_autoptr(GHashTable) asked = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < recipients->len; i++)
        g_hash_table_add(asked, recipients->pdata[i]);
    for (guint i = 0; i < owners->len; i++) {
        const IngestOwner *owner = owners->pdata[i];

        g_assert_true(
            g_hash_table_add(addresses, owner->address != NULL ? owner->address : unassigned));
        g_assert_true((owner->address == NULL) == (owner->role == VAULT_OWNER_UNASSIGNED));
        g_assert_cmpuint(owner->recipients->len, >, 0);
        for (guint k = 0; k < owner->recipients->len; k++) {
            g_assert_true(g_hash_table_add(named, owner->recipients->pdata[k]));
            g_assert_true(g_hash_table_contains(asked, owner->recipients->pdata[k]));
        }
        if (owner->address == NULL)
            continue;
        check_normalised(rules, owner->address);
        g_assert_true(is_of(owner->address, settings->domains));
        g_assert_false(is_of(owner->address, settings->archive_domains));
    }
    g_assert_cmpuint(g_hash_table_size(named), ==, g_hash_table_size(asked));
}

static void check_imports(const IngestOwnerRules *rules, const IngestOwnerSettings *settings,
                          GPtrArray *recipients)
{
    g_autoptr(GPtrArray) owners = NULL;

    g_ptr_array_add(recipients, NULL);
    owners = ingest_owners_named(rules, (const char *const *)recipients->pdata);
    g_assert_cmpuint(owners->len, >, 0);
    for (guint i = 0; i < owners->len; i++) {
        const IngestOwner *owner = owners->pdata[i];

        if (owner->address != NULL)
            g_assert_false(is_of(owner->address, settings->archive_domains));
    }
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static const char *const delimiters[] = {"+", "-", "", "\""};
    g_autofree char *text = size > 0 ? g_strndup((const char *)data + 1, size - 1) : NULL;
    g_auto(GStrv) all = g_strsplit(text != NULL ? text : "", "\n", 200);
    g_auto(Lines) lines = {g_ptr_array_new(), g_ptr_array_new(), g_ptr_array_new(),
                           g_ptr_array_new(), g_ptr_array_new()};
    IngestOwnerSettings settings = {0};
    g_autoptr(IngestOwnerRules) rules = NULL;

    if (size == 0)
        return 0;
    sort_lines(&lines, all);
    settings.domains = (const char *const *)lines.domains->pdata;
    settings.archive_domains = (const char *const *)lines.archive_domains->pdata;
    settings.aliases = (const char *const *)lines.aliases->pdata;
    settings.domain_aliases = (const char *const *)lines.domain_aliases->pdata;
    settings.delimiter = delimiters[data[0] & 3];
    settings.is_local_case_exact = (data[0] & 4) != 0;
    rules = make_rules(&settings);
    for (guint i = 0; i < lines.recipients->len; i++)
        check_address(rules, lines.recipients->pdata[i]);
    check_owners(rules, &settings, lines.recipients);
    check_imports(rules, &settings, lines.recipients);
    return 0;
}
