/* muniment reindex: writes words of messages that were archived without. */
#include "archived/config.h"
#include "ingest/extract/pool.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/reindex.h"
#include "restore/remote_address.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

static const char verb[] = "reindex";

typedef struct {
    char *grant, *identity;
    char **mailboxes;
    gboolean is_dry_run, as_json;
} ReindexVerbOptions;

static void reindex_verb_options_clear(ReindexVerbOptions *options)
{
    g_free(options->grant);
    g_free(options->identity);
    g_strfreev(options->mailboxes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ReindexVerbOptions, reindex_verb_options_clear)

/* One run under way. */
typedef struct {
    const ReindexVerbOptions *options;
    ArchivedConfig *config;
    IngestExtractPool *extract; /* NULL: attached documents are not read */
    VaultView *view;
    RestoreScope scope;
    ReindexReport report;
} Run;

static void run_clear(Run *run)
{
    restore_scope_clear(&run->scope);
    g_clear_pointer(&run->view, vault_view_free);
    g_clear_pointer(&run->extract, ingest_extract_pool_free);
    g_clear_pointer(&run->config, archived_config_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* ---- opening --------------------------------------------------------------------------------- */

static gboolean refuse_remote(const char *vault, GError **error)
{
    if (!remote_address_is(vault))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                        "the words of the messages would have to be sent to the archive host: call "
                        "it there, knowing that grant and identity are used on that host then");
    return FALSE;
}

/* As the daemon would have made them: so much text, with or without attached documents. Whether it
 * makes any is not asked: they are asked for here. */
static gboolean read_config(Run *run, const char *vault, GError **error)
{
    g_autofree char *path = g_build_filename(vault, "archived.conf", NULL);
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);

    run->config = archived_config_load(absolute, ARCHIVED_CONFIG_VALUES, error);
    if (run->config == NULL)
        return FALSE;
    if (run->config->extracts && !run->options->is_dry_run)
        run->extract = ingest_extract_pool_new(
            &(IngestExtractPoolOptions){.time_ms = (guint)run->config->extract_s * 1000});
    return TRUE;
}

static gboolean open_scope(Run *run, const char *vault, GError **error)
{
    const ReindexVerbOptions *options = run->options;
    const VaultViewOptions view = {.ssh_command = NULL};
    const RestoreScopeOptions scope = {.purpose = RESTORE_SCOPE_READ,
                                       .grant_path = options->grant,
                                       .identity_path = options->identity,
                                       .mailboxes = options->mailboxes,
                                       .now_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC)};
    g_autofree char *warning = NULL;

    run->view = vault_view_open(vault, &view, &warning, error);
    if (run->view == NULL || !restore_scope_open(run->view, &scope, &run->scope, error))
        return FALSE;
    if (options->grant == NULL)
        restore_verb_say(verb, "using the grant %s", run->scope.used.grant_path);
    if (warning != NULL)
        restore_verb_say(verb, "%s", warning);
    return TRUE;
}

static gboolean reindex(Run *run, const char *vault, GError **error)
{
    ReindexOptions options = {
        .scope = &run->scope, .is_dry_run = run->options->is_dry_run, .verb = verb};

    if (!refuse_remote(vault, error) || !read_config(run, vault, error) ||
        !open_scope(run, vault, error))
        return FALSE;
    options.view = run->view;
    options.text_len_max = run->config->text_len_max;
    if (run->extract != NULL)
        options.extractor = ingest_extract_pool_extractor(run->extract);
    return reindex_run(&options, &run->report, error) && vault_view_close(run->view, error);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void print_text(const Run *run)
{
    const ReindexReport *report = &run->report;

    if (run->options->is_dry_run)
        printf("%" G_GUINT64_FORMAT " messages (%" G_GUINT64_FORMAT " copies) have no words\n",
               report->message_count, report->copy_count);
    else
        printf("words written for %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " copies, of "
               "%" G_GUINT64_FORMAT " messages\n",
               report->written_copy_count, report->copy_count, report->message_count);
}

static gboolean print_report(const Run *run, GError **error)
{
    const ReindexReport *report = &run->report;
    g_autoptr(JsonBuilder) builder = NULL;

    if (!run->options->as_json) {
        print_text(run);
        return restore_output_flush(error);
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_text_add_number(builder, "messages", report->message_count);
    json_text_add_number(builder, "copies", report->copy_count);
    json_text_add_number(builder, "written", report->written_copy_count);
    json_text_add_number(builder, "already_written", report->known_count);
    json_text_add_number(builder, "erased", report->gone_count);
    json_text_add_number(builder, "messages_left", report->left_message_count);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static int exit_status(const Run *run)
{
    const ReindexReport *report = &run->report;

    if (report->message_count == 0) {
        restore_verb_say(verb, "all messages that the grant covers have words, as far as they are "
                               "there");
        return RESTORE_EXIT_NOTHING_MATCHED;
    }
    if (report->left_message_count == 0)
        return RESTORE_EXIT_DONE;
    restore_verb_say(verb,
                     "%" G_GUINT64_FORMAT " messages have no words still: they do not open, or are "
                     "too long; \"muniment verify --deep\" finds what is damaged",
                     report->left_message_count);
    return RESTORE_EXIT_PARTLY;
}

static int run_verb(const ReindexVerbOptions *options, const char *vault)
{
    g_auto(Run) run = {.options = options};
    g_autoptr(GError) error = NULL;

    if (!reindex(&run, vault, &error)) {
        if (run.report.written_copy_count > 0)
            restore_verb_say(verb,
                             "stopped before the end, %" G_GUINT64_FORMAT " copies have words "
                             "now; run it again: it goes on with the others",
                             run.report.written_copy_count);
        return restore_verb_fail(verb, error);
    }
    return print_report(&run, &error) ? exit_status(&run) : restore_verb_fail(verb, error);
}

static const char description[] =
    "Messages that were archived with \"terms=no\", or before there were terms, or whose words\n"
    "could not be made, are found by a search only by opening them. This opens each of them once,\n"
    "logged as any reading, and has the vault keep its words, sealed, beside it.\n\n"
    "It runs where the vault lies, and so does the grant: whoever rules that host meanwhile can\n"
    "read what the grant covers. A small scope and an early end of the grant keep that small. Run\n"
    "again, it goes on where it stopped.\n\n"
    "Exit status: 0 done, 1 failed, 2 usage, 3 no message lacks words, 4 refused, 5 some messages\n"
    "have no words still.\n\n"
    "Example:\n"
    "  muniment reindex /srv/vault --grant words.grant --identity anna.key --dry-run\n";

int restore_verb_reindex(int argc, char **argv)
{
    g_auto(ReindexVerbOptions) options = {.grant = NULL};
    const GOptionEntry entries[] = {
        {"grant", 0, 0, G_OPTION_ARG_FILENAME, &options.grant, "the grant", "G"},
        {"identity", 0, 0, G_OPTION_ARG_FILENAME, &options.identity,
         "the key of the person that the grant is for", "NAME.key"},
        {"mailbox", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.mailboxes,
         "only this mailbox (may be given more than once)", "A"},
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &options.is_dry_run,
         "only tell how many messages have no words", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the counts as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {.verb = verb,
                                    .arguments = "VAULT [--grant G --identity NAME.key]",
                                    .summary = "Writes the words of messages that were archived "
                                               "without, so that they are found unopened.",
                                    .description = description,
                                    .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    return run_verb(&options, argv[1]);
}
