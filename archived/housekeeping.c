#include "archived/housekeeping.h"

#include "archived/log.h"

#define EVERY_US (3600 * (gint64)G_USEC_PER_SEC)

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

static gpointer keep_house(gpointer user)
{
    ArchivedHousekeeping *housekeeping = user;

    g_mutex_lock(&housekeeping->lock);
    while (!housekeeping->is_stopping) {
        gint64 next = g_get_monotonic_time() + EVERY_US;

        g_mutex_unlock(&housekeeping->lock);
        prepare_next_month(housekeeping->daemon);
        expire_imports(housekeeping->daemon);
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
