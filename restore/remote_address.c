#include "restore/remote_address.h"

#include "vault/base/error.h"

#include <string.h>

#define SCHEME "ssh://"

gboolean remote_address_is(const char *vault)
{
    return g_str_has_prefix(vault, SCHEME);
}

/* ssh takes what begins with "-" for an option, and a user or host with a blank or a quote for
 * something else. */
static gboolean is_name(const char *text)
{
    return *text != '\0' && *text != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:%") ==
               strlen(text);
}

static gboolean is_path(const char *path)
{
    for (const char *at = path; *at != '\0'; at++) {
        if (g_ascii_iscntrl(*at))
            return FALSE;
    }
    return path[0] == '/' && path[1] != '\0';
}

static gboolean split(const char *vault, char **ret_user, char **ret_host, int *ret_port,
                      char **ret_path)
{
    g_autofree char *password = NULL, *options = NULL, *query = NULL, *fragment = NULL;

    if (!g_uri_split_with_user(vault, G_URI_FLAGS_HAS_PASSWORD, NULL, ret_user, &password, &options,
                               ret_host, ret_port, ret_path, &query, &fragment, NULL))
        return FALSE;
    /* A password in an address ends up in the list of processes. */
    return password == NULL && query == NULL && fragment == NULL && *ret_host != NULL &&
           is_name(*ret_host) && (*ret_user == NULL || is_name(*ret_user)) && is_path(*ret_path);
}

static char **split_command(const char *ssh_command, GError **error)
{
    g_autoptr(GError) failure = NULL;
    char **words;

    if (g_shell_parse_argv(ssh_command == NULL ? "ssh" : ssh_command, NULL, &words, &failure))
        return words;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "--ssh: %s", failure->message);
    return NULL;
}

char **remote_address_command(const char *vault, const char *ssh_command, GError **error)
{
    g_autofree char *user = NULL, *host = NULL, *path = NULL, *quoted = NULL;
    g_auto(GStrv) words = split_command(ssh_command, error);
    g_autoptr(GStrvBuilder) command = g_strv_builder_new();
    int port = -1;

    if (words == NULL)
        return NULL;
    if (!split(vault, &user, &host, &port, &path)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "\"%s\" is no address: write ssh://[user@]host[:port]/path", vault);
        return NULL;
    }
    g_strv_builder_addv(command, (const char **)words);
    g_strv_builder_add(command, "-T");
    if (port > 0) {
        g_autofree char *text = g_strdup_printf("%d", port);

        g_strv_builder_add(command, "-p");
        g_strv_builder_add(command, text);
    }
    if (user != NULL) {
        g_strv_builder_add(command, "-l");
        g_strv_builder_add(command, user);
    }
    quoted = g_shell_quote(path);
    g_strv_builder_add(command, "--");
    g_strv_builder_add(command, host);
    g_strv_builder_add(command, "muniment");
    g_strv_builder_add(command, "serve");
    g_strv_builder_add(command, quoted);
    return g_strv_builder_end(command);
}
