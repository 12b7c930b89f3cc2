/* A QR code of a share's words, drawn by qrencode(1) where that is installed.
 * The words go to it through a pipe, never as arguments.
 */
#pragma once

#include "vault/crypto/slip39.h"

/* Lines of UTF-8 for printing (dark on light), given back with vault_key_text_free(); NULL, without
 * an error, where there is no qrencode. NOT_FOUND or IO when it does not do its work. */
char *restore_share_qr(const VaultSlip39Share *share, gboolean *ret_is_installed, GError **error);
