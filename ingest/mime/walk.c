#include "ingest/mime/walk.h"

#include <string.h>

/* A boundary has at most 70 characters by the standard. */
#define DELIMITER_LEN_MAX 1024

typedef enum {
    HEADER,
    BODY,    /* of a leaf */
    BETWEEN, /* preamble or epilogue of a multipart */
    SKIP,    /* of an entity past a limit */
} State;

typedef struct {
    IngestEntity *entity;
    GByteArray *header; /* what the entity borrows */
    const char *boundary;
    gsize boundary_len;   /* without blanks at its end */
    GByteArray *preamble; /* until the first delimiter */
} Level;

struct IngestWalk {
    const IngestWalkVisitor *visitor;
    gpointer user;
    guint depth, part_count, multipart_count;
    State state;
    GArray *levels; /* Level: the innermost last; a leaf is the last one */
    GByteArray *header;
    gsize line_start; /* HEADER: of the line that is not whole yet */
    gboolean is_header_long, is_next_message;
    GByteArray *line; /* a line that may become a delimiter */
    gboolean is_in_line;
};

static void clear_level(gpointer pointer)
{
    Level *level = pointer;

    ingest_entity_free(level->entity);
    g_clear_pointer(&level->header, g_byte_array_unref);
    g_clear_pointer(&level->preamble, g_byte_array_unref);
}

IngestWalk *ingest_walk_new(const IngestWalkVisitor *visitor, gpointer user, guint depth)
{
    static gsize is_ready;
    IngestWalk *walk = g_new0(IngestWalk, 1);

    if (g_once_init_enter(&is_ready)) {
        g_mime_init();
        g_once_init_leave(&is_ready, 1);
    }
    walk->visitor = visitor;
    walk->user = user;
    walk->depth = depth;
    walk->levels = g_array_new(FALSE, TRUE, sizeof(Level));
    g_array_set_clear_func(walk->levels, clear_level);
    walk->header = g_byte_array_sized_new(4096);
    walk->line = g_byte_array_new();
    walk->is_next_message = TRUE;
    return walk;
}

void ingest_walk_free(IngestWalk *walk)
{
    if (walk == NULL)
        return;
    g_array_unref(walk->levels);
    g_byte_array_unref(walk->header);
    g_byte_array_unref(walk->line);
    g_free(walk);
}

static Level *level_at(IngestWalk *walk, guint number)
{
    return &g_array_index(walk->levels, Level, number);
}

static Level *innermost(IngestWalk *walk)
{
    return walk->levels->len == 0 ? NULL : level_at(walk, walk->levels->len - 1);
}

/* ---- entities -------------------------------------------------------------------------------- */

static void begin_header(IngestWalk *walk, gboolean is_message)
{
    walk->state = HEADER;
    walk->line_start = 0;
    walk->is_header_long = FALSE;
    walk->is_next_message = is_message;
    g_byte_array_set_size(walk->header, 0);
}

static void set_state(IngestWalk *walk, const IngestEntity *entity)
{
    if (entity->shape == INGEST_SHAPE_MULTIPART)
        walk->state = BETWEEN;
    else if (entity->shape == INGEST_SHAPE_MESSAGE)
        begin_header(walk, TRUE);
    else
        walk->state = BODY;
}

/* The line without its end and trailing blanks. */
static gsize stripped_len(const guint8 *line, gsize len)
{
    while (len > 0 && g_ascii_isspace(line[len - 1]))
        len--;
    return len;
}

static void begin_entity(IngestWalk *walk)
{
    const Level *outer = innermost(walk);
    gboolean is_in_digest = outer != NULL && ingest_entity_is(outer->entity, "multipart", "digest");
    Level level = {.header = walk->header};

    if (walk->is_header_long)
        walk->visitor->cut(walk->user);
    if (walk->depth + walk->levels->len >= INGEST_WALK_DEPTH_MAX ||
        walk->part_count >= INGEST_WALK_PARTS_MAX) {
        walk->state = SKIP;
        walk->visitor->cut(walk->user);
        return;
    }
    walk->part_count++;
    walk->is_in_line = FALSE;
    walk->header = g_byte_array_sized_new(512);
    level.entity = ingest_entity_new(level.header->data, level.header->len,
                                     is_in_digest && !walk->is_next_message ? "rfc822" : NULL);
    level.entity->is_message = walk->is_next_message;
    if (level.entity->shape == INGEST_SHAPE_MULTIPART) {
        level.boundary = ingest_entity_parameter(level.entity, "boundary");
        level.boundary_len = stripped_len((const guint8 *)level.boundary, strlen(level.boundary));
        level.preamble = g_byte_array_new();
        walk->multipart_count++;
    }
    g_array_append_val(walk->levels, level);
    walk->visitor->begin(walk->user, level.entity);
    set_state(walk, level.entity);
}

static void end_innermost(IngestWalk *walk)
{
    Level *level = innermost(walk);

    walk->visitor->end(walk->user, level->entity);
    walk->multipart_count -= level->entity->shape == INGEST_SHAPE_MULTIPART;
    g_array_set_size(walk->levels, walk->levels->len - 1);
}

/* What stands in a multipart that has no parts is shown as text. */
static void give_preamble(IngestWalk *walk)
{
    g_autoptr(GByteArray) preamble = g_steal_pointer(&innermost(walk)->preamble);

    if (preamble == NULL || preamble->len == 0)
        return;
    begin_header(walk, FALSE);
    begin_entity(walk);
    if (walk->state != BODY)
        return;
    walk->visitor->body(walk->user, preamble->data, preamble->len);
    end_innermost(walk);
}

static void end_levels(IngestWalk *walk, guint count)
{
    while (walk->levels->len > count) {
        if (innermost(walk)->entity->shape == INGEST_SHAPE_MULTIPART)
            give_preamble(walk);
        end_innermost(walk);
    }
}

/* ---- delimiters ------------------------------------------------------------------------------ */

static gboolean is_delimiter_of(const Level *level, const guint8 *line, gsize len,
                                gboolean *is_last)
{
    if (level->boundary == NULL || len < 2 + level->boundary_len ||
        memcmp(line + 2, level->boundary, level->boundary_len) != 0)
        return FALSE;
    line += 2 + level->boundary_len;
    len -= 2 + level->boundary_len;
    for (const char *blank = level->boundary + level->boundary_len;
         len > 0 && *blank != '\0' && *line == (guint8)*blank; blank++, line++)
        len--;
    *is_last = len == 2 && line[0] == '-' && line[1] == '-';
    return len == 0 || *is_last;
}

/* A line that begins with "--". Levels inside the one whose delimiter it is end, also where their
 * own last delimiter is missing. */
static gboolean take_delimiter(IngestWalk *walk, const guint8 *line, gsize len)
{
    gboolean is_last;

    len = stripped_len(line, len);
    for (guint number = walk->levels->len; number > 0; number--) {
        if (!is_delimiter_of(level_at(walk, number - 1), line, len, &is_last))
            continue;
        end_levels(walk, number);
        if (is_last) {
            end_levels(walk, number - 1);
            walk->state = BETWEEN;
        } else {
            g_clear_pointer(&innermost(walk)->preamble, g_byte_array_unref);
            begin_header(walk, FALSE);
        }
        return TRUE;
    }
    return FALSE;
}

/* ---- header ---------------------------------------------------------------------------------- */

static gboolean is_dashes(const guint8 *line, gsize len)
{
    return len >= 2 && line[0] == '-' && line[1] == '-';
}

/* What is past the limit is read and dropped, line by line. */
static void limit_header(IngestWalk *walk)
{
    if (walk->header->len <= INGEST_WALK_HEADER_LEN_MAX)
        return;
    walk->is_header_long = TRUE;
    g_byte_array_set_size(walk->header, (guint)MAX(walk->line_start, INGEST_WALK_HEADER_LEN_MAX));
    if (walk->line_start < walk->header->len)
        walk->header->data[walk->header->len - 1] = '\n';
}

/* A line is whole: the end of the header, a delimiter where none should be, or a field. */
static void take_header_line(IngestWalk *walk)
{
    const guint8 *line = walk->header->data + walk->line_start;
    gsize len = walk->header->len - walk->line_start;

    if (line[0] == '\n' || (len == 2 && line[0] == '\r')) {
        g_byte_array_set_size(walk->header, (guint)walk->line_start);
        begin_entity(walk);
        return;
    }
    if (is_dashes(line, len) && walk->multipart_count > 0) {
        g_autofree guint8 *delimiter = g_memdup2(line, len);

        g_byte_array_set_size(walk->header, (guint)walk->line_start);
        begin_entity(walk);
        if (take_delimiter(walk, delimiter, len))
            return;
        /* None after all: the header is over all the same, no field begins so. */
        if (walk->state == BODY)
            walk->visitor->body(walk->user, delimiter, len);
        return;
    }
    limit_header(walk);
    walk->line_start = walk->header->len;
}

static gsize feed_header(IngestWalk *walk, const guint8 *bytes, gsize len)
{
    const guint8 *newline = memchr(bytes, '\n', len);
    gsize taken_len = newline == NULL ? len : (gsize)(newline + 1 - bytes);

    g_byte_array_append(walk->header, bytes, (guint)taken_len);
    if (newline != NULL)
        take_header_line(walk);
    else if (walk->header->len > INGEST_WALK_HEADER_LEN_MAX + DELIMITER_LEN_MAX)
        g_byte_array_set_size(walk->header, INGEST_WALK_HEADER_LEN_MAX + DELIMITER_LEN_MAX);
    return taken_len;
}

/* ---- body ------------------------------------------------------------------------------------ */

static void give_body(IngestWalk *walk, const guint8 *bytes, gsize len)
{
    GByteArray *preamble;

    if (len == 0)
        return;
    walk->is_in_line = bytes[len - 1] != '\n';
    if (walk->state == BODY) {
        walk->visitor->body(walk->user, bytes, len);
    } else if (walk->state == BETWEEN && walk->levels->len > 0) {
        preamble = innermost(walk)->preamble;
        if (preamble != NULL && preamble->len < INGEST_WALK_PREAMBLE_LEN_MAX)
            g_byte_array_append(preamble, bytes,
                                (guint)MIN(len, INGEST_WALK_PREAMBLE_LEN_MAX - preamble->len));
    }
}

/* Bytes up to where a line begins with "--", or may do so when more has come. */
static gsize len_before_dashes(const IngestWalk *walk, const guint8 *bytes, gsize len)
{
    const guint8 *found;

    if (!walk->is_in_line && bytes[0] == '-' && (len == 1 || bytes[1] == '-'))
        return 0;
    found = memmem(bytes, len, "\n--", 3);
    if (found != NULL)
        return (gsize)(found + 1 - bytes);
    return len >= 2 && bytes[len - 1] == '-' && bytes[len - 2] == '\n' ? len - 1 : len;
}

/* The line in `walk->line` goes on. */
static gsize feed_line(IngestWalk *walk, const guint8 *bytes, gsize len)
{
    g_autoptr(GByteArray) line = NULL;
    const guint8 *newline = memchr(bytes, '\n', len);
    gsize taken_len = newline == NULL ? len : (gsize)(newline + 1 - bytes);

    taken_len = MIN(taken_len, DELIMITER_LEN_MAX - walk->line->len);
    g_byte_array_append(walk->line, bytes, (guint)taken_len);
    if (walk->line->data[walk->line->len - 1] != '\n' && walk->line->len < DELIMITER_LEN_MAX)
        return taken_len;
    line = g_steal_pointer(&walk->line);
    walk->line = g_byte_array_new();
    if (!is_dashes(line->data, line->len) || !take_delimiter(walk, line->data, line->len))
        give_body(walk, line->data, line->len);
    else
        walk->is_in_line = FALSE;
    return taken_len;
}

static gsize feed_body(IngestWalk *walk, const guint8 *bytes, gsize len)
{
    gsize plain_len;

    if (walk->multipart_count == 0) {
        give_body(walk, bytes, len);
        return len;
    }
    if (walk->line->len > 0)
        return feed_line(walk, bytes, len);
    plain_len = len_before_dashes(walk, bytes, len);
    give_body(walk, bytes, plain_len);
    return plain_len == 0 ? feed_line(walk, bytes, len) : plain_len;
}

void ingest_walk_feed(IngestWalk *walk, const void *bytes, gsize len)
{
    const guint8 *at = bytes;
    gsize taken_len;

    for (; len > 0; at += taken_len, len -= taken_len)
        taken_len = walk->state == HEADER ? feed_header(walk, at, len) : feed_body(walk, at, len);
}

void ingest_walk_finish(IngestWalk *walk)
{
    if (walk->line->len > 0) {
        g_autoptr(GByteArray) line = g_steal_pointer(&walk->line);

        walk->line = g_byte_array_new();
        if (!is_dashes(line->data, line->len) || !take_delimiter(walk, line->data, line->len))
            give_body(walk, line->data, line->len);
    }
    /* The last line of a header may lack its end; it may be a delimiter. */
    if (walk->state == HEADER && walk->header->len > walk->line_start) {
        g_byte_array_append(walk->header, (const guint8 *)"\n", 1);
        take_header_line(walk);
    }
    if (walk->state == HEADER)
        begin_entity(walk);
    end_levels(walk, 0);
}
