/* Inside vault/keep: retention rules, set, and what is past its maximum by them. Judged by judge.h.
 *
 * A rule of the same scope and name takes the place of the one before. Threads: safe. Writer only,
 * but for what is found.
 */
#pragma once

#include "vault/keep/erasure_scope.h"
#include "vault/store/erasure_value.h"

/* `text`: a request for retention, approved as the policy wants; its detail is the rule
 * (vault/act/retention_detail.h). REFUSED: the rule was set after the request was made, so that no
 * request sets one back, and those of vault_policy_check_request(); MALFORMED: the detail. */
gboolean vault_retention_set(VaultKeep *keep, const char *text, gsize len, GString *answer,
                             GError **error);

/* ---- retention_due.c ------------------------------------------------------------------------- */

/* Of single copies no more are destroyed at once: an erasure names their messages. */
#define VAULT_RETENTION_COPIES_MAX VAULT_ERASURE_MESSAGES_MAX

/* As vault_keep_retention_due(); what may go is put into `scope` (NULL: it is not), of copies the
 * first so many, what may not is counted there as passed over. */
GPtrArray *vault_retention_find(VaultKeep *keep, VaultErasureScope *scope, GError **error);

/* ---- retention_run.c ------------------------------------------------------------------------- */

/* Between the last rule that was set and when the daemon goes by the rules: time to see a mistake.
 */
#define VAULT_RETENTION_SETTLE_S 86400
#define VAULT_RETENTION_RUN_DETAIL "run"

/* Destroys what is past its maximum now. `text`: a request for retention, whose detail is "run",
 * approved as the policy wants. The answer: "months: N", "copies: N" destroyed, "passed-over: N",
 * for each hold in the way "hold: ID", for each erasure made "erasure: ID". NOT_FOUND: nothing is
 * past its maximum, or nothing that may go; REFUSED: the request; and those of
 * vault_erasure_expire(). */
gboolean vault_retention_run(VaultKeep *keep, const char *text, gsize len, GString *answer,
                             GError **error);
