#include "vault/crypto/index_session.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash_internal.h"
#include "vault/crypto/hpke_internal.h"
#include "vault/crypto/index_session_internal.h"

#include <sodium.h>

#define LABEL_SESSION "muniment index"
#define LABEL_CHAIN "muniment index chain"
#define LABEL_STEP "muniment index step"
#define LABEL_RECORD "muniment index record"
#define INFO_LEN (sizeof(LABEL_SESSION) - 1 + 2 + 2 * VAULT_ID_LEN)

static void format_info(const VaultIndexContext *context, guint8 ret_info[INFO_LEN])
{
    guint8 *at = ret_info;

    memcpy(at, LABEL_SESSION, sizeof(LABEL_SESSION) - 1);
    at += sizeof(LABEL_SESSION) - 1;
    vault_bytes_put_u16(at, VAULT_SUITE_X25519);
    memcpy(at + 2, context->vault_id.bytes, VAULT_ID_LEN);
    memcpy(at + 2 + VAULT_ID_LEN, context->month_key_id.bytes, VAULT_ID_LEN);
}

static void export_chain(const VaultHpkeContext *hpke, VaultIndexSession *session)
{
    vault_hpke_export(hpke, &VAULT_SPAN_TEXT(LABEL_CHAIN), session->chain.bytes, VAULT_KEY_LEN);
    session->step = 0;
}

/* ---- sealing -------------------------------------------------------------------------------- */

gboolean vault_index_session_begin_with_ephemeral(const guint8 ephemeral_secret_key[VAULT_KEY_LEN],
                                                  const IndexPublicKey *key,
                                                  const VaultIndexContext *context,
                                                  VaultIndexSession *ret_session, GError **error)
{
    guint8 info[INFO_LEN];
    VaultHpkeParameters parameters = {.info = VAULT_SPAN(info)};
    g_auto(VaultHpkeContext) hpke = {0};

    format_info(context, info);
    if (!vault_hpke_setup_sender_with_ephemeral(ephemeral_secret_key, key->bytes, &parameters,
                                                ret_session->enc, &hpke, error))
        return FALSE;
    /* Whoever seals does not need the beginning again. */
    memset(&ret_session->first, 0, sizeof ret_session->first);
    export_chain(&hpke, ret_session);
    return TRUE;
}

gboolean vault_index_session_begin(const IndexPublicKey *key, const VaultIndexContext *context,
                                   VaultIndexSession *ret_session, GError **error)
{
    guint8 ephemeral[VAULT_KEY_LEN];
    gboolean is_begun;

    vault_random(ephemeral, sizeof ephemeral);
    vault_report_secret("ephemeral", ephemeral, sizeof ephemeral);
    is_begun =
        vault_index_session_begin_with_ephemeral(ephemeral, key, context, ret_session, error);
    vault_wipe(ephemeral, sizeof ephemeral);
    return is_begun;
}

/* message key || next chain key = HKDF-Expand(chain key) */
static void advance(VaultIndexSession *session, IndexMessageKey *ret_key)
{
    guint8 derived[2 * VAULT_KEY_LEN];

    vault_hkdf_expand(session->chain.bytes, &VAULT_SPAN_TEXT(LABEL_STEP), derived, sizeof derived);
    memcpy(ret_key->bytes, derived, VAULT_KEY_LEN);
    memcpy(session->chain.bytes, derived + VAULT_KEY_LEN, VAULT_KEY_LEN);
    session->step++;
    vault_wipe(derived, sizeof derived);
}

static gboolean check_step(guint32 step, GError **error)
{
    if (step < VAULT_INDEX_STEPS_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "an index session has %d steps at most",
                VAULT_INDEX_STEPS_MAX);
    return FALSE;
}

gboolean vault_index_session_next(VaultIndexSession *session, guint32 *ret_step,
                                  IndexMessageKey *ret_key, GError **error)
{
    if (!check_step(session->step, error))
        return FALSE;
    *ret_step = session->step;
    advance(session, ret_key);
    return TRUE;
}

typedef struct {
    guint8 key[VAULT_KEY_LEN];
    guint8 commitment[VAULT_INDEX_COMMITMENT_LEN];
} RecordKey;
VAULT_DECLARE_WIPE(RecordKey, record_key)

static void derive_record_key(const IndexMessageKey *key, const VaultIndexRecord *record,
                              RecordKey *ret_key)
{
    guint8 prk[VAULT_HASH_LEN];
    guint8 suite[2];
    VaultSpan info[] = {VAULT_SPAN_TEXT(LABEL_RECORD), VAULT_SPAN(suite),
                        VAULT_SPAN(record->record_id.bytes), VAULT_SPAN(record->salt)};

    vault_bytes_put_u16(suite, VAULT_SUITE_X25519);
    vault_hkdf_extract(&VAULT_SPAN(record->slot->bytes), &VAULT_SPAN(key->bytes), prk);
    vault_hkdf_expand_spans(prk, info, G_N_ELEMENTS(info), (guint8 *)ret_key, sizeof *ret_key);
    vault_wipe(prk, sizeof prk);
}

/* A record's key seals one message: its nonce needs no bytes of its own. */
static const guint8 nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

void vault_index_seal(IndexMessageKey *key, const VaultIndexRecord *record, const VaultSpan *header,
                      const void *plaintext, gsize plaintext_len, guint8 *ret_ciphertext)
{
    g_auto(RecordKey) record_key = {.key = {0}};

    derive_record_key(key, record, &record_key);
    memcpy(ret_ciphertext, record_key.commitment, sizeof record_key.commitment);
    crypto_aead_chacha20poly1305_ietf_encrypt(ret_ciphertext + sizeof record_key.commitment, NULL,
                                              plaintext, plaintext_len, header->bytes, header->len,
                                              NULL, nonce, record_key.key);
    index_message_key_wipe(key);
}

/* ---- opening -------------------------------------------------------------------------------- */

void vault_index_public_key(const IndexSecretKey *key, IndexPublicKey *ret_public_key)
{
    crypto_scalarmult_base(ret_public_key->bytes, key->bytes);
}

gboolean vault_index_session_open(const IndexSecretKey *key, const IndexPublicKey *public_key,
                                  const VaultIndexContext *context,
                                  const guint8 enc[VAULT_HPKE_ENC_LEN],
                                  VaultIndexSession *ret_session, GError **error)
{
    guint8 info[INFO_LEN];
    VaultHpkeParameters parameters = {.info = VAULT_SPAN(info)};
    g_auto(VaultHpkeContext) hpke = {0};

    format_info(context, info);
    if (!vault_hpke_setup_receiver(enc, key->bytes, public_key->bytes, &parameters, &hpke, error))
        return FALSE;
    memcpy(ret_session->enc, enc, VAULT_HPKE_ENC_LEN);
    export_chain(&hpke, ret_session);
    ret_session->first = ret_session->chain;
    return TRUE;
}

static gboolean seek(VaultIndexSession *session, guint32 step, IndexMessageKey *ret_key,
                     GError **error)
{
    if (!check_step(step, error))
        return FALSE;
    if (step < session->step) {
        session->chain = session->first;
        session->step = 0;
    }
    while (session->step <= step)
        advance(session, ret_key);
    return TRUE;
}

gboolean vault_index_open(VaultIndexSession *session, guint32 step, const VaultIndexRecord *record,
                          const VaultSpan *header, const void *ciphertext, gsize ciphertext_len,
                          guint8 *ret_plaintext, GError **error)
{
    const guint8 *commitment = ciphertext;
    g_auto(IndexMessageKey) key = {{0}};
    g_auto(RecordKey) record_key = {.key = {0}};

    if (!seek(session, step, &key, error))
        return FALSE;
    derive_record_key(&key, record, &record_key);
    /* The commitment first: a ciphertext alone may be made to open under two keys. */
    if (ciphertext_len >= VAULT_INDEX_OVERHEAD_LEN &&
        sodium_memcmp(commitment, record_key.commitment, sizeof record_key.commitment) == 0 &&
        crypto_aead_chacha20poly1305_ietf_decrypt(
            ret_plaintext, NULL, NULL, commitment + sizeof record_key.commitment,
            ciphertext_len - sizeof record_key.commitment, header->bytes, header->len, nonce,
            record_key.key) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                "the terms of record %s do not open under this session, slot and place",
                VAULT_ID_TEXT(record->record_id));
    return FALSE;
}
