#include "vault/keep/release.h"

#include "vault/act/text_file.h"
#include "vault/keep/readers.h"

/* ---- judging --------------------------------------------------------------------------------- */

/* A clock that was set back does not bring an expired grant to life again. */
static guint64 time_to_judge_by(VaultKeep *keep)
{
    return MAX(vault_clock_now_s(&keep->clock), vault_clock_last_archived_s(&keep->clock));
}

/* VaultHash of the requests of all standing readers. */
static GArray *taken_up(VaultKeep *keep)
{
    GArray *hashes = g_array_new(FALSE, FALSE, sizeof(VaultHash));
    G_GNUC_UNUSED g_autoptr(GRWLockReaderLocker) reading =
        g_rw_lock_reader_locker_new(vault_recipients_lock(keep->recipients));
    const GPtrArray *readers = vault_recipients_readers(keep->recipients);

    for (guint i = 0; i < readers->len; i++) {
        const VaultReaderValue *reader = g_ptr_array_index(readers, i);

        g_array_append_val(hashes, reader->request_hash);
    }
    return hashes;
}

/* What grants are judged by, and what it borrows. */
typedef struct {
    VaultReleaseConditions conditions;
    GArray *masters;
    char *policy;
} InForce;

static void in_force_clear(InForce *in_force)
{
    g_clear_pointer(&in_force->masters, g_array_unref);
    g_clear_pointer(&in_force->policy, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(InForce, in_force_clear)

static gboolean read_in_force(VaultKeep *keep, const GArray *standing, InForce *ret_in_force,
                              GError **error)
{
    ret_in_force->masters = vault_keep_masters(keep, error);
    ret_in_force->policy = ret_in_force->masters == NULL ? NULL : vault_keep_policy(keep, error);
    ret_in_force->conditions = (VaultReleaseConditions){.keyring = keep->keyring,
                                                        .vault_id = keep->id,
                                                        .masters = ret_in_force->masters,
                                                        .policy = ret_in_force->policy,
                                                        .standing = standing,
                                                        .now_s = time_to_judge_by(keep)};
    return ret_in_force->policy != NULL;
}

VaultJudgedGrant *vault_release_judge(VaultKeep *keep, const char *text, gsize len,
                                      const GArray *standing, GError **error)
{
    g_autoptr(GArray) own = standing == NULL ? taken_up(keep) : NULL;
    g_auto(InForce) in_force = {.policy = NULL};

    if (!read_in_force(keep, own != NULL ? own : standing, &in_force, error))
        return NULL;
    return vault_release_grants_judge(keep->release_grants, text, len, &in_force.conditions, error);
}

/* Inside the gate, from the last look at what the grant was judged by to the end: whoever changes
 * that logs it and makes it durable with the gate closed. So the log has no release behind what
 * forbids it. */
static gboolean give_if_current(VaultKeep *keep, const VaultJudgedGrant *judged,
                                VaultReleaseGive give, gpointer user, GBytes **ret_sealed,
                                GError **error)
{
    g_auto(VaultErasurePass) pass = vault_erasure_pass(keep->erasure_gate);
    g_autoptr(GArray) standing = taken_up(keep);
    g_auto(InForce) in_force = {.policy = NULL};
    gboolean is_current;

    if (!read_in_force(keep, standing, &in_force, error) ||
        !vault_release_grants_is_current(judged, &in_force.conditions, &is_current, error))
        return FALSE;
    if (is_current)
        *ret_sealed = give(keep, judged, user, error);
    return !is_current || *ret_sealed != NULL;
}

GBytes *vault_release_under_grant(VaultKeep *keep, const char *grant_text, gsize len,
                                  VaultReleaseGive give, gpointer user, GError **error)
{
    GBytes *sealed = NULL;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    /* Judged outside the gate: ssh-keygen takes its time. */
    while (sealed == NULL) {
        g_autoptr(VaultJudgedGrant) judged =
            vault_release_judge(keep, grant_text, len, NULL, error);

        if (judged == NULL || !give_if_current(keep, judged, give, user, &sealed, error))
            return NULL;
    }
    return sealed;
}

typedef struct {
    VaultReleaseGive give;
    VaultReleaseList list;
} Listed;

static GBytes *give_listed(VaultKeep *keep, const VaultJudgedGrant *judged, gpointer user,
                           GError **error)
{
    Listed *listed = user;

    vault_keep_catch_up(keep);
    return listed->give(keep, judged, &listed->list, error);
}

static gboolean release_listed(VaultKeep *keep, const char *grant_text, gsize len, Listed *listed,
                               GBytes **ret_sealed, GError **error)
{
    *ret_sealed = NULL;
    if (listed->list.count > VAULT_RELEASE_COUNT_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "at most %d copies are released at once", VAULT_RELEASE_COUNT_MAX);
        return FALSE;
    }
    *ret_sealed = vault_release_under_grant(keep, grant_text, len, give_listed, listed, error);
    return *ret_sealed != NULL;
}

gboolean vault_keep_release_by_grant(VaultKeep *keep, const char *grant_text, gsize len,
                                     const RecordId *copies, gsize count, GBytes **ret_sealed,
                                     GError **error)
{
    Listed listed = {vault_release_give_slots, {copies, count}};

    return release_listed(keep, grant_text, len, &listed, ret_sealed, error);
}

gboolean vault_keep_release_terms_by_grant(VaultKeep *keep, const char *grant_text, gsize len,
                                           const RecordId *terms_copies, gsize count,
                                           GBytes **ret_sealed, GError **error)
{
    Listed listed = {vault_release_give_terms, {terms_copies, count}};

    return release_listed(keep, grant_text, len, &listed, ret_sealed, error);
}

/* ---- revoking -------------------------------------------------------------------------------- */

static gboolean log_revoked(VaultKeep *keep, const VaultGrantFile *grant,
                            const VaultHash *grant_hash, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);

    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_GRANT_REVOKED));
    vault_text_append_hex_line(payload, "grant", grant_hash->bytes, VAULT_HASH_LEN);
    vault_text_append_hex_line(payload, "request", grant->request_hash.bytes, VAULT_HASH_LEN);
    vault_text_append(payload, "case", grant->request->case_id);
    vault_text_append(payload, "reader", grant->request->reader_name);
    return vault_keep_log_act(keep, VAULT_LOGGED_GRANT_REVOKED, payload->str, payload->len, error);
}

/* With the gate closed: it may be revoked by now. */
static gboolean revoke_request(VaultKeep *keep, const VaultGrantFile *grant,
                               const VaultHash *grant_hash, GError **error)
{
    gboolean is_revoked;

    if (!vault_release_grants_is_revoked(keep->keyring, &grant->request_hash, &is_revoked, error))
        return FALSE;
    return is_revoked || (log_revoked(keep, grant, grant_hash, error) &&
                          vault_readers_drop(keep, &grant->request_hash, error));
}

gboolean vault_keep_revoke_grant(VaultKeep *keep, const char *grant_text, gsize len, GError **error)
{
    g_autoptr(VaultGrantFile) grant = vault_grant_file_parse(grant_text, len, error);
    gboolean is_revoked;
    VaultHash hash;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    if (grant == NULL)
        return FALSE;
    if (!VAULT_ID_EQUAL(grant->request->vault_id, keep->id)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the grant is for another vault");
        return FALSE;
    }
    vault_hash(grant_text, len, &hash);
    vault_recipients_wait(keep->recipients);
    vault_erasure_gate_close(keep->erasure_gate);
    is_revoked = revoke_request(keep, grant, &hash, error);
    vault_erasure_gate_open(keep->erasure_gate);
    return is_revoked;
}
