#include "restore/search_run.h"

#include "restore/state_folder.h"
#include "restore/verb.h"
#include "vault/base/error.h"

#include <string.h>

void search_run_clear(SearchRun *run)
{
    g_clear_pointer(&run->index, search_index_free);
    g_clear_pointer(&run->hits, g_array_unref);
    g_clear_pointer(&run->report.folder, g_free);
}

SearchQuery *search_run_parse(const char *text, guint64 now_s, GError **error)
{
    g_auto(SearchQueryError) mistake = {0};
    SearchQuery *query = search_query_parse(text, strlen(text), now_s, &mistake);
    g_autofree char *shown = NULL;

    if (query != NULL)
        return query;
    shown = search_query_error_show(&mistake, text, strlen(text));
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "the query has a mistake\n%s", shown);
    return NULL;
}

/* ---- the addresses of a mailbox -------------------------------------------------------------- */

static void add_address(GHashTable *names, const MailboxId *mailbox_id, const char *address)
{
    GPtrArray *known = g_hash_table_lookup(names, mailbox_id);
    const char *name = *address == '\0' ? "unassigned" : address;

    if (known == NULL) {
        known = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(names, g_memdup2(mailbox_id, sizeof *mailbox_id), known);
        g_ptr_array_add(known, g_strdup(VAULT_ID_TEXT(*mailbox_id)));
    }
    if (!g_ptr_array_find_with_equal_func(known, name, g_str_equal, NULL))
        g_ptr_array_add(known, g_utf8_strdown(name, -1));
}

/* All that the grant, or a standing reader's months, call the mailboxes: MailboxId -> char *. */
static GHashTable *addresses_of(const RestoreScope *scope)
{
    GHashTable *names = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free,
                                              (GDestroyNotify)g_ptr_array_unref);
    const GPtrArray *mailboxes = scope->grant->request->mailboxes;

    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = mailboxes->pdata[i];

        add_address(names, &mailbox->id, vault_request_mailbox_address(mailbox));
        for (guint j = 0; j < mailbox->months->len; j++)
            add_address(names, &mailbox->id,
                        ((const VaultRequestMonth *)mailbox->months->pdata[j])->address);
    }
    for (guint i = 0; scope->months != NULL && i < scope->months->len; i++) {
        const VaultMonthKeys *month = scope->months->pdata[i];

        add_address(names, &month->mailbox_id, month->address);
    }
    return names;
}

static GPtrArray *addresses_in(gpointer user, const MailboxId *mailbox_id)
{
    return g_hash_table_lookup(user, mailbox_id);
}

/* ---- searching ------------------------------------------------------------------------------- */

static gboolean count_marked(SearchIndex *index, guint32 mark, guint64 *ret_count, GError **error)
{
    SearchNode node = {.kind = SEARCH_NODE_MARKS, .marks = mark};
    SearchQuery query = {.root = &node};
    SearchOptions options = {.order = SEARCH_ORDER_NEWEST, .limit = 1};
    g_autoptr(GArray) hits = search_index_search(index, &query, &options, ret_count, error);

    return hits != NULL;
}

static gboolean find(const SearchRunOptions *options, SearchRun *run, GError **error)
{
    g_autoptr(GHashTable) addresses = addresses_of(options->scope);
    SearchOptions search = {.addresses = addresses_in,
                            .user = addresses,
                            .order = options->order,
                            .limit = options->limit};

    run->hits = search_index_search(run->index, options->query, &search, &run->total, error);
    return run->hits != NULL &&
           count_marked(run->index, INGEST_MARK_UNSEARCHABLE, &run->unsearchable_count, error) &&
           count_marked(run->index, INGEST_MARK_TRUNCATED, &run->truncated_count, error) &&
           count_marked(run->index, INGEST_MARK_INCOMPLETE, &run->incomplete_count, error);
}

static gboolean open_and_find(const SearchRunOptions *options, SearchRun *run, GError **error)
{
    g_autofree char *state = state_folder_path();
    CaseIndexOptions index = {.view = options->view,
                              .scope = options->scope,
                              .state_folder = state,
                              .verb = options->verb};

    run->index = case_index_open(&index, &run->report, error);
    return run->index != NULL && find(options, run, error);
}

gboolean search_run(const SearchRunOptions *options, SearchRun *ret_run, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (open_and_find(options, ret_run, &failure))
        return TRUE;
    if (!case_index_drop_damaged(&ret_run->report, failure)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    restore_verb_say(options->verb, "the index of this case is made anew: %s", failure->message);
    search_run_clear(ret_run);
    *ret_run = (SearchRun){.index = NULL};
    return open_and_find(options, ret_run, error);
}

void search_run_explain(const SearchRun *run, GError **error)
{
    if (case_index_drop_damaged(&run->report, *error))
        g_prefix_error(error, "the index of this case is damaged and was removed; search again: ");
}

gboolean search_run_is_whole(const SearchRun *run)
{
    return run->report.without_count == 0 && run->report.failed_count == 0 &&
           run->report.unread_count == 0;
}

static void tell(const char *verb, guint64 count, const char *one, const char *many)
{
    if (count > 0)
        restore_verb_say(verb, "%" G_GUINT64_FORMAT " %s", count, count == 1 ? one : many);
}

void search_run_tell(const SearchRun *run, const char *verb)
{
    tell(verb, run->report.without_count,
         "copy was stored without its words and is not searched: a grant to read would open it",
         "copies were stored without their words and are not searched: a grant to read would open "
         "them");
    tell(verb, run->report.failed_count,
         "message could not be opened and is not searched: \"muniment verify\" tells more",
         "messages could not be opened and are not searched: \"muniment verify\" tells more");
    tell(verb, run->report.unread_count,
         "message could not be read this time and is not searched: search again",
         "messages could not be read this time and are not searched: search again");
    tell(verb, run->report.read_count,
         "message was stored without its words: it was opened, as for reading",
         "messages were stored without their words: they were opened, as for reading");
    tell(verb, run->unsearchable_count, "message has a part that nobody can read (is:unsearchable)",
         "messages have parts that nobody can read (is:unsearchable)");
    tell(verb, run->truncated_count, "message is searched in part (is:truncated)",
         "messages are searched in part (is:truncated)");
    tell(verb, run->incomplete_count,
         "message has an attachment whose text could not be had (is:incomplete)",
         "messages have attachments whose text could not be had (is:incomplete)");
}
