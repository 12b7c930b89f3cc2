/* ssh://[user@]host[:port]/path: a vault elsewhere, and the command that reaches it. Pure. */
#pragma once

#include <glib.h>

gboolean remote_address_is(const char *vault);

/* The command that starts `muniment serve` there. `ssh_command` (NULL: "ssh") is split as a shell
 * would. MALFORMED: no such address, or one that ssh could take for an option; or a command that a
 * shell could not split. g_strfreev(). */
char **remote_address_command(const char *vault, const char *ssh_command, GError **error);
