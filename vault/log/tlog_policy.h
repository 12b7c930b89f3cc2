/* Trust policies: which logs are believed, and which witnesses must have cosigned.
 *
 *     log <vkey> [<url>]
 *     witness <name> <vkey> [<url>]
 *     group <name> all|any|<k> <member>...
 *     quorum <name>|none
 *
 * A checkpoint is valid when one of the logs signed it under its own origin, the quorum's witnesses
 * cosigned it, and no signature of a key that the policy lists is false. Names are of this file
 * alone.
 * Errors: MALFORMED (not a policy; line named), UNSUPPORTED (a key of another type), TOO_LARGE
 * (over the limits); of a check also REFUSED (no log of the policy signed, the quorum is not met).
 * Pure, but for _load(). Source: C2SP tlog-policy; docs/formats/log.md.
 */
#pragma once

#include "vault/log/checkpoint.h"

#define VAULT_TLOG_POLICY_LEN_MAX (64 * 1024)
#define VAULT_TLOG_POLICY_LINES_MAX 256 /* logs, witnesses and groups together */

typedef struct VaultTlogPolicy VaultTlogPolicy;

VaultTlogPolicy *vault_tlog_policy_parse(const char *text, gsize len, GError **error);
/* Of a file; NOT_FOUND and IO too. The file is named in each error. */
VaultTlogPolicy *vault_tlog_policy_load(const char *path, GError **error);
void vault_tlog_policy_free(VaultTlogPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultTlogPolicy, vault_tlog_policy_free)
/* Without comments, one space between words: parses to the same policy. */
char *vault_tlog_policy_format(const VaultTlogPolicy *policy);

/* The checkpoint that the note holds, when it is valid; else NULL. */
VaultCheckpoint *vault_tlog_policy_check(const VaultTlogPolicy *policy, const VaultNote *note,
                                         GError **error);
/* MALFORMED: a witness's signature is false; REFUSED: too few witnesses cosigned it. Whose log it
 * is of does not matter. */
gboolean vault_tlog_policy_meets_quorum(const VaultTlogPolicy *policy, const VaultNote *note,
                                        GError **error);

/* All borrowed from the policy. */
typedef struct {
    const char *name;
    const VaultNoteKey *key;
    const char *url; /* NULL: the policy knows no address */
} VaultTlogWitness;
/* GArray of VaultTlogWitness, in the policy's order; g_array_unref(). */
GArray *vault_tlog_policy_witnesses(const VaultTlogPolicy *policy);
