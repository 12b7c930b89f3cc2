/* muniment search: finds messages by their words. */
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/search_list.h"
#include "restore/search_run.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/result_file.h"

#include <stdio.h>
#include <string.h>

static const char verb[] = "search";

#define LIMIT_DEFAULT 25

typedef struct {
    char *ssh, *grant, *identity, *order, *result_out;
    gint64 limit; /* -1: not given */
    gboolean as_json, is_count, is_ids, is_explained;
} SearchVerbOptions;

static void search_verb_options_clear(SearchVerbOptions *options)
{
    g_free(options->ssh);
    g_free(options->grant);
    g_free(options->identity);
    g_free(options->order);
    g_free(options->result_out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SearchVerbOptions, search_verb_options_clear)

/* One search under way. */
typedef struct {
    const SearchVerbOptions *options;
    SearchQuery *query;
    char *canonical;
    guint64 now_s;
    VaultView *view;
    RestoreScope scope;
    SearchRun run;
} Search;

static void search_clear(Search *search)
{
    search_run_clear(&search->run);
    restore_scope_clear(&search->scope);
    g_clear_pointer(&search->query, search_query_free);
    g_clear_pointer(&search->canonical, g_free);
    g_clear_pointer(&search->view, vault_view_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Search, search_clear)

/* ---- options --------------------------------------------------------------------------------- */

static const char *options_mistake(const SearchVerbOptions *options)
{
    if (options->limit < -1)
        return "--limit is a number, 0 for all";
    if (options->order != NULL && !g_str_equal(options->order, "newest") &&
        !g_str_equal(options->order, "relevance"))
        return "--order is newest or relevance";
    if (options->is_count + options->is_ids + options->as_json > 1)
        return "give one of --json, --count and --ids";
    return NULL;
}

/* What a list shows; ids, and what is frozen, are all that match. */
static gsize limit_of(const SearchVerbOptions *options)
{
    if (options->limit >= 0)
        return (gsize)options->limit;
    return options->is_ids ? 0 : LIMIT_DEFAULT;
}

/* The words of the command line, which may hold the "--" that ended its options. */
static char *query_text(int argc, char **argv)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    gboolean has_ended = FALSE;

    for (int i = 2; i < argc; i++) {
        if (!has_ended && g_str_equal(argv[i], "--"))
            has_ended = TRUE;
        else
            g_ptr_array_add(words, argv[i]);
    }
    g_ptr_array_add(words, NULL);
    return g_strjoinv(" ", (char **)words->pdata);
}

/* ---- what is found --------------------------------------------------------------------------- */

static const char *mailbox_name(const MailboxId *mailbox_id, gpointer user)
{
    return restore_scope_mailbox_name(user, mailbox_id);
}

static void print_ids(const Search *search)
{
    gsize limit = limit_of(search->options);
    gsize count = search->run.hits->len;

    for (guint i = 0; i < (limit == 0 ? count : MIN(limit, count)); i++)
        puts(VAULT_ID_TEXT(g_array_index(search->run.hits, SearchHit, i).body_id));
}

static void add_counts(JsonBuilder *builder, const SearchRun *run)
{
    json_text_add_number(builder, "total", run->total);
    json_text_add_number(builder, "without_words", run->report.without_count);
    json_text_add_number(builder, "not_opened",
                         run->report.failed_count + run->report.unread_count);
    json_text_add_number(builder, "opened_for_words", run->report.read_count);
    json_text_add_number(builder, "unsearchable", run->unsearchable_count);
    json_text_add_number(builder, "truncated", run->truncated_count);
    json_text_add_number(builder, "incomplete", run->incomplete_count);
}

static gboolean print_json(const Search *search, const GPtrArray *results, SearchMarker *marker,
                           GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_text_add(builder, "query", search->canonical);
    add_counts(builder, &search->run);
    json_builder_set_member_name(builder, "results");
    search_list_add_json(builder, results, marker);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static void print_total(const SearchRun *run, const GPtrArray *results)
{
    guint64 shown = 0;

    for (guint i = 0; i < results->len; i++)
        shown += ((const SearchResult *)results->pdata[i])->ids->len;
    if (shown < run->total)
        restore_verb_say(verb,
                         "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                         " messages are shown: --limit shows more",
                         shown, run->total);
}

static gboolean print_list(Search *search, GError **error)
{
    g_autoptr(SearchMarker) marker = search_marker_new(search->query);
    g_autoptr(GPtrArray) results =
        search_results_collect(search->run.index, search->run.hits, limit_of(search->options),
                               mailbox_name, &search->scope, error);

    if (results == NULL)
        return FALSE;
    if (search->options->as_json)
        return print_json(search, results, marker, error);
    search_list_print(results, marker);
    print_total(&search->run, results);
    return restore_output_flush(error);
}

static gboolean print_found(Search *search, GError **error)
{
    if (search->options->is_count)
        printf("%" G_GUINT64_FORMAT "\n", search->run.total);
    else if (search->options->is_ids)
        print_ids(search);
    else
        return print_list(search, error);
    return restore_output_flush(error);
}

/* ---- the result file ------------------------------------------------------------------------- */

/* All that matches, shown or not. */
static gboolean write_result(Search *search, GError **error)
{
    g_autoptr(VaultResultFile) result = vault_result_file_new();
    g_autofree char *text = NULL;

    result->vault_id = *vault_view_id(search->view);
    result->scope = g_strdup(search->canonical);
    result->created_s = search->now_s;
    result->log_index = search->run.report.log_index;
    for (guint i = 0; i < search->run.hits->len; i++) {
        const SearchHit *hit = &g_array_index(search->run.hits, SearchHit, i);
        g_autoptr(IngestSummary) summary =
            search_index_summary(search->run.index, hit->document, error);

        if (summary == NULL)
            return FALSE;
        vault_result_file_add(result, &hit->body_id, &summary->message_hash);
    }
    text = vault_result_file_format(result, error);
    return text != NULL &&
           restore_output_write(search->options->result_out, text, RESTORE_OUTPUT_PRIVATE, error);
}

/* ---- running --------------------------------------------------------------------------------- */

static gboolean prepare(Search *search, const char *vault, GError **error)
{
    const SearchVerbOptions *options = search->options;
    VaultViewOptions view = {.ssh_command = options->ssh};
    RestoreScopeOptions scope = {.purpose = RESTORE_SCOPE_SEARCH,
                                 .grant_path = options->grant,
                                 .identity_path = options->identity,
                                 .now_s = search->now_s};
    g_autofree char *warning = NULL;

    search->view = vault_view_open(vault, &view, &warning, error);
    if (search->view == NULL || !restore_scope_open(search->view, &scope, &search->scope, error))
        return FALSE;
    if (options->grant == NULL)
        restore_verb_say(verb, "using the grant %s", search->scope.used.grant_path);
    if (warning != NULL)
        restore_verb_say(verb, "%s", warning);
    return TRUE;
}

static gboolean show(Search *search, GError **error)
{
    gboolean has_hits = search->run.hits->len > 0;

    if (!has_hits)
        restore_verb_say(verb, "no message matches");
    if ((!has_hits || search->options->result_out == NULL || write_result(search, error)) &&
        print_found(search, error))
        return TRUE;
    search_run_explain(&search->run, error);
    return FALSE;
}

static gboolean run(Search *search, const char *vault, GError **error)
{
    const SearchVerbOptions *options = search->options;
    SearchRunOptions found = {.scope = &search->scope,
                              .query = search->query,
                              .order = g_strcmp0(options->order, "relevance") == 0
                                           ? SEARCH_ORDER_RELEVANCE
                                           : SEARCH_ORDER_NEWEST,
                              .verb = verb};

    if (!prepare(search, vault, error))
        return FALSE;
    found.view = search->view;
    if (!search_run(&found, &search->run, error) || !vault_view_close(search->view, error))
        return FALSE;
    search_run_tell(&search->run, verb);
    return show(search, error);
}

static int exit_status(const Search *search)
{
    /* Not "nothing matched": that may lie in what was not looked into. */
    if (!search_run_is_whole(&search->run))
        return RESTORE_EXIT_PARTLY;
    return search->run.hits->len == 0 ? RESTORE_EXIT_NOTHING_MATCHED : RESTORE_EXIT_DONE;
}

/* The query alone: no vault is opened. */
static int explain(const Search *search)
{
    g_autofree char *text = search_query_explain(search->query);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *canonical = restore_output_printable(search->canonical);

    puts(canonical);
    for (char **line = lines; *line != NULL && **line != '\0'; line++) {
        g_autofree char *shown = restore_output_printable(*line);

        puts(shown);
    }
    return RESTORE_EXIT_DONE;
}

static const char description[] =
    "QUERY is words, which must all be there, and what narrows them: from: to: cc: bcc: subject:\n"
    "body: attachment: filename: list: has:attachment is:encrypted before: after: date: size:\n"
    "mailbox: id:, \"phrases\" in quotes (the shell's own quotes around them), NEAR/5, AND, OR, "
    "NOT,\n"
    "-word, prefix*, parentheses. muniment-search(7) has all of it. Put \"--\" before a QUERY "
    "that\n"
    "begins with \"-\".\n\n"
    "The first search of a case opens the words of all messages that the grant covers and keeps "
    "an\n"
    "index of them, sealed, in the state folder; \"muniment case close\" removes it.\n\n"
    "Exit status: 0 found, 1 failed, 2 usage or a mistake in the query, 3 nothing matched, 4 "
    "refused,\n"
    "5 some messages could not be searched.\n\n"
    "Example:\n"
    "  muniment search /srv/vault --grant case7.grant --identity anna.key \\\n"
    "    'from:billing (invoice OR \"final notice\") after:2025-01 has:attachment'\n";

static int search(const SearchVerbOptions *options, int argc, char **argv)
{
    g_auto(Search)
        search = {.options = options, .now_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC)};
    g_autofree char *text = query_text(argc, argv);
    g_autoptr(GError) error = NULL;

    search.query = search_run_parse(text, search.now_s, &error);
    if (search.query == NULL)
        return restore_verb_usage(verb, "%s", error->message);
    search.canonical = search_query_format(search.query);
    if (options->is_explained)
        return explain(&search);
    return run(&search, argv[1], &error) ? exit_status(&search) : restore_verb_fail(verb, error);
}

int restore_verb_search(int argc, char **argv)
{
    g_auto(SearchVerbOptions) options = {.limit = -1};
    const GOptionEntry entries[] = {
        {"grant", 0, 0, G_OPTION_ARG_FILENAME, &options.grant, "the grant", "G"},
        {"identity", 0, 0, G_OPTION_ARG_FILENAME, &options.identity,
         "the key of the person that the grant is for", "NAME.key"},
        {"limit", 0, 0, G_OPTION_ARG_INT64, &options.limit,
         "show so many, 0 for all (25; with --ids all)", "N"},
        {"order", 0, 0, G_OPTION_ARG_STRING, &options.order,
         "newest first, or by relevance (newest)", "newest|relevance"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print as JSON", NULL},
        {"count", 0, 0, G_OPTION_ARG_NONE, &options.is_count, "print only how many match", NULL},
        {"ids", 0, 0, G_OPTION_ARG_NONE, &options.is_ids, "print archive ids, one a line", NULL},
        {"explain", 0, 0, G_OPTION_ARG_NONE, &options.is_explained,
         "print how the query is read, and search nothing", NULL},
        {"result-out", 0, 0, G_OPTION_ARG_FILENAME, &options.result_out,
         "write all that matches into this file, for --result of other verbs", "FILE"},
        {"ssh", 0, 0, G_OPTION_ARG_STRING, &options.ssh,
         "how to reach a VAULT that is ssh://[user@]host[:port]/path", "COMMAND"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {.verb = verb,
                                    .arguments = "VAULT [--grant G --identity NAME.key] QUERY",
                                    .summary = "Finds messages by their words, as far as a grant "
                                               "allows it. Each search is logged by the vault.",
                                    .description = description,
                                    .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *mistake;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc < 3)
        return restore_verb_usage(verb, "give VAULT and QUERY");
    mistake = options_mistake(&options);
    return mistake != NULL ? restore_verb_usage(verb, "%s", mistake) : search(&options, argc, argv);
}
