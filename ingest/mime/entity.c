#include "ingest/mime/entity.h"

#include "ingest/mime/header_fields.h"

#include <string.h>

/* Longer ones are no content types. */
#define VALUE_LEN_MAX 8192

/* On one line, as GMime wants it; NULL: too long. */
static char *unfold(const IngestHeaderFields *fields)
{
    if (fields->value_len > VALUE_LEN_MAX)
        return NULL;
    return g_strstrip(g_strdelimit(g_strndup(fields->value, fields->value_len), "\r\n", ' '));
}

static void take_field(IngestEntity *entity, const IngestHeaderFields *fields)
{
    g_autofree char *value = NULL;

    /* All that is asked for begins with "Content-". */
    if (fields->name_len < 10 || g_ascii_strncasecmp(fields->name, "Content-", 8) != 0)
        return;
    value = unfold(fields);
    if (value == NULL || *value == '\0')
        return;
    if (entity->type == NULL && ingest_header_fields_is(fields, "Content-Type"))
        entity->type = g_mime_content_type_parse(NULL, value);
    else if (entity->disposition == NULL && ingest_header_fields_is(fields, "Content-Disposition"))
        entity->disposition = g_mime_content_disposition_parse(NULL, value);
    else if (ingest_header_fields_is(fields, "Content-Transfer-Encoding"))
        entity->encoding = g_mime_content_encoding_from_string(value);
    else if (ingest_header_fields_is(fields, "Content-ID"))
        entity->has_content_id = TRUE;
}

static gboolean is_identity(GMimeContentEncoding encoding)
{
    return encoding != GMIME_CONTENT_ENCODING_BASE64 &&
           encoding != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE &&
           encoding != GMIME_CONTENT_ENCODING_UUENCODE;
}

static IngestShape shape_of(const IngestEntity *entity)
{
    const char *boundary = ingest_entity_parameter(entity, "boundary");

    if (ingest_entity_is(entity, "multipart", "*") && boundary != NULL && *boundary != '\0')
        return INGEST_SHAPE_MULTIPART;
    if ((ingest_entity_is(entity, "message", "rfc822") ||
         ingest_entity_is(entity, "message", "global") ||
         ingest_entity_is(entity, "message", "news")) &&
        is_identity(entity->encoding))
        return INGEST_SHAPE_MESSAGE;
    return INGEST_SHAPE_LEAF;
}

IngestEntity *ingest_entity_new(const guint8 *header, gsize len, const char *default_subtype)
{
    IngestEntity *entity = g_new0(IngestEntity, 1);
    IngestHeaderFields fields;

    entity->header = header;
    entity->header_len = len;
    ingest_header_fields_init(&fields, header, len);
    while (ingest_header_fields_next(&fields))
        take_field(entity, &fields);
    if (entity->type == NULL && default_subtype != NULL)
        entity->type = g_mime_content_type_new("message", default_subtype);
    else if (entity->type == NULL)
        entity->type = g_mime_content_type_new("text", "plain");
    entity->shape = shape_of(entity);
    return entity;
}

void ingest_entity_free(IngestEntity *entity)
{
    if (entity == NULL)
        return;
    g_clear_object(&entity->type);
    g_clear_object(&entity->disposition);
    g_free(entity);
}

gboolean ingest_entity_is(const IngestEntity *entity, const char *type, const char *subtype)
{
    return g_mime_content_type_is_type(entity->type, type, subtype);
}

const char *ingest_entity_parameter(const IngestEntity *entity, const char *name)
{
    return g_mime_content_type_get_parameter(entity->type, name);
}

gboolean ingest_entity_is_attachment(const IngestEntity *entity)
{
    return entity->disposition != NULL &&
           g_mime_content_disposition_is_attachment(entity->disposition);
}

char *ingest_entity_filename(const IngestEntity *entity)
{
    const char *name = NULL;
    g_autoptr(GString) text = NULL;

    if (entity->disposition != NULL)
        name = g_mime_content_disposition_get_parameter(entity->disposition, "filename");
    if (name == NULL || *name == '\0')
        name = ingest_entity_parameter(entity, "name");
    if (name == NULL || *name == '\0')
        return NULL;
    /* Encoded words do not belong in parameters, and stand there. */
    text = g_string_new(NULL);
    ingest_header_decode(text, name, strlen(name), NULL);
    return text->len == 0 ? NULL : g_string_free(g_steal_pointer(&text), FALSE);
}
