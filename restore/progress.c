#include "restore/progress.h"

#include <stdio.h>
#include <unistd.h>

#define SHOW_EVERY_US (200 * 1000)

struct Progress {
    char *verb, *what;
    guint64 all_len;
    gint64 begun_us, shown_us;
    gboolean is_terminal;
    gboolean is_shown;
};

char *progress_format_len(guint64 len)
{
    return g_format_size(len);
}

Progress *progress_begin(const char *verb, const char *what, guint64 all_len)
{
    Progress *progress = g_new0(Progress, 1);

    progress->verb = g_strdup(verb);
    progress->what = g_strdup(what);
    progress->all_len = all_len;
    progress->begun_us = g_get_monotonic_time();
    progress->is_terminal = isatty(STDERR_FILENO);
    return progress;
}

static char *format_eta(const Progress *progress, guint64 done_len, gint64 elapsed_us)
{
    guint64 left_s;

    if (progress->all_len == 0 || done_len == 0 || done_len >= progress->all_len)
        return g_strdup("");
    left_s = (guint64)((gdouble)elapsed_us / 1e6 * (gdouble)(progress->all_len - done_len) /
                       (gdouble)done_len);
    return g_strdup_printf(", %" G_GUINT64_FORMAT "%%, %" G_GUINT64_FORMAT ":%02u:%02u left",
                           (guint64)((gdouble)done_len * 100 / (gdouble)progress->all_len),
                           left_s / 3600, (guint)(left_s / 60 % 60), (guint)(left_s % 60));
}

void progress_show(Progress *progress, guint64 count, guint64 done_len)
{
    gint64 now_us;
    g_autofree char *done = NULL;
    g_autofree char *rate = NULL;
    g_autofree char *eta = NULL;

    if (!progress->is_terminal)
        return;
    now_us = g_get_monotonic_time();
    if (now_us - progress->shown_us < SHOW_EVERY_US || now_us <= progress->begun_us)
        return;
    progress->shown_us = now_us;
    done = progress_format_len(done_len);
    rate = progress_format_len(
        (guint64)((gdouble)done_len * 1e6 / (gdouble)(now_us - progress->begun_us)));
    eta = format_eta(progress, done_len, now_us - progress->begun_us);
    fprintf(stderr, "\r\033[Kmuniment %s: %" G_GUINT64_FORMAT " %s, %s, %s/s%s", progress->verb,
            count, progress->what, done, rate, eta);
    fflush(stderr);
    progress->is_shown = TRUE;
}

void progress_hide(Progress *progress)
{
    if (!progress->is_shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->is_shown = FALSE;
}

void progress_free(Progress *progress)
{
    if (progress == NULL)
        return;
    progress_hide(progress);
    g_free(progress->verb);
    g_free(progress->what);
    g_free(progress);
}
