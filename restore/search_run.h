/* A query, answered from the index of a grant's case: what `search` shows and `restore --query`
 * takes.
 *
 * Errors: of restore/case_index.h; MALFORMED with the mistake in the query, shown. Threads: the
 * main thread.
 */
#pragma once

#include "restore/case_index.h"
#include "restore/search_results.h"

typedef struct {
    VaultView *view;
    RestoreScope *scope; /* opened for searching, or for reading */
    const SearchQuery *query;
    SearchOrder order;
    gsize limit;      /* 0 = all */
    const char *verb; /* for progress and warnings */
} SearchRunOptions;

typedef struct {
    SearchIndex *index;
    GArray *hits;                                                  /* SearchHit, in order */
    guint64 total;                                                 /* deliveries that match */
    guint64 unsearchable_count, truncated_count, incomplete_count; /* of all in scope */
    CaseIndexReport report;
} SearchRun;
void search_run_clear(SearchRun *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SearchRun, search_run_clear)

/* A query as it is typed. MALFORMED: the text, a line of carets below it, and what was expected. */
SearchQuery *search_run_parse(const char *text, guint64 now_s, GError **error);
/* An index that is found to be damaged is made anew. */
gboolean search_run(const SearchRunOptions *options, SearchRun *ret_run, GError **error);
/* For a failure to read the index later: where it is damaged, that goes, and the error says so. */
void search_run_explain(const SearchRun *run, GError **error);
/* Is there anything in scope that the search could not look into? */
gboolean search_run_is_whole(const SearchRun *run);
/* Says so, one line each; to be called before results are printed. */
void search_run_tell(const SearchRun *run, const char *verb);
