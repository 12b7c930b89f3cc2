#include "archived/config_keys.h"
#include "archived/config_tls.h"
#include "vault/log/tlog_policy.h"

#include <grp.h>
#include <string.h>

typedef struct {
    ArchivedConfig *config;
    const ConfigLines *lines;
    ArchivedMistakes *mistakes;
} Check;

/* The line of a key; where it is not given, that of its group, or the first. */
static guint line_of(const Check *check, const char *group, const char *name)
{
    guint key_line = check->lines->keys[config_key_find(group, name)];
    guint group_line = check->lines->groups[config_group_find(group)];

    return key_line > 0 ? key_line : MAX(group_line, 1);
}

static void check_exposure(const Check *check, const ArchivedAddress *address, guint line)
{
    const ArchivedConfig *config = check->config;

    if (address->is_unix || address->is_loopback || g_strv_length(config->allow_texts) > 0 ||
        (config->client_ca != NULL && config->tls == INGEST_TLS_REQUIRE))
        return;
    if (config->client_ca != NULL)
        archived_mistakes_add(check->mistakes, line,
                              "listen=%s is reachable from other machines and client_ca= binds "
                              "only those that choose TLS: set tls=require, or say in allow= who "
                              "may connect",
                              address->text);
    else
        archived_mistakes_add(check->mistakes, line,
                              "listen=%s is reachable from other machines: say in allow= who may "
                              "connect (allow=192.0.2.7), or set tls=require and client_ca=, or "
                              "listen on 127.0.0.1",
                              address->text);
}

static gboolean is_listed_before(const ArchivedConfig *config, const char *text)
{
    for (guint i = 0; i < config->listen->len; i++) {
        const ArchivedAddress *earlier = config->listen->pdata[i];

        if (strcmp(earlier->text, text) == 0)
            return TRUE;
    }
    return FALSE;
}

static void check_listen(const Check *check)
{
    ArchivedConfig *config = check->config;
    guint line = line_of(check, "lmtp", "listen");

    if (g_strv_length(config->listen_texts) == 0)
        archived_mistakes_add(check->mistakes, line,
                              "listen= names no address: write listen=127.0.0.1:2424");
    for (char **text = config->listen_texts; *text != NULL; text++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ArchivedAddress) address =
            archived_address_parse(*text, config->vault_path, &error);

        if (address == NULL) {
            archived_mistakes_add(check->mistakes, line, "listen= %s", error->message);
        } else if (is_listed_before(config, *text)) {
            archived_mistakes_add(check->mistakes, line, "listen= names %s twice: remove one",
                                  *text);
        } else {
            check_exposure(check, address, line);
            g_ptr_array_add(config->listen, g_steal_pointer(&address));
        }
    }
}

static void check_allow(const Check *check)
{
    for (char **text = check->config->allow_texts; *text != NULL; text++) {
        g_autoptr(GError) error = NULL;
        ArchivedNetwork network;

        if (archived_network_parse(*text, &network, &error))
            g_array_append_val(check->config->allow, network);
        else
            archived_mistakes_add(check->mistakes, line_of(check, "lmtp", "allow"), "allow= %s",
                                  error->message);
    }
}

static void check_tls(const Check *check)
{
    const ArchivedConfig *config = check->config;
    guint line = line_of(check, "lmtp", "tls");

    if (config->tls == INGEST_TLS_OFF && config->client_ca != NULL)
        archived_mistakes_add(check->mistakes, line_of(check, "lmtp", "client_ca"),
                              "client_ca= has no effect with tls=off: set tls=require, or remove "
                              "it");
    if (config->tls == INGEST_TLS_OFF)
        return;
    if (config->certificate == NULL)
        archived_mistakes_add(check->mistakes, line,
                              "tls= needs a certificate: set certificate= to a PEM file, or "
                              "tls=off");
    if (config->private_key == NULL)
        archived_mistakes_add(check->mistakes, line,
                              "tls= needs a key: set private_key= to a PEM file, or tls=off");
}

static void check_memory(const Check *check)
{
    const ArchivedConfig *config = check->config;
    guint64 needed = ARCHIVED_MEMORY_BASE + ARCHIVED_MEMORY_DELIVERIES_MIN +
                     config->max_connections * ARCHIVED_MEMORY_PER_CONNECTION;
    guint line = MAX(line_of(check, "limits", "memory"), line_of(check, "lmtp", "max_connections"));

    if (config->memory < needed)
        archived_mistakes_add(check->mistakes, line,
                              "memory= is too little for max_connections=%" G_GUINT64_FORMAT
                              ": set memory=%" G_GUINT64_FORMAT "M at least, or fewer connections",
                              config->max_connections, (needed + (1u << 20) - 1) >> 20);
}

/* ---- owner rules ----------------------------------------------------------------------------- */

static IngestOwnerSettings owner_settings(const ArchivedConfig *config)
{
    return (IngestOwnerSettings){.domains = (const char *const *)config->domains,
                                 .archive_domains = (const char *const *)config->archive_domains,
                                 .aliases = (const char *const *)config->aliases,
                                 .domain_aliases = (const char *const *)config->domain_aliases,
                                 .delimiter = config->delimiter,
                                 .is_local_case_exact = config->local_case == 1};
}

/* Each entry of one list alone, so that all bad ones are named, with their key's line. */
static void check_entries(const Check *check, const char *key, GStrv list,
                          void (*put)(IngestOwnerSettings *settings, const char *const *entry))
{
    for (char **entry = list; *entry != NULL; entry++) {
        const char *const one[] = {*entry, NULL};
        IngestOwnerSettings settings = {.delimiter = ""};
        g_autoptr(GError) error = NULL;
        g_autoptr(IngestOwnerRules) rules = NULL;

        put(&settings, one);
        rules = ingest_owner_rules_new(&settings, &error);
        if (rules == NULL)
            archived_mistakes_add(check->mistakes, line_of(check, "mailboxes", key), "%s= %s", key,
                                  error->message);
    }
}

static void put_domain(IngestOwnerSettings *settings, const char *const *entry)
{
    settings->domains = entry;
}

static void put_archive_domain(IngestOwnerSettings *settings, const char *const *entry)
{
    settings->archive_domains = entry;
}

static void put_alias(IngestOwnerSettings *settings, const char *const *entry)
{
    settings->aliases = entry;
}

static void put_domain_alias(IngestOwnerSettings *settings, const char *const *entry)
{
    settings->domain_aliases = entry;
}

static void check_delimiter(const Check *check)
{
    const char *delimiter = check->config->delimiter;

    if (*delimiter != '\0' && (strlen(delimiter) > 1 || !g_ascii_ispunct(*delimiter) ||
                               *delimiter == '@' || *delimiter == '.' || *delimiter == '"'))
        archived_mistakes_add(check->mistakes, line_of(check, "mailboxes", "delimiter"),
                              "delimiter=%s is not one character such as + or -", delimiter);
}

static void check_owners(const Check *check)
{
    ArchivedConfig *config = check->config;
    IngestOwnerSettings settings = owner_settings(config);
    guint before = archived_mistakes_count(check->mistakes);
    g_autoptr(GError) error = NULL;

    if (g_strv_length(config->domains) == 0)
        archived_mistakes_add(check->mistakes, line_of(check, "mailboxes", "domains"),
                              "domains= under [mailboxes] is missing: name the domains whose mail "
                              "is archived, such as domains=example.org");
    check_delimiter(check);
    check_entries(check, "domains", config->domains, put_domain);
    check_entries(check, "archive_domains", config->archive_domains, put_archive_domain);
    check_entries(check, "aliases", config->aliases, put_alias);
    check_entries(check, "domain_aliases", config->domain_aliases, put_domain_alias);
    if (archived_mistakes_count(check->mistakes) > before)
        return;
    config->rules = ingest_owner_rules_new(&settings, &error);
    if (config->rules == NULL)
        archived_mistakes_add(check->mistakes, line_of(check, "mailboxes", "domains"),
                              "[mailboxes] do not fit together: %s", error->message);
}

void config_check_values(ArchivedConfig *config, const ConfigLines *lines,
                         ArchivedMistakes *mistakes)
{
    const Check check = {.config = config, .lines = lines, .mistakes = mistakes};

    check_listen(&check);
    check_allow(&check);
    check_tls(&check);
    check_owners(&check);
    check_memory(&check);
}

/* ---- this machine ---------------------------------------------------------------------------- */

static void check_group(const Check *check, const char *group, const char *key, const char *name)
{
    if (*name != '\0' && getgrnam(name) == NULL)
        archived_mistakes_add(check->mistakes, line_of(check, group, key),
                              "%s=%s is no group of this machine: addgroup it, or remove the line",
                              key, name);
}

static const char *tls_part_key(ArchivedTlsPart part)
{
    switch (part) {
    case ARCHIVED_TLS_CERTIFICATE:
        return "certificate";
    case ARCHIVED_TLS_PRIVATE_KEY:
        return "private_key";
    case ARCHIVED_TLS_CLIENT_CA:
        return "client_ca";
    case ARCHIVED_TLS_LIBRARY:
        return "tls";
    }
    g_assert_not_reached();
}

static void check_certificates(const Check *check)
{
    const ArchivedConfig *config = check->config;
    g_autoptr(GError) error = NULL;
    g_autoptr(SSL_CTX) context = NULL;
    ArchivedTlsPart part;

    if (config->tls == INGEST_TLS_OFF || config->certificate == NULL || config->private_key == NULL)
        return;
    context = archived_tls_context_new(config, &part, &error);
    if (context == NULL)
        archived_mistakes_add(check->mistakes, line_of(check, "lmtp", tls_part_key(part)), "%s",
                              error->message);
}

static void check_witness_policy(const Check *check)
{
    const char *path = check->config->witness_policy;
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultTlogPolicy) policy = path == NULL ? NULL : vault_tlog_policy_load(path, &error);

    if (error != NULL)
        archived_mistakes_add(check->mistakes, line_of(check, "log", "witness_policy"),
                              "witness_policy= %s", error->message);
}

void config_check_system(const ArchivedConfig *config, const ConfigLines *lines,
                         ArchivedMistakes *mistakes)
{
    const Check check = {.config = (ArchivedConfig *)config, .lines = lines, .mistakes = mistakes};

    check_group(&check, "lmtp", "unix_group", config->unix_group);
    check_group(&check, "control", "status_group", config->status_group);
    check_group(&check, "control", "operate_group", config->operate_group);
    check_group(&check, "control", "read_group", config->read_group);
    check_certificates(&check);
    check_witness_policy(&check);
}
