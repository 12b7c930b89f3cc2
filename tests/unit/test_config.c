#include "archived/config.h"
#include "archived/config_keys.h"
#include "archived/config_template.h"
#include "vault/base/file.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DOMAINS "[mailboxes]\ndomains=example.org\n"

static ArchivedConfig *parse(const char *text, char **ret_mistakes)
{
    g_autoptr(ArchivedMistakes) mistakes = archived_mistakes_new("f");
    ArchivedConfig *config =
        archived_config_parse(text, strlen(text), "/vault/archived.conf", mistakes);

    *ret_mistakes = archived_mistakes_format(mistakes);
    return config;
}

static ArchivedConfig *parse_good(const char *text)
{
    g_autofree char *mistakes = NULL;
    ArchivedConfig *config = parse(text, &mistakes);

    assert_string_equal(mistakes, "");
    assert_non_null(config);
    return config;
}

/* The text has exactly one mistake, on that line, and the report holds these words. */
static void assert_mistake(const char *text, guint line, const char *words)
{
    g_autofree char *mistakes = NULL;
    g_autoptr(ArchivedConfig) config = parse(text, &mistakes);
    g_autofree char *where = g_strdup_printf("f:%u: ", line);

    if (config != NULL || !g_str_has_prefix(mistakes, where) || strchr(mistakes, '\n') != NULL ||
        strstr(mistakes, words) == NULL)
        fail_msg("expected one mistake \"%s...%s\", got \"%s\"", where, words, mistakes);
}

static void defaults_are_those_of_the_contract(void **state)
{
    g_autoptr(ArchivedConfig) config = parse_good(DOMAINS);

    assert_string_equal(config->vault_path, "/vault");
    assert_int_equal(config->listen->len, 1);
    assert_string_equal(((ArchivedAddress *)config->listen->pdata[0])->text, "127.0.0.1:2424");
    assert_int_equal(config->tls, INGEST_TLS_OFF);
    assert_null(config->certificate);
    assert_int_equal(config->memory, 256u << 20);
    assert_int_equal(config->message_len_max, 0);
    assert_int_equal(config->disk_reserve, (guint64)2 << 30);
    assert_int_equal(config->new_mailboxes_per_hour, 10000);
    assert_string_equal(config->delimiter, "+");
    assert_int_equal(config->local_case, 0);
    assert_non_null(config->rules);
}

static void template_holds_every_key_and_parses_to_the_defaults(void **state)
{
    const char *const domains[] = {"example.org", "example.net", NULL};
    g_autofree char *text = archived_config_template(domains);
    g_autoptr(ArchivedConfig) config = parse_good(text);
    g_autoptr(ArchivedConfig) defaults = parse_good(DOMAINS);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_auto(GStrv) lines = NULL;

    assert_true(g_strv_equal((const char *const *)config->domains, domains));
    assert_int_equal(config->memory, defaults->memory);
    assert_int_equal(config->max_connections, defaults->max_connections);
    assert_true(g_key_file_load_from_data(file, text, strlen(text), G_KEY_FILE_NONE, NULL));
    for (gsize i = 0; i < CONFIG_KEY_COUNT; i++)
        assert_true(g_key_file_has_key(file, config_keys[i].group, config_keys[i].name, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        assert_true(strlen(*line) <= 100);
}

static void template_without_domains_asks_for_them(void **state)
{
    g_autofree char *text = archived_config_template(NULL);
    g_autofree char *mistakes = NULL;

    assert_null(parse(text, &mistakes));
    assert_non_null(strstr(mistakes, "domains= under [mailboxes] is missing"));
}

static void manual_page_describes_every_key(void **state)
{
    g_autoptr(GBytes) page = vault_file_read(SOURCE_DIR "/docs/man/archived.conf.5", 1 << 20, NULL);
    g_autofree char *text = NULL;

    assert_non_null(page);
    text = g_strndup(g_bytes_get_data(page, NULL), g_bytes_get_size(page));
    for (gsize i = 0; i < CONFIG_KEY_COUNT; i++) {
        g_autofree char *entry = g_strdup_printf(".It Cm %s", config_keys[i].name);

        if (strstr(text, entry) == NULL)
            fail_msg("archived.conf(5) does not describe %s=", config_keys[i].name);
    }
}

static void every_mistake_is_reported_with_its_line(void **state)
{
    g_autofree char *mistakes = NULL;

    assert_null(parse("[lmtp]\n"
                      "listen=localhost:2424\n"
                      "tls=yes\n"
                      "lissen=127.0.0.1:1\n"
                      "max_connections=many\n"
                      "[limit]\n"
                      "memory=1M\n"
                      "[mailboxes]\n"
                      "nonsense\n"
                      "domains=example.org\n",
                      &mistakes));
    assert_string_equal(
        mistakes,
        "f:2: listen= \"localhost:2424\" is not an IP address and port: write 127.0.0.1:2424 or "
        "[::1]:2424 (names are not looked up)\n"
        "f:3: tls=yes is not known: write one of off|may|require\n"
        "f:4: [lmtp] has no key lissen: remove the line, or see archived.conf(5)\n"
        "f:5: max_connections=many is not a whole number, such as 256\n"
        "f:7: memory= stands under the unknown group [limit]: the groups are [lmtp], [mailboxes], "
        "[limits], [search], [control] and [log]\n"
        "f:9: this line is neither [group], key=value nor a # comment");
}

static void wrong_lines_are_named(void **state)
{
    assert_mistake("listen=127.0.0.1:1\n" DOMAINS, 1, "before the first group");
    assert_mistake("[lmtp\n" DOMAINS, 1, "no group line");
    assert_mistake("[]\n" DOMAINS, 1, "no group line");
    assert_mistake(DOMAINS "delimiter=\\s\n", 3, "backslash");
    assert_mistake(DOMAINS "# \xff\n", 3, "UTF-8");
    assert_mistake(DOMAINS "delimiter=\x01\n", 3, "UTF-8");
    assert_mistake(DOMAINS "domains=example.net\n", 3, "given on line 2 already");
    assert_mistake(DOMAINS "Local-Case=fold\n", 3, "did you mean local_case= under [mailboxes]");
    assert_mistake(DOMAINS "memory=256M\n", 3, "did you mean memory= under [limits]");
}

static void nul_bytes_are_refused(void **state)
{
    g_autoptr(ArchivedMistakes) mistakes = archived_mistakes_new("f");

    assert_null(archived_config_parse("[lmtp]\0\n", 8, "/vault/archived.conf", mistakes));
    assert_true(archived_mistakes_count(mistakes) > 0);
}

static void later_section_of_a_group_replaces_keys(void **state)
{
    g_autoptr(ArchivedConfig) config = parse_good(
        DOMAINS "[lmtp]\nlisten=127.0.0.1:1\n[limits]\n[lmtp]\r\nlisten=127.0.0.1:2\r\n");

    assert_int_equal(config->listen->len, 1);
    assert_string_equal(((ArchivedAddress *)config->listen->pdata[0])->text, "127.0.0.1:2");
}

static void listeners_off_loopback_need_a_rule_who_may_connect(void **state)
{
    assert_mistake("[lmtp]\nlisten=0.0.0.0:2424\n" DOMAINS, 2, "reachable from other machines");
    assert_mistake("[lmtp]\nlisten=[::]:2424\n" DOMAINS, 2, "reachable from other machines");
    assert_mistake("[lmtp]\nlisten=[::ffff:192.0.2.1]:2424\n" DOMAINS, 2, "reachable");
    assert_mistake("[lmtp]\nlisten=192.0.2.1:2424\ntls=may\ncertificate=c\nprivate_key=k\n"
                   "client_ca=a\n" DOMAINS,
                   2, "set tls=require");
    archived_config_unref(
        parse_good("[lmtp]\nlisten=192.0.2.1:2424\nallow=192.0.2.0/24\n" DOMAINS));
    archived_config_unref(parse_good("[lmtp]\nlisten=192.0.2.1:2424\ntls=require\ncertificate=c\n"
                                     "private_key=k\nclient_ca=a\n" DOMAINS));
    archived_config_unref(
        parse_good("[lmtp]\nlisten=127.3.2.1:2424; [::1]:2424 ;unix:/run/x\n" DOMAINS));
}

static void wrong_listeners_are_named(void **state)
{
    assert_mistake("[lmtp]\nlisten=127.0.0.1\n" DOMAINS, 2, "no port");
    assert_mistake("[lmtp]\nlisten=127.0.0.1:0\n" DOMAINS, 2, "no port");
    assert_mistake("[lmtp]\nlisten=127.0.0.1:65536\n" DOMAINS, 2, "no port");
    assert_mistake("[lmtp]\nlisten=127.0.0.1:25\n" DOMAINS, 2, "RFC 2033");
    assert_mistake("[lmtp]\nlisten=::1:2424\n" DOMAINS, 2, "not an IP address");
    assert_mistake("[lmtp]\nlisten=unix:\n" DOMAINS, 2, "names no file");
    assert_mistake("[lmtp]\nlisten=\n" DOMAINS, 2, "names no address");
    assert_mistake("[lmtp]\nlisten=127.0.0.1:1;127.0.0.1:1\n" DOMAINS, 2, "twice");
}

static void unix_path_of_107_bytes_is_the_longest(void **state)
{
    g_autoptr(GString) path = g_string_new("unix:/");
    g_autoptr(ArchivedAddress) longest = NULL;

    while (path->len < strlen("unix:") + 107)
        g_string_append_c(path, 'x');
    longest = archived_address_parse(path->str, NULL, NULL);
    assert_non_null(longest);
    g_string_append_c(path, 'x');
    assert_null(archived_address_parse(path->str, NULL, NULL));
}

static void tls_without_its_files_is_named(void **state)
{
    assert_mistake(DOMAINS "[lmtp]\ntls=may\nprivate_key=k\n", 4, "set certificate=");
    assert_mistake(DOMAINS "[lmtp]\ntls=may\ncertificate=k\n", 4, "set private_key=");
    assert_mistake(DOMAINS "[lmtp]\nclient_ca=k\n", 4, "no effect with tls=off");
}

static void relative_paths_are_the_vaults(void **state)
{
    g_autoptr(ArchivedConfig) config =
        parse_good(DOMAINS "[lmtp]\ntls=may\ncertificate=c.pem\nprivate_key=/k.pem\n"
                           "listen=unix:run/lmtp\n");

    assert_string_equal(config->certificate, "/vault/c.pem");
    assert_string_equal(config->private_key, "/k.pem");
}

static void sizes_have_units_and_bounds(void **state)
{
    g_autoptr(ArchivedConfig) config =
        parse_good(DOMAINS "[limits]\nmemory=1g\nmessage=65536\ndisk_reserve=0\n");

    assert_int_equal(config->memory, 1u << 30);
    assert_int_equal(config->message_len_max, 65536);
    assert_int_equal(config->disk_reserve, 0);
    assert_mistake(DOMAINS "[limits]\nmessage=65535\n", 4, "out of bounds");
    assert_mistake(DOMAINS "[limits]\nmessage=-1\n", 4, "not a size");
    assert_mistake(DOMAINS "[limits]\nmessage=M\n", 4, "not a size");
    assert_mistake(DOMAINS "[limits]\nmessage=1MB\n", 4, "not a size");
    assert_mistake(DOMAINS "[limits]\nmessage=99999999T\n", 4, "not a size");
    assert_mistake(DOMAINS "[limits]\nmessage=\n", 4, "not a size");
}

static void numbers_have_bounds(void **state)
{
    assert_mistake(DOMAINS "[lmtp]\nmax_connections=0\n", 4, "out of bounds");
    assert_mistake(DOMAINS "[lmtp]\nmax_connections=4097\n", 4, "out of bounds");
    assert_mistake(DOMAINS "[lmtp]\nmax_connections=1K\n", 4, "not a whole number");
    assert_mistake(DOMAINS "[lmtp]\nrecipients_per_message=99\n", 4, "out of bounds");
    assert_mistake(DOMAINS "[lmtp]\nidle_timeout=0\n", 4, "out of bounds");
}

static void memory_must_suffice_for_the_connections(void **state)
{
    guint64 connections = 4096 * (guint64)ARCHIVED_MEMORY_PER_CONNECTION;
    guint64 needed = connections + ARCHIVED_MEMORY_BASE + ARCHIVED_MEMORY_DELIVERIES_MIN;
    g_autofree char *enough = g_strdup_printf(
        DOMAINS "[lmtp]\nmax_connections=4096\n[limits]\nmemory=%" G_GUINT64_FORMAT "\n", needed);
    g_autofree char *less = g_strdup_printf(
        DOMAINS "[lmtp]\nmax_connections=4096\n[limits]\nmemory=%" G_GUINT64_FORMAT "\n",
        needed - 1);
    g_autoptr(ArchivedConfig) config = parse_good(enough);

    assert_int_equal(archived_config_delivery_memory(config), ARCHIVED_MEMORY_DELIVERIES_MIN);
    assert_mistake(less, 6, "memory= is too little");
}

static void wrong_owner_rules_are_named(void **state)
{
    assert_mistake("[mailboxes]\n\n", 1, "domains=");
    assert_mistake("[lmtp]\n[mailboxes]\ndelimiter=+\n", 2, "domains=");
    assert_mistake("[mailboxes]\ndomains=exa mple..org\n", 2, "domains=");
    assert_mistake(DOMAINS "aliases=nobody\n", 3, "aliases=");
    assert_mistake(DOMAINS "domain_aliases=old.example\n", 3, "domain_aliases=");
    assert_mistake(DOMAINS "archive_domains=a b\n", 3, "archive_domains=");
    assert_mistake(DOMAINS "delimiter=++\n", 3, "delimiter=");
    assert_mistake(DOMAINS "delimiter=@\n", 3, "delimiter=");
    assert_mistake(DOMAINS "delimiter=a\n", 3, "delimiter=");
}

static gboolean allows(const ArchivedConfig *config, const char *peer)
{
    ArchivedNetwork one;

    assert_true(archived_network_parse(peer, &one, NULL));
    return archived_config_allows(config, one.bytes);
}

static void allow_list_is_matched_bit_by_bit(void **state)
{
    g_autoptr(ArchivedConfig) config =
        parse_good(DOMAINS "[lmtp]\nallow=192.0.2.0/25, 10.0.0.7 ;2001:db8::/33\n");
    g_autoptr(ArchivedConfig) everybody = parse_good(DOMAINS);

    assert_true(allows(config, "192.0.2.0"));
    assert_true(allows(config, "192.0.2.127"));
    assert_false(allows(config, "192.0.2.128"));
    assert_false(allows(config, "192.0.1.127"));
    assert_true(allows(config, "::ffff:192.0.2.1"));
    assert_true(allows(config, "10.0.0.7"));
    assert_false(allows(config, "10.0.0.6"));
    assert_true(allows(config, "2001:db8:7fff::1"));
    assert_false(allows(config, "2001:db8:8000::1"));
    assert_false(allows(config, "127.0.0.1"));
    assert_true(allows(everybody, "203.0.113.9"));
}

static void wrong_networks_are_named(void **state)
{
    assert_mistake(DOMAINS "[lmtp]\nallow=192.0.2.1/24\n", 4, "after its prefix");
    assert_mistake(DOMAINS "[lmtp]\nallow=192.0.2.0/33\n", 4, "from 0 to 32");
    assert_mistake(DOMAINS "[lmtp]\nallow=2001:db8::/129\n", 4, "from 0 to 128");
    assert_mistake(DOMAINS "[lmtp]\nallow=mx.example.org\n", 4, "not an address or network");
    assert_mistake(DOMAINS "[lmtp]\nallow=192.0.2.0/\n", 4, "from 0 to 32");
}

/* ---- files ----------------------------------------------------------------------------------- */

typedef struct {
    char *directory, *path;
} Folder;

static void folder_clear(Folder *folder)
{
    g_unlink(folder->path);
    g_rmdir(folder->directory);
    g_free(folder->path);
    g_free(folder->directory);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Folder, folder_clear)

static Folder folder_new(const char *text, gsize len)
{
    Folder folder = {.directory = g_dir_make_tmp("config-XXXXXX", NULL)};

    folder.path = g_build_filename(folder.directory, "archived.conf", NULL);
    assert_true(vault_file_write(folder.path, text, len, 0600, VAULT_FILE_NEW, NULL));
    return folder;
}

static void assert_load_fails(const char *path, VaultErrorCode code, const char *words)
{
    g_autoptr(GError) error = NULL;

    assert_null(archived_config_load(path, ARCHIVED_CONFIG_SYSTEM, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, (int)code));
    if (strstr(error->message, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, error->message);
}

static void absent_file_is_not_found(void **state)
{
    assert_load_fails("/nonexistent/archived.conf", VAULT_ERROR_NOT_FOUND, "/nonexistent");
}

static void file_over_its_limit_is_too_large(void **state)
{
    g_autofree char *text = g_strnfill(ARCHIVED_CONFIG_LEN_MAX + 1, '\n');
    g_auto(Folder) folder = folder_new(text, ARCHIVED_CONFIG_LEN_MAX + 1);

    assert_load_fails(folder.path, VAULT_ERROR_TOO_LARGE, folder.path);
}

static void file_at_its_limit_is_read(void **state)
{
    g_autofree char *text = g_strnfill(ARCHIVED_CONFIG_LEN_MAX, '\n');
    g_auto(Folder) folder = folder_new(text, ARCHIVED_CONFIG_LEN_MAX);

    assert_load_fails(folder.path, VAULT_ERROR_MALFORMED, "domains=");
}

static void unreadable_certificate_is_named_with_its_line(void **state)
{
    const char *text = DOMAINS "[lmtp]\ntls=may\ncertificate=archived.conf\nprivate_key=k.pem\n";
    g_auto(Folder) folder = folder_new(text, strlen(text));
    g_autofree char *where = g_strdup_printf("%s:5: cannot use %s", folder.path, folder.path);
    g_autoptr(ArchivedConfig) values =
        archived_config_load(folder.path, ARCHIVED_CONFIG_VALUES, NULL);

    assert_load_fails(folder.path, VAULT_ERROR_MALFORMED, where);
    assert_non_null(values); /* commands do not need the certificate */
}

static void unknown_group_of_this_machine_is_named(void **state)
{
    const char *text = DOMAINS "[control]\nstatus_group=no-such-group\n";
    g_auto(Folder) folder = folder_new(text, strlen(text));

    assert_load_fails(folder.path, VAULT_ERROR_MALFORMED, ":4: status_group=no-such-group is no");
}

static void witness_policy_that_cannot_be_read_is_named(void **state)
{
    const char *absent = DOMAINS "[log]\nwitness_policy=none.policy\n";
    const char *itself = DOMAINS "[log]\nwitness_policy=archived.conf\n";
    g_auto(Folder) first = folder_new(absent, strlen(absent));
    g_auto(Folder) second = folder_new(itself, strlen(itself));

    assert_load_fails(first.path, VAULT_ERROR_MALFORMED, ":4: witness_policy= ");
    assert_load_fails(second.path, VAULT_ERROR_MALFORMED, ":4: witness_policy= ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_contract),
        cmocka_unit_test(template_holds_every_key_and_parses_to_the_defaults),
        cmocka_unit_test(template_without_domains_asks_for_them),
        cmocka_unit_test(manual_page_describes_every_key),
        cmocka_unit_test(every_mistake_is_reported_with_its_line),
        cmocka_unit_test(wrong_lines_are_named),
        cmocka_unit_test(nul_bytes_are_refused),
        cmocka_unit_test(later_section_of_a_group_replaces_keys),
        cmocka_unit_test(listeners_off_loopback_need_a_rule_who_may_connect),
        cmocka_unit_test(wrong_listeners_are_named),
        cmocka_unit_test(unix_path_of_107_bytes_is_the_longest),
        cmocka_unit_test(tls_without_its_files_is_named),
        cmocka_unit_test(relative_paths_are_the_vaults),
        cmocka_unit_test(sizes_have_units_and_bounds),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(memory_must_suffice_for_the_connections),
        cmocka_unit_test(wrong_owner_rules_are_named),
        cmocka_unit_test(allow_list_is_matched_bit_by_bit),
        cmocka_unit_test(wrong_networks_are_named),
        cmocka_unit_test(absent_file_is_not_found),
        cmocka_unit_test(file_over_its_limit_is_too_large),
        cmocka_unit_test(file_at_its_limit_is_read),
        cmocka_unit_test(unreadable_certificate_is_named_with_its_line),
        cmocka_unit_test(unknown_group_of_this_machine_is_named),
        cmocka_unit_test(witness_policy_that_cannot_be_read_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
