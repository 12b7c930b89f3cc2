/* A person's word before something is destroyed.
 *
 * On a terminal he types again what it is about; in a pipe the command was given --yes. Errors:
 * REFUSED (he typed something else), G_OPTION_ERROR (neither terminal nor --yes), IO. Threads: the
 * main thread only.
 */
#pragma once

#include <glib.h>

/* `question` stands before the prompt; `word` is what has to be typed. */
gboolean restore_confirm(const char *question, const char *word, gboolean is_yes, GError **error);
