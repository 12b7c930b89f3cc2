/* The user that the daemon acts as: the vault's owner, also when root starts it. */
#pragma once

#include "vault/base/error.h"

/* Started as root on a vault of another user: becomes that user, with his groups, for good. Else
 * nothing. IO or REFUSED when it cannot; NOT_FOUND when there is no such folder. */
gboolean archived_become_owner(const char *vault_path, GError **error);
