/* Which messages of its scope a restore takes: all, those named, those of a result file, or those
 * that a query finds.
 *
 * Errors: of restore/search_run.h and restore/request_scope.h; REFUSED: a result file of another
 * vault. Threads: the main thread; restore_choice_is_wanted() in any.
 */
#pragma once

#include "restore/restore_scope.h"

typedef struct {
    GArray *asked;       /* RecordId: by name; each is to be given, or it is said why not */
    GHashTable *wanted;  /* RecordId: no others; NULL = all in scope */
    gboolean is_partial; /* of a query that could not look into every message in scope */
} RestoreChoice;
void restore_choice_clear(RestoreChoice *choice);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreChoice, restore_choice_clear)

/* What the scope names, if it names any. */
void restore_choice_of_scope(const RestoreScope *scope, gboolean is_named,
                             RestoreChoice *ret_choice);
gboolean restore_choice_of_result(const char *path, const VaultId *vault_id,
                                  RestoreChoice *ret_choice, GError **error);
/* What is wrong with a query, as it is shown to people; NULL: nothing. New string. */
char *restore_choice_query_mistake(const char *query);
/* What `muniment search` finds; says, as it does, what it could not look into. */
gboolean restore_choice_of_query(VaultView *view, RestoreScope *scope, const char *query,
                                 const char *verb, RestoreChoice *ret_choice, GError **error);

gboolean restore_choice_is_wanted(const RestoreChoice *choice, const RecordId *archive_id);
