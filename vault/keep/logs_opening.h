/* Inside logs*.c only: what one log of a vault is opened by. */
#pragma once

#include "vault/keep/logs.h"

typedef struct {
    char *directory, *origin;
    VaultLogOptions options; /* borrows from `known` */
} VaultLogsOpening;
void vault_logs_opening_clear(VaultLogsOpening *opening);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VaultLogsOpening, vault_logs_opening_clear)

/* Of the epoch that the keyring knows. */
VaultLogsOpening vault_logs_opening(const char *vault_path, const VaultId *vault_id,
                                    const VaultLogsKnown *known, VaultLogKind kind);
guint64 vault_logs_size_of(VaultLog *log);
