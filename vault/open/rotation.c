#include "vault/open/rotation.h"

static VaultMonthIdentity identity_of(const VaultRotationAsked *asked,
                                      const VaultRotationMonth *month)
{
    return (VaultMonthIdentity){.vault_id = asked->name.vault_id,
                                .mailbox_id = month->mailbox_id,
                                .address = month->address,
                                .month = month->month};
}

static gboolean wrap_again(const VaultRotationAsked *asked, const VaultRotationMonth *month,
                           const VaultMaster *from, const VaultWrapRecipient *to,
                           VaultRotationWrap *ret_wrap, GError **error)
{
    VaultMonthIdentity identity = identity_of(asked, month);
    g_autoptr(GError) failure = NULL;

    ret_wrap->month_key_id = vault_month_key_id(&month->keys.content);
    if (vault_month_rewrap(&identity, &month->keys, &month->wrap, from->secret_key.bytes,
                           from->public.public_key.bytes, to, &ret_wrap->wrap, &failure))
        return TRUE;
    if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_KEY)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "mailbox %s, month %u: the wrapped key is not the one that the file says it is; do "
                "not answer this file, and ask where it comes from",
                VAULT_ID_TEXT(month->mailbox_id), month->month);
    return FALSE;
}

/* As the vault would use it from here on: what was just wrapped opens under the new master. */
static gboolean prove_month(const VaultRotationAsked *asked, const VaultRotationMonth *month,
                            const VaultWrap *wrap, const VaultMaster *to, GError **error)
{
    VaultMonthIdentity identity = identity_of(asked, month);
    g_auto(ContentSecretKey) content = {{0}};
    g_auto(IndexSecretKey) index = {{0}};

    if (vault_month_unwrap(&identity, &month->keys, wrap, to->secret_key.bytes,
                           to->public.public_key.bytes, &content, &index, NULL))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                "mailbox %s, month %u: what was just wrapped to the new master does not open under "
                "it; nothing was answered: do it again on another machine",
                VAULT_ID_TEXT(month->mailbox_id), month->month);
    return FALSE;
}

/* Each of them: the vault cannot tell, and once the old master is retired nothing else opens a
 * month. */
static gboolean prove(const VaultRotationAsked *asked, const VaultRotationAnswered *answered,
                      const VaultMaster *to, GError **error)
{
    for (guint i = 0; i < asked->months->len; i++) {
        if (!prove_month(asked, &g_array_index(asked->months, VaultRotationMonth, i),
                         &g_array_index(answered->wraps, VaultRotationWrap, i).wrap, to, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean check_masters(const VaultRotationAsked *asked, const VaultMaster *from,
                              const MasterPublic *to, const VaultMaster *to_secret, GError **error)
{
    if (memcmp(&asked->name.from, &from->public, sizeof from->public) != 0) {
        g_autofree char *wanted = vault_master_fingerprint(&asked->name.from);

        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "the file is for the master key %s, which is another one than this", wanted);
        return FALSE;
    }
    if (to_secret != NULL && memcmp(&to_secret->public, to, sizeof *to) != 0) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                            "the new master's secret is not that of its public file");
        return FALSE;
    }
    if (memcmp(&to->public_key, &from->public.public_key, VAULT_KEY_LEN) != 0 &&
        memcmp(&to->verify_key, &from->public.verify_key, VAULT_KEY_LEN) != 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "the new master is the old one: make another with muniment master create");
    return FALSE;
}

VaultRotationAnswered *vault_rotation_answer(const VaultRotationAsked *asked,
                                             const VaultMaster *from, const MasterPublic *to,
                                             const VaultMaster *to_secret, GError **error)
{
    g_autoptr(VaultRotationAnswered) answered = NULL;
    VaultWrapRecipient recipient = {.kind = VAULT_WRAP_MASTER, .key_id = vault_master_key_id(to)};

    if (!check_masters(asked, from, to, to_secret, error))
        return NULL;
    memcpy(recipient.public_key, to->public_key.bytes, VAULT_KEY_LEN);
    answered = vault_rotation_answered_new(&asked->name, to);
    g_array_set_size(answered->wraps, asked->months->len);
    for (guint i = 0; i < asked->months->len; i++) {
        if (!wrap_again(asked, &g_array_index(asked->months, VaultRotationMonth, i), from,
                        &recipient, &g_array_index(answered->wraps, VaultRotationWrap, i), error))
            return NULL;
    }
    if (to_secret != NULL && !prove(asked, answered, to_secret, error))
        return NULL;
    vault_rotation_answered_sign(answered, &from->signing_key,
                                 to_secret == NULL ? NULL : &to_secret->signing_key);
    return g_steal_pointer(&answered);
}
