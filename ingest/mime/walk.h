/* The structure of a message, as its bytes come: entities, one in another.
 *
 *   begin(message) begin(multipart) begin(leaf) body* end  begin(leaf) body* end  end  end
 *
 * The bytes may be cut anywhere. Nothing but headers, the line that may be a delimiter and a
 * multipart's preamble is held; there is no recursion. Past a limit the entity is passed over and
 * cut() says so. A multipart without any delimiter has one leaf: what stands there.
 *
 * Why not GMime's parser: it holds the whole message, and it recurses (docs/decisions/0020).
 * Threads: one user per object. Source: RFC 2046 section 5.1, 5322.
 */
#pragma once

#include "ingest/mime/entity.h"

#define INGEST_WALK_DEPTH_MAX 100
#define INGEST_WALK_PARTS_MAX 10000
#define INGEST_WALK_HEADER_LEN_MAX (256u << 10)
#define INGEST_WALK_PREAMBLE_LEN_MAX (64u << 10)

typedef struct {
    /* The entity is valid until end(). */
    void (*begin)(gpointer user, const IngestEntity *entity);
    /* Of a leaf, as transferred. */
    void (*body)(gpointer user, const guint8 *bytes, gsize len);
    void (*end)(gpointer user, const IngestEntity *entity);
    void (*cut)(gpointer user);
} IngestWalkVisitor;

typedef struct IngestWalk IngestWalk;
/* `depth`: how deep this message lies in another one; 0 = it is the message itself. */
IngestWalk *ingest_walk_new(const IngestWalkVisitor *visitor, gpointer user, guint depth);
void ingest_walk_free(IngestWalk *walk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestWalk, ingest_walk_free)
void ingest_walk_feed(IngestWalk *walk, const void *bytes, gsize len);
void ingest_walk_finish(IngestWalk *walk);
