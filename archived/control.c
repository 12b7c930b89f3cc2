#include "archived/control.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "archived/control_import.h"
#include "archived/control_request.h"
#include "archived/control_status.h"
#include "archived/log.h"
#include "vault/act/ssh_keygen.h"

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

/* NULL: the stream is out of step, or at its end. */
static char *read_policy(ArchivedControlStream *stream, guint32 *ret_len, GError **error)
{
    g_autofree char *text = NULL;
    gboolean is_end = FALSE;

    if (!archived_control_read_u32(stream, ret_len, &is_end, error))
        return NULL;
    if (is_end || *ret_len > ARCHIVED_CONTROL_POLICY_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "a policy has 1 to %u bytes",
                    ARCHIVED_CONTROL_POLICY_LEN_MAX);
        return NULL;
    }
    text = g_malloc0(*ret_len + 1);
    return archived_control_read(stream, text, *ret_len, error) ? g_steal_pointer(&text) : NULL;
}

static gboolean set_policy(ArchivedDaemon *daemon, ArchivedControlStream *stream,
                           gboolean *ret_is_over, GError **error)
{
    guint32 len = 0;
    g_autofree char *text = read_policy(stream, &len, error);

    *ret_is_over = text == NULL;
    if (text == NULL ||
        !vault_keep_set_policy(daemon->keep, text, len, vault_ssh_keygen_verify, NULL, error))
        return FALSE;
    archived_log(ARCHIVED_LOG_NOTICE, "policy", "a new policy is in force");
    return TRUE;
}

/* What a request may leave behind beside its answer. */
typedef struct {
    DayKey import_key;
    gboolean is_over; /* the connection cannot go on */
} Outcome;
VAULT_DECLARE_WIPE(Outcome, outcome)

/* The answer without LF; NULL with the error that is the answer. */
static char *do_request(ArchivedDaemon *daemon, ArchivedControlStream *stream,
                        ArchivedRequest request, const char *line, Outcome *outcome, GError **error)
{
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
    case ARCHIVED_REQUEST_POLICY_SET:
        is_done = set_policy(daemon, stream, &outcome->is_over, error);
        break;
    }
    return is_done ? g_strdup("{\"ok\":true}") : NULL;
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
        text = do_request(connection->daemon, stream, request, request_line, &outcome, &failure);
    line = text != NULL ? g_strconcat(text, "\n", NULL) : archived_control_failure_format(failure);
    if (!archived_control_send(connection->fd, line, strlen(line), NULL) || outcome.is_over)
        return FALSE;
    if (text == NULL || request != ARCHIVED_REQUEST_IMPORT)
        return TRUE;
    archived_control_import_serve(connection, stream, &outcome.import_key);
    return FALSE;
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
