/* The beginning of what a message says: its first lines, without those that quote. Threads: one
 * user per object. */
#pragma once

#include <glib.h>

typedef struct IngestSnippet IngestSnippet;
IngestSnippet *ingest_snippet_new(gsize len_max);
void ingest_snippet_free(IngestSnippet *snippet); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestSnippet, ingest_snippet_free)
/* UTF-8, cut anywhere; NULL: a text is over. */
void ingest_snippet_add(IngestSnippet *snippet, const char *text, gsize len);
/* Blanks collapsed, cut between characters; NULL: there is none. */
char *ingest_snippet_take(IngestSnippet *snippet);
