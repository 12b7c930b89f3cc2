/* An export: messages, in the order given, into files that a person asked for.
 *
 *   open -> (begin -> write* -> end | abandon)* -> finish -> free
 *
 * Nothing is given its name before it is whole: eml and Maildir files are drafts until end(), an
 * mbox is cut back by abandon(), single files (mbox, zip, tar.zst) are drafts until finish(). In an
 * archive and in a stream, bytes written cannot be taken back: there the caller proves a message
 * whole before it begins it, and abandon() makes the export fail. A message in memory is proved
 * before begin(). What was not finished is removed by free(), but for folders, which --resume goes
 * on with.
 *
 * Bytes are exactly those archived (line ends too) in every format, unless `line_ends` says LF
 * (mbox, Maildir). PATH: a folder for eml, Maildir and mbox; an mbox PATH that ends in ".mbox" is
 * one file with all messages; "-" is standard output (mbox, zip, tar.zst). The manifest is
 * PATH/manifest.json, the last member of an archive, PATH.manifest.json beside one mbox; an mbox on
 * standard output has none.
 * Errors: BUSY (PATH exists or is not empty), IO, NO_SPACE, UNSUPPORTED (format cannot do that).
 * Threads: one user per object. Source: docs/formats/export.md.
 */
#pragma once

#include "restore/manifest.h"
#include "restore/proof_source.h"

typedef enum {
    EXPORT_EML,
    EXPORT_MBOX,
    EXPORT_MAILDIR,
    EXPORT_ZIP,
    EXPORT_TAR_ZST,
} ExportFormat;
gboolean export_format_parse(const char *text, ExportFormat *ret_format);
const char *export_format_name(ExportFormat format);

typedef enum { EXPORT_START_NEW, EXPORT_RESUME } ExportStart;
typedef enum { EXPORT_AS_ARCHIVED, EXPORT_LF } ExportLineEnds;

typedef struct {
    ExportFormat format;
    const char *path;
    ExportStart start; /* RESUME: eml and Maildir */
    ExportLineEnds line_ends;
    const VaultId *vault_id; /* NULL = not named in the manifest */
    guint64 now_s;
    const ProofSource *proofs; /* NULL = the manifest has none; borrowed until free() */
} ExportOptions;

/* All borrowed until end() or abandon(). */
typedef struct {
    const char *id;      /* archive id */
    const char *mailbox; /* address, or "unassigned" */
    guint64 received_s;
    guint64 len;                            /* exactly as many bytes are written */
    const char *sender, *folder, *keywords; /* NULL = not known */
} ExportMessage;

typedef struct Export Export;
Export *export_open(const ExportOptions *options, GError **error);
/* TRUE when bytes that were written can be taken back: then a large message may be written as it is
 * being proved. */
gboolean export_can_abandon(const Export *export);

/* A resumed export: the copy of message `id` in `mailbox` is there, whole and as the journal says
 * (its file was read and hashed). It is in the manifest then and needs no begin(). */
gboolean export_has(Export *export, const char *id, const char *mailbox, guint64 received_s,
                    gboolean *ret_has, GError **error);

gboolean export_begin(Export *export, const ExportMessage *message, GError **error);
gboolean export_write(Export *export, const guint8 *bytes, gsize len, GError **error);
/* What the message under way is proved by, where there are proofs: before end(). */
gboolean export_prove(Export *export, const VaultOpenedBody *body, const BodySalt *salt,
                      GError **error);
/* `hash` = SHA-256 of the message. */
gboolean export_end(Export *export, const VaultHash *hash, GError **error);
gboolean export_abandon(Export *export, GError **error);
/* For the manifest: this copy is not in the export, and why. */
void export_add_error(Export *export, const char *id, const char *mailbox, guint64 received_s,
                      const char *text);

/* Writes the manifest, syncs, names what is still a draft. */
gboolean export_finish(Export *export, ManifestCounts *ret_counts, GError **error);
void export_free(Export *export);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Export, export_free)
