/* What export.c and export_place.c share: the export object, and where its files lie. */
#pragma once

#include "restore/export_backend.h"

struct Export {
    ExportFormat format;
    ExportLineEnds line_ends;
    const ExportBackend *backend;
    gpointer self; /* the backend's */
    char *path;
    gboolean is_folder;
    gboolean is_stdout;
    /* Single files: where they are written until finish(). */
    char *draft_path;
    VaultFd draft_fd;
    /* The manifest under way; `manifest_draft` NULL when it has no name (archives) or none. */
    char *manifest_path;
    char *manifest_draft;
    VaultFd manifest_fd;
    Manifest *manifest;
    /* Folders: one line per message that has its file, for --resume. */
    char *journal_path;
    VaultFd journal_fd;
    GString *journal_lines;
    GHashTable *known; /* what an earlier run left; NULL = nothing */
    guint64 now_s;
    /* The message under way. */
    ExportMessage message;
    char *file;
    guint64 written_len;
    gboolean is_cr_held;
    guint64 lf_len;
    VaultHasher *lf_hasher;
    GByteArray *lf_bytes;
    gboolean has_proof;
    ProofMessage proof;
    const ProofSource *proofs; /* NULL: none */
    GHashTable *batches;       /* ProofBatchId: those that proofs lead to */
    gboolean is_finished;
};

/* Makes or checks PATH and opens draft, journal and manifest. */
gboolean export_place_open(Export *export, const ExportOptions *options, GError **error);
/* Syncs and names everything; the journal goes. */
gboolean export_place_finish(Export *export, GError **error);
/* Removes drafts of single files; a folder stays for --resume. */
void export_place_free(Export *export);
