/* Approvals: who put his SSH signature under a request or a policy draft. The list at the end of
 * such a file, as text.
 *
 *   approvals: 2
 *   approval: BASE64 Anna Beispiel
 *   approval: BASE64 Bert Muster
 *
 * In order of the names' bytes, each name once. What is signed are the bytes of the file before the
 * line "approvals:", so that adding an approval changes neither the others nor the request's hash.
 * Whether one counts is approval_tally.h's. Pure functions. Errors: MALFORMED.
 * Source: docs/formats/request.md, section "Approvals".
 */
#pragma once

#include "vault/act/ssh_text.h"
#include "vault/act/text_file.h"

#define VAULT_APPROVALS_MAX 64
#define VAULT_APPROVER_NAME_LEN_MAX 127

/* Namespaces: a signature under a request is none under a policy. */
#define VAULT_APPROVAL_OF_REQUEST "muniment-request"
#define VAULT_APPROVAL_OF_POLICY "muniment-policy"

typedef struct {
    char *name;
    GBytes *signature; /* SSHSIG */
} VaultApproval;
void vault_approval_free(VaultApproval *approval);

/* GPtrArray of VaultApproval. */
GPtrArray *vault_approvals_new(void);
/* Puts it in its place; an earlier one of that name goes. */
void vault_approvals_add(GPtrArray *approvals, const char *name, GBytes *signature);
/* "approvals" and the lines that follow. */
gboolean vault_approvals_take(VaultTextFile *file, GPtrArray *approvals, GError **error);
void vault_approvals_append(GString *text, const GPtrArray *approvals);
/* How many bytes of a request or policy come before its approvals: what is signed and hashed.
 * `len` where there is no such line. */
gsize vault_approvals_offset(const char *text, gsize len);
