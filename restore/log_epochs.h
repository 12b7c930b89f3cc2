/* Both logs of a vault through all of their epochs: each is whole, each after the first goes on
 * from one that is there, and each key that may sign was announced, but for the vault's first: one
 * that was not is in nobody's copy of the log, and may be a stranger's.
 *
 * Errors: those of vault_keep_log_reader() and log_audit(). Threads: one at a time.
 */
#pragma once

#include "restore/log_audit.h"
#include "vault/keep.h"

typedef struct {
    VaultLogKind kind;
    guint32 epoch;
    gboolean is_present; /* the one that goes on */
    VaultLogReader *reader;
    GPtrArray *keys; /* VaultNoteKey */
} LogEpoch;

/* GPtrArray of LogEpoch, the first epoch's archive log first; g_ptr_array_unref(). */
GPtrArray *log_epochs_open(VaultKeep *keep, GError **error);
/* NULL: none is of that origin. */
const LogEpoch *log_epochs_find(const GPtrArray *epochs, const char *origin);
/* The one that goes on. */
const LogEpoch *log_epochs_present(const GPtrArray *epochs, VaultLogKind kind);

typedef struct {
    /* Is asked of each act; what it sets is a finding. NULL: not wanted. */
    gboolean (*check_act)(const VaultEntry *entry, gpointer user, GError **error);
    void (*found)(const char *finding, gpointer user);
    gpointer user;
} LogEpochsAudit;
/* Names every finding, with the log that it is of. FALSE: something could not be read, of which
 * there is no finding. */
gboolean log_epochs_audit(const GPtrArray *epochs, const LogEpochsAudit *audit, GError **error);
