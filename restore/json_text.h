/* Members of a JSON object, one call each. */
#pragma once

#include <json-glib/json-glib.h>

void json_text_add(JsonBuilder *builder, const char *name, const char *value); /* NULL = null */
void json_text_add_number(JsonBuilder *builder, const char *name, guint64 value);
void json_text_add_boolean(JsonBuilder *builder, const char *name, gboolean value);
/* Seconds since 1970 as RFC 3339, UTC; 0 = null. */
void json_text_add_time(JsonBuilder *builder, const char *name, guint64 time_s);
/* Whether a line of ours, one object, holds neither lists nor objects in it: of a hostile one that
 * does, the JSON parser would call itself as often as it says. To be asked before it parses. */
gboolean json_text_is_flat(const char *line);
