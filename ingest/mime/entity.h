/* What the header of one MIME entity says of what follows. Fields that are missing or cannot be
 * read have the defaults of RFC 2045. Threads: one user per object. Source: RFC 2045, 2046, 2183,
 * 2231.
 */
#pragma once

#include <gmime/gmime.h>

typedef enum {
    INGEST_SHAPE_LEAF,
    INGEST_SHAPE_MULTIPART, /* with a boundary */
    INGEST_SHAPE_MESSAGE,   /* in identity encoding */
} IngestShape;

typedef struct {
    IngestShape shape;
    gboolean is_message; /* the header is that of a message, not only of a part */
    const guint8 *header;
    gsize header_len;
    GMimeContentType *type; /* never NULL */
    GMimeContentDisposition *disposition;
    GMimeContentEncoding encoding;
    gboolean has_content_id;
} IngestEntity;

/* Borrows the header. `default_subtype`: NULL, or "rfc822" in a digest. */
IngestEntity *ingest_entity_new(const guint8 *header, gsize len, const char *default_subtype);
void ingest_entity_free(IngestEntity *entity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestEntity, ingest_entity_free)

gboolean ingest_entity_is(const IngestEntity *entity, const char *type, const char *subtype);
/* NULL: there is none. */
const char *ingest_entity_parameter(const IngestEntity *entity, const char *name);
gboolean ingest_entity_is_attachment(const IngestEntity *entity);
/* The file's name, UTF-8, from either field; NULL: it has none. */
char *ingest_entity_filename(const IngestEntity *entity);
