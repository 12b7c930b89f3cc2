/* Inside vault/keep: an operator says that the clock is right.
 *
 * What makes a clock unsure is the last archived message: one that a wrong clock dated later, or a
 * host without time service that took no mail for two days. A confirmation is an act in the control
 * log, from where each start takes it up: the time it was made stands for the last message archived
 * then or before. Threads: safe.
 */
#pragma once

#include "vault/keep.h"

/* Confirmations before the last so many acts are forgotten: give a new one. */
#define VAULT_CLOCK_ACTS_MAX 4096

/* `text`: "muniment-clock/1", "now: TIME", the time that the operator confirms. Writer only.
 * REFUSED: that is not what the clock of this process says, within VAULT_CLOCK_BEHIND_S; MALFORMED,
 * UNSUPPORTED: the text; and those of vault_keep_log_act(). */
gboolean vault_clock_confirm(VaultKeep *keep, const char *text, gsize len, GString *answer,
                             GError **error);
/* At the start, in either mode. What cannot be read confirms nothing: the clock may be unsure then,
 * and mail is taken all the same. */
void vault_clock_recall(VaultKeep *keep);
