/* The query language of muniment search (muniment-search(7) has its grammar), as a tree.
 *
 *   text --parse--> SearchQuery --format--> canonical text --parse--> the same tree
 *
 * Words are split by ingest/words: what is one word to a person may be a phrase here (an address, a
 * name with a hyphen). Relative dates are resolved by the time given, so that a parsed query does
 * not depend on when it is run. Pure functions. Errors: SearchQueryError; a query has at most
 * SEARCH_QUERY_LEN_MAX bytes, SEARCH_QUERY_NODES_MAX nodes and SEARCH_QUERY_DEPTH_MAX levels.
 */
#pragma once

#include "ingest/words/terms.h"
#include "vault/base/id.h"

#define SEARCH_QUERY_LEN_MAX 65536
#define SEARCH_QUERY_NODES_MAX 4096
#define SEARCH_QUERY_DEPTH_MAX 64

typedef enum {
    SEARCH_NODE_ALL,     /* every message */
    SEARCH_NODE_AND,     /* children */
    SEARCH_NODE_OR,      /* children */
    SEARCH_NODE_NOT,     /* one child */
    SEARCH_NODE_WORDS,   /* words next to each other, in order; often just one */
    SEARCH_NODE_NEAR,    /* two children of kind WORDS, at most `distance` words between them, in
                            either order */
    SEARCH_NODE_DATE,    /* sent (Date field; where it has none, received) in [from, to); open ends
                            are G_MININT64 and G_MAXINT64 */
    SEARCH_NODE_SIZE,    /* message_len in [from, to); open ends are 0 and G_MAXINT64 */
    SEARCH_NODE_MARKS,   /* has all of `marks` */
    SEARCH_NODE_MAILBOX, /* has a copy in a mailbox whose address fits `text`, in small letters:
                            whole, or *@domain; "unassigned", or a mailbox id in hexadecimal */
    SEARCH_NODE_ID,      /* archive id, or Message-ID `text` */
} SearchNodeKind;

typedef enum {
    SEARCH_WORD_FOLDED, /* diacritics do not count */
    SEARCH_WORD_EXACT,  /* in quotes, and has some: they do */
    SEARCH_WORD_PREFIX, /* folded, and what begins so; last of its words */
} SearchWordMatch;

typedef struct {
    char *text; /* FOLDED, PREFIX: the folded form; EXACT: folded, NUL, exact, as in a term */
    gsize len;
    SearchWordMatch match;
} SearchWord;

typedef struct SearchNode SearchNode;
struct SearchNode {
    SearchNodeKind kind;
    GPtrArray *children; /* SearchNode; AND, OR, NOT, NEAR */
    guint32 fields;      /* WORDS: mask of IngestField */
    GArray *words;       /* WORDS: SearchWord */
    guint32 distance;    /* NEAR */
    gint64 from, to;     /* DATE, SIZE */
    guint32 marks;       /* MARKS: INGEST_MARK_* */
    char *text;          /* MAILBOX, ID; WORDS: as they are written, with quotes and asterisk */
    RecordId id;         /* ID, when `text` is NULL */
};

void search_node_free(SearchNode *node); /* and what is below it */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchNode, search_node_free)

typedef struct {
    SearchNode *root;
} SearchQuery;
void search_query_free(SearchQuery *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchQuery, search_query_free)

typedef struct {
    gsize offset, end; /* bytes of the text that are wrong; at the end: offset == end == len */
    char *message;     /* what was expected there */
} SearchQueryError;
void search_query_error_clear(SearchQueryError *error);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SearchQueryError, search_query_error_clear)
/* The text around the mistake, on one line, a line of carets under it and what was expected; wide
 * characters take two places. New string. */
char *search_query_error_show(const SearchQueryError *error, const char *text, gsize len);

SearchQuery *search_query_parse(const char *text, gsize len, guint64 now_s,
                                SearchQueryError *ret_error);
/* One line, in the language itself. */
char *search_query_format(const SearchQuery *query);
/* In words, indented lines: how it was read. */
char *search_query_explain(const SearchQuery *query);
