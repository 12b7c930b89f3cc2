/* One line of progress on a terminal: what is done, how fast, how long still. Standard error; in a
 * pipe nothing is written. Threads: the main thread only.
 */
#pragma once

#include <glib.h>

typedef struct Progress Progress;
/* `what` = "messages"; `all` in the same unit as `done` of progress_show(), 0 = not known. */
Progress *progress_begin(const char *verb, const char *what, guint64 all_len);
/* `count` things, `done_len` bytes of `all_len`. Cheap: writes at most a few times a second. */
void progress_show(Progress *progress, guint64 count, guint64 done_len);
/* Takes the line away, so that messages stand alone: before printing anything else. */
void progress_hide(Progress *progress);
void progress_free(Progress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Progress, progress_free)

/* "12.3 MB", new string. */
char *progress_format_len(guint64 len);
