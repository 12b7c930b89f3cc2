/* Files and JSON that a verb gives to the person who called it.
 * Errors: BUSY (a file of that name is there: nothing is overwritten), IO, NO_SPACE, NOT_FOUND.
 */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

typedef enum {
    RESTORE_OUTPUT_PRIVATE, /* mode 0600 */
    RESTORE_OUTPUT_PUBLIC   /* mode 0644 */
} RestoreOutputMode;

gboolean restore_output_write(const char *path, const char *text, RestoreOutputMode mode,
                              GError **error);
/* For a terminal: control characters, which a name may hold, are shown as U+FFFD; new string. */
char *restore_output_printable(const char *text);
/* FALSE (IO) when something that was printed to standard output did not get there. */
gboolean restore_output_flush(GError **error);
/* To standard output, with a newline. FALSE (IO) when it could not be written. */
gboolean restore_output_json(JsonBuilder *builder, GError **error);
