/* The lines of a key file, each with its number, and the list of what is wrong with them.
 *
 * GKeyFile's dialect without its escapes: [group], key=value, # comment. What this accepts,
 * GKeyFile reads the same but for blanks at the end of lines (tests/fuzz/fuzz_config.c); it exists
 * because GKeyFile stops at the first mistake and knows no line numbers. A group may be opened
 * again, and then its keys replace earlier ones; the same key twice between two group lines is a
 * mistake.
 */
#pragma once

#include <glib.h>

typedef struct ArchivedMistakes ArchivedMistakes;
ArchivedMistakes *archived_mistakes_new(const char *file_name);
void archived_mistakes_free(ArchivedMistakes *mistakes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchivedMistakes, archived_mistakes_free)
/* What is wrong and what to do. `line` 0: the file as a whole. */
void archived_mistakes_add(ArchivedMistakes *mistakes, guint line, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
guint archived_mistakes_count(const ArchivedMistakes *mistakes);
/* "FILE:LINE: text" each, by line, with LF between. */
char *archived_mistakes_format(const ArchivedMistakes *mistakes);

typedef struct {
    char *group, *key, *value; /* value trimmed */
    guint line;                /* from 1 */
    guint section;             /* line of the group line it stands under */
} ArchivedConfigEntry;

/* GPtrArray of ArchivedConfigEntry, in the file's order. */
GPtrArray *archived_config_lines_parse(const char *text, gsize len, ArchivedMistakes *mistakes);
