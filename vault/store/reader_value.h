/* A standing reader as the keyring holds him: whose key the seeds of new months are wrapped to, of
 * which mailboxes, by which grant. Pure functions. Errors: CORRUPT, UNSUPPORTED (version).
 * Source: docs/formats/keyring.md, section "Standing reader".
 */
#pragma once

#include "vault/crypto/hash.h"

#define VAULT_READER_NAME_LEN_MAX 127
#define VAULT_READER_CASE_LEN_MAX 128
#define VAULT_READER_MAILBOXES_MAX 16384

typedef struct {
    VaultHash request_hash; /* the row id is its first 16 bytes */
    guint64 added_s;
    ReaderPublicKey key;
    MasterVerifyKey signer; /* of the grant */
    guint64 from_s, to_s;   /* mail received in [from, to) */
    guint64 expires_s;
    char *name, *case_id;
    GArray *mailboxes; /* MailboxId, ascending, each once; none = the whole vault */
} VaultReaderValue;
VaultReaderValue *vault_reader_value_new(void);
void vault_reader_value_free(VaultReaderValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultReaderValue, vault_reader_value_free)

gboolean vault_reader_value_has_mailbox(const VaultReaderValue *value, const MailboxId *mailbox_id);

GByteArray *vault_reader_value_format(const VaultReaderValue *value);
VaultReaderValue *vault_reader_value_parse(const guint8 *bytes, gsize len, GError **error);
