#include "archived/config_keys.h"

#include "ingest/words/terms.h"

#include <string.h>

#define AT(field) offsetof(ArchivedConfig, field)

const ConfigGroup config_groups[CONFIG_GROUP_COUNT] = {
    {"lmtp", "Where mail comes in."},
    {"mailboxes", "Whose mail is archived, and under which address."},
    {"limits", "Bounds. Sizes may end in K, M, G or T (powers of 1024)."},
    {"search", "What of the mail can be searched for."},
    {"control", "Who besides the vault's owner may use the sockets in VAULT/run: a group of this "
                "machine\nper duty. For groups to reach them the vault's folder must be "
                "searchable (chmod 711)."},
    {"log",
     "What is written about the work: counts, sizes, times and ids, never mail addresses or\n"
     "content. And the vault's own logs: the key that signs them, and who cosigns."},
};

/* clang-format off */
const ConfigKey config_keys[CONFIG_KEY_COUNT] = {
    {"lmtp", "listen", CONFIG_LIST, AT(listen_texts), "127.0.0.1:2424", NULL, 0, 0, FALSE,
     "Addresses, separated by \";\": 127.0.0.1:2424, [::1]:2424, unix:/path. Off loopback, allow= or\n"
     "client_ca= must say who may connect. Sockets passed by systemd replace this list."},
    {"lmtp", "unix_group", CONFIG_TEXT, AT(unix_group), "", NULL, 0, 0, FALSE,
     "Group that may connect to unix: listeners. Empty: every user of this machine, as on loopback."},
    {"lmtp", "allow", CONFIG_LIST, AT(allow_texts), "", NULL, 0, 0, FALSE,
     "TCP peers that may connect: addresses and networks, 192.0.2.7;2001:db8::/32. Empty: all that\n"
     "reach a listener. Given, it holds for loopback peers too."},
    {"lmtp", "tls", CONFIG_CHOICE, AT(tls), "off", "off|may|require", 0, 0, FALSE,
     "STARTTLS: off, may (offered) or require (no mail without it)."},
    {"lmtp", "certificate", CONFIG_PATH, AT(certificate), "", NULL, 0, 0, FALSE,
     "PEM file with the certificate and its chain. Read again on SIGHUP."},
    {"lmtp", "private_key", CONFIG_PATH, AT(private_key), "", NULL, 0, 0, FALSE,
     "PEM file with its private key, without passphrase."},
    {"lmtp", "client_ca", CONFIG_PATH, AT(client_ca), "", NULL, 0, 0, FALSE,
     "PEM file of authorities: peers must then show a certificate that one of them signed."},
    {"lmtp", "host_name", CONFIG_TEXT, AT(host_name), "", NULL, 0, 0, FALSE,
     "Name in the greeting. Empty: this machine's."},
    {"lmtp", "max_connections", CONFIG_NUMBER, AT(max_connections), "256", NULL, 1,
     ARCHIVED_CONNECTIONS_MAX, FALSE,
     "Connections at a time; those over it are answered 421 and try again later."},
    {"lmtp", "connections_per_peer", CONFIG_NUMBER, AT(connections_per_peer), "128", NULL, 1,
     ARCHIVED_CONNECTIONS_MAX, FALSE,
     "The same for one peer address (one user, on unix sockets)."},
    {"lmtp", "recipients_per_message", CONFIG_NUMBER, AT(recipients_per_message), "1000", NULL, 100,
     ARCHIVED_RECIPIENTS_MAX, FALSE,
     "Recipients of one message; the sender splits a longer list (452)."},
    {"lmtp", "idle_timeout", CONFIG_NUMBER, AT(idle_timeout_s), "300", NULL, 1, 86400, FALSE,
     "Seconds to wait for a peer that says nothing."},

    {"mailboxes", "domains", CONFIG_LIST, AT(domains), "", NULL, 0, 0, FALSE,
     "Domains whose addresses are archived, separated by \";\": a mailbox is made on its first mail.\n"
     "Mail for any other address is kept under \"unassigned\"."},
    {"mailboxes", "archive_domains", CONFIG_LIST, AT(archive_domains), "", NULL, 0, 0, FALSE,
     "Domains that only mail servers write to, so that the envelope survives journaling:\n"
     "archive+LOCAL=DOMAIN@A (received by) and archive+from+LOCAL=DOMAIN@A (sent by)."},
    {"mailboxes", "aliases", CONFIG_LIST, AT(aliases), "", NULL, 0, 0, FALSE,
     "Addresses archived under another: sales@example.org=anna@example.org;..."},
    {"mailboxes", "domain_aliases", CONFIG_LIST, AT(domain_aliases), "", NULL, 0, 0, FALSE,
     "Domains that mean another: example.net=example.org;..."},
    {"mailboxes", "delimiter", CONFIG_TEXT, AT(delimiter), "+", NULL, 0, 0, FALSE,
     "Character before a subaddress: anna+lists@example.org is anna@example.org. Empty: none."},
    {"mailboxes", "local_case", CONFIG_CHOICE, AT(local_case), "fold", "fold|exact", 0, 0, FALSE,
     "fold: Anna@ and anna@ are one mailbox. exact: two."},
    {"mailboxes", "new_mailboxes_per_hour", CONFIG_NUMBER, AT(new_mailboxes_per_hour), "10000",
     NULL, 1, 10000000, FALSE,
     "New mailboxes an hour; mail for those over it goes to \"unassigned\". Needs a restart."},

    {"limits", "memory", CONFIG_SIZE, AT(memory), "256M", NULL, 64u << 20, G_MAXINT64, FALSE,
     "Memory of the whole daemon. When it is used up, mail waits and is then answered 452."},
    {"limits", "message", CONFIG_SIZE, AT(message_len_max), "0", NULL, 64u << 10, G_MAXINT64, TRUE,
     "Longest message; longer ones are refused for good (552), which loses them. 0: no limit."},
    {"limits", "disk_reserve", CONFIG_SIZE, AT(disk_reserve), "2G", NULL, 0, G_MAXINT64, TRUE,
     "Free disk space below which mail is answered 452, so that the commands still work. Needs a\n"
     "restart."},

    {"search", "terms", CONFIG_CHOICE, AT(has_terms), "yes", "no|yes", 0, 0, FALSE,
     "Whether mail is made searchable as it comes in. no: a search opens each message. Needs a restart."},
    {"search", "text", CONFIG_SIZE, AT(text_len_max), "8M", NULL, 64u << 10,
     INGEST_TERMS_TEXT_LEN_MAX, FALSE,
     "Text of one message that is searchable; what is over it is marked is:truncated. Needs a\n"
     "restart."},
    {"search", "extract", CONFIG_CHOICE, AT(extracts), "yes", "no|yes", 0, 0, FALSE,
     "Whether attached documents are read, in a sandboxed process of their own. Needs a restart."},
    {"search", "extract_seconds", CONFIG_NUMBER, AT(extract_s), "10", NULL, 1, 30, FALSE,
     "Seconds for one document, and twice as many for all of a message; then its text is left\n"
     "out. Needs a restart."},

    {"control", "status_group", CONFIG_TEXT, AT(status_group), "", NULL, 0, 0, FALSE,
     "May look: muniment status."},
    {"control", "operate_group", CONFIG_TEXT, AT(operate_group), "", NULL, 0, 0, FALSE,
     "May reload, prepare keys and import mail."},
    {"control", "read_group", CONFIG_TEXT, AT(read_group), "", NULL, 0, 0, FALSE,
     "May have the daemon bring its catalog up to date before a restore."},

    {"log", "level", CONFIG_CHOICE, AT(log_level), "notice", "error|warning|notice|info|debug", 0,
     0, FALSE,
     "error, warning, notice, info (also each connection and delivery) or debug."},
    {"log", "format", CONFIG_CHOICE, AT(log_format), "auto", "auto|journal|text", 0, 0, FALSE,
     "auto: the journal when standard error goes there, else text lines on standard error."},
    {"log", "key_days", CONFIG_NUMBER, AT(log_key_days), "30", NULL, 1, 3650, TRUE,
     "Days until another key signs the vault's logs. Who checks exports or runs a witness must be\n"
     "told of it (muniment log checkpoint --vkey). 0: only by muniment log rotate-key."},
    {"log", "witness_policy", CONFIG_PATH, AT(witness_policy), "", NULL, 0, 0, FALSE,
     "A trust policy, as muniment check reads it: each of its witnesses that has an address is\n"
     "asked hourly to cosign the vault's logs. Empty: nobody is asked."},
};
/* clang-format on */

int config_key_find(const char *group, const char *name)
{
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (strcmp(config_keys[i].group, group) == 0 && strcmp(config_keys[i].name, name) == 0)
            return i;
    }
    return -1;
}

int config_group_find(const char *group)
{
    for (int i = 0; i < CONFIG_GROUP_COUNT; i++) {
        if (strcmp(config_groups[i].name, group) == 0)
            return i;
    }
    return -1;
}

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean refuse(GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_propagate_error(error,
                      g_error_new_valist(VAULT_ERROR, VAULT_ERROR_MALFORMED, format, arguments));
    va_end(arguments);
    return FALSE;
}

static gboolean set_list(GStrv *list, const char *text)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) words = g_strsplit_set(text, ";,", -1);

    for (char **word = words; *word != NULL; word++) {
        if (*g_strstrip(*word) != '\0')
            g_strv_builder_add(builder, *word);
    }
    g_strfreev(*list);
    *list = g_strv_builder_end(builder);
    return TRUE;
}

static gboolean set_path(ArchivedConfig *config, char **path, const char *text)
{
    g_free(*path);
    if (*text == '\0')
        *path = NULL;
    else if (g_path_is_absolute(text))
        *path = g_strdup(text);
    else
        *path = g_build_filename(config->vault_path, text, NULL);
    return TRUE;
}

static gboolean set_text(char **value, const char *text)
{
    g_free(*value);
    *value = g_strdup(text);
    return TRUE;
}

static gboolean set_choice(const ConfigKey *key, guint *value, const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(key->words, "|", -1);

    for (guint i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            *value = i;
            return TRUE;
        }
    }
    return refuse(error, "%s=%s is not known: write one of %s", key->name, text, key->words);
}

/* Digits, and for sizes one of K, M, G, T; FALSE when it is not so or does not fit. */
static gboolean parse_number(const ConfigKey *key, const char *text, guint64 *ret_value)
{
    static const char units[] = "KMGT";
    gsize len = strlen(text);
    const char *unit =
        len > 1 && key->kind == CONFIG_SIZE ? strchr(units, g_ascii_toupper(text[len - 1])) : NULL;
    guint shift = unit == NULL ? 0 : 10 * (guint)(unit - units + 1);
    g_autofree char *digits = g_strndup(text, unit == NULL ? len : len - 1);

    if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXUINT64 >> shift, ret_value, NULL))
        return FALSE;
    *ret_value <<= shift;
    return TRUE;
}

static gboolean set_number(const ConfigKey *key, guint64 *value, const char *text, GError **error)
{
    guint64 number;

    if (!parse_number(key, text, &number))
        return refuse(error, "%s=%s is not a %s, such as %s", key->name, text,
                      key->kind == CONFIG_SIZE ? "size" : "whole number", key->default_text);
    if ((number < key->min || number > key->max) && !(number == 0 && key->is_zero_allowed))
        return refuse(
            error, "%s=%s is out of bounds: from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT "%s",
            key->name, text, key->min, key->max, key->is_zero_allowed ? ", or 0 for no limit" : "");
    *value = number;
    return TRUE;
}

gboolean config_key_set(ArchivedConfig *config, const ConfigKey *key, const char *text,
                        GError **error)
{
    gpointer value = (guint8 *)config + key->offset;

    switch (key->kind) {
    case CONFIG_LIST:
        return set_list(value, text);
    case CONFIG_TEXT:
        return set_text(value, text);
    case CONFIG_PATH:
        return set_path(config, value, text);
    case CONFIG_CHOICE:
        return set_choice(key, value, text, error);
    case CONFIG_NUMBER:
    case CONFIG_SIZE:
        return set_number(key, value, text, error);
    }
    g_assert_not_reached();
}
