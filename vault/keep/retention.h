/* Inside vault/keep: retention rules, set. Judged by judge.h.
 *
 * A rule of the same scope and name takes the place of the one before. Threads: safe. Writer only.
 */
#pragma once

#include "vault/keep.h"

/* `text`: a request for retention, approved as the policy wants; its detail is the rule
 * (vault/act/retention_detail.h). REFUSED: the rule was set after the request was made, so that no
 * request sets one back, and those of vault_policy_check_request(); MALFORMED: the detail. */
gboolean vault_retention_set(VaultKeep *keep, const char *text, gsize len, GString *answer,
                             GError **error);
