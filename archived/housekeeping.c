#include "archived/housekeeping.h"

#include "archived/log.h"
#include "archived/witnesses.h"
#include "vault/custody.h"
#include "vault/erasure.h"

/* A batch at a constant rate, so that the log's length says nothing of the mail. */
#define BATCH_EVERY_US (600 * (gint64)G_USEC_PER_SEC)
#define HOURLY 6 /* every sixth time */
#define DAY_S 86400

struct ArchivedHousekeeping {
    ArchivedDaemon *daemon;
    GThread *thread;
    GMutex lock;
    GCond stopped;
    gboolean is_stopping;
};

static void prepare_next_month(ArchivedDaemon *daemon)
{
    g_autoptr(GError) failure = NULL;
    guint made = 0;

    if (!vault_keep_prepare_next_month(daemon->keep, archived_now_s(), &made, &failure))
        archived_log_error(ARCHIVED_LOG_WARNING, "next-month", failure, 0);
    else if (made > 0)
        archived_log(ARCHIVED_LOG_NOTICE, "next-month", "keys of the next month made",
                     LOG_NUMBER("made", made));
}

static void expire_imports(ArchivedDaemon *daemon)
{
    g_autoptr(GError) failure = NULL;

    if (!vault_keep_expire_imports(daemon->keep, &failure))
        archived_log_error(ARCHIVED_LOG_WARNING, "expire-imports", failure, 0);
}

static void advance_erasures(ArchivedDaemon *daemon)
{
    g_autoptr(GError) failure = NULL;

    if (!vault_keep_advance_erasures(daemon->keep, &failure))
        archived_log_error(ARCHIVED_LOG_WARNING, "advance-erasures", failure, 0);
}

/* Not due but once a month. */
static void expire_mail(ArchivedDaemon *daemon)
{
    g_autoptr(GError) failure = NULL;
    VaultExpiryState done;

    if (!vault_keep_expire_when_due(daemon->keep, &done, &failure))
        archived_log_error(ARCHIVED_LOG_WARNING, "retention", failure, 0);
    else if (done.ran_s > 0)
        archived_log(ARCHIVED_LOG_NOTICE, "retention",
                     "what was past its retention maximum was destroyed",
                     LOG_NUMBER("copies", done.copy_count), LOG_NUMBER("months", done.month_count),
                     LOG_NUMBER("passed-over", done.passed_over_count));
}

static void rotate_log_key(ArchivedDaemon *daemon)
{
    g_autoptr(ArchivedConfig) config = archived_daemon_config(daemon);
    g_autoptr(GError) failure = NULL;
    gboolean is_rotated = FALSE;

    if (config->log_key_days == 0)
        return;
    if (!vault_keep_rotate_log_key_when_due(daemon->keep, config->log_key_days * DAY_S, &is_rotated,
                                            &failure))
        archived_log_error(ARCHIVED_LOG_WARNING, "log-key", failure, 0);
    else if (is_rotated)
        archived_log(ARCHIVED_LOG_NOTICE, "log-key",
                     "another key signs the logs: tell whoever checks them "
                     "(muniment log checkpoint --vkey)",
                     LOG_NUMBER("days", config->log_key_days));
}

static void log_batch(ArchivedDaemon *daemon)
{
    g_autoptr(GError) failure = NULL;

    if (!vault_keep_log_batch(daemon->keep, VAULT_BATCH_ALWAYS, &failure))
        archived_log_error(ARCHIVED_LOG_WARNING, "log-batch", failure, 0);
}

/* What is away is no fault: a disk in a safe is meant to be. */
static void update_custody(ArchivedDaemon *daemon)
{
    g_autoptr(GError) failure = NULL;

    if (!vault_custody_update(daemon->keep, &failure))
        archived_log_error(ARCHIVED_LOG_WARNING, "custody", failure, 0);
}

static void do_hourly(ArchivedDaemon *daemon)
{
    archived_witnesses_ask(daemon->witnesses);
    prepare_next_month(daemon);
    expire_imports(daemon);
    expire_mail(daemon);
    advance_erasures(daemon);
    rotate_log_key(daemon);
    update_custody(daemon);
}

static gpointer keep_house(gpointer user)
{
    ArchivedHousekeeping *housekeeping = user;
    guint round = 0;

    g_mutex_lock(&housekeeping->lock);
    while (!housekeeping->is_stopping) {
        gint64 next = g_get_monotonic_time() + BATCH_EVERY_US;

        g_mutex_unlock(&housekeeping->lock);
        log_batch(housekeeping->daemon);
        if (round++ % HOURLY == 0)
            do_hourly(housekeeping->daemon);
        g_mutex_lock(&housekeeping->lock);
        while (!housekeeping->is_stopping &&
               g_cond_wait_until(&housekeeping->stopped, &housekeeping->lock, next))
            continue;
    }
    g_mutex_unlock(&housekeeping->lock);
    return NULL;
}

ArchivedHousekeeping *archived_housekeeping_start(ArchivedDaemon *daemon)
{
    ArchivedHousekeeping *housekeeping = g_new0(ArchivedHousekeeping, 1);

    housekeeping->daemon = daemon;
    g_mutex_init(&housekeeping->lock);
    g_cond_init(&housekeeping->stopped);
    housekeeping->thread = g_thread_new("housekeeping", keep_house, housekeeping);
    return housekeeping;
}

void archived_housekeeping_stop(ArchivedHousekeeping *housekeeping)
{
    if (housekeeping == NULL)
        return;
    g_mutex_lock(&housekeeping->lock);
    housekeeping->is_stopping = TRUE;
    g_cond_signal(&housekeeping->stopped);
    g_mutex_unlock(&housekeeping->lock);
    g_thread_join(housekeeping->thread);
    g_mutex_clear(&housekeeping->lock);
    g_cond_clear(&housekeeping->stopped);
    g_free(housekeeping);
}
