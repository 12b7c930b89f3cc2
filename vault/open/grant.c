#include "vault/open/grant.h"

#include "vault/act/text_file.h"
#include "vault/base/bytes.h"
#include "vault/crypto/value.h"

static const char seal_purpose[] = "grant";

#define KEY_AAD_LEN (VAULT_HASH_LEN + 3 * VAULT_ID_LEN + 4 + 1)

/* A sealed key opens only in the grant and at the place that it was made for. */
static void key_aad(const VaultGrantFile *grant, const VaultGrantKey *key,
                    guint8 ret_aad[KEY_AAD_LEN])
{
    guint8 *at = ret_aad;

    memcpy(at, grant->request_hash.bytes, VAULT_HASH_LEN);
    at += VAULT_HASH_LEN;
    memcpy(at, grant->request->vault_id.bytes, VAULT_ID_LEN);
    at += VAULT_ID_LEN;
    memcpy(at, key->mailbox_id.bytes, VAULT_ID_LEN);
    at += VAULT_ID_LEN;
    memcpy(at, key->month_key_id.bytes, VAULT_ID_LEN);
    at += VAULT_ID_LEN;
    vault_bytes_put_u32(at, key->month);
    at[4] = key->halves;
}

/* ---- making --------------------------------------------------------------------------------- */

typedef struct {
    ContentSecretKey content;
    IndexSecretKey index;
} MonthSecrets;
VAULT_DECLARE_WIPE(MonthSecrets, month_secrets)

static const VaultWrap *find_wrap(const VaultRequestMonth *month, const KeyId *master_id)
{
    for (guint i = 0; i < month->wraps->len; i++) {
        const VaultWrap *wrap = &g_array_index(month->wraps, VaultWrap, i);

        if (wrap->kind == VAULT_WRAP_MASTER && VAULT_ID_EQUAL(wrap->key_id, *master_id))
            return wrap;
    }
    return NULL;
}

static gboolean unwrap(const VaultRequestFile *request, const VaultRequestMailbox *mailbox,
                       const VaultRequestMonth *month, const VaultMaster *master,
                       MonthSecrets *ret_secrets, GError **error)
{
    KeyId master_id = vault_master_key_id(&master->public);
    const VaultWrap *wrap = find_wrap(month, &master_id);
    VaultMonthIdentity identity = {.vault_id = request->vault_id,
                                   .mailbox_id = mailbox->id,
                                   .address = month->address,
                                   .month = month->month};

    if (wrap == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "mailbox %s, month %u: no key is wrapped for this master; use the master that "
                    "the vault was made with",
                    VAULT_ID_TEXT(mailbox->id), month->month);
        return FALSE;
    }
    if (vault_month_unwrap(&identity, &month->keys, wrap, master->secret_key.bytes,
                           master->public.public_key.bytes, &ret_secrets->content,
                           &ret_secrets->index, NULL))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "mailbox %s, month %u: the wrapped key is not the one that the request says it is; "
                "do not grant this request, and ask where it comes from",
                VAULT_ID_TEXT(mailbox->id), month->month);
    return FALSE;
}

static gboolean seal_key(const VaultGrantFile *grant, VaultGrantKey *key,
                         const MonthSecrets *secrets, GError **error)
{
    guint8 aad[KEY_AAD_LEN];
    VaultSpan aad_span = {aad, sizeof aad};
    gboolean is_index_only = key->halves == VAULT_GRANT_INDEX;
    g_autoptr(GBytes) sealed = NULL;

    key_aad(grant, key, aad);
    sealed = is_index_only ? vault_reader_seal(&grant->request->reader_key, seal_purpose, &aad_span,
                                               &secrets->index, sizeof secrets->index, error)
                           : vault_reader_seal(&grant->request->reader_key, seal_purpose, &aad_span,
                                               secrets, sizeof *secrets, error);
    if (sealed == NULL)
        return FALSE;
    g_assert(g_bytes_get_size(sealed) == vault_grant_sealed_len(key->halves));
    key->sealed_len = (guint8)g_bytes_get_size(sealed);
    memcpy(key->sealed, g_bytes_get_data(sealed, NULL), key->sealed_len);
    return TRUE;
}

static gboolean grant_month(VaultGrantFile *grant, const VaultRequestMailbox *mailbox,
                            const VaultRequestMonth *month, const VaultMaster *master,
                            GError **error)
{
    g_auto(MonthSecrets) secrets = {0};
    VaultGrantKey key = {
        .mailbox_id = mailbox->id,
        .month = month->month,
        .month_key_id = vault_month_key_id(&month->keys.content),
        .halves = vault_grant_halves(grant->request->act),
    };

    if (!unwrap(grant->request, mailbox, month, master, &secrets, error) ||
        !seal_key(grant, &key, &secrets, error))
        return FALSE;
    g_array_append_val(grant->keys, key);
    return TRUE;
}

static gboolean grant_mailbox(VaultGrantFile *grant, const VaultRequestMailbox *mailbox,
                              const VaultMaster *master, GError **error)
{
    for (guint i = 0; i < mailbox->months->len; i++) {
        const VaultRequestMonth *month = g_ptr_array_index(mailbox->months, i);

        if (vault_request_month_overlaps(grant->request, month->month) &&
            !grant_month(grant, mailbox, month, master, error))
            return FALSE;
    }
    return TRUE;
}

gboolean vault_grant_may_be_made(const VaultRequestFile *request, guint64 now_s, GError **error)
{
    if (!vault_act_is_granted(request->act)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "the request is to %s: that is approved, not granted; only search, read and "
                    "standing-read are granted",
                    vault_act_name(request->act));
        return FALSE;
    }
    if (now_s >= request->expires_s) {
        g_autofree char *expired = vault_text_time(request->expires_s);

        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "the request expired at %s; ask for a new one", expired);
        return FALSE;
    }
    return TRUE;
}

VaultGrantFile *vault_grant_make(const VaultGrantMaking *making, const VaultMaster *master,
                                 GError **error)
{
    g_autoptr(VaultGrantFile) grant =
        vault_grant_file_new(making->request_text, making->request_len, error);
    const GPtrArray *mailboxes;

    if (grant == NULL || !vault_grant_may_be_made(grant->request, making->now_s, error))
        return NULL;
    grant->created_s = making->now_s;
    mailboxes = grant->request->mailboxes;
    for (guint i = 0; i < mailboxes->len; i++) {
        if (!grant_mailbox(grant, g_ptr_array_index(mailboxes, i), master, error))
            return NULL;
        if (making->progress != NULL)
            making->progress(i + 1, mailboxes->len, making->user);
    }
    if (grant->keys->len == 0 && vault_act_has_keys(grant->request->act)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the request carries no key of a month within its period");
        return NULL;
    }
    vault_grant_file_sign(grant, &master->signing_key, &master->public.verify_key);
    return g_steal_pointer(&grant);
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Granted keys in guarded memory, for as long as the reader is being made. */
typedef VaultGrantedKey GuardedKeys;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GuardedKeys, vault_secret_free)

static gboolean open_key(const VaultGrantFile *grant, const VaultGrantKey *key,
                         const VaultIdentity *identity, VaultGrantedKey *ret_key, GError **error)
{
    guint8 aad[KEY_AAD_LEN];
    VaultSpan aad_span = {aad, sizeof aad};
    GByteArray *opened;
    gsize offset = 0;

    key_aad(grant, key, aad);
    opened =
        vault_reader_open(identity, seal_purpose, &aad_span, key->sealed, key->sealed_len, NULL);
    if (opened == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "the grant is damaged: its key for month %u of mailbox %s does not open",
                    key->month, VAULT_ID_TEXT(key->mailbox_id));
        return FALSE;
    }
    ret_key->month_key_id = key->month_key_id;
    ret_key->mailbox_id = key->mailbox_id;
    ret_key->month = key->month;
    ret_key->has_content = (key->halves & VAULT_GRANT_CONTENT) != 0;
    ret_key->has_index = (key->halves & VAULT_GRANT_INDEX) != 0;
    /* Its length is that of the halves: the sealed length was checked, the tag is of fixed size. */
    if (ret_key->has_content) {
        memcpy(ret_key->content.bytes, opened->data, VAULT_KEY_LEN);
        offset = VAULT_KEY_LEN;
    }
    if (ret_key->has_index)
        memcpy(ret_key->index.bytes, opened->data + offset, VAULT_KEY_LEN);
    vault_value_free(opened);
    return TRUE;
}

gboolean vault_grant_is_for(const VaultGrantFile *grant, const VaultIdentity *identity,
                            guint64 now_s, GError **error)
{
    if (memcmp(grant->request->reader_key.bytes, identity->public_key.bytes, VAULT_KEY_LEN) != 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "the grant is for the identity \"%s\" and another key than this identity "
                    "(\"%s\"); use the identity that the request was made for",
                    grant->request->reader_name, identity->name);
        return FALSE;
    }
    if (now_s >= grant->request->expires_s) {
        g_autofree char *expired = vault_text_time(grant->request->expires_s);

        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "the grant expired at %s; make a new request", expired);
        return FALSE;
    }
    return TRUE;
}

static VaultReader *make_reader(const VaultGrantFile *grant, const VaultGrantedKey *keys,
                                gsize count, GError **error)
{
    const VaultRequestFile *request = grant->request;
    VaultReaderScope scope = {.vault_id = &request->vault_id,
                              .keys = keys,
                              .key_count = count,
                              .from_s = request->from_s,
                              .to_s = request->to_s,
                              .messages = (const RecordId *)(gpointer)request->messages->data,
                              .message_count = request->messages->len};

    return vault_reader_new(&scope, error);
}

VaultReader *vault_grant_reader(const VaultGrantFile *grant, const VaultIdentity *identity,
                                guint64 now_s, GError **error)
{
    g_autoptr(GuardedKeys) keys = NULL;

    if (!vault_grant_is_for(grant, identity, now_s, error))
        return NULL;
    keys = vault_secret_new(MAX(grant->keys->len, 1) * sizeof *keys);
    for (guint i = 0; i < grant->keys->len; i++) {
        if (!open_key(grant, &g_array_index(grant->keys, VaultGrantKey, i), identity, &keys[i],
                      error))
            return NULL;
    }
    return make_reader(grant, keys, grant->keys->len, error);
}

/* ---- opening what a standing reader was given ------------------------------------------------ */

static gboolean is_in_scope(const VaultGrantFile *grant, const VaultStandingMonth *month)
{
    return vault_month_is_valid(month->month) &&
           vault_grant_file_has_mailbox(grant, &month->mailbox_id) &&
           vault_request_month_overlaps(grant->request, month->month);
}

static gboolean open_wrap(const VaultGrantFile *grant, const VaultStandingMonth *month,
                          const VaultIdentity *identity, VaultGrantedKey *ret_key, GError **error)
{
    VaultMonthIdentity bound = {.vault_id = grant->request->vault_id,
                                .mailbox_id = month->mailbox_id,
                                .address = month->address,
                                .month = month->month};
    const char *why = NULL;

    if (!is_in_scope(grant, month))
        why = "the standing grant does not cover it";
    else if (month->wrap.kind != VAULT_WRAP_STANDING_READER ||
             !vault_month_unwrap(&bound, &month->keys, &month->wrap, identity->secret_key.bytes,
                                 identity->public_key.bytes, &ret_key->content, &ret_key->index,
                                 NULL))
        why = "the wrapped key is not the one that the vault says it is: have its host looked at";
    if (why != NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "mailbox %s, month %u: %s",
                    VAULT_ID_TEXT(month->mailbox_id), month->month, why);
        return FALSE;
    }
    ret_key->month_key_id = vault_month_key_id(&month->keys.content);
    ret_key->mailbox_id = month->mailbox_id;
    ret_key->month = month->month;
    ret_key->has_content = ret_key->has_index = TRUE;
    return TRUE;
}

VaultReader *vault_grant_standing_reader(const VaultGrantFile *grant, const VaultIdentity *identity,
                                         const VaultStandingMonth *months, gsize count,
                                         guint64 now_s, GError **error)
{
    g_autoptr(GuardedKeys) keys = NULL;

    g_assert(vault_grant_file_is_standing(grant));
    if (!vault_grant_is_for(grant, identity, now_s, error))
        return NULL;
    keys = vault_secret_new(MAX(count, 1) * sizeof *keys);
    for (gsize i = 0; i < count; i++) {
        if (!open_wrap(grant, &months[i], identity, &keys[i], error))
            return NULL;
    }
    return make_reader(grant, keys, count, error);
}
