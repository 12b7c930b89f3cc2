/* muniment log stamp: RFC 3161 time stamps on checkpoints, kept beside the logs. */
#include "restore/dates.h"
#include "vault/witness/http_client.h"
#include "restore/output.h"
#include "restore/owner.h"
#include "restore/stamp_folder.h"
#include "restore/verb.h"
#include "restore/verb_log.h"
#include "vault/base/file.h"

#include <stdio.h>
#include <string.h>

static const char verb[] = "log stamp";

typedef struct {
    char *log, *tsa, *query_out, *response, *tsa_ca;
} StampOptions;

static void stamp_options_clear(StampOptions *options)
{
    g_free(options->log);
    g_free(options->tsa);
    g_free(options->query_out);
    g_free(options->response);
    g_free(options->tsa_ca);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StampOptions, stamp_options_clear)

/* The files beside the logs are the vault owner's, also when root asks. */
static gboolean keep_checkpoint(const char *path, const char *note, GError **error)
{
    gboolean is_kept;

    if (!restore_owner_enter(path, error))
        return FALSE;
    is_kept = stamp_folder_keep_checkpoint(path, note, error);
    restore_owner_leave();
    return is_kept;
}

static gboolean keep_response(const char *path, GBytes *response, GError **error)
{
    g_autofree char *time = NULL;
    gboolean is_kept;
    Stamp stamp;

    if (!restore_owner_enter(path, error))
        return FALSE;
    is_kept = stamp_folder_keep_response(path, response, &stamp, error);
    restore_owner_leave();
    if (!is_kept)
        return FALSE;
    time = restore_date_text(stamp.time_s);
    printf("stamped %s\n", time);
    return restore_output_flush(error);
}

/* The query about the newest checkpoint, which is kept: a response is of no use without it. */
static GBytes *make_query(const char *path, const char *log, VaultHash *ret_imprint, GError **error)
{
    g_autoptr(VaultKeep) keep = NULL;
    g_autoptr(VaultLogReader) reader = NULL;
    const char *note;
    VaultLogKind kind;

    if (!verb_log_kind_parse(log, VAULT_LOG_ARCHIVE, &kind, error))
        return NULL;
    keep = verb_log_open(verb, path, error);
    reader = keep == NULL ? NULL : vault_keep_log_reader(keep, kind, VAULT_KEEP_EPOCH_NOW, error);
    if (reader == NULL)
        return NULL;
    note = vault_log_reader_note(reader);
    vault_hash(note, strlen(note), ret_imprint);
    return keep_checkpoint(path, note, error) ? stamp_query_new(ret_imprint) : NULL;
}

static gboolean write_query(const char *path, const StampOptions *options, GError **error)
{
    VaultHash imprint;
    g_autoptr(GBytes) query = make_query(path, options->log, &imprint, error);

    return query != NULL && vault_file_write(options->query_out, g_bytes_get_data(query, NULL),
                                             g_bytes_get_size(query), 0644, VAULT_FILE_NEW, error);
}

static gboolean take_response(const char *path, const StampOptions *options, GError **error)
{
    g_autoptr(GBytes) response = vault_file_read(options->response, STAMP_LEN_MAX, error);
    Stamp stamp;

    return response != NULL && stamp_read(response, &stamp, error) &&
           (options->tsa_ca == NULL ||
            stamp_verify(response, &stamp.imprint, options->tsa_ca, error)) &&
           keep_response(path, response, error);
}

static gboolean ask(const char *path, const StampOptions *options, GError **error)
{
    VaultHash imprint;
    g_autoptr(GBytes) query = make_query(path, options->log, &imprint, error);
    HttpPost post = {
        .url = options->tsa, .content_type = "application/timestamp-query", .stop_fd = -1};
    g_auto(HttpAnswer) answer = {0};

    if (query == NULL)
        return FALSE;
    post.body = g_bytes_get_data(query, &post.len);
    if (!http_client_post(&post, &answer, error))
        return FALSE;
    if (answer.status != 200) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "%s answers with status %u",
                    options->tsa, answer.status);
        return FALSE;
    }
    return stamp_answers(answer.body, query, error) &&
           (options->tsa_ca == NULL ||
            stamp_verify(answer.body, &imprint, options->tsa_ca, error)) &&
           keep_response(path, answer.body, error);
}

int restore_verb_log_stamp(int argc, char **argv)
{
    g_auto(StampOptions) options = {0};
    const GOptionEntry entries[] = {
        {"tsa", 0, 0, G_OPTION_ARG_STRING, &options.tsa, "ask the authority there (http)", "URL"},
        {"query-out", 0, 0, G_OPTION_ARG_FILENAME, &options.query_out,
         "write the query there, to be carried to an authority", "FILE"},
        {"response", 0, 0, G_OPTION_ARG_FILENAME, &options.response,
         "take what an authority answered to such a query", "FILE"},
        {"log", 0, 0, G_OPTION_ARG_STRING, &options.log, "archive or control (default: archive)",
         "LOG"},
        {"tsa-ca", 0, 0, G_OPTION_ARG_FILENAME, &options.tsa_ca,
         "certificates (PEM): keep only what an authority of these signed", "FILE"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT (--tsa URL | --query-out FILE | --response FILE)",
        .summary = "Has the newest checkpoint of a log stamped with the time (RFC 3161).",
        .description = "The stamps are kept beside the logs; \"muniment log verify --tsa-ca FILE\" "
                       "verifies them.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    gboolean is_done;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2 ||
        (options.tsa != NULL) + (options.query_out != NULL) + (options.response != NULL) != 1)
        return restore_verb_usage(verb, "give VAULT and one of --tsa, --query-out and --response");
    is_done = options.tsa != NULL         ? ask(argv[1], &options, &error)
              : options.query_out != NULL ? write_query(argv[1], &options, &error)
                                          : take_response(argv[1], &options, &error);
    return is_done ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}
