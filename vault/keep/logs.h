/* Inside vault/keep: the two logs of a vault, VAULT/log/archive and VAULT/log/control, as its
 * writer holds them. Those of epoch 2 lie in VAULT/log/archive-2 and VAULT/log/control-2, and so
 * on; earlier epochs are only read.
 *
 * A row of the keyring says that the vault has logs and how long they were: one that is gone or was
 * set back is CORRUPT, and never begun anew. After a failed append a log is opened again before it
 * is used: only that tells whether the entries are in it. Where the disk is full, the reserve is
 * given up and the append tried once more. Errors: those of vault/log/log.h. Threads: safe.
 */
#pragma once

#include "vault/keep/keyring_batch.h"
#include "vault/log/entry.h"

#define VAULT_LOG_KEYS_MAX 4096

/* What the keyring knows of the logs. */
typedef struct {
    gboolean has_logs;
    VaultLogStateValue state;
    VaultLogKeyValue current; /* the newest: it signs */
    GArray *keys;             /* LogVerifyKey: all, the newest first */
} VaultLogsKnown;
gboolean vault_logs_known_read(VaultKeyring *keyring, VaultLogsKnown *ret_known, GError **error);
void vault_logs_known_clear(VaultLogsKnown *known);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VaultLogsKnown, vault_logs_known_clear)

char *vault_logs_directory(const char *vault_path, VaultLogKind kind, guint32 epoch);
/* NOT_FOUND, unless the vault is to have logs. */
GPtrArray *vault_logs_note_keys(const VaultLogsKnown *known, const VaultId *vault_id,
                                VaultLogKind kind, guint32 epoch, GError **error);
/* Any epoch's. */
VaultLogReader *vault_logs_reader(const char *vault_path, const VaultId *vault_id,
                                  const VaultLogsKnown *known, VaultLogKind kind, guint32 epoch,
                                  GError **error);

typedef struct {
    const char *vault_path;
    VaultId vault_id;
    VaultKeyring *keyring;
    VaultSpace *space;
    guint64 now_s;
} VaultLogsOptions;

/* Makes what is not there, for a vault that has no logs yet: the row comes last. */
gboolean vault_logs_create(const VaultLogsOptions *options, GError **error);

/* What a new epoch says of the one before. */
typedef struct {
    guint32 epoch; /* that ended */
    guint64 sizes[VAULT_LOGS_COUNT];
    VaultHash roots[VAULT_LOGS_COUNT];
    VaultLogStateValue remembered; /* what the keyring had seen of it: may be more */
} VaultLogsEnd;
/* Both logs begin anew: nothing is ever signed for the epoch before again. Nobody holds them open.
 * After a crash it may be called again: the row comes last. */
gboolean vault_logs_begin_epoch(const VaultLogsOptions *options, VaultLogsEnd *ret_end,
                                GError **error);

typedef struct VaultLogs VaultLogs;
VaultLogs *vault_logs_open(const VaultLogsOptions *options, GError **error);
void vault_logs_free(VaultLogs *logs);

/* All of the entries, durable, or none that would not be there after the next open. */
gboolean vault_logs_append(VaultLogs *logs, VaultLogKind kind, const VaultLogEntry *entries,
                           gsize count, guint64 *ret_first_index, GError **error);
/* How long they are, for the keyring to remember: what is written there may lag, never lead. */
VaultLogStateValue vault_logs_state(VaultLogs *logs);
gboolean vault_logs_put_state(VaultKeyring *keyring, const VaultLogStateValue *state,
                              GError **error);
/* The newest batch's mark, of an earlier epoch while this one has none; zeros when there is none.
 */
gboolean vault_logs_last_mark(VaultLogs *logs, VaultEntryMark *ret_mark, guint64 *ret_time_s,
                              GError **error);
/* Makes it the current one, and says so to nobody. */
gboolean vault_logs_put_key(VaultKeyring *keyring, const VaultLogKeyValue *key, GError **error);
/* Another key signs from here on: announced in both logs by the one before, then made the current
 * one in the keyring. */
gboolean vault_logs_rotate_key(VaultLogs *logs, guint64 now_s, GError **error);
