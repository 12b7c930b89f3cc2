/* Lets a test of the chunk limit begin near it: four billion chunks are 256 TiB. */
#pragma once

#include "vault/crypto/stream.h"

void vault_stream_skip_to(VaultStream *stream, guint32 chunk);
