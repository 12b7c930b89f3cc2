/* The grant file: the answer to a request, signed by a master, with keys sealed to the reader.
 * Pure functions.
 *
 * A parsed grant is only well-formed: vault_grant_file_verify() says whether a master of this vault
 * signed these very bytes. Errors: MALFORMED (not such a file, damaged), UNSUPPORTED (later
 * version), TOO_LARGE, REFUSED. Source: docs/formats/grant.md.
 */
#pragma once

#include "vault/act/request_file.h"

#define VAULT_GRANT_LEN_MAX (256u << 20)
#define VAULT_GRANT_KEYS_MAX (VAULT_REQUEST_MAILBOXES_MAX * 24u)

typedef enum {
    VAULT_GRANT_CONTENT = 1 << 0,
    VAULT_GRANT_INDEX = 1 << 1,
    VAULT_GRANT_BOTH = VAULT_GRANT_CONTENT | VAULT_GRANT_INDEX,
} VaultGrantHalves;

/* encapsulation, one or two keys, tag */
#define VAULT_GRANT_SEALED_LEN_MAX (32 + 2 * VAULT_KEY_LEN + 16)
gsize vault_grant_sealed_len(guint8 halves);

typedef struct {
    MailboxId mailbox_id;
    VaultMonth month;
    MonthKeyId month_key_id;
    guint8 halves; /* VaultGrantHalves */
    guint8 sealed_len;
    guint8 sealed[VAULT_GRANT_SEALED_LEN_MAX]; /* vault_reader_seal(), purpose "grant" */
} VaultGrantKey;

typedef struct {
    MailboxId id;
    char *address; /* newest in the request; "" for unassigned */
} VaultGrantMailbox;
void vault_grant_mailbox_free(VaultGrantMailbox *mailbox);

typedef struct {
    VaultAct act; /* SEARCH or READ */
    VaultId vault_id;
    VaultHash request_hash;
    char *case_id;
    guint64 created_s, expires_s;
    guint64 from_s, to_s; /* scope: received in [from, to) */
    char *reader_name;
    ReaderPublicKey reader_key;
    guint32 policy_serial;
    GArray *messages;     /* scope: RecordId, ascending; none = all */
    GPtrArray *mailboxes; /* scope: VaultGrantMailbox, by id */
    GArray *keys;         /* VaultGrantKey, by mailbox id and month */
    MasterVerifyKey verify_key;
    VaultSignature signature;
} VaultGrantFile;
VaultGrantFile *vault_grant_file_new(void);
void vault_grant_file_free(VaultGrantFile *grant);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultGrantFile, vault_grant_file_free)

/* MALFORMED "damaged" also when the signature does not fit the bytes and the key in it. */
VaultGrantFile *vault_grant_file_parse(const char *text, gsize len, GError **error);
/* The form alone, without the signature; what was signed are the first `ret_signed_len` bytes. */
VaultGrantFile *vault_grant_file_parse_form(const char *text, gsize len, gsize *ret_signed_len,
                                            GError **error);
/* With the signature that it has. */
char *vault_grant_file_format(const VaultGrantFile *grant);
/* Sets verify_key and signature. */
void vault_grant_file_sign(VaultGrantFile *grant, const MasterSigningKey *signing_key,
                           const MasterVerifyKey *verify_key);
/* REFUSED unless the signer is one of these masters of the vault, which is its vault. */
gboolean vault_grant_file_verify(const VaultGrantFile *grant, const VaultId *vault_id,
                                 const MasterPublic *masters, gsize master_count, GError **error);
