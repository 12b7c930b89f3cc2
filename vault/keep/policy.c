/* The policy in force, its replacement, and what is asked for under it. Each policy that was ever
 * in force stays in the keyring under its serial; the highest counts. */
#include "vault/keep/policy.h"
#include "vault/act/policy_change.h"
#include "vault/act/text_file.h"
#include "vault/base/bytes.h"
#include "vault/keep/internal.h"

typedef struct {
    char *text;
    guint32 serial;
} Newest;

static RowId row_of(guint32 serial)
{
    RowId row = {{0}};

    vault_bytes_put_u32(row.bytes + VAULT_ID_LEN - 4, serial);
    return row;
}

static gboolean note_newest(const RowId *row_id, const GByteArray *value, gpointer user,
                            GError **error)
{
    Newest *newest = user;
    guint32 serial;

    if (!vault_policy_serial((const char *)value->data, value->len, &serial, error))
        return FALSE;
    if (newest->text != NULL && serial <= newest->serial)
        return TRUE;
    g_free(newest->text);
    newest->text = g_strndup((const char *)value->data, value->len);
    newest->serial = serial;
    return TRUE;
}

char *vault_policy_in_force(VaultKeyring *keyring, GError **error)
{
    Newest newest = {0};

    if (!vault_keyring_each(keyring, VAULT_KEYRING_POLICY, note_newest, &newest, error)) {
        g_free(newest.text);
        return NULL;
    }
    return newest.text != NULL ? newest.text : g_strdup(vault_policy_initial_text());
}

char *vault_keep_policy(VaultKeep *keep, GError **error)
{
    return vault_policy_in_force(keep->keyring, error);
}

typedef struct {
    const VaultPolicy *next;
    const char *text;
    gsize len;
} PolicyJob;

/* Another may have set one while signatures were verified: asked again where it is written. */
static gboolean put_policy(VaultKeyring *keyring, gpointer user, GError **error)
{
    const PolicyJob *job = user;
    g_autofree char *in_force = vault_policy_in_force(keyring, error);
    g_autoptr(GByteArray) value = g_byte_array_new();
    RowId row = row_of(job->next->serial);
    guint32 serial;

    if (in_force == NULL || !vault_policy_serial(in_force, strlen(in_force), &serial, error))
        return FALSE;
    if (serial + 1 != job->next->serial) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "policy %u came into force meanwhile: make the change on top of it", serial);
        return FALSE;
    }
    g_byte_array_append(value, (const guint8 *)job->text, (guint)job->len);
    return vault_keyring_put(keyring, VAULT_KEYRING_POLICY, &row, value, error);
}

static gboolean check_signer(VaultKeep *keep, const VaultPolicy *next, GError **error)
{
    g_autoptr(GArray) masters = vault_keep_masters(keep, error);

    return masters != NULL &&
           vault_policy_check_signer(next, &keep->id, (const MasterPublic *)(gpointer)masters->data,
                                     masters->len, error);
}

static gboolean log_policy(VaultKeep *keep, const VaultPolicy *next, const char *text, gsize len,
                           GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    VaultHash hash;

    vault_hash(text, len, &hash);
    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_POLICY_SET));
    vault_text_append_number(payload, "serial", next->serial);
    vault_text_append_hex_line(payload, "policy", hash.bytes, VAULT_HASH_LEN);
    return vault_keep_log_act(keep, VAULT_LOGGED_POLICY_SET, payload->str, payload->len, error);
}

/* With the gate closed: no release that was judged by the policy before comes behind it. */
static gboolean come_into_force(VaultKeep *keep, PolicyJob *job, GError **error)
{
    gboolean is_in_force;

    vault_erasure_gate_close(keep->erasure_gate);
    is_in_force = log_policy(keep, job->next, job->text, job->len, error) &&
                  vault_keyring_batch_run(keep->batch, put_policy, job, error);
    vault_erasure_gate_open(keep->erasure_gate);
    return is_in_force;
}

static gboolean set_policy(VaultKeep *keep, const char *text, gsize len, VaultSshVerify verify,
                           gpointer user, GError **error)
{
    g_autoptr(VaultPolicy) next = vault_policy_parse(text, len, error);
    g_autofree char *text_in_force = NULL;
    g_autoptr(VaultPolicy) in_force = NULL;
    PolicyJob job = {.next = next, .text = text, .len = len};

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    if (next == NULL || !check_signer(keep, next, error))
        return FALSE;
    text_in_force = vault_keep_policy(keep, error);
    if (text_in_force == NULL)
        return FALSE;
    in_force = vault_policy_parse(text_in_force, strlen(text_in_force), error);
    return in_force != NULL &&
           vault_policy_may_follow(in_force, next, text, len, verify, user, error) &&
           come_into_force(keep, &job, error);
}

gboolean vault_keep_set_policy(VaultKeep *keep, const char *text, gsize len, VaultSshVerify verify,
                               gpointer user, GError **error)
{
    if (!set_policy(keep, text, len, verify, user, error))
        return FALSE;
    vault_policy_apply(keep);
    return TRUE;
}

void vault_policy_apply(VaultKeep *keep)
{
    g_autofree char *text = vault_policy_in_force(keep->keyring, NULL);
    g_autoptr(VaultPolicy) policy =
        text != NULL ? vault_policy_parse(text, strlen(text), NULL) : NULL;

    if (policy != NULL)
        vault_directory_set_closed_mail(keep->directory, policy->closed_mail);
}

/* ---- requests ------------------------------------------------------------------------------- */

char *vault_policy_conditions(VaultKeep *keep, VaultRequestConditions *ret_conditions,
                              GError **error)
{
    guint64 now_s = vault_clock_now_s(&keep->clock), good_s;

    if (vault_clock_judge(&keep->clock, now_s, &good_s) == VAULT_CLOCK_UNSURE) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the clock is not to be trusted, so no request counts: set it right, "
                            "or run muniment clock confirm when it is");
        return NULL;
    }
    *ret_conditions =
        (VaultRequestConditions){.vault_id = keep->id,
                                 .policy = vault_policy_in_force(keep->keyring, error),
                                 .now_s = MAX(now_s, vault_clock_last_archived_s(&keep->clock)),
                                 .verify = keep->verify_approval,
                                 .user = keep->verify_user};
    return (char *)ret_conditions->policy;
}

VaultRequestFile *vault_policy_check_request(VaultKeep *keep, VaultAct act, const char *text,
                                             gsize len, guint *ret_approval_count, GError **error)
{
    VaultRequestConditions conditions;
    g_autofree char *policy = vault_policy_conditions(keep, &conditions, error);

    return policy != NULL
               ? vault_request_check(text, len, act, &conditions, ret_approval_count, error)
               : NULL;
}

gboolean vault_policy_still_allows(VaultKeyring *keyring, const VaultRequestFile *request,
                                   GError **error)
{
    g_autofree char *policy = vault_policy_in_force(keyring, error);

    if (policy == NULL)
        return FALSE;
    if (g_str_equal(policy, request->policy))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "another policy came into force meanwhile: make a new request");
    return FALSE;
}
