#include "vault/keep/erasure_gate.h"

struct VaultErasureGate {
    GMutex lock;
    GCond changed;
    guint inside;
    gboolean is_closed;
    GHashTable *dropped; /* MonthKeyId */
};

VaultErasureGate *vault_erasure_gate_new(void)
{
    VaultErasureGate *gate = g_new0(VaultErasureGate, 1);

    g_mutex_init(&gate->lock);
    g_cond_init(&gate->changed);
    gate->dropped = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    return gate;
}

void vault_erasure_gate_free(VaultErasureGate *gate)
{
    if (gate == NULL)
        return;
    g_assert(gate->inside == 0);
    g_hash_table_unref(gate->dropped);
    g_mutex_clear(&gate->lock);
    g_cond_clear(&gate->changed);
    g_free(gate);
}

void vault_erasure_gate_enter(VaultErasureGate *gate)
{
    g_mutex_lock(&gate->lock);
    while (gate->is_closed)
        g_cond_wait(&gate->changed, &gate->lock);
    gate->inside++;
    g_mutex_unlock(&gate->lock);
}

void vault_erasure_gate_leave(VaultErasureGate *gate)
{
    g_mutex_lock(&gate->lock);
    gate->inside--;
    if (gate->inside == 0 && gate->is_closed)
        g_cond_broadcast(&gate->changed);
    g_mutex_unlock(&gate->lock);
}

void vault_erasure_gate_close(VaultErasureGate *gate)
{
    g_mutex_lock(&gate->lock);
    while (gate->is_closed)
        g_cond_wait(&gate->changed, &gate->lock);
    gate->is_closed = TRUE;
    while (gate->inside > 0)
        g_cond_wait(&gate->changed, &gate->lock);
    g_mutex_unlock(&gate->lock);
}

void vault_erasure_gate_open(VaultErasureGate *gate)
{
    g_mutex_lock(&gate->lock);
    gate->is_closed = FALSE;
    g_cond_broadcast(&gate->changed);
    g_mutex_unlock(&gate->lock);
}

void vault_erasure_gate_drop(VaultErasureGate *gate, const MonthKeyId *month_key_id)
{
    g_mutex_lock(&gate->lock);
    g_hash_table_add(gate->dropped, g_memdup2(month_key_id, VAULT_ID_LEN));
    g_mutex_unlock(&gate->lock);
}

gboolean vault_erasure_gate_is_dropped(VaultErasureGate *gate, const MonthKeyId *month_key_id)
{
    gboolean is_dropped;

    g_mutex_lock(&gate->lock);
    is_dropped = g_hash_table_contains(gate->dropped, month_key_id);
    g_mutex_unlock(&gate->lock);
    return is_dropped;
}
