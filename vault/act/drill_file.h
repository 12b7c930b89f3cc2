/* Drills: the vault's challenge to its masters, and a master's answer, as text files.
 *
 *   challenge  a mailbox-month that is no mailbox's, made as all are: the canary, wrapped to every
 *              active master; and the vault's seal, by which it knows its own challenge again
 *   result     which challenge, signed by a master that has opened its canary
 *
 * A result holds nothing of what was opened: a real month that someone passes off as a canary gains
 * him nothing. Pure. Errors: MALFORMED, UNSUPPORTED (a later version), TOO_LARGE.
 * Source: docs/formats/drill.md.
 */
#pragma once

#include "vault/act/wrap_text.h"
#include "vault/crypto/key_files.h"

#define VAULT_DRILL_LEN_MAX 65536

/* What challenge and result have in common. */
typedef struct {
    VaultId vault_id;
    guint64 created_s;
    MailboxId canary; /* random; of no mailbox */
    VaultHash seal;   /* by the vault, over the above */
} VaultDrillName;

typedef struct {
    VaultDrillName name;
    MonthPublicKeys keys;
    GArray *wraps; /* VaultWrap, 1 to VAULT_WRAPS_MAX */
} VaultDrillChallenge;
void vault_drill_challenge_free(VaultDrillChallenge *challenge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultDrillChallenge, vault_drill_challenge_free)

/* A new canary for these masters, without its seal. REFUSED as vault_month_create(). */
VaultDrillChallenge *vault_drill_challenge_new(const VaultId *vault_id, guint64 created_s,
                                               const MasterPublic *masters, gsize count,
                                               GError **error);
char *vault_drill_challenge_format(const VaultDrillChallenge *challenge);
VaultDrillChallenge *vault_drill_challenge_parse(const char *text, gsize len, GError **error);
/* What the canary's wraps are bound to. */
VaultMonthIdentity vault_drill_canary_identity(const VaultDrillName *name);

typedef struct {
    VaultDrillName name;
    MasterVerifyKey verify_key;
    VaultSignature signature;
} VaultDrillResult;

void vault_drill_result_sign(const VaultDrillName *name, const MasterSigningKey *signing_key,
                             const MasterVerifyKey *verify_key, VaultDrillResult *ret_result);
char *vault_drill_result_format(const VaultDrillResult *result);
/* MALFORMED also when the signature is not that of the key in it. */
gboolean vault_drill_result_parse(const char *text, gsize len, VaultDrillResult *ret_result,
                                  GError **error);
