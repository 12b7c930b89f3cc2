/* muniment restore: gives messages back. */
#include "restore/export_pages.h"
#include "restore/export_pipe.h"
#include "restore/output.h"
#include "restore/progress.h"
#include "restore/restore_choice.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/text_file.h"

#include <stdio.h>
#include <unistd.h>

static const char verb[] = "restore";

/* Failures told one by one; the manifest has them all. */
#define FAILURES_TOLD_MAX 50

typedef struct {
    char *ssh, *grant, *identity, *from, *to, *format, *out, *query, *result;
    char **messages, **mailboxes;
    gboolean is_all, is_resumed, is_lf, as_json;
} RestoreOptions;

static void restore_options_clear(RestoreOptions *options)
{
    g_free(options->ssh);
    g_free(options->grant);
    g_free(options->identity);
    g_free(options->from);
    g_free(options->to);
    g_free(options->format);
    g_free(options->out);
    g_free(options->query);
    g_free(options->result);
    g_strfreev(options->messages);
    g_strfreev(options->mailboxes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreOptions, restore_options_clear)

/* One restore under way. */
typedef struct {
    const RestoreOptions *options;
    VaultView *view;
    RestoreScope scope;
    RestoreChoice choice;
    gboolean has_proofs; /* else the vault has no logs, and the export no proofs */
    ProofSource proofs;
    GHashTable *found; /* RecordId of messages that have a copy in scope */
    guint64 entry_count, stored_len;
    guint64 told_count;
    guint64 missing_count, refused_count; /* of the messages asked for by id */
    Progress *progress;
} Restore;

static void restore_clear(Restore *restore)
{
    restore_choice_clear(&restore->choice);
    restore_scope_clear(&restore->scope);
    g_clear_pointer(&restore->found, g_hash_table_unref);
    g_clear_pointer(&restore->progress, progress_free);
    g_clear_pointer(&restore->view, vault_view_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Restore, restore_clear)

/* ---- options --------------------------------------------------------------------------------- */

/* What is wrong with the options, or NULL. */
static const char *options_mistake(const RestoreOptions *options, ExportFormat *ret_format)
{
    if (options->is_all + (options->messages != NULL) + (options->query != NULL) +
            (options->result != NULL) !=
        1)
        return "give one of --all, --message ID, --query Q and --result FILE";
    if (options->format == NULL || options->out == NULL)
        return "give --format and --out";
    if (!export_format_parse(options->format, ret_format))
        return "--format is eml, mbox, maildir, zip or tar.zst";
    if (*options->out == '\0')
        return "--out is empty";
    if (g_str_equal(options->out, "-") && isatty(STDOUT_FILENO))
        return "--out -: standard output is a terminal, send it to a file or a program";
    return NULL;
}

/* ---- what there is --------------------------------------------------------------------------- */

static void count_entry(Restore *restore, const VaultCopyEntry *entry)
{
    restore->entry_count++;
    restore->stored_len += entry->copy_len + entry->body_len;
    if (restore->choice.asked->len > 0)
        g_hash_table_add(restore->found, g_memdup2(&entry->body_id, sizeof entry->body_id));
}

static gboolean is_wanted(const VaultCopyEntry *entry, gpointer user)
{
    const Restore *restore = user;

    return restore_choice_is_wanted(&restore->choice, &entry->body_id);
}

static gboolean count_entries(Restore *restore, GError **error)
{
    g_autoptr(ExportPages) pages =
        export_pages_new(restore->view, &restore->scope.filter, is_wanted, restore);
    const VaultCopyEntry *entries;
    gsize count;

    restore->found = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    do {
        if (!export_pages_next(pages, VAULT_VIEW_PAGE_COUNT_MAX, &entries, &count, error))
            return FALSE;
        for (gsize i = 0; i < count; i++)
            count_entry(restore, &entries[i]);
    } while (count > 0);
    return TRUE;
}

/* Messages asked for by id that are not there for this reader, and why. */
static void tell_missing(Restore *restore, Export *export)
{
    for (guint i = 0; i < restore->choice.asked->len; i++) {
        const RecordId *id = &g_array_index(restore->choice.asked, RecordId, i);
        VaultViewAnswer answer;
        const char *why;

        if (g_hash_table_contains(restore->found, id))
            continue;
        answer = vault_view_has_message(restore->view, id);
        why = answer == VAULT_VIEW_IS_NOT_THERE
                  ? "there is no such message"
                  : "the grant, or what was asked for, does not cover any copy of it";
        if (export == NULL) {
            restore_verb_say(verb, "message %s: %s", VAULT_ID_TEXT(*id), why);
            restore->refused_count += answer == VAULT_VIEW_IS_THERE;
            restore->missing_count++;
        } else {
            export_add_error(export, VAULT_ID_TEXT(*id), NULL, 0, why);
        }
    }
}

/* ---- callbacks of the pipe ------------------------------------------------------------------- */

static const char *mailbox_name(const MailboxId *mailbox, gpointer user)
{
    Restore *restore = user;

    return restore_scope_mailbox_name(&restore->scope, mailbox);
}

/* The mailbox is in the manifest, not here: standard error ends up in logs. */
static void tell_failed(const char *id, const char *mailbox, const GError *failure, gpointer user)
{
    Restore *restore = user;

    if (++restore->told_count > FAILURES_TOLD_MAX)
        return;
    progress_hide(restore->progress);
    restore_verb_say(verb, "message %s: %s", id, failure->message);
    if (restore->told_count == FAILURES_TOLD_MAX)
        restore_verb_say(verb, "more failures are only in the manifest");
}

static void show_progress(guint64 count, guint64 done_len, gpointer user)
{
    Restore *restore = user;

    progress_show(restore->progress, count, done_len);
}

/* ---- what the log is told -------------------------------------------------------------------- */

static GString *log_text(const Restore *restore)
{
    const VaultRequestFile *request = restore->scope.grant->request;
    GString *text = g_string_new(NULL);

    vault_text_append_hex_line(text, "grant", restore->scope.grant_hash.bytes, VAULT_HASH_LEN);
    vault_text_append(text, "case", request->case_id);
    vault_text_append(text, "reader", request->reader_name);
    vault_text_append(text, "format", restore->options->format);
    return text;
}

static gboolean log_begun(const Restore *restore, GError **error)
{
    g_autoptr(GString) text = log_text(restore);

    g_string_append_printf(text, "copies: %" G_GUINT64_FORMAT "\n", restore->entry_count);
    return vault_view_log(restore->view, VAULT_LOGGED_RESTORE_BEGUN, text->str, error);
}

static gboolean log_done(const Restore *restore, const ManifestCounts *counts, GError **error)
{
    g_autoptr(GString) text = log_text(restore);

    vault_text_append_hex_line(text, "manifest", counts->hash.bytes, VAULT_HASH_LEN);
    g_string_append_printf(text,
                           "messages: %" G_GUINT64_FORMAT "\nbytes: %" G_GUINT64_FORMAT
                           "\nerrors: %" G_GUINT64_FORMAT "\n",
                           counts->message_count, counts->byte_count, counts->error_count);
    return vault_view_log(restore->view, VAULT_LOGGED_RESTORE_DONE, text->str, error) &&
           vault_view_close(restore->view, error);
}

/* ---- report ---------------------------------------------------------------------------------- */

static gboolean print_json(const Restore *restore, const ExportPipeResult *result,
                           const ManifestCounts *counts, GError **error)
{
    g_autofree char *text =
        g_strdup_printf("{\"messages\":%" G_GUINT64_FORMAT ",\"bytes\":%" G_GUINT64_FORMAT
                        ",\"resumed\":%" G_GUINT64_FORMAT ",\"errors\":%" G_GUINT64_FORMAT
                        ",\"refused\":%" G_GUINT64_FORMAT "}\n",
                        counts->message_count, counts->byte_count, result->resumed_count,
                        counts->error_count, result->refused_count + restore->refused_count);
    FILE *out = g_str_equal(restore->options->out, "-") ? stderr : stdout;

    if (fputs(text, out) != EOF && fflush(out) == 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "cannot write to standard output");
    return FALSE;
}

static void print_report(const Restore *restore, const ExportPipeResult *result,
                         const ManifestCounts *counts)
{
    const char *out = restore->options->out;
    g_autofree char *len = progress_format_len(counts->byte_count);

    if (g_str_equal(out, "-"))
        return;
    printf("%" G_GUINT64_FORMAT " message%s (%s) in %s", counts->message_count,
           counts->message_count == 1 ? "" : "s", len, out);
    if (result->resumed_count > 0)
        printf(", %" G_GUINT64_FORMAT " of them from before", result->resumed_count);
    if (counts->error_count > 0)
        printf(", %" G_GUINT64_FORMAT " could not be restored (see the manifest)",
               counts->error_count);
    putchar('\n');
}

static int exit_status(const Restore *restore, const ExportPipeResult *result,
                       const ManifestCounts *counts)
{
    if (counts->error_count == 0)
        return restore->choice.is_partial ? RESTORE_EXIT_PARTLY : RESTORE_EXIT_DONE;
    if (counts->message_count == 0 && result->refused_count == counts->error_count)
        return RESTORE_EXIT_REFUSED;
    return RESTORE_EXIT_PARTLY;
}

/* ---- running --------------------------------------------------------------------------------- */

static Export *open_export(const Restore *restore, ExportFormat format, guint64 now_s,
                           GError **error)
{
    const RestoreOptions *options = restore->options;
    ExportOptions export = {.format = format,
                            .path = options->out,
                            .start = options->is_resumed ? EXPORT_RESUME : EXPORT_START_NEW,
                            .line_ends = options->is_lf ? EXPORT_LF : EXPORT_AS_ARCHIVED,
                            .vault_id = vault_view_id(restore->view),
                            .now_s = now_s,
                            .proofs = restore->has_proofs ? &restore->proofs : NULL};

    return export_open(&export, error);
}

/* What is in the log now: the newest mail may be in no batch yet, and its proof says so. */
static gboolean open_proofs(Restore *restore, GError **error)
{
    g_autoptr(GError) failure = NULL;

    restore->has_proofs = vault_view_proofs(restore->view, &restore->proofs, &failure);
    if (restore->has_proofs)
        return TRUE;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        restore_verb_say(verb, "the export will have no proofs: %s", failure->message);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean run_pipe(Restore *restore, Export *export, ExportPipeResult *ret_result,
                         GError **error)
{
    SourcesReleases releases =
        vault_view_releases(restore->view, &restore->scope.identity, &restore->scope.grant_hash);
    ExportPipeOptions pipe = {.view = restore->view,
                              .reader = restore->scope.reader,
                              .releases = sources_releases(&releases),
                              .proofs = restore->has_proofs ? &restore->proofs : NULL,
                              .filter = &restore->scope.filter,
                              .mailbox_name = mailbox_name,
                              .is_wanted = is_wanted,
                              .failed = tell_failed,
                              .progress = show_progress,
                              .user = restore};
    gboolean ok;

    restore->progress = progress_begin(verb, "messages", restore->stored_len);
    ok = export_pipe_run(&pipe, export, ret_result, error);
    progress_hide(restore->progress);
    return ok;
}

static gboolean choose(Restore *restore, GError **error)
{
    const RestoreOptions *options = restore->options;

    if (options->query != NULL)
        return restore_choice_of_query(restore->view, &restore->scope, options->query, verb,
                                       &restore->choice, error);
    if (options->result != NULL)
        return restore_choice_of_result(options->result, vault_view_id(restore->view),
                                        &restore->choice, error);
    restore_choice_of_scope(&restore->scope, options->messages != NULL, &restore->choice);
    return TRUE;
}

/* Opens the vault, the grant and looks what is there; *ret_status set when there is nothing to do.
 */
static gboolean prepare(Restore *restore, const char *vault, guint64 now_s, int *ret_status,
                        GError **error)
{
    const RestoreOptions *options = restore->options;
    RestoreScopeOptions scope = {.grant_path = options->grant,
                                 .identity_path = options->identity,
                                 .messages = options->messages,
                                 .mailboxes = options->mailboxes,
                                 .from = options->from,
                                 .to = options->to,
                                 .now_s = now_s};
    VaultViewOptions view = {.ssh_command = options->ssh};
    g_autofree char *warning = NULL;

    restore->view = vault_view_open(vault, &view, &warning, error);
    if (restore->view == NULL || !restore_scope_open(restore->view, &scope, &restore->scope, error))
        return FALSE;
    if (options->grant == NULL)
        restore_verb_say(verb, "using the grant %s", restore->scope.used.grant_path);
    if (warning != NULL)
        restore_verb_say(verb, "%s", warning);
    if (!choose(restore, error) || !count_entries(restore, error))
        return FALSE;
    tell_missing(restore, NULL);
    *ret_status = RESTORE_EXIT_DONE;
    if (restore->entry_count == 0) {
        restore_verb_say(verb, "no message matches");
        *ret_status = restore->refused_count > 0   ? RESTORE_EXIT_REFUSED
                      : restore->choice.is_partial ? RESTORE_EXIT_PARTLY
                                                   : RESTORE_EXIT_NOTHING_MATCHED;
    }
    return TRUE;
}

static gboolean restore_messages(Restore *restore, ExportFormat format, guint64 now_s,
                                 int *ret_status, GError **error)
{
    g_autoptr(Export) export = open_export(restore, format, now_s, error);
    ExportPipeResult result = {0};
    ManifestCounts counts = {0};

    if (export == NULL || !log_begun(restore, error) || !run_pipe(restore, export, &result, error))
        return FALSE;
    tell_missing(restore, export);
    if (!export_finish(export, &counts, error) || !log_done(restore, &counts, error))
        return FALSE;
    *ret_status = exit_status(restore, &result, &counts);
    if (restore->options->as_json)
        return print_json(restore, &result, &counts, error);
    print_report(restore, &result, &counts);
    return TRUE;
}

static int run(const char *vault, const RestoreOptions *options, ExportFormat format)
{
    g_auto(Restore) restore = {.options = options};
    guint64 now_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC);
    g_autoptr(GError) error = NULL;
    int status = RESTORE_EXIT_FAILED;

    if (!prepare(&restore, vault, now_s, &status, &error)) {
        status = restore_verb_fail(verb, error);
        return restore.scope.has_no_such_mailbox ? RESTORE_EXIT_NOTHING_MATCHED : status;
    }
    if (restore.entry_count == 0)
        return status;
    if (open_proofs(&restore, &error) && restore_messages(&restore, format, now_s, &status, &error))
        return status;
    if (g_error_matches(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED))
        return restore_verb_usage(verb, "%s", error->message);
    return restore_verb_fail(verb, error);
}

static const char description[] =
    "--out is a folder for eml, maildir and mbox (one file per mailbox; a PATH that ends in\n"
    "\".mbox\" is one file for all), a file for zip and tar.zst, or \"-\" for standard output\n"
    "(mbox, zip, tar.zst). A manifest.json goes with it: id, mailbox, date, size and SHA-256 of\n"
    "each message, and what could not be restored and why. Bytes are exactly those archived.\n\n"
    "Exit status: 0 done, 1 failed, 2 usage, 3 nothing matched, 4 refused (outside the grant, or\n"
    "the grant has expired), 5 done in part: see the manifest.\n\n"
    "Example:\n"
    "  muniment restore /srv/vault --grant case7.grant --identity anna.key --all \\\n"
    "    --mailbox jane@example.org --from 2024-01 --to 2024-06 --format eml --out jane\n";

int restore_verb_restore(int argc, char **argv)
{
    g_auto(RestoreOptions) options = {0};
    const GOptionEntry entries[] = {
        {"grant", 0, 0, G_OPTION_ARG_FILENAME, &options.grant, "the grant", "G"},
        {"identity", 0, 0, G_OPTION_ARG_FILENAME, &options.identity,
         "the key of the person that the grant is for", "NAME.key"},
        {"all", 0, 0, G_OPTION_ARG_NONE, &options.is_all, "everything that the grant covers", NULL},
        {"message", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.messages,
         "this message; may be given several times", "ID"},
        {"query", 0, 0, G_OPTION_ARG_STRING, &options.query,
         "what \"muniment search\" finds with this query", "Q"},
        {"result", 0, 0, G_OPTION_ARG_FILENAME, &options.result,
         "the messages that a file names, as \"muniment search --result-out\" writes it", "FILE"},
        {"mailbox", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.mailboxes,
         "only this mailbox; may be given several times", "A"},
        {"from", 0, 0, G_OPTION_ARG_STRING, &options.from, "received from then on", "D"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &options.to, "received up to then", "D"},
        {"format", 0, 0, G_OPTION_ARG_STRING, &options.format,
         "eml, mbox (mboxrd), maildir, zip or tar.zst", "F"},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "where to", "PATH|-"},
        {"resume", 0, 0, G_OPTION_ARG_NONE, &options.is_resumed,
         "go on with an export to a folder (eml, maildir) that was broken off", NULL},
        {"lf", 0, 0, G_OPTION_ARG_NONE, &options.is_lf,
         "line ends LF instead of as archived (mbox, maildir)", NULL},
        {"ssh", 0, 0, G_OPTION_ARG_STRING, &options.ssh,
         "how to reach a VAULT that is ssh://[user@]host[:port]/path", "COMMAND"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the counts as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT [--grant G --identity NAME.key] (--all|--message ID...|--query Q|"
                     "--result FILE) --format F --out PATH|-",
        .summary = "Gives messages back, as far as a grant allows it.",
        .description = description,
        .entries = entries};
    g_autoptr(GError) error = NULL;
    ExportFormat format = EXPORT_EML;
    g_autofree char *query_mistake = NULL;
    const char *mistake;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    query_mistake = options.query == NULL ? NULL : restore_choice_query_mistake(options.query);
    mistake = options_mistake(&options, &format);
    mistake = mistake == NULL ? query_mistake : mistake;
    return mistake != NULL ? restore_verb_usage(verb, "%s", mistake)
                           : run(argv[1], &options, format);
}
