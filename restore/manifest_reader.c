#include "restore/manifest_reader.h"

#include "restore/json_text.h"
#include "restore/proof_bundle.h"
#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BUFFER_LEN 65536

struct ManifestReader {
    FILE *file;
    gsize at, len; /* in the buffer */
    char buffer[BUFFER_LEN];
    char *path;
    GString *line;
    guint64 number; /* of the line */
    ManifestPart part;
    gboolean is_skipped[MANIFEST_PART_COUNTS + 1];
    gboolean is_over;
    JsonNode *node;
};

void manifest_reader_skip(ManifestReader *reader, ManifestPart part)
{
    reader->is_skipped[part] = TRUE;
}

void manifest_reader_close(ManifestReader *reader)
{
    if (reader == NULL)
        return;
    if (reader->file != NULL)
        fclose(reader->file);
    if (reader->node != NULL)
        json_node_unref(reader->node);
    g_string_free(reader->line, TRUE);
    g_free(reader->path);
    g_free(reader);
}

/* Never waiting for what is no file. */
static FILE *open_file(const char *path, GError **error)
{
    g_auto(VaultFd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    FILE *file;

    if (fd < 0 || fstat(fd, &status) != 0) {
        vault_error_set_errno(error, errno, "cannot read", path);
        return NULL;
    }
    if (!S_ISREG(status.st_mode)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s: this is no file", path);
        return NULL;
    }
    file = fdopen(fd, "r");
    if (file == NULL)
        vault_error_set_errno(error, errno, "cannot read", path);
    else
        fd = -1;
    return file;
}

ManifestReader *manifest_reader_open(const char *path, GError **error)
{
    g_autoptr(ManifestReader) reader = g_new0(ManifestReader, 1);

    reader->path = g_strdup(path);
    reader->line = g_string_new(NULL);
    reader->file = open_file(path, error);
    return reader->file == NULL ? NULL : g_steal_pointer(&reader);
}

static gboolean set_malformed(const ManifestReader *reader, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "%s, line %" G_GUINT64_FORMAT ": not as a manifest has it", reader->path,
                reader->number);
    return FALSE;
}

/* FALSE at the end of the file, or when it cannot be read. */
static gboolean has_more(ManifestReader *reader)
{
    if (reader->at < reader->len)
        return TRUE;
    reader->at = 0;
    reader->len = fread(reader->buffer, 1, BUFFER_LEN, reader->file);
    return reader->len > 0;
}

static gboolean read_line(ManifestReader *reader, GError **error)
{
    const char *lf = NULL;

    g_string_truncate(reader->line, 0);
    reader->number++;
    while (lf == NULL && has_more(reader)) {
        const char *start = reader->buffer + reader->at;
        gsize len = reader->len - reader->at;

        lf = memchr(start, '\n', len);
        len = lf == NULL ? len : (gsize)(lf - start);
        if (len > MANIFEST_LINE_LEN_MAX - reader->line->len) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                        "%s, line %" G_GUINT64_FORMAT ": longer than %u bytes", reader->path,
                        reader->number, MANIFEST_LINE_LEN_MAX);
            return FALSE;
        }
        g_string_append_len(reader->line, start, (gssize)len);
        reader->at += len + (lf == NULL ? 0 : 1);
    }
    if (ferror(reader->file) != 0)
        return vault_error_set_errno(error, errno, "cannot read", reader->path);
    return lf != NULL ? TRUE : set_malformed(reader, error);
}

static gboolean parse(ManifestReader *reader, const char *text, JsonObject **ret_object,
                      GError **error)
{
    g_autofree char *again = NULL;

    if (reader->node != NULL)
        json_node_unref(reader->node);
    reader->node = json_text_is_flat(text) ? json_from_string(text, NULL) : NULL;
    if (reader->node == NULL || !JSON_NODE_HOLDS_OBJECT(reader->node))
        return set_malformed(reader, error);
    /* The parser takes "\u" with fewer digits, and then part of the letter after it. */
    again = strchr(text, '\\') == NULL ? NULL : json_to_string(reader->node, FALSE);
    if (!g_utf8_validate(again == NULL ? text : again, -1, NULL))
        return set_malformed(reader, error);
    *ret_object = json_node_get_object(reader->node);
    return TRUE;
}

/* {"muniment_manifest":1,…,  and  "messages":[  or  "messages":[],  in the next line */
static gboolean parse_head(ManifestReader *reader, JsonObject **ret_object, GError **error)
{
    guint64 version = 0;

    if (!g_str_has_suffix(reader->line->str, ","))
        return set_malformed(reader, error);
    reader->line->str[reader->line->len - 1] = '}';
    if (!parse(reader, reader->line->str, ret_object, error))
        return FALSE;
    if (!proof_member_number(*ret_object, "muniment_manifest", &version))
        return set_malformed(reader, error);
    if (version != 1) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "%s: a manifest of version %" G_GUINT64_FORMAT
                    ", which this program does not know",
                    reader->path, version);
        return FALSE;
    }
    return TRUE;
}

typedef enum { LINE_OF_ENTRY, LINE_OF_FRAME, LINE_OUT_OF_PLACE } LineKind;

/* Lines that begin a part, each behind the part before it. */
static LineKind take_frame(ManifestReader *reader)
{
    static const struct {
        const char *begin;
        ManifestPart before, part;
    } frames[] = {
        {"\"messages\":[", MANIFEST_PART_HEAD, MANIFEST_PART_MESSAGES},
        {"\"errors\":[", MANIFEST_PART_MESSAGES, MANIFEST_PART_ERRORS},
        {"\"batches\":[", MANIFEST_PART_ERRORS, MANIFEST_PART_BATCHES},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(frames); i++) {
        const char *rest = reader->line->str + strlen(frames[i].begin);

        if (!g_str_has_prefix(reader->line->str, frames[i].begin))
            continue;
        if (reader->part != frames[i].before || (*rest != '\0' && !g_str_equal(rest, "],")))
            return LINE_OUT_OF_PLACE;
        reader->part = frames[i].part;
        return LINE_OF_FRAME;
    }
    return LINE_OF_ENTRY;
}

/* "counts":{…}} is the end. */
static gboolean parse_counts(ManifestReader *reader, JsonObject **ret_object, GError **error)
{
    static const char begin[] = "\"counts\":";
    GString *line = reader->line;

    if (!g_str_has_suffix(line->str, "}}") || reader->part < MANIFEST_PART_ERRORS)
        return set_malformed(reader, error);
    g_string_truncate(line, line->len - 1);
    reader->part = MANIFEST_PART_COUNTS;
    if (!parse(reader, line->str + strlen(begin), ret_object, error))
        return FALSE;
    return has_more(reader) ? set_malformed(reader, error) : TRUE;
}

/* An entry's line ends with nothing, a comma, or the end of its part. */
static void cut_separator(GString *line)
{
    if (g_str_has_suffix(line->str, "],"))
        g_string_truncate(line, line->len - 2);
    else if (g_str_has_suffix(line->str, ","))
        g_string_truncate(line, line->len - 1);
}

static gboolean is_passed_over(const ManifestReader *reader, LineKind kind)
{
    return kind == LINE_OF_ENTRY && reader->is_skipped[reader->part] &&
           g_str_has_prefix(reader->line->str, "{");
}

gboolean manifest_reader_next(ManifestReader *reader, ManifestPart *ret_part,
                              JsonObject **ret_object, GError **error)
{
    LineKind kind;

    if (reader->is_over)
        return FALSE;
    do {
        if (!read_line(reader, error))
            return FALSE;
        if (strlen(reader->line->str) != reader->line->len)
            return set_malformed(reader, error);
        if (reader->number == 1) {
            *ret_part = MANIFEST_PART_HEAD;
            return parse_head(reader, ret_object, error);
        }
        kind = take_frame(reader);
    } while (kind == LINE_OF_FRAME || is_passed_over(reader, kind));
    if (kind == LINE_OUT_OF_PLACE)
        return set_malformed(reader, error);
    if (g_str_has_prefix(reader->line->str, "\"counts\":")) {
        reader->is_over = TRUE;
        *ret_part = MANIFEST_PART_COUNTS;
        return parse_counts(reader, ret_object, error);
    }
    cut_separator(reader->line);
    *ret_part = reader->part;
    return reader->part == MANIFEST_PART_HEAD ? set_malformed(reader, error)
                                              : parse(reader, reader->line->str, ret_object, error);
}
