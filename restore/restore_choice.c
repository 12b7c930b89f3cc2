#include "restore/restore_choice.h"

#include "restore/request_scope.h"
#include "restore/search_run.h"

void restore_choice_clear(RestoreChoice *choice)
{
    g_clear_pointer(&choice->asked, g_array_unref);
    g_clear_pointer(&choice->wanted, g_hash_table_unref);
}

static void begin(RestoreChoice *ret_choice)
{
    ret_choice->asked = g_array_new(FALSE, FALSE, sizeof(RecordId));
    ret_choice->wanted = NULL;
}

static void begin_wanted(RestoreChoice *ret_choice)
{
    begin(ret_choice);
    ret_choice->wanted = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
}

void restore_choice_of_scope(const RestoreScope *scope, gboolean is_named,
                             RestoreChoice *ret_choice)
{
    begin(ret_choice);
    if (is_named)
        g_array_append_vals(ret_choice->asked, scope->messages->data, scope->messages->len);
}

gboolean restore_choice_of_result(const char *path, const VaultId *vault_id,
                                  RestoreChoice *ret_choice, GError **error)
{
    g_auto(RestoreRequestScope) list = {0};

    begin_wanted(ret_choice);
    restore_request_scope_init(&list);
    if (!restore_request_scope_add_result_file(&list, path, error))
        return FALSE;
    if (list.has_result && !VAULT_ID_EQUAL(list.result_vault, *vault_id)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "%s is of another vault: %s", path,
                    VAULT_ID_TEXT(list.result_vault));
        return FALSE;
    }
    for (guint i = 0; i < list.messages->len; i++) {
        const RecordId *id = &g_array_index(list.messages, RecordId, i);

        g_array_append_vals(ret_choice->asked, id, 1);
        g_hash_table_add(ret_choice->wanted, g_memdup2(id, sizeof *id));
    }
    return TRUE;
}

char *restore_choice_query_mistake(const char *query)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SearchQuery) parsed = search_run_parse(query, 0, &error);

    return parsed == NULL ? g_strdup(error->message) : NULL;
}

gboolean restore_choice_of_query(VaultView *view, RestoreScope *scope, const char *query,
                                 const char *verb, RestoreChoice *ret_choice, GError **error)
{
    g_autoptr(SearchQuery) parsed =
        search_run_parse(query, (guint64)(g_get_real_time() / G_USEC_PER_SEC), error);
    g_auto(SearchRun) run = {.index = NULL};
    SearchRunOptions options = {
        .view = view, .scope = scope, .query = parsed, .order = SEARCH_ORDER_NEWEST, .verb = verb};

    begin_wanted(ret_choice);
    if (parsed == NULL || !search_run(&options, &run, error))
        return FALSE;
    search_run_tell(&run, verb);
    ret_choice->is_partial = !search_run_is_whole(&run);
    for (guint i = 0; i < run.hits->len; i++) {
        const RecordId *id = &g_array_index(run.hits, SearchHit, i).body_id;

        g_hash_table_add(ret_choice->wanted, g_memdup2(id, sizeof *id));
    }
    return TRUE;
}

gboolean restore_choice_is_wanted(const RestoreChoice *choice, const RecordId *archive_id)
{
    return choice->wanted == NULL || g_hash_table_contains(choice->wanted, archive_id);
}
