#include "archived/log.h"

#include "archived/control_frame.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static gint log_level = ARCHIVED_LOG_NOTICE;
static gboolean is_journal;

static const char *const level_names[] = {"error", "warning", "notice", "info", "debug"};
static const GLogLevelFlags level_flags[] = {G_LOG_LEVEL_CRITICAL, G_LOG_LEVEL_WARNING,
                                             G_LOG_LEVEL_MESSAGE, G_LOG_LEVEL_INFO,
                                             G_LOG_LEVEL_DEBUG};
static const char *const priorities[] = {"3", "4", "5", "6", "7"};

static const char *flag_name(GLogLevelFlags flags)
{
    for (gsize i = 0; i < G_N_ELEMENTS(level_flags); i++) {
        if (flags & level_flags[i])
            return level_names[i];
    }
    return level_names[ARCHIVED_LOG_ERROR];
}

/* One line; what a library says in several is joined. */
static void append_value(GString *line, const char *text, gssize len)
{
    gsize end = len < 0 ? strlen(text) : (gsize)len;

    for (gsize i = 0; i < end; i++)
        g_string_append_c(line, g_ascii_iscntrl(text[i]) ? ' ' : text[i]);
}

static gboolean has_space(const GLogField *field)
{
    const char *text = field->value;
    gsize len = field->length < 0 ? strlen(text) : (gsize)field->length;

    return len == 0 || memchr(text, ' ', len) != NULL;
}

static void append_fields(GString *line, const GLogField *fields, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        g_autofree char *name = NULL;
        const char *quote;

        if (!g_str_has_prefix(fields[i].key, "MUNIMENT_") ||
            strcmp(fields[i].key, "MUNIMENT_EVENT") == 0)
            continue;
        name = g_ascii_strdown(fields[i].key + strlen("MUNIMENT_"), -1);
        quote = has_space(&fields[i]) ? "\"" : "";
        g_string_append_printf(line, " %s=%s", name, quote);
        append_value(line, fields[i].value, fields[i].length);
        g_string_append(line, quote);
    }
}

static const GLogField *find_field(const GLogField *fields, gsize count, const char *key)
{
    for (gsize i = 0; i < count; i++) {
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    }
    return NULL;
}

static void write_text(GLogLevelFlags flags, const GLogField *fields, gsize count)
{
    const GLogField *event = find_field(fields, count, "MUNIMENT_EVENT");
    const GLogField *message = find_field(fields, count, "MESSAGE");
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
    g_autoptr(GString) line = g_string_new(time);
    ssize_t written;

    g_string_append_printf(line, " %s %s: ", flag_name(flags),
                           event == NULL ? "library" : (const char *)event->value);
    if (message != NULL)
        append_value(line, message->value, message->length);
    append_fields(line, fields, count);
    g_string_append_c(line, '\n');
    /* One write, so that lines of several threads stay whole. A log that cannot be written must
     * not stop mail. */
    written = write(STDERR_FILENO, line->str, line->len);
    (void)written;
}

static GLogWriterOutput write_log(GLogLevelFlags flags, const GLogField *fields, gsize count,
                                  gpointer user)
{
    (void)user;
    if (is_journal && g_log_writer_journald(flags, fields, count, NULL) == G_LOG_WRITER_HANDLED)
        return G_LOG_WRITER_HANDLED;
    write_text(flags, fields, count);
    return G_LOG_WRITER_HANDLED;
}

void archived_log_open(ArchivedLogFormat format)
{
    is_journal = format == ARCHIVED_LOG_JOURNAL ||
                 (format == ARCHIVED_LOG_AUTO && g_log_writer_is_journald(STDERR_FILENO));
    g_log_set_writer_func(write_log, NULL, NULL);
}

void archived_log_set_level(ArchivedLogLevel level)
{
    g_atomic_int_set(&log_level, (gint)level);
}

gboolean archived_log_is_on(ArchivedLogLevel level)
{
    return (gint)level <= g_atomic_int_get(&log_level);
}

/* Keys and numbers as text, in room of the caller's. */
typedef struct {
    char key[48];
    char number[24];
} FieldText;

void archived_log_write(ArchivedLogLevel level, const char *event, const char *sentence,
                        const ArchivedLogField *fields)
{
    GLogField out[ARCHIVED_LOG_FIELDS_MAX + 4] = {{"MESSAGE", sentence, -1},
                                                  {"PRIORITY", priorities[level], -1},
                                                  {"GLIB_DOMAIN", "archived", -1},
                                                  {"MUNIMENT_EVENT", event, -1}};
    FieldText texts[ARCHIVED_LOG_FIELDS_MAX];
    gsize count = 4;

    for (gsize i = 0; i < ARCHIVED_LOG_FIELDS_MAX && fields[i].name != NULL; i++, count++) {
        FieldText *text = &texts[i];
        int len = snprintf(text->key, sizeof text->key, "MUNIMENT_%s", fields[i].name);

        for (int at = 0; at < len && at < (int)sizeof text->key; at++)
            text->key[at] = g_ascii_toupper(text->key[at]);
        snprintf(text->number, sizeof text->number, "%" G_GUINT64_FORMAT, fields[i].number);
        out[count] =
            (GLogField){text->key, fields[i].text != NULL ? fields[i].text : text->number, -1};
    }
    g_log_structured_array(level_flags[level], out, count);
}

void archived_log_error(ArchivedLogLevel level, const char *event, const GError *failure,
                        guint64 connection)
{
    const char *code = failure->domain == VAULT_ERROR ? archived_control_code_name(failure->code)
                                                      : g_quark_to_string(failure->domain);

    if (connection == 0)
        archived_log(level, event, failure->message, LOG_TEXT("code", code));
    else
        archived_log(level, event, failure->message, LOG_TEXT("code", code),
                     LOG_NUMBER("connection", connection));
}
