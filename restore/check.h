/* Checking an export against its manifest, and the manifest's proofs against a trust policy: with
 * neither vault nor secret.
 *
 * Checks: each batch's proof leads to a checkpoint that the policy believes; each file has the
 * length and SHA-256 that the manifest says; each message is what its record commits to, and its
 * record in the batch that it is said to be in; no file is there that the manifest does not name;
 * the counts are right. In an mbox, messages lie between postmarks, and nothing else does. Goes on
 * after a finding and names all of them.
 * Not checked: that the manifest names all messages there are, which only the vault knows.
 * Memory: names of files, 150 bytes a batch, 8 bytes a message of an mbox. Errors: those of
 * manifest_reader.h, IO. Threads: one user; makes threads of its own. Source:
 * docs/formats/proof-bundle.md.
 */
#pragma once

#include "vault/log/tlog_policy.h"

typedef struct {
    void (*found)(const char *finding, gpointer user);
    void (*progress)(guint64 count, guint64 len, gpointer user); /* files done, their bytes */
    gpointer user;
} CheckCallbacks;

typedef struct {
    guint64 message_count, byte_count;
    guint64 in_log_count;
    guint64 lf_count;    /* line ends were changed: the file is as the manifest says, and no more */
    guint64 batch_count; /* with a true proof */
    guint64 error_count; /* messages that the manifest says are missing */
    guint64 finding_count;
} CheckResult;

/* `path`: the folder, or one mbox with its manifest beside it. */
gboolean check_export(const char *path, const VaultTlogPolicy *policy,
                      const CheckCallbacks *callbacks, CheckResult *ret_result, GError **error);
