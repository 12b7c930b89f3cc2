/* The index plane: sealing terms copies to a mailbox-month's index key, with one encapsulation for
 * many of them, so that mail costs one key exchange a session and not one a message.
 *
 * A session is a chain: chain key 0 is exported from HPKE mode_base to the index key, and each step
 * gives a message key and the next chain key. The key of a record comes from its message key, the
 * index slot of its leaf, its id and a random salt; the ciphertext begins with a commitment to it.
 * Where a record's place in its session is (enc, step) stands in its locator, the salt in its
 * header: nothing else is stored of a session, and one is never resumed.
 *
 * A sealing session forgets each key as it goes: what the host holds opens nothing that it sealed
 * before. Without the slot a record does not open, also not for who has the index key. Not
 * promised: that sessions end after a day, the caller counts time.
 * Errors: REFUSED (a key of small order), TOO_LARGE (after VAULT_INDEX_STEPS_MAX records), NO_KEY
 * (key, slot, place, salt or header do not fit the ciphertext). Threads: a session has one user.
 * Source: docs/formats/keys.md, section "Index plane".
 */
#pragma once

#include "vault/crypto/hpke.h"

#define VAULT_INDEX_STEPS_MAX 1024
#define VAULT_INDEX_SALT_LEN 32
#define VAULT_INDEX_COMMITMENT_LEN 32
#define VAULT_INDEX_OVERHEAD_LEN (VAULT_INDEX_COMMITMENT_LEN + 16)

/* What a session is bound to: the month is named by its content key's id, as everywhere. */
typedef struct {
    VaultId vault_id;
    MonthKeyId month_key_id;
} VaultIndexContext;

typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} IndexChainKey;
VAULT_DECLARE_WIPE(IndexChainKey, index_chain_key)

/* The same for both sides; long-lived ones lie in vault_secret_new() memory. */
typedef struct {
    guint8 enc[VAULT_HPKE_ENC_LEN];
    IndexChainKey first; /* of step 0; zeros in a session that seals */
    IndexChainKey chain; /* of `step` */
    guint32 step;        /* the next one */
} VaultIndexSession;
VAULT_DECLARE_WIPE(VaultIndexSession, vault_index_session)

/* What a record's key is bound to besides its session. */
typedef struct {
    const IndexSlot *slot; /* of the leaf in its locator */
    RecordId record_id;
    guint8 salt[VAULT_INDEX_SALT_LEN];
} VaultIndexRecord;

/* ---- sealing -------------------------------------------------------------------------------- */

gboolean vault_index_session_begin(const IndexPublicKey *key, const VaultIndexContext *context,
                                   VaultIndexSession *ret_session, GError **error);
/* The message key of the next step, which the locator has to name before the header can be the
 * AAD: take the step, format the header, seal. Erases the way back. */
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} IndexMessageKey;
VAULT_DECLARE_WIPE(IndexMessageKey, index_message_key)
gboolean vault_index_session_next(VaultIndexSession *session, guint32 *ret_step,
                                  IndexMessageKey *ret_key, GError **error);
/* Once per message key. ret_ciphertext has plaintext_len + VAULT_INDEX_OVERHEAD_LEN bytes. */
void vault_index_seal(IndexMessageKey *key, const VaultIndexRecord *record, const VaultSpan *header,
                      const void *plaintext, gsize plaintext_len, guint8 *ret_ciphertext);

/* ---- opening -------------------------------------------------------------------------------- */

void vault_index_public_key(const IndexSecretKey *key, IndexPublicKey *ret_public_key);
gboolean vault_index_session_open(const IndexSecretKey *key, const IndexPublicKey *public_key,
                                  const VaultIndexContext *context,
                                  const guint8 enc[VAULT_HPKE_ENC_LEN],
                                  VaultIndexSession *ret_session, GError **error);
/* Any step, in any order; rising ones cost least. TOO_LARGE past the last. */
gboolean vault_index_open(VaultIndexSession *session, guint32 step, const VaultIndexRecord *record,
                          const VaultSpan *header, const void *ciphertext, gsize ciphertext_len,
                          guint8 *ret_plaintext, GError **error);
