/* The key of a case index as the keyring holds it: of one case, reader and scope.
 *
 * A reader's index of a case opens with this key alone, which is given at each use and is gone with
 * its row: when the case closes, or when something of its scope is erased. Pure functions. Errors:
 * CORRUPT, UNSUPPORTED (version). Source: docs/formats/keyring.md, section "Case".
 */
#pragma once

#include "vault/crypto/hash.h"
#include "vault/crypto/month.h"

#define VAULT_CASE_ID_LEN_MAX 128
#define VAULT_CASE_READER_LEN_MAX 127
#define VAULT_CASE_MAILBOXES_MAX 100000
#define VAULT_CASE_MESSAGES_MAX 100000

typedef struct {
    CaseKey key;
    ReaderPublicKey reader_key;
    guint64 made_s;
    guint64 from_s, to_s; /* mail received in [from, to) */
    char *case_id, *reader;
    GArray *mailboxes; /* MailboxId, ascending, each once; none = the whole vault */
    GArray *messages;  /* RecordId: archive ids, ascending, each once; none = all */
} VaultCaseValue;
VaultCaseValue *vault_case_value_new(void);
void vault_case_value_free(VaultCaseValue *value); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultCaseValue, vault_case_value_free)

/* Its row id: of vault, case, reader key and scope, so that the same grant, or one that was made
 * anew for the same, finds the same key. Not of the key. */
RowId vault_case_value_id(const VaultCaseValue *value, const VaultId *vault_id);
/* The caller wipes the array (vault_value_free()). */
GByteArray *vault_case_value_format(const VaultCaseValue *value);
VaultCaseValue *vault_case_value_parse(const guint8 *bytes, gsize len, GError **error);

/* May words of that message be in the index? */
gboolean vault_case_value_covers(const VaultCaseValue *value, const MailboxId *mailbox_id,
                                 const RecordId *archive_id, guint64 received_s);
/* Of anything of that month? */
gboolean vault_case_value_touches(const VaultCaseValue *value, const MailboxId *mailbox_id,
                                  VaultMonth month);
