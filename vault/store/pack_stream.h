/* What the pack writer and its stream packs know of each other. Internal to vault/store. */
#pragma once

#include "vault/store/pack_writer.h"

const char *vault_pack_writer_directory(const VaultPackWriter *writer);
const VaultId *vault_pack_writer_vault_id(const VaultPackWriter *writer);
/* New string. */
char *vault_stream_pack_path(const VaultPackWriter *writer, const PackId *pack_id);
