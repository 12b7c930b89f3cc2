/* Verifying a vault's log: the tree, and that each entry is what such a log holds in that place.
 *
 * Beyond vault/log/log_verify.h: the first entry begins this vault's log and epoch, and no other
 * does; batches are in the archive log and acts in the control log; each batch's list is there,
 * with its hash, number and root. Goes on after a finding and names all of them. Errors: CORRUPT
 * with the first finding and their number; those of the reader. Threads: one at a time. Source:
 * docs/formats/log.md, docs/formats/log-entries.md.
 */
#pragma once

#include "vault/log/entry.h"
#include "vault/log/log_verify.h"

typedef struct {
    VaultLogKind kind;
    const VaultCheckpoint *older; /* NULL: none; else see VaultLogVerifyOptions */
    /* Is asked of each act; what it sets is a finding. NULL: not wanted. */
    gboolean (*check_act)(const VaultEntry *entry, gpointer user, GError **error);
    /* Is told each key that an entry announces. NULL: not wanted. */
    void (*announced)(const LogVerifyKey *key, gpointer user);
    void (*found)(const char *finding, gpointer user);
    gpointer user;
} LogAuditOptions;

gboolean log_audit(VaultLogReader *reader, const LogAuditOptions *options, GError **error);
