/* PADME (Nikitin et al. 2019): to what length a sealed plaintext is filled up, so that lengths say
 * little: at most an eighth is added, and log log of the length is what is left to be seen.
 * Source: docs/formats/record.md, section "Body".
 */
#pragma once

#include <glib.h>

/* The padded length of `len`, at least `floor`; `len` at most G_MAXINT64 (asserted). */
guint64 vault_padded_len(guint64 len, guint64 floor);
