/* Reading a whole manifest that somebody else may have written, line by line: every line that
 * restore/manifest.h describes, in that order and no other.
 *
 * Errors: NOT_FOUND, IO (the file), MALFORMED (no file, or not such a manifest; the line is
 * named), TOO_LARGE
 * (a line over MANIFEST_LINE_LEN_MAX), UNSUPPORTED (a later one). Threads: one user.
 * Source: docs/formats/export.md.
 */
#pragma once

#include "restore/manifest.h"

#include <json-glib/json-glib.h>

typedef enum {
    MANIFEST_PART_HEAD,     /* once, first: muniment_manifest, vault, format, created */
    MANIFEST_PART_MESSAGES, /* each message */
    MANIFEST_PART_ERRORS,   /* each error */
    MANIFEST_PART_BATCHES,  /* each batch */
    MANIFEST_PART_COUNTS,   /* once, last */
} ManifestPart;

typedef struct ManifestReader ManifestReader;
ManifestReader *manifest_reader_open(const char *path, GError **error);
void manifest_reader_close(ManifestReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ManifestReader, manifest_reader_close)

/* Lines of this part are passed over from here on, as if there were none: not even parsed. */
void manifest_reader_skip(ManifestReader *reader, ManifestPart part);
/* FALSE with no error: the end, behind the counts. The object is borrowed until the next call. */
gboolean manifest_reader_next(ManifestReader *reader, ManifestPart *ret_part,
                              JsonObject **ret_object, GError **error);
