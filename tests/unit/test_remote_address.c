/* Addresses of vaults elsewhere, and the commands that they become. */
#include "restore/remote_address.h"

#include "vault/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char *command_of(const char *vault, const char *ssh_command)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words = remote_address_command(vault, ssh_command, &error);

    if (words == NULL) {
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
        return g_strdup("refused");
    }
    return g_strjoinv("|", words);
}

static void addresses_become_commands(void **state)
{
    static const struct {
        const char *vault, *ssh, *command;
    } cases[] = {
        {"ssh://host/srv/vault", NULL, "ssh|-T|--|host|muniment|serve|'/srv/vault'"},
        {"ssh://erika@host:2222/v", NULL, "ssh|-T|-p|2222|-l|erika|--|host|muniment|serve|'/v'"},
        {"ssh://[::1]/v", NULL, "ssh|-T|--|::1|muniment|serve|'/v'"},
        {"ssh://host/a%20b", NULL, "ssh|-T|--|host|muniment|serve|'/a b'"},
        {"ssh://host/it's;rm", NULL, "ssh|-T|--|host|muniment|serve|'/it'\\''s;rm'"},
        {"ssh://host/v", "ssh -i 'my key'", "ssh|-i|my key|-T|--|host|muniment|serve|'/v'"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *command = command_of(cases[i].vault, cases[i].ssh);

        assert_string_equal(command, cases[i].command);
    }
}

static void what_ssh_or_a_shell_could_misread_is_refused(void **state)
{
    static const char *const vaults[] = {
        "ssh://",          "ssh://host",      "ssh://host/",        "ssh:///v",
        "ssh://-oX=y/v",   "ssh://-l@host/v", "ssh://a:secret@h/v", "ssh://host/v?q",
        "ssh://host/v#f",  "ssh://ho st/v",   "ssh://host/a%0ab",   "ssh://host:port/v",
        "ssh://us$er@h/v", "ssh://h`id`/v",   "ssh://host:99999/v", "ssh://%2doProxy/v"};

    for (gsize i = 0; i < G_N_ELEMENTS(vaults); i++) {
        g_autofree char *command = command_of(vaults[i], NULL);

        if (!g_str_equal(command, "refused"))
            fail_msg("%s became %s", vaults[i], command);
    }
    g_autofree char *command = command_of("ssh://host/v", "ssh 'open");
    assert_string_equal(command, "refused");
}

static void paths_are_no_addresses(void **state)
{
    assert_false(remote_address_is("/srv/ssh://x"));
    assert_false(remote_address_is("ssh:/x"));
    assert_true(remote_address_is("ssh://x/y"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_become_commands),
        cmocka_unit_test(what_ssh_or_a_shell_could_misread_is_refused),
        cmocka_unit_test(paths_are_no_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
