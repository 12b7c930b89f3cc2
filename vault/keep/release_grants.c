#include "vault/keep/release_grants.h"

#include "vault/act/ssh_keygen.h"
#include "vault/base/bytes.h"
#include "vault/log/merkle.h"

#define HOUR_S 3600

struct VaultReleaseGrants {
    VaultSshVerify verify;
    gpointer user;
    GMutex lock;
    GPtrArray *judged; /* VaultJudgedGrant, used last at the end */
};

void vault_judged_grant_unref(VaultJudgedGrant *judged)
{
    if (judged == NULL || !g_atomic_int_dec_and_test(&judged->ref_count))
        return;
    vault_grant_scope_free(judged->scope);
    vault_grant_file_free(judged->grant);
    g_free(judged);
}

static VaultJudgedGrant *judged_ref(VaultJudgedGrant *judged)
{
    g_atomic_int_inc(&judged->ref_count);
    return judged;
}

VaultReleaseGrants *vault_release_grants_new(VaultSshVerify verify, gpointer user)
{
    VaultReleaseGrants *grants = g_new0(VaultReleaseGrants, 1);

    grants->verify = verify;
    grants->user = user;
    grants->judged = g_ptr_array_new_with_free_func((GDestroyNotify)vault_judged_grant_unref);
    g_mutex_init(&grants->lock);
    return grants;
}

void vault_release_grants_free(VaultReleaseGrants *grants)
{
    if (grants == NULL)
        return;
    g_ptr_array_unref(grants->judged);
    g_mutex_clear(&grants->lock);
    g_free(grants);
}

/* ---- revocations ---------------------------------------------------------------------------- */

static RowId revocation_row(const VaultHash *request_hash)
{
    RowId row_id;

    memcpy(row_id.bytes, request_hash->bytes, VAULT_ID_LEN);
    return row_id;
}

gboolean vault_release_grants_revoke(VaultKeyring *keyring, const VaultHash *request_hash,
                                     guint64 now_s, GError **error)
{
    VaultRevocationValue revocation = {.request_hash = *request_hash, .revoked_s = now_s};
    g_autoptr(GByteArray) value = vault_revocation_value_format(&revocation);
    RowId row_id = revocation_row(request_hash);

    return vault_keyring_put(keyring, VAULT_KEYRING_GRANTS, &row_id, value, error);
}

gboolean vault_release_grants_is_revoked(VaultKeyring *keyring, const VaultHash *request_hash,
                                         gboolean *ret_is_revoked, GError **error)
{
    RowId row_id = revocation_row(request_hash);

    return vault_keyring_has(keyring, VAULT_KEYRING_GRANTS, &row_id, ret_is_revoked, error);
}

static gboolean add_revoked(const RowId *row_id, const GByteArray *value, gpointer user,
                            GError **error)
{
    VaultRevocationValue revocation;

    if (!vault_revocation_value_parse(value->data, value->len, &revocation, error))
        return FALSE;
    g_array_append_val((GArray *)user, revocation.request_hash);
    return TRUE;
}

static GArray *read_revoked(VaultKeyring *keyring, GError **error)
{
    g_autoptr(GArray) revoked = g_array_new(FALSE, FALSE, sizeof(VaultHash));

    if (!vault_keyring_each(keyring, VAULT_KEYRING_GRANTS, add_revoked, revoked, error))
        return NULL;
    return g_steal_pointer(&revoked);
}

/* ---- judging -------------------------------------------------------------------------------- */

static void hash_conditions(const VaultReleaseConditions *conditions, const GArray *revoked,
                            VaultHash *ret_hash)
{
    guint8 numbers[32];
    const VaultSpan spans[] = {
        {numbers, sizeof numbers},
        {conditions->policy, strlen(conditions->policy)},
        {conditions->masters->data, conditions->masters->len * sizeof(MasterPublic)},
        {revoked->data, revoked->len * sizeof(VaultHash)},
        {conditions->standing->data, conditions->standing->len * sizeof(VaultHash)}};

    vault_bytes_put_u64(numbers, conditions->now_s / HOUR_S);
    vault_bytes_put_u64(numbers + 8, spans[1].len);
    vault_bytes_put_u64(numbers + 16, conditions->masters->len);
    vault_bytes_put_u64(numbers + 24, conditions->standing->len);
    vault_hash_spans(spans, G_N_ELEMENTS(spans), ret_hash);
}

/* With the lock; NULL: it was not judged under these conditions. */
static VaultJudgedGrant *find_judged(VaultReleaseGrants *grants, const VaultHash *grant_hash,
                                     const VaultHash *conditions_hash, guint64 now_s)
{
    for (guint i = 0; i < grants->judged->len; i++) {
        VaultJudgedGrant *judged = g_ptr_array_index(grants->judged, i);

        if (!vault_merkle_hash_equal(&judged->grant_hash, grant_hash) ||
            !vault_merkle_hash_equal(&judged->conditions_hash, conditions_hash) ||
            now_s >= judged->grant->request->expires_s)
            continue;
        judged_ref(judged);
        g_ptr_array_remove_index(grants->judged, i);
        g_ptr_array_add(grants->judged, judged);
        return judged_ref(judged);
    }
    return NULL;
}

/* With the lock. */
static void keep_judged(VaultReleaseGrants *grants, VaultJudgedGrant *judged)
{
    for (guint i = 0; i < grants->judged->len; i++) {
        const VaultJudgedGrant *other = g_ptr_array_index(grants->judged, i);

        if (vault_merkle_hash_equal(&other->grant_hash, &judged->grant_hash))
            g_ptr_array_remove_index(grants->judged, i--);
    }
    if (grants->judged->len == VAULT_RELEASE_GRANTS_MAX)
        g_ptr_array_remove_index(grants->judged, 0);
    g_ptr_array_add(grants->judged, judged_ref(judged));
}

static VaultJudgedGrant *judge(const VaultReleaseGrants *grants, const char *text, gsize len,
                               const VaultReleaseConditions *conditions, const GArray *revoked,
                               GError **error)
{
    VaultGrantConditions in_force = {
        .vault_id = conditions->vault_id,
        .masters = (const MasterPublic *)(gconstpointer)conditions->masters->data,
        .master_count = conditions->masters->len,
        .policy = conditions->policy,
        .policy_len = strlen(conditions->policy),
        .revoked = (const VaultHash *)(gconstpointer)revoked->data,
        .revoked_count = revoked->len,
        .standing = (const VaultHash *)(gconstpointer)conditions->standing->data,
        .standing_count = conditions->standing->len,
        .now_s = conditions->now_s,
        .verify = grants->verify,
        .user = grants->user};
    g_autoptr(VaultGrantFile) grant = vault_grant_file_parse(text, len, error);
    VaultJudgedGrant *judged;

    if (grant == NULL || vault_grant_check(grant, &in_force, error) != VAULT_GRANT_GOOD)
        return NULL;
    judged = g_new0(VaultJudgedGrant, 1);
    judged->ref_count = 1;
    judged->scope = vault_grant_scope_new(grant);
    judged->grant = g_steal_pointer(&grant);
    return judged;
}

VaultJudgedGrant *vault_release_grants_judge(VaultReleaseGrants *grants, const char *text,
                                             gsize len, const VaultReleaseConditions *conditions,
                                             GError **error)
{
    g_autoptr(GArray) revoked = read_revoked(conditions->keyring, error);
    VaultHash grant_hash, conditions_hash;
    VaultJudgedGrant *judged;

    if (revoked == NULL)
        return NULL;
    vault_hash(text, len, &grant_hash);
    hash_conditions(conditions, revoked, &conditions_hash);
    g_mutex_lock(&grants->lock);
    judged = find_judged(grants, &grant_hash, &conditions_hash, conditions->now_s);
    g_mutex_unlock(&grants->lock);
    if (judged != NULL)
        return judged;
    /* Without the lock: ssh-keygen takes its time. */
    judged = judge(grants, text, len, conditions, revoked, error);
    if (judged == NULL)
        return NULL;
    judged->grant_hash = grant_hash;
    judged->conditions_hash = conditions_hash;
    g_mutex_lock(&grants->lock);
    keep_judged(grants, judged);
    g_mutex_unlock(&grants->lock);
    return judged;
}

gboolean vault_release_grants_is_current(const VaultJudgedGrant *judged,
                                         const VaultReleaseConditions *conditions,
                                         gboolean *ret_is_current, GError **error)
{
    g_autoptr(GArray) revoked = read_revoked(conditions->keyring, error);
    VaultHash hash;

    if (revoked == NULL)
        return FALSE;
    hash_conditions(conditions, revoked, &hash);
    *ret_is_current = vault_merkle_hash_equal(&hash, &judged->conditions_hash) &&
                      conditions->now_s < judged->grant->request->expires_s;
    return TRUE;
}
