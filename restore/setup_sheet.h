/* The sheets of a vault of one person: the recovery sheet has the master key as its only share, in
 * words and as a QR code, and what else there must be to get the mail back; the escrow sheet has
 * the escrow key in the same way. The file of either is a share for all commands.
 *
 * Errors: those of restore_share_file_write(); TOO_LARGE (paths too long for a sheet). Threads: the
 * main thread only. Source: docs/formats/shares.md.
 */
#pragma once

#include "restore/new_vault.h"
#include "vault/crypto/escrow.h"

gboolean setup_sheet_write(const char *path, const RestoreNewVault *vault,
                           const VaultMaster *master, gboolean *ret_has_qr, GError **error);
gboolean setup_sheet_write_escrow(const char *path, const RestoreNewVault *vault,
                                  const VaultEscrow *escrow, GError **error);
