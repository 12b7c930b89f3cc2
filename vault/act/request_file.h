/* The request file: one act that somebody asks for, with all that is needed to decide and to grant
 * it without the vault. Pure functions.
 *
 * The address shown for a mailbox is the one of its newest month here, and each month's address is
 * bound by its wraps (vault_grant_make() refuses a wrap made for another), so that a request cannot
 * name one mailbox and carry the keys of another. Errors: MALFORMED (not such a file, or not in its
 * one canonical form), UNSUPPORTED (later version), TOO_LARGE.
 * Source: docs/formats/request.md.
 */
#pragma once

#include "vault/act/act.h"
#include "vault/act/approval.h"
#include "vault/crypto/hash.h"
#include "vault/crypto/month.h"

#define VAULT_REQUEST_LEN_MAX (256u << 20)
#define VAULT_REQUEST_NONCE_LEN 16
#define VAULT_REQUEST_CASE_LEN_MAX 128
#define VAULT_REQUEST_REASON_LEN_MAX 2048
#define VAULT_REQUEST_READER_LEN_MAX 127
#define VAULT_REQUEST_MAILBOXES_MAX 100000
#define VAULT_REQUEST_MONTHS_MAX 1200 /* of one mailbox */
#define VAULT_REQUEST_MESSAGES_MAX 100000
#define VAULT_REQUEST_POLICY_LINES_MAX 1000
#define VAULT_REQUEST_POLICY_LINE_LEN_MAX 12288
#define VAULT_REQUEST_DETAIL_LEN_MAX 2048
#define VAULT_REQUEST_STANDING_MAILBOXES_MAX 16384
/* As `expires_s` or `to_s`: no end. The last second that can be written. */
#define VAULT_REQUEST_NO_END_S G_GUINT64_CONSTANT(253402300799)

typedef struct {
    VaultMonth month;
    char *address; /* when the key was made; "" for unassigned */
    MonthPublicKeys keys;
    GArray *wraps; /* VaultWrap, 1..VAULT_WRAPS_MAX */
} VaultRequestMonth;
VaultRequestMonth *vault_request_month_new(VaultMonth month, const char *address,
                                           const MonthPublicKeys *keys, const VaultWrap *wraps,
                                           gsize wrap_count);
void vault_request_month_free(VaultRequestMonth *month);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultRequestMonth, vault_request_month_free)

typedef struct {
    MailboxId id;
    char *address;     /* newest; "" for unassigned. With months it is that of the last */
    GPtrArray *months; /* VaultRequestMonth, by month, each once: at least one for an act that is
                        * granted by keys, none for any other */
} VaultRequestMailbox;
VaultRequestMailbox *vault_request_mailbox_new(const MailboxId *id);
void vault_request_mailbox_free(VaultRequestMailbox *mailbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultRequestMailbox, vault_request_mailbox_free)
/* Of the newest month, where there is one; "" for unassigned. */
const char *vault_request_mailbox_address(const VaultRequestMailbox *mailbox);

typedef struct {
    VaultAct act;
    VaultId vault_id;
    guint8 nonce[VAULT_REQUEST_NONCE_LEN]; /* random: what is asked for twice is two requests;
                                            * zeros: of version 1, which has none */
    char *case_id;
    char *reason;
    guint64 created_s, expires_s;
    guint64 from_s, to_s; /* scope: received in [from, to) */
    char *reader_name;    /* of an act that is granted; else NULL */
    ReaderPublicKey reader_key;
    char *detail; /* of any other act: what exactly; else NULL */
    guint32 policy_serial;
    char *policy;         /* lines, LF after each */
    GArray *messages;     /* scope: RecordId (archive ids), ascending, each once; none = all */
    GPtrArray *mailboxes; /* scope: VaultRequestMailbox, by id, each once; for a standing read none
                           * = all, also those yet to come */
    GPtrArray *approvals; /* VaultApproval, by name */
} VaultRequestFile;
/* Of version 1: whoever makes one to be used gives it a nonce. */
VaultRequestFile *vault_request_file_new(void);
void vault_request_file_set_nonce(VaultRequestFile *request);
gboolean vault_request_file_has_nonce(const VaultRequestFile *request);
void vault_request_file_free(VaultRequestFile *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultRequestFile, vault_request_file_free)

VaultRequestFile *vault_request_file_parse(const char *text, gsize len, GError **error);
/* Sorts messages, mailboxes and months, then writes the canonical form. Fails as the parser would
 * for what the parser would refuse. */
char *vault_request_file_format(VaultRequestFile *request, GError **error);
/* Does the scope's period touch the month? Keys are granted for such months only. */
gboolean vault_request_month_overlaps(const VaultRequestFile *request, VaultMonth month);
gboolean vault_request_names_mailbox(const VaultRequestFile *request, const MailboxId *id);
/* SHA-256 of the request as formatted, up to the approvals: adding one does not change it. */
void vault_request_file_hash(const char *text, gsize len, VaultHash *ret_hash);
