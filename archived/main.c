/* archived: takes mail over LMTP into a vault. Everything is checked before anything is opened. */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archived/config_tls.h"
#include "archived/connections.h"
#include "archived/control_release.h"
#include "archived/housekeeping.h"
#include "archived/log.h"
#include "archived/owner.h"
#include "archived/server.h"
#include "archived/witnesses.h"
#include "vault/base/file.h"
#include "vault/crypto/keys.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* How long a delivery waits for memory before it is answered 452. */
#define BUDGET_WAIT_MS 10000
#define GRANTS_WAIT_MS 2000

typedef struct {
    char *config_path;
    gboolean is_check, is_version;
} Arguments;

static gboolean parse_arguments(int argc, char **argv, Arguments *arguments)
{
    const GOptionEntry entries[] = {{"config", 'c', 0, G_OPTION_ARG_FILENAME,
                                     &arguments->config_path,
                                     "The vault's configuration, VAULT/archived.conf", "FILE"},
                                    {"check", 0, 0, G_OPTION_ARG_NONE, &arguments->is_check,
                                     "Check the configuration, name every mistake and exit", NULL},
                                    {"version", 0, 0, G_OPTION_ARG_NONE, &arguments->is_version,
                                     "Print the version and exit", NULL},
                                    {0}};
    g_autoptr(GOptionContext) context = g_option_context_new("- take mail over LMTP into a vault");
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_description(
        context, "Runs in the foreground until SIGTERM; SIGHUP reads the configuration again.\n"
                 "Exit status: 0 done, 1 failed, 2 usage or configuration.\n"
                 "See archived(8) and archived.conf(5).\n");
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "archived: %s; try archived --help\n", error->message);
        return FALSE;
    }
    if (argc > 1 || (arguments->config_path == NULL && !arguments->is_version)) {
        fprintf(stderr,
                argc > 1 ? "archived: unexpected argument %s; try archived --help\n"
                         : "archived: --config VAULT/archived.conf is missing%s\n",
                argc > 1 ? argv[1] : "");
        return FALSE;
    }
    return TRUE;
}

static int fail(const GError *error)
{
    fprintf(stderr, "archived: %s\n", error->message);
    return EXIT_FAILED;
}

/* Mistakes carry file and line, as compilers write them, so that editors find them. */
static int fail_config(const GError *error)
{
    if (!g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED))
        return fail(error);
    fprintf(stderr, "%s\n", error->message);
    return EXIT_USAGE;
}

/* ---- running --------------------------------------------------------------------------------- */

static void begin_extracting(ArchivedDaemon *daemon)
{
    IngestExtractStatus status;

    if (!daemon->config->extracts || !daemon->config->has_terms)
        return;
    daemon->extract = ingest_extract_pool_new(
        &(IngestExtractPoolOptions){.time_ms = (guint)daemon->config->extract_s * 1000});
    ingest_extract_pool_status(daemon->extract, &status);
    if (status.problem != NULL)
        archived_log(ARCHIVED_LOG_WARNING, "extract", "attached documents are not read",
                     LOG_TEXT("reason", status.problem));
}

static void begin_making_terms(ArchivedDaemon *daemon)
{
    IngestTermsMakerOptions options = {.text_len_max = daemon->config->text_len_max};

    begin_extracting(daemon);
    if (daemon->extract != NULL)
        options.extractor = ingest_extract_pool_extractor(daemon->extract);
    if (daemon->config->has_terms)
        daemon->terms = ingest_terms_maker_new(&options);
    daemon->terms_memory = archived_budget_new(
        daemon->terms == NULL ? 0 : ingest_terms_maker_memory(daemon->terms, G_MAXUINT64 / 4),
        BUDGET_WAIT_MS);
}

static gboolean daemon_open(ArchivedDaemon *daemon, GError **error)
{
    const ArchivedConfig *config = daemon->config;
    const VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER,
                                      .disk_reserve = config->disk_reserve,
                                      .new_mailboxes_per_hour =
                                          (guint)config->new_mailboxes_per_hour};
    ArchivedTlsPart part;

    g_mutex_init(&daemon->lock);
    daemon->started_s = archived_now_s();
    daemon->budget = archived_budget_new(archived_config_delivery_memory(config), BUDGET_WAIT_MS);
    daemon->grants = archived_budget_new(ARCHIVED_CONTROL_GRANTS_LEN_MAX, GRANTS_WAIT_MS);
    daemon->connections = archived_connections_new();
    begin_making_terms(daemon);
    daemon->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (config->tls != INGEST_TLS_OFF) {
        daemon->tls = archived_tls_context_new(config, &part, error);
        if (daemon->tls == NULL)
            return FALSE;
    }
    daemon->keep = vault_keep_open(config->vault_path, &options, error);
    return daemon->keep != NULL;
}

/* The vault is closed last: it is what must be right. */
static gboolean daemon_close(ArchivedDaemon *daemon, GError **error)
{
    gboolean is_good;

    archived_witnesses_stop(daemon->witnesses);
    is_good = daemon->keep == NULL || vault_keep_close(daemon->keep, error);
    vault_keep_free(daemon->keep);
    archived_connections_free(daemon->connections);
    ingest_terms_maker_free(daemon->terms);
    ingest_extract_pool_free(daemon->extract);
    archived_budget_free(daemon->budget);
    archived_budget_free(daemon->grants);
    archived_budget_free(daemon->terms_memory);
    SSL_CTX_free(daemon->tls);
    archived_config_unref(daemon->config);
    g_clear_error(&daemon->reload_failure);
    close(daemon->wake_fd);
    g_mutex_clear(&daemon->lock);
    return is_good;
}

static void lock_memory(ArchivedDaemon *daemon)
{
    daemon->memory_lock = archived_memory_lock_all(daemon->config);
    if (!daemon->memory_lock.is_locked)
        archived_log(ARCHIVED_LOG_WARNING, "memory",
                     "memory is not locked, so that mail in flight could be swapped out; keys are "
                     "locked",
                     LOG_TEXT("reason", daemon->memory_lock.why_not));
}

/* Groups can only use the sockets if they may pass the vault's folder. */
static void warn_of_closed_folder(const ArchivedConfig *config)
{
    struct stat status;

    if ((*config->status_group == '\0' && *config->read_group == '\0' &&
         *config->operate_group == '\0') ||
        stat(config->vault_path, &status) != 0 || (status.st_mode & S_IXOTH) != 0)
        return;
    archived_log(ARCHIVED_LOG_WARNING, "control",
                 "the groups under [control] cannot reach the sockets: chmod 711 the vault's "
                 "folder");
}

static gboolean serve(ArchivedDaemon *daemon, GError **error)
{
    g_autoptr(ArchivedHousekeeping) housekeeping = NULL;
    ArchivedListeners *listeners = archived_listeners_open(daemon->config, error);

    if (listeners == NULL)
        return FALSE;
    lock_memory(daemon);
    warn_of_closed_folder(daemon->config);
    daemon->witnesses = archived_witnesses_start(daemon);
    housekeeping = archived_housekeeping_start(daemon);
    archived_log(ARCHIVED_LOG_NOTICE, "started", "ready for mail",
                 LOG_TEXT("version", MUNIMENT_VERSION),
                 LOG_NUMBER("listeners", archived_listeners_count(listeners)));
    return archived_server_run(daemon, listeners, error);
}

static int run(ArchivedConfig *config)
{
    ArchivedDaemon daemon = {.config = config, .wake_fd = -1};
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) close_error = NULL;

    archived_log_open((ArchivedLogFormat)config->log_format);
    archived_log_set_level((ArchivedLogLevel)config->log_level);
    if (daemon_open(&daemon, &error) && serve(&daemon, &error)) {
        if (!daemon_close(&daemon, &error))
            return fail(error);
        archived_log(ARCHIVED_LOG_NOTICE, "stopped", "all deliveries answered, vault closed");
        return EXIT_DONE;
    }
    fail(error);
    /* A thread that hangs still uses what would be freed. */
    if (archived_connections_count(daemon.connections, ARCHIVED_CONNECTION_LMTP) > 0)
        _exit(EXIT_FAILED);
    if (!daemon_close(&daemon, &close_error))
        fail(close_error);
    return EXIT_FAILED;
}

int main(int argc, char **argv)
{
    Arguments arguments = {0};
    g_autofree char *config_path = NULL;
    g_autofree char *vault_path = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(ArchivedConfig) config = NULL;

    gboolean is_good = parse_arguments(argc, argv, &arguments);

    config_path = arguments.config_path;
    if (!is_good)
        return EXIT_USAGE;
    if (arguments.is_version) {
        puts("archived " MUNIMENT_VERSION);
        return EXIT_DONE;
    }
    umask(077);
    archived_memory_tune();
    vault_crypto_init();
    vault_path = g_path_get_dirname(config_path);
    if (!archived_memory_forbid_dumps(&error) || !archived_become_owner(vault_path, &error) ||
        !archived_memory_forbid_dumps(&error))
        return fail(error);
    config = archived_config_load(config_path, ARCHIVED_CONFIG_SYSTEM, &error);
    if (config == NULL)
        return fail_config(error);
    if (arguments.is_check) {
        puts("configuration is good");
        return EXIT_DONE;
    }
    archived_server_block_signals();
    return run(g_steal_pointer(&config));
}
