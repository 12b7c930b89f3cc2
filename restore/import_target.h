/* Where imported messages go: through the daemon that holds the vault, or, where none runs, into
 * the vault itself as its writer. Both use the one delivery pipeline.
 *
 *   open -> (message -> write* -> finish | abandon)* -> close
 *
 * Errors of open: as vault_keep_open() and archived_control_import_begin(), and MALFORMED for a
 * configuration with mistakes. After an error of message() or write() call abandon(); after one of
 * finish() the next message may follow, unless import_target_is_broken(). Threads: one user.
 */
#pragma once

#include "archived/control_client.h"

typedef struct ImportTarget ImportTarget;
ImportTarget *import_target_open(const char *vault, const RowId *import_id, GError **error);
void import_target_free(ImportTarget *target);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImportTarget, import_target_free)
/* What finish() gave is durable before it, too: this closes the vault in good order. */
gboolean import_target_close(ImportTarget *target, GError **error);

gboolean import_target_message(ImportTarget *target, const ArchivedImportMessage *message,
                               GError **error);
gboolean import_target_write(ImportTarget *target, const void *bytes, gsize len, GError **error);
gboolean import_target_finish(ImportTarget *target, ArchivedImportResult *ret_result,
                              GError **error);
gboolean import_target_abandon(ImportTarget *target, GError **error);
/* Nothing more can be sent: the connection broke. */
gboolean import_target_is_broken(const ImportTarget *target);
