#include "ingest/message_reading.h"

#include "ingest/mime/header_fields.h"

#include <string.h>

/* Of one value, as it was sent. */
#define VALUE_LEN_MAX (128u << 10)
/* The last second of 9999. */
#define LAST_S G_GINT64_CONSTANT(253402300799)

/* ---- texts ----------------------------------------------------------------------------------- */

/* Several fields of one name make one text. */
static void append_text(MessageReading *reading, char **text, const IngestHeaderFields *fields)
{
    g_autoptr(GString) whole = g_string_new(*text);

    if (fields->value_len > VALUE_LEN_MAX)
        reading->summary->marks |= INGEST_MARK_TRUNCATED;
    if (whole->len > INGEST_SUMMARY_TEXT_LEN_MAX)
        return;
    if (whole->len > 0)
        g_string_append(whole, ", ");
    ingest_header_decode(whole, fields->value, MIN(fields->value_len, VALUE_LEN_MAX),
                         reading->charset);
    if (whole->len > INGEST_SUMMARY_TEXT_LEN_MAX)
        reading->summary->marks |= INGEST_MARK_TRUNCATED;
    g_free(*text);
    *text = g_string_free(g_steal_pointer(&whole), FALSE);
}

static void take_text(MessageReading *reading, const IngestHeaderFields *fields)
{
    IngestSummary *summary = reading->summary;
    const struct {
        const char *name;
        char **text;
    } texts[] = {{"From", &summary->from},   {"Sender", &summary->from},
                 {"To", &summary->to},       {"Cc", &summary->cc},
                 {"Bcc", &summary->bcc},     {"Subject", &summary->subject},
                 {"List-Id", &summary->list}};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        if (ingest_header_fields_is(fields, texts[i].name))
            append_text(reading, texts[i].text, fields);
}

/* ---- dates and ids --------------------------------------------------------------------------- */

static void take_date(IngestSummary *summary, const IngestHeaderFields *fields)
{
    g_autofree char *value = g_strndup(fields->value, MIN(fields->value_len, 256));
    g_autoptr(GDateTime) date = NULL;
    gint64 date_s;

    g_strstrip(g_strdelimit(value, "\r\n", ' '));
    date = g_mime_utils_header_decode_date(value);
    date_s = date == NULL ? 0 : g_date_time_to_unix(date);
    if (summary->date_s == 0 && date_s > 0 && date_s <= LAST_S)
        summary->date_s = date_s;
}

/* "<...>" that begins at or after `at`; NULL: there is none. */
static char *next_id(const char **at, const char *end)
{
    const char *open = memchr(*at, '<', (gsize)(end - *at));
    const char *close = open == NULL ? NULL : memchr(open, '>', (gsize)(end - open));
    char *id;

    if (close == NULL)
        return NULL;
    *at = close + 1;
    id = g_utf8_make_valid(open + 1, close - open - 1);
    return g_strstrip(id);
}

static void take_message_id(IngestSummary *summary, const IngestHeaderFields *fields)
{
    const char *at = fields->value;

    if (summary->message_id != NULL)
        return;
    summary->message_id = next_id(&at, fields->value + fields->value_len);
    if (summary->message_id == NULL) {
        g_autoptr(GString) bare = g_string_new(NULL);

        /* Some leave the brackets out. */
        ingest_header_decode(bare, fields->value, MIN(fields->value_len, 1000), NULL);
        if (bare->len > 0)
            summary->message_id = g_string_free(g_steal_pointer(&bare), FALSE);
    }
}

static void take_references(IngestSummary *summary, const IngestHeaderFields *fields)
{
    const char *at = fields->value;

    while (summary->references->len < INGEST_SUMMARY_NAMES_MAX) {
        g_autofree char *id = next_id(&at, fields->value + fields->value_len);

        if (id == NULL)
            return;
        if (*id != '\0' &&
            !g_ptr_array_find_with_equal_func(summary->references, id, g_str_equal, NULL))
            g_ptr_array_add(summary->references, g_steal_pointer(&id));
    }
}

/* ---- the message, and one within it ---------------------------------------------------------- */

static gboolean is_postmark(const IngestHeaderFields *fields)
{
    return g_str_has_prefix(fields->name, "From ") || g_str_has_prefix(fields->name, ">From ");
}

/* A line that is no field is lost to a mail reader; what it says is found all the same. */
static void take_stray(MessageReading *reading, const IngestHeaderFields *fields)
{
    g_autoptr(GString) text = NULL;

    if (fields->value_len == 0 || is_postmark(fields))
        return;
    text = g_string_new(NULL);
    ingest_header_decode(text, fields->value, fields->value_len, reading->charset);
    ingest_terms_builder_add(reading->builder, INGEST_FIELD_BODY, text->str, text->len);
    ingest_terms_builder_end_text(reading->builder, INGEST_FIELD_BODY);
}

void ingest_message_take_header(MessageReading *reading, const IngestEntity *entity)
{
    IngestSummary *summary = reading->summary;
    IngestHeaderFields fields;

    reading->charset = g_strdup(ingest_entity_parameter(entity, "charset"));
    ingest_header_fields_init(&fields, entity->header, entity->header_len);
    while (ingest_header_fields_next(&fields)) {
        if (fields.name_len == 0)
            take_stray(reading, &fields);
        else if (ingest_header_fields_is(&fields, "Date"))
            take_date(summary, &fields);
        else if (ingest_header_fields_is(&fields, "Message-ID"))
            take_message_id(summary, &fields);
        else if (ingest_header_fields_is(&fields, "References") ||
                 ingest_header_fields_is(&fields, "In-Reply-To"))
            take_references(summary, &fields);
        else
            take_text(reading, &fields);
    }
}

static gboolean is_shown(const IngestHeaderFields *fields)
{
    static const char *const shown[] = {"Subject", "From", "Sender", "To", "Cc", "Bcc", "Date"};

    for (gsize i = 0; i < G_N_ELEMENTS(shown); i++)
        if (ingest_header_fields_is(fields, shown[i]))
            return TRUE;
    return FALSE;
}

void ingest_message_take_inner_header(MessageReading *reading, const IngestEntity *entity)
{
    const char *charset = ingest_entity_parameter(entity, "charset");
    IngestHeaderFields fields;

    ingest_header_fields_init(&fields, entity->header, entity->header_len);
    while (ingest_header_fields_next(&fields)) {
        g_autoptr(GString) text = NULL;

        if (!is_shown(&fields))
            continue;
        text = g_string_new(NULL);
        ingest_header_decode(text, fields.value, MIN(fields.value_len, VALUE_LEN_MAX), charset);
        ingest_terms_builder_add(reading->builder, INGEST_FIELD_BODY, text->str, text->len);
        ingest_terms_builder_end_text(reading->builder, INGEST_FIELD_BODY);
    }
}
