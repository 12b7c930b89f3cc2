/* Inside vault/keep: commits and releases on the one side, the moment of an erasure on the other.
 *
 * Whoever is about to commit copies, or to give slots, passes through; an erasure waits until
 * nobody is inside and then has the keyring's slots and what memory holds of them to itself. So a
 * copy is committed either before, or with the knowledge that its month is gone; and no slot is
 * given that was erased meanwhile. An erasure that waits keeps newcomers out: it is never starved.
 * Whoever revokes a grant, removes a reader, replaces the policy or retires a master closes the
 * gate too, over both logging and doing it: each release comes before, or is not given. The
 * recipients' lock is taken inside it, never around it. Threads: safe.
 */
#pragma once

#include "vault/base/error.h"
#include "vault/base/id.h"

typedef struct VaultErasureGate VaultErasureGate;
VaultErasureGate *vault_erasure_gate_new(void);
void vault_erasure_gate_free(VaultErasureGate *gate);

void vault_erasure_gate_enter(VaultErasureGate *gate);
void vault_erasure_gate_leave(VaultErasureGate *gate);
/* One at a time. */
void vault_erasure_gate_close(VaultErasureGate *gate);
void vault_erasure_gate_open(VaultErasureGate *gate);

/* With the gate closed: leaves of this month key that were handed out are good for nothing. */
void vault_erasure_gate_drop(VaultErasureGate *gate, const MonthKeyId *month_key_id);
/* Inside the gate. */
gboolean vault_erasure_gate_is_dropped(VaultErasureGate *gate, const MonthKeyId *month_key_id);

/* One pass, by scope. */
typedef VaultErasureGate *VaultErasurePass;
static inline void vault_erasure_pass_end(VaultErasurePass *pass)
{
    if (*pass != NULL)
        vault_erasure_gate_leave(*pass);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VaultErasurePass, vault_erasure_pass_end)
static inline VaultErasurePass vault_erasure_pass(VaultErasureGate *gate)
{
    vault_erasure_gate_enter(gate);
    return gate;
}
