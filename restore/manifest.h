/* The manifest of an export: JSON, written as the export goes, never held whole.
 *
 *   {"muniment_manifest": 1, "vault": ID, "format": "eml", "created": DATE,
 *    "messages": [
 *     {"id":…,"mailbox":…,"received":DATE,"size":N,"sha256":HEX,"file":PATH},
 *     …],
 *    "errors": [
 *     {"id":…,"mailbox":…,"received":DATE,"error":TEXT},
 *     …],
 *    "counts": {"messages":N,"bytes":N,"errors":N}}
 *
 * One message a line, so that the journal of an export under way holds the same lines and a resumed
 * export reads either. `size` and `sha256` are of the message exactly as archived; `lf_size` and
 * `lf_sha256` of the file where line ends were changed. Optional: `offset` (mbox: of the first byte
 * after the postmark), `sender`, `folder`, `keywords`, and the proofs of
 * docs/formats/proof-bundle.md with the batches that they lead to. Errors: IO, NO_SPACE. Threads:
 * one user per object. Source: docs/formats/export.md.
 */
#pragma once

#include "restore/proof_bundle.h"
#include "vault/base/file.h"

#define MANIFEST_NAME "manifest.json"
#define MANIFEST_LINE_LEN_MAX (1u << 20)
/* Errors are gathered in memory until the end; what is more is only counted. */
#define MANIFEST_ERRORS_MAX 100000

/* NULL and 0 fields are left out. Strings are borrowed. */
typedef struct {
    const char *id;
    const char *mailbox;
    guint64 received_s;
    guint64 size;
    VaultHash hash;
    const char *file;
    gboolean has_offset;
    guint64 offset;
    gboolean has_lf;
    guint64 lf_size;
    VaultHash lf_hash;
    const char *sender, *folder, *keywords;
    const ProofMessage *proof;
} ManifestEntry;

/* One line without line end and comma. */
char *manifest_entry_format(const ManifestEntry *entry);

typedef struct {
    guint64 message_count, byte_count, error_count;
    VaultHash hash; /* SHA-256 of the whole manifest, once it is finished */
} ManifestCounts;

typedef struct Manifest Manifest;
/* Writes to a descriptor that the caller keeps open and closes. `vault_id` may be NULL. */
Manifest *manifest_begin(int fd, const char *path, const VaultId *vault_id, const char *format,
                         guint64 created_s, GError **error);
/* A line as manifest_entry_format() gives it, of a message of `size` bytes. */
gboolean manifest_add(Manifest *manifest, const char *line, guint64 size, GError **error);
/* `mailbox` NULL and `received_s` 0: not known. */
void manifest_add_error(Manifest *manifest, const char *id, const char *mailbox, guint64 received_s,
                        const char *text);
/* Ends the messages. Then come the batches, when the export has proofs. */
gboolean manifest_end_messages(Manifest *manifest, GError **error);
/* A line as proof_batch_format() gives it. */
gboolean manifest_add_batch(Manifest *manifest, const char *line, GError **error);
/* Writes the rest; does not sync. */
gboolean manifest_finish(Manifest *manifest, GError **error);
const ManifestCounts *manifest_counts(const Manifest *manifest);
void manifest_free(Manifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manifest, manifest_free)

/* What an earlier run left: lines by message and mailbox. Reads a journal or a manifest; lines that
 * are no entry (the frame of the manifest, a torn last line, one that is too long or names a file
 * outside of the export) are passed over: such a message is written again. NOT_FOUND, IO. */
typedef struct {
    char *line;
    char *file;
    guint64 size;      /* of the message */
    guint64 file_size; /* of the file: lf_size where there is one */
    VaultHash file_hash;
    gboolean is_in_log; /* then: the batch that its proof leads to */
    ProofBatchId batch;
} ManifestKnown;
void manifest_known_free(ManifestKnown *known);
/* "ID MAILBOX", new string. */
char *manifest_known_key(const char *id, const char *mailbox);
GHashTable *manifest_known_new(void);
/* Adds to `known`: key -> ManifestKnown. */
gboolean manifest_read_known(const char *path, GHashTable *known, GError **error);

/* "2026-11-24T00:21:08Z", new string. */
char *manifest_time(guint64 time_s);
