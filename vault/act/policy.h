/* The policy that says how many approvals an act needs. The initial policy is a fixed text with
 * serial 0, unsigned, that asks for none; this version knows no other. Pure functions.
 * Errors: MALFORMED, UNSUPPORTED. Source: docs/formats/request.md, section "Policy".
 */
#pragma once

#include <glib.h>

#define VAULT_POLICY_LEN_MAX (1u << 20)

const char *vault_policy_initial_text(void);
/* The serial of any policy, also of one that this version does not understand. */
gboolean vault_policy_serial(const char *text, gsize len, guint32 *ret_serial, GError **error);
/* UNSUPPORTED for all but the initial policy. */
gboolean vault_policy_approvals_needed(const char *text, guint *ret_count, GError **error);
