/* What is not as it should be with a vault, a line each with the next step; and the members of a
 * status, as the daemon answers it (docs/formats/control.md), where one that is missing is zero.
 *
 * Errors: those of the keeper. Threads: one at a time.
 */
#pragma once

#include "vault/base/error.h"

#include <json-glib/json-glib.h>

JsonObject *status_object(JsonObject *object, const char *name); /* borrowed; NULL: there is none */
guint64 status_number(JsonObject *object, const char *name);
gboolean status_truth(JsonObject *object, const char *name);
const char *status_text(JsonObject *object, const char *name); /* borrowed; NULL: there is none */
/* Objects of the array, borrowed; g_ptr_array_unref(). */
GPtrArray *status_objects(JsonObject *object, const char *name);
/* 0 for what is to come. */
guint64 status_seconds_since(guint64 time_s);

/* GPtrArray of strings: what the status itself shows; g_ptr_array_unref(). */
GPtrArray *status_problems(JsonObject *status);
/* Adds what has to be looked at: does the daemon run, are both logs as they were signed (all of
 * them are read), are holders and copies up to date. */
gboolean status_problems_look(const char *path, JsonObject *status, GPtrArray *problems,
                              GError **error);
