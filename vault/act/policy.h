/* The policy: how many approvals each act needs, whose, and a few rules of the house. One canonical
 * text, signed by a master.
 *
 *   draft --approve--> draft with approvals --sign (master)--> signed --set--> in force
 *
 * The initial policy is a fixed text with serial 0, unsigned, that asks for no approval, so that a
 * new vault works at once. A parsed policy is well-formed and, where it carries a signature, signed
 * by the key in it; whether that is a master of the vault, and whether it may follow the one in
 * force, is policy_change.h's. Pure functions. Errors: MALFORMED (also a signature that does not
 * fit), UNSUPPORTED (later version, unknown type of key), TOO_LARGE.
 * Source: docs/formats/policy.md.
 */
#pragma once

#include "vault/act/act.h"
#include "vault/act/approval.h"
#include "vault/crypto/key_files.h"

#define VAULT_POLICY_LEN_MAX (1u << 20)
#define VAULT_POLICY_APPROVERS_MAX 64
#define VAULT_POLICY_REMOVAL_DAYS_MAX 36500

typedef enum { VAULT_ROLL_EACH = 1, VAULT_ROLL_DAILY } VaultPolicyRoll;

/* What becomes of mail for a mailbox that was closed. */
typedef enum {
    VAULT_CLOSED_MAIL_NEW = 1, /* a new mailbox of that address */
    VAULT_CLOSED_MAIL_UNASSIGNED,
    VAULT_CLOSED_MAIL_REJECT_TEMPORARY,
    VAULT_CLOSED_MAIL_REJECT_PERMANENT,
} VaultPolicyClosedMail;

typedef struct {
    char *name;
    char *ssh_key; /* "TYPE BASE64" */
} VaultApprover;
void vault_approver_free(VaultApprover *approver);

typedef struct {
    guint32 serial;   /* 0: the initial policy, whose other fields are as vault_policy_new() */
    VaultId vault_id; /* zeros in the initial policy */
    guint64 created_s;
    guint32 needed[VAULT_ACT_COUNTED_END]; /* approvals, by act; vault_policy_needed() */
    VaultPolicyRoll roll;
    guint32 physical_removal_days;
    VaultPolicyClosedMail closed_mail;
    GPtrArray *approvers; /* VaultApprover, by name, each name and each key once */
    GPtrArray *approvals; /* VaultApproval: by approvers of the policy before it */
    gboolean is_signed;
    MasterVerifyKey verify_key;
    VaultSignature signature;
} VaultPolicy;
/* No approvers, none needed; an unsigned draft once it has a serial. */
VaultPolicy *vault_policy_new(void);
void vault_policy_free(VaultPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultPolicy, vault_policy_free)

const char *vault_policy_initial_text(void);
/* The serial of any policy, also of one that this version does not understand. */
gboolean vault_policy_serial(const char *text, gsize len, guint32 *ret_serial, GError **error);

VaultPolicy *vault_policy_parse(const char *text, gsize len, GError **error);
/* The form alone, without the signature; what was signed are the first `ret_signed_len` bytes. */
VaultPolicy *vault_policy_parse_form(const char *text, gsize len, gsize *ret_signed_len,
                                     GError **error);
/* Sorts the approvers, then writes. Fails as the parser would for what it would refuse. */
char *vault_policy_format(VaultPolicy *policy, GError **error);
/* Sets verify_key, signature and is_signed. */
void vault_policy_sign(VaultPolicy *policy, const MasterSigningKey *signing_key,
                       const MasterVerifyKey *verify_key);

/* Approvals that the act needs, any act. */
guint vault_policy_needed(const VaultPolicy *policy, VaultAct act);
/* NULL: no approver of that name. */
const VaultApprover *vault_policy_approver(const VaultPolicy *policy, const char *name);
/* Names that people would take for one: the same after NFKC and case folding. */
gboolean vault_policy_is_same_name(const char *a, const char *b);

const char *vault_policy_roll_name(VaultPolicyRoll roll);
const char *vault_policy_closed_mail_name(VaultPolicyClosedMail closed_mail);
