/* What the daemon says about its work: an event's name, a sentence, and fields.
 *
 * Fields are counts, sizes, milliseconds, ids and error codes; never a mail address, a header or
 * content. They go to the journal as MUNIMENT_<FIELD>=, else to standard error as one line
 * "time level event: sentence field=value ...". Threads: safe.
 */
#pragma once

#include "archived/config.h"

typedef struct {
    const char *name; /* lower case; NULL ends the list */
    const char *text; /* NULL: the number counts */
    guint64 number;
} ArchivedLogField;
#define ARCHIVED_LOG_FIELDS_MAX 12

#define LOG_NUMBER(field_name, value)                                                              \
    {                                                                                              \
        .name = (field_name), .number = (value)                                                    \
    }
#define LOG_TEXT(field_name, value)                                                                \
    {                                                                                              \
        .name = (field_name), .text = (value)                                                      \
    }

/* Installs the writer for everything that GLib logs too. Call before the first thread. */
void archived_log_open(ArchivedLogFormat format);
void archived_log_set_level(ArchivedLogLevel level);
gboolean archived_log_is_on(ArchivedLogLevel level);

void archived_log_write(ArchivedLogLevel level, const char *event, const char *sentence,
                        const ArchivedLogField *fields);
/* archived_log(ARCHIVED_LOG_INFO, "delivered", "message archived", LOG_NUMBER("size", len)). The
 * fields are not even computed when the level is off. */
#define archived_log(level, event, sentence, ...)                                                  \
    do {                                                                                           \
        if (archived_log_is_on(level))                                                             \
            archived_log_write(level, event, sentence,                                             \
                               (const ArchivedLogField[]){__VA_ARGS__ __VA_OPT__(, ){0}});         \
    } while (0)
/* The error's code as a field, its message as the sentence. */
void archived_log_error(ArchivedLogLevel level, const char *event, const GError *failure,
                        guint64 connection);
