/* Checking one message of an export: its bytes against the manifest, and the proof that the
 * manifest has of it against the batches. What is wrong is a finding, nothing is an error. Threads:
 * safe: what the export has is only read.
 */
#pragma once

#include "restore/check_files.h"

#include <json-glib/json-glib.h>

typedef struct {
    int directory_fd;
    GHashTable *batches;       /* ProofBatchId -> VaultEntry, believed */
    const CheckMboxes *mboxes; /* NULL: each message is a file of its own */
} CheckExport;

typedef struct {
    JsonObject *object; /* its line of the manifest; a reference */
    guint64 number;     /* in the manifest, from 1 */
    gboolean is_named_twice;
    /* Filled in: */
    gboolean is_done, is_message, is_in_log, has_lf;
    guint64 len;
    GPtrArray *findings;
} CheckMessage;

CheckMessage *check_message_new(JsonObject *object, guint64 number);
void check_message_free(CheckMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CheckMessage, check_message_free)

void check_message_run(const CheckExport *export, CheckMessage *message);
