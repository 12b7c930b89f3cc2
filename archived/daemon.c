#include "archived/daemon.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "archived/config_tls.h"
#include "archived/log.h"
#include "archived/witnesses.h"

#define FAILURE_LOG_EVERY_US G_TIME_SPAN_SECOND

guint64 archived_now_s(void)
{
    return (guint64)(g_get_real_time() / G_USEC_PER_SEC);
}

ArchivedConfig *archived_daemon_config(ArchivedDaemon *daemon)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&daemon->lock);

    return archived_config_ref(daemon->config);
}

SSL_CTX *archived_daemon_tls(ArchivedDaemon *daemon)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&daemon->lock);

    if (daemon->tls != NULL)
        SSL_CTX_up_ref(daemon->tls);
    return daemon->tls;
}

/* The new ones in force; the old ones live as long as their connections. */
static void install(ArchivedDaemon *daemon, ArchivedConfig *config, SSL_CTX *tls)
{
    g_mutex_lock(&daemon->lock);
    ArchivedConfig *old_config = daemon->config;
    SSL_CTX *old_tls = daemon->tls;

    daemon->config = config;
    daemon->tls = tls;
    g_clear_error(&daemon->reload_failure);
    g_mutex_unlock(&daemon->lock);
    archived_config_unref(old_config);
    SSL_CTX_free(old_tls);
}

/* What is bound or handed to the vault at the start stays as it was. */
static void warn_of_restart(const ArchivedConfig *old, const ArchivedConfig *new)
{
    if (!g_strv_equal((const char *const *)old->listen_texts,
                      (const char *const *)new->listen_texts))
        archived_log(ARCHIVED_LOG_WARNING, "reload",
                     "the new listen= takes effect at the next restart");
    if (old->extracts != new->extracts || old->extract_s != new->extract_s ||
        old->has_terms != new->has_terms || old->text_len_max != new->text_len_max)
        archived_log(ARCHIVED_LOG_WARNING, "reload",
                     "what is new under [search] takes effect at the next restart");
    if (old->disk_reserve != new->disk_reserve ||
        old->new_mailboxes_per_hour != new->new_mailboxes_per_hour)
        archived_log(ARCHIVED_LOG_WARNING, "reload",
                     "the new disk_reserve= and new_mailboxes_per_hour= take effect at the next "
                     "restart");
}

static gboolean reload(ArchivedDaemon *daemon, GError **error)
{
    g_autoptr(ArchivedConfig) old = archived_daemon_config(daemon);
    g_autoptr(ArchivedConfig) config =
        archived_config_load(old->file_path, ARCHIVED_CONFIG_SYSTEM, error);
    ArchivedTlsPart part;
    SSL_CTX *tls = NULL;

    if (config == NULL)
        return FALSE;
    if (config->tls != INGEST_TLS_OFF) {
        tls = archived_tls_context_new(config, &part, error);
        if (tls == NULL)
            return FALSE;
    }
    warn_of_restart(old, config);
    archived_log_set_level((ArchivedLogLevel)config->log_level);
    archived_budget_set_max(daemon->budget, archived_config_delivery_memory(config));
    install(daemon, g_steal_pointer(&config), tls);
    return TRUE;
}

gboolean archived_daemon_reload(ArchivedDaemon *daemon, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (reload(daemon, &failure)) {
        archived_witnesses_ask(daemon->witnesses);
        archived_log(ARCHIVED_LOG_NOTICE, "reload", "configuration and certificates read again");
        return TRUE;
    }
    archived_log_error(ARCHIVED_LOG_ERROR, "reload", failure, 0);
    g_mutex_lock(&daemon->lock);
    g_clear_error(&daemon->reload_failure);
    daemon->reload_failure = g_error_copy(failure);
    g_mutex_unlock(&daemon->lock);
    g_propagate_prefixed_error(error, g_steal_pointer(&failure),
                               "the old configuration stays in force: ");
    return FALSE;
}

void archived_daemon_wish(ArchivedDaemon *daemon, ArchivedWish wish)
{
    const guint64 one = 1;
    ssize_t written;

    atomic_fetch_or(&daemon->wishes, (guint)wish);
    written = write(daemon->wake_fd, &one, sizeof one);
    g_assert(written == sizeof one);
}

void archived_daemon_note_failure(ArchivedDaemon *daemon, const GError *failure, guint64 connection)
{
    gint64 now = g_get_monotonic_time();
    gint64 last = atomic_load(&daemon->failure_logged_us);

    atomic_fetch_add_explicit(&daemon->counters.messages_failed, 1, memory_order_relaxed);
    /* A full disk fails every message: one line a second says it, status counts them. */
    if ((last == 0 || now - last >= FAILURE_LOG_EVERY_US) &&
        atomic_compare_exchange_strong(&daemon->failure_logged_us, &last, now))
        archived_log_error(ARCHIVED_LOG_WARNING, "failed", failure, connection);
}
