/* The parts of the query parser: what is typed for one value becomes a node. Used by
 * search/query*.c alone.
 */
#pragma once

#include "search/query.h"

/* A value as it stands in the text: without its quotes, and what it is a value of. */
typedef struct {
    const char *text; /* not terminated */
    gsize len;
    gboolean is_quoted;
    guint64 now_s;
    IngestWordSplitter *splitter;
} SearchValue;

/* What a field means. */
typedef struct SearchField SearchField;
struct SearchField {
    const char *name;
    /* NULL with what was expected instead, a new string, in *ret_mistake. */
    SearchNode *(*make)(const SearchField *field, const SearchValue *value, char **ret_mistake);
    guint32 fields; /* of words: mask of IngestField */
};

/* By name, in small or large letters; NULL: there is none. */
const SearchField *search_field_find(const char *name, gsize len);
/* Words in all fields. */
const SearchField *search_field_anywhere(void);
/* "from:", or "" for all fields. */
const char *search_field_prefix(guint32 fields);
/* The name of a field that is written much like it, or NULL. */
const char *search_field_near(const char *name, gsize len);

SearchNode *search_node_new(SearchNodeKind kind);
/* `has:attachment` and the like; NULL for marks that have no such name. */
const char *search_mark_text(guint32 marks);
/* Of an OR of marks that has a name of its own, such as is:encrypted; else NULL. */
const char *search_any_mark_text(const SearchNode *node);

SearchNode *search_words_make(const SearchField *field, const SearchValue *value,
                              char **ret_mistake);
SearchNode *search_marks_make(const SearchField *field, const SearchValue *value,
                              char **ret_mistake);
SearchNode *search_mailbox_make(const SearchField *field, const SearchValue *value,
                                char **ret_mistake);
SearchNode *search_id_make(const SearchField *field, const SearchValue *value, char **ret_mistake);
SearchNode *search_size_make(const SearchField *field, const SearchValue *value,
                             char **ret_mistake);
SearchNode *search_date_make(const SearchField *field, const SearchValue *value,
                             char **ret_mistake);
/* date:, before: or after: of a DATE node; size: of a SIZE node. */
char *search_date_text(gint64 from_s, gint64 to_s);
char *search_size_text(gint64 from, gint64 to);
