/* The grant file: a request, answered. The request with its approvals, word for word, and keys for
 * its months sealed to its reader, signed by a master. Pure functions.
 *
 * A *standing grant* answers a request to act as a standing reader. It has no keys: those come with
 * the months that are made after the vault has taken it up.
 *
 * The grant carries the whole request so that whoever releases by it can judge it again (scope,
 * policy, each approval) without trusting the reader and without a second file; there is no second
 * scope beside the request's. A parsed grant is only well-formed: grant_check.h says whether it is
 * good. Errors: MALFORMED (not such a file, damaged), UNSUPPORTED (later version), TOO_LARGE,
 * REFUSED. Source: docs/formats/grant.md.
 */
#pragma once

#include "vault/act/request_file.h"

#define VAULT_GRANT_LEN_MAX (512u << 20)
#define VAULT_GRANT_KEYS_MAX (VAULT_REQUEST_MAILBOXES_MAX * 24u)

typedef enum {
    VAULT_GRANT_CONTENT = 1 << 0,
    VAULT_GRANT_INDEX = 1 << 1,
    VAULT_GRANT_BOTH = VAULT_GRANT_CONTENT | VAULT_GRANT_INDEX,
} VaultGrantHalves;

/* encapsulation, one or two keys, tag */
#define VAULT_GRANT_SEALED_LEN_MAX (32 + 2 * VAULT_KEY_LEN + 16)
gsize vault_grant_sealed_len(guint8 halves);
/* Which halves the act is granted: index to search, both to read. */
guint8 vault_grant_halves(VaultAct act);

typedef struct {
    MailboxId mailbox_id;
    VaultMonth month;
    MonthKeyId month_key_id;
    guint8 halves; /* VaultGrantHalves */
    guint8 sealed_len;
    guint8 sealed[VAULT_GRANT_SEALED_LEN_MAX]; /* vault_reader_seal(), purpose "grant" */
} VaultGrantKey;

typedef struct {
    guint64 created_s;
    VaultRequestFile *request; /* of an act that is granted; its expiry and scope are the grant's */
    char *request_text;        /* as it stood */
    gsize request_len;
    VaultHash request_hash;
    GArray *keys; /* VaultGrantKey, by mailbox id and month; months of the request, each once */
    MasterVerifyKey verify_key;
    VaultSignature signature;
} VaultGrantFile;
/* With the request that it answers: as vault_request_file_parse(); also MALFORMED when the
 * request's act is not granted. */
VaultGrantFile *vault_grant_file_new(const char *request_text, gsize len, GError **error);
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
gboolean vault_grant_file_is_standing(const VaultGrantFile *grant);
/* Does it hold a key of this mailbox? A standing one: is that in its scope? */
gboolean vault_grant_file_has_mailbox(const VaultGrantFile *grant, const MailboxId *mailbox_id);
/* Of a standing one 0 for the whole vault. */
guint vault_grant_file_mailbox_count(const VaultGrantFile *grant);
