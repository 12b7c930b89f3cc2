#include "archived/control.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "archived/control_import.h"
#include "archived/control_release.h"
#include "archived/control_request.h"
#include "archived/control_status.h"
#include "archived/control_terms.h"
#include "archived/log.h"

#define CLIENT_TIMEOUT_S 300

static ArchivedDuty duty_of(const ArchivedConnection *connection)
{
    switch (connection->kind) {
    case ARCHIVED_CONNECTION_STATUS:
        return ARCHIVED_DUTY_STATUS;
    case ARCHIVED_CONNECTION_READ:
        return ARCHIVED_DUTY_READ;
    case ARCHIVED_CONNECTION_OPERATE:
        return ARCHIVED_DUTY_OPERATE;
    case ARCHIVED_CONNECTION_LMTP:
    case ARCHIVED_CONNECTION_KINDS:
        break;
    }
    g_assert_not_reached();
}

static char *prepare_next_month(ArchivedDaemon *daemon, GError **error)
{
    guint made = 0;

    if (!vault_keep_prepare_next_month(daemon->keep, archived_now_s(), &made, error))
        return NULL;
    return g_strdup_printf("{\"ok\":true,\"made\":%u}", made);
}

static gboolean begin_import(ArchivedDaemon *daemon, const char *line, DayKey *ret_key,
                             GError **error)
{
    RowId id;

    g_assert(archived_request_import_id(line, &id));
    return vault_keep_begin_import(daemon->keep, &id, ret_key, error);
}

/* What a request may leave behind beside its answer. */
typedef struct {
    DayKey import_key;
    char *grant; /* that releases are to be given by, or terms taken */
    guint32 grant_len;
    ArchivedCharge charge; /* for the grant */
    char *said;            /* by an act: follows the answer */
    gboolean is_over;      /* the connection cannot go on */
} Outcome;

static void outcome_clear(Outcome *outcome)
{
    day_key_wipe(&outcome->import_key);
    g_free(outcome->grant);
    archived_charge_clear(&outcome->charge);
    g_free(outcome->said);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outcome, outcome_clear)

/* An act by name; what it says of itself follows the answer. */
static gboolean operate(ArchivedConnection *connection, ArchivedControlStream *stream,
                        const char *line, Outcome *outcome, GError **error)
{
    const char *name = archived_request_operation(line);
    guint32 len = 0;
    g_autofree char *text =
        archived_control_read_text(stream, ARCHIVED_CONTROL_TEXT_LEN_MAX, &len, error);

    outcome->is_over = text == NULL;
    if (text == NULL ||
        !vault_keep_operate(connection->daemon->keep, name, text, len, &outcome->said, error))
        return FALSE;
    archived_log(ARCHIVED_LOG_NOTICE, "operate", "an operator's act was done",
                 LOG_TEXT("act", name), LOG_NUMBER("uid", connection->peer.uid));
    return TRUE;
}

/* The answer without LF; NULL with the error that is the answer. */
static char *do_request(ArchivedConnection *connection, ArchivedControlStream *stream,
                        ArchivedRequest request, const char *line, Outcome *outcome, GError **error)
{
    ArchivedDaemon *daemon = connection->daemon;
    gboolean is_done = TRUE;

    switch (request) {
    case ARCHIVED_REQUEST_STATUS:
        return archived_control_status(daemon, error);
    case ARCHIVED_REQUEST_FLUSH:
        is_done = vault_keep_flush_catalog(daemon->keep, error);
        break;
    case ARCHIVED_REQUEST_RELOAD:
        is_done = archived_daemon_reload(daemon, error);
        break;
    case ARCHIVED_REQUEST_ROTATE_KEYS_AHEAD:
        return prepare_next_month(daemon, error);
    case ARCHIVED_REQUEST_IMPORT:
        is_done = begin_import(daemon, line, &outcome->import_key, error);
        break;
    case ARCHIVED_REQUEST_OPERATE:
        is_done = operate(connection, stream, line, outcome, error);
        break;
    case ARCHIVED_REQUEST_RELEASE:
    case ARCHIVED_REQUEST_TERMS:
        outcome->grant = archived_control_take_grant(daemon, stream, &outcome->charge,
                                                     &outcome->grant_len, error);
        is_done = outcome->grant != NULL;
        outcome->is_over = !is_done;
        break;
    case ARCHIVED_REQUEST_RESTORE_BEGUN:
        is_done = archived_control_take_restore(connection, stream, VAULT_LOGGED_RESTORE_BEGUN,
                                                &outcome->is_over, error);
        break;
    case ARCHIVED_REQUEST_RESTORE_DONE:
        is_done = archived_control_take_restore(connection, stream, VAULT_LOGGED_RESTORE_DONE,
                                                &outcome->is_over, error);
        break;
    }
    return is_done ? g_strdup("{\"ok\":true}") : NULL;
}

/* What a request begins and only the client's closing ends. FALSE: this one begins nothing. */
static gboolean serve(ArchivedConnection *connection, ArchivedControlStream *stream,
                      ArchivedRequest request, const Outcome *outcome)
{
    if (request == ARCHIVED_REQUEST_IMPORT)
        archived_control_import_serve(connection, stream, &outcome->import_key);
    else if (request == ARCHIVED_REQUEST_RELEASE)
        archived_control_release_serve(connection, stream, outcome->grant, outcome->grant_len);
    else if (request == ARCHIVED_REQUEST_TERMS)
        archived_control_terms_serve(connection, stream, outcome->grant, outcome->grant_len);
    else
        return FALSE;
    return TRUE;
}

/* FALSE: the connection is over. */
static gboolean answer(ArchivedConnection *connection, ArchivedControlStream *stream,
                       const char *request_line)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;
    g_auto(Outcome) outcome = {0};
    ArchivedRequest request;

    if (archived_request_parse(request_line, duty_of(connection), &request, &failure))
        text = do_request(connection, stream, request, request_line, &outcome, &failure);
    line = text != NULL ? g_strconcat(text, "\n", NULL) : archived_control_failure_format(failure);
    if (!archived_control_send(connection->fd, line, strlen(line), NULL) || outcome.is_over)
        return FALSE;
    if (outcome.said != NULL)
        return archived_control_send_frame(connection->fd, outcome.said,
                                           (guint32)strlen(outcome.said), NULL);
    return text == NULL || !serve(connection, stream, request, &outcome);
}

static char *wait_for_line(ArchivedConnection *connection, ArchivedControlStream *stream)
{
    char *line = NULL;

    if (!archived_connection_enter_idle(connection) ||
        !archived_control_read_line(stream, ARCHIVED_CONTROL_REQUEST_LEN_MAX, &line, NULL))
        return NULL;
    archived_connection_leave_idle(connection);
    return line;
}

void archived_control_run(ArchivedConnection *connection)
{
    const struct timeval timeout = {.tv_sec = CLIENT_TIMEOUT_S};
    g_autoptr(ArchivedControlStream) stream = archived_control_stream_new(connection->fd);
    gboolean is_over = FALSE;

    setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(connection->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    archived_log(ARCHIVED_LOG_INFO, "control", "control connection",
                 LOG_TEXT("socket", archived_duty_name(duty_of(connection))),
                 LOG_NUMBER("connection", connection->id), LOG_NUMBER("uid", connection->peer.uid),
                 LOG_NUMBER("pid", connection->peer.pid));
    while (!is_over) {
        g_autofree char *line = wait_for_line(connection, stream);

        is_over = line == NULL || !answer(connection, stream, line);
    }
}
