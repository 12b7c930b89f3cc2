/* Proof files: whatever parses is formatted again to the very same bytes; none leads to a
 * checkpoint of a log that did not sign it, and no path of hashes leads to a root that nobody
 * computed. */
#include "vault/log/tlog_proof.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static VaultTlogPolicy *nobodys_policy(void)
{
    LogVerifyKey nobodys = {{1}};
    g_autoptr(VaultNoteKey) key = vault_note_key_new_log("log", &nobodys, NULL);
    g_autofree char *vkey = vault_note_key_format(key);
    g_autofree char *text = g_strdup_printf("log %s\nquorum none\n", vkey);

    return vault_tlog_policy_parse(text, strlen(text), NULL);
}

static void try_path(const VaultTlogProof *proof)
{
    static const guint64 sizes[] = {0, 1, 2, 300, VAULT_MERKLE_SIZE_MAX, G_MAXUINT64};
    VaultHash hash = {{7}}, root = {{8}};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_assert(
            !vault_merkle_verify_inclusion(&proof->path, proof->index, sizes[i], &hash, &root));
        g_assert(
            !vault_merkle_verify_consistency(&proof->path, proof->index, &hash, sizes[i], &root));
    }
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultTlogProof) proof = NULL;
    g_autoptr(VaultTlogPolicy) policy = NULL;
    g_autofree char *again = NULL;
    VaultHash entry_hash = {{7}};

    vault_crypto_init();
    proof = vault_tlog_proof_parse((const char *)data, size, &error);
    g_assert((proof == NULL) == (error != NULL));
    if (proof == NULL)
        return 0;
    again = vault_tlog_proof_format(proof);
    g_assert(strlen(again) == size && memcmp(again, data, size) == 0);
    try_path(proof);
    policy = nobodys_policy();
    g_assert(vault_tlog_proof_check(proof, policy, &entry_hash, NULL) == NULL);
    return 0;
}
