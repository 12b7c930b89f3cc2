/* Names that somebody may have meant: near to what he typed. Pure. */
#pragma once

#include <glib.h>

/* Of `names` (char *) those within two edits of `name` (a character put in, left out, changed, or
 * two neighbours swapped), nearest first, at most `max`: borrowed strings. */
GPtrArray *restore_near_names(const char *name, const GPtrArray *names, guint max);
