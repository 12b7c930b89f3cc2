/* What the writer and the verifier need of a reader. Inside vault/log only. */
#pragma once

#include "vault/log/files.h"
#include "vault/log/log_reader.h"

#define LOG_CHECKPOINT_NAME "checkpoint"
#define LOG_COSIGNED_NAME "cosigned"

/* Takes over the checkpoint; `note` is copied. `files` is borrowed and must outlive the reader. */
VaultLogReader *log_reader_new(const LogFiles *files, VaultCheckpoint *checkpoint,
                               const char *note);
/* The same log, grown to another checkpoint. */
void log_reader_advance(VaultLogReader *reader, VaultCheckpoint *checkpoint, const char *note);
const LogFiles *log_reader_files(const VaultLogReader *reader);
VaultMerkleSource log_reader_source(VaultLogReader *reader);
char *log_sidecar_name(guint64 index);
