/* The certificate of an erasure: its statement as it was logged, and the proof that it was.
 *
 *   statement ─SHA-256 with salt─> commitment in the entry ─tlog-proof─> checkpoint, signed
 *
 * A JSON file in one form, and a page for people. What it says is what the vault's host said at
 * that time, and cannot be taken back; whether it is true is the host's word. Pure, but for
 * certificate_make() and certificate_of_id(). Errors: MALFORMED (not a certificate, not in its one
 * form, or it proves something else), TOO_LARGE, NOT_FOUND (it was not logged yet), ERASED, and
 * those of vault_tlog_proof_check(). Source: docs/formats/certificate.md.
 */
#pragma once

#include "vault/erasure.h"
#include "vault/log/entry.h"
#include "vault/log/tlog_proof.h"

#define CERTIFICATE_LEN_MAX (16u << 20)

typedef struct {
    char *statement; /* "name: value" lines */
    guint8 salt[VAULT_ENTRY_SALT_LEN];
    char *proof; /* a tlog-proof whose "extra" is the entry */
} Certificate;
void certificate_free(Certificate *certificate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Certificate, certificate_free)

/* Of what was logged last of the erasure. */
Certificate *certificate_make(VaultKeep *keep, const VaultErasureValue *value, GError **error);

/* The same of the erasure of that id, as its file. NOT_FOUND. */
char *certificate_of_id(const char *vault, const char *id, GError **error);

char *certificate_format(const Certificate *certificate);
Certificate *certificate_parse(const char *text, gsize len, GError **error);
/* That the entry holds this statement, and, where a policy is given, stands in a log that it
 * believes. */
gboolean certificate_check(const Certificate *certificate, const VaultTlogPolicy *policy,
                           GError **error);

/* Values of a statement: that of the nth line of a name, from 0; NULL: there are fewer. New string.
 */
char *certificate_value(const char *statement, const char *name, guint nth);
/* The page for people. */
char *certificate_page(const char *statement);
