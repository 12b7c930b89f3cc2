#include "archived/session.h"

#include <string.h>

#include "archived/intake.h"
#include "archived/log.h"
#include "archived/transport.h"
#include "ingest/lmtp.h"

#define READ_LEN_MAX (64u << 10)

typedef struct {
    ArchivedConnection *connection;
    ArchivedConfig *config;
    SSL_CTX *tls;
    ArchivedTransport transport;
    IngestLmtp *lmtp;
    ArchivedIntake intake;
    gboolean has_message; /* between BEGIN and DELIVER */
    gboolean is_over;
    guint64 message_count;
    gsize used_len; /* of buffer, since it was wiped */
    guint8 buffer[READ_LEN_MAX];
} Session;

static Session *session_new(ArchivedConnection *connection)
{
    Session *session = g_new0(Session, 1);
    ArchivedConfig *config = archived_daemon_config(connection->daemon);
    IngestLmtpOptions options = {.host_name = *config->host_name != '\0' ? config->host_name
                                                                         : g_get_host_name(),
                                 .message_len_max = config->message_len_max,
                                 .recipients_max = (guint)config->recipients_per_message,
                                 .tls = (IngestTlsMode)config->tls};

    /* On a unix socket there is nobody to hear, and tls=require could not be met by most peers. */
    if (connection->peer.is_unix)
        options.tls = INGEST_TLS_OFF;
    session->connection = connection;
    session->config = config;
    session->tls = archived_daemon_tls(connection->daemon);
    session->lmtp = ingest_lmtp_new(&options);
    archived_transport_open(&session->transport, connection->fd, (guint)config->idle_timeout_s);
    return session;
}

static void session_free(Session *session)
{
    archived_intake_clear(&session->intake);
    archived_transport_close(&session->transport);
    ingest_lmtp_free(session->lmtp);
    archived_config_unref(session->config);
    SSL_CTX_free(session->tls);
    explicit_bzero(session->buffer, session->used_len);
    g_free(session);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Session, session_free)

/* Everything that is to be said, in one system call. */
static gboolean flush(Session *session)
{
    GByteArray *output = ingest_lmtp_output(session->lmtp);
    gboolean is_sent;

    if (output->len == 0)
        return TRUE;
    is_sent = archived_transport_write(&session->transport, output->data, output->len);
    g_byte_array_set_size(output, 0);
    return is_sent;
}

/* What was read is plaintext: nothing of it outlives the message. */
static void wipe_input(Session *session)
{
    explicit_bzero(session->buffer, session->used_len);
    session->used_len = 0;
}

#define REPLY_CLOSED_TEMPORARY "450 4.2.1 the mailbox is closed, try again later"
#define REPLY_CLOSED_PERMANENT "550 5.2.1 the mailbox is closed"

/* Whose mailbox was closed under a policy that rejects its mail is told so before any message: the
 * other recipients get theirs. */
static void answer_rcpt(Session *session)
{
    VaultDepository *depository = vault_keep_depository(session->connection->daemon->keep);
    g_autoptr(GPtrArray) recipients = g_ptr_array_new();
    g_autoptr(GPtrArray) owners = NULL;
    VaultAdmission admission = VAULT_ADMIT;

    g_ptr_array_add(recipients, (gpointer)ingest_lmtp_rcpt(session->lmtp));
    owners = ingest_owners(session->config->rules, recipients);
    for (guint i = 0; i < owners->len && admission == VAULT_ADMIT; i++) {
        const IngestOwner *owner = g_ptr_array_index(owners, i);

        admission = depository->admit(depository, owner->address);
    }
    switch (admission) {
    case VAULT_ADMIT:
        ingest_lmtp_accept_rcpt(session->lmtp);
        break;
    case VAULT_REJECT_TEMPORARY:
        ingest_lmtp_refuse_rcpt(session->lmtp, REPLY_CLOSED_TEMPORARY);
        break;
    case VAULT_REJECT_PERMANENT:
        ingest_lmtp_refuse_rcpt(session->lmtp, REPLY_CLOSED_PERMANENT);
        break;
    }
}

static void begin_message(Session *session)
{
    const IngestEnvelope *envelope = ingest_lmtp_envelope(session->lmtp);
    guint64 now_s = archived_now_s();
    IngestDeliveryOptions options = {
        .sender = envelope->sender,
        .owners = ingest_owners(session->config->rules, envelope->recipients),
        .received_s = now_s,
        .archived_s = now_s,
        .source = "lmtp",
        .terms = session->connection->daemon->terms};

    archived_intake_begin(&session->intake, session->connection, &options,
                          envelope->recipients->len);
    session->has_message = TRUE;
}

static void deliver(Session *session)
{
    IngestDeliveryResult result;
    g_autoptr(GError) failure = NULL;

    session->has_message = FALSE;
    /* Earlier answers must not wait for this commit. */
    if (!flush(session))
        session->is_over = TRUE;
    if (archived_intake_commit(&session->intake, &result, &failure)) {
        session->message_count++;
        ingest_lmtp_reply_archived(session->lmtp,
                                   result.is_already_archived ? INGEST_ARCHIVED_ALREADY
                                                              : INGEST_ARCHIVED_NOW,
                                   VAULT_ID_TEXT(result.archive_id));
    } else {
        ingest_lmtp_reply_error(session->lmtp, failure);
    }
}

static void start_tls(Session *session)
{
    g_autoptr(GError) failure = NULL;

    session->is_over = !flush(session);
    if (session->is_over)
        return;
    if (session->tls == NULL ||
        !archived_transport_secure(&session->transport, session->tls, &failure)) {
        /* After a failed handshake nothing said in clear could be trusted or understood. */
        if (failure != NULL)
            archived_log_error(ARCHIVED_LOG_NOTICE, "tls", failure, session->connection->id);
        session->is_over = TRUE;
        return;
    }
    ingest_lmtp_secured(session->lmtp);
}

/* Until the machine wants more input. */
static void handle_events(Session *session)
{
    while (!session->is_over) {
        const guint8 *bytes = NULL;
        gsize len = 0;

        switch (ingest_lmtp_next(session->lmtp, &bytes, &len)) {
        case INGEST_LMTP_NONE:
            return;
        case INGEST_LMTP_STARTTLS:
            start_tls(session);
            break;
        case INGEST_LMTP_RCPT:
            answer_rcpt(session);
            break;
        case INGEST_LMTP_BEGIN:
            begin_message(session);
            break;
        case INGEST_LMTP_BYTES:
            archived_intake_write(&session->intake, bytes, len);
            break;
        case INGEST_LMTP_DELIVER:
            deliver(session);
            break;
        case INGEST_LMTP_ABANDON:
            archived_intake_clear(&session->intake);
            session->has_message = FALSE;
            break;
        case INGEST_LMTP_QUIT:
            session->is_over = TRUE;
            break;
        }
    }
}

static void close_with(Session *session, const char *reply)
{
    ingest_lmtp_reply_closing(session->lmtp, reply);
    session->is_over = TRUE;
}

#define REPLY_STOPPING "421 4.3.2 archive is stopping, try again later"
#define REPLY_IDLE "421 4.4.2 idle for too long"

static ArchivedRead wait_for_bytes(Session *session, gsize *ret_len)
{
    ArchivedRead how;

    if (session->has_message)
        return archived_transport_read(&session->transport, session->buffer, READ_LEN_MAX, ret_len);
    wipe_input(session);
    if (!archived_connection_enter_idle(session->connection))
        return ARCHIVED_READ_END;
    how = archived_transport_read(&session->transport, session->buffer, READ_LEN_MAX, ret_len);
    archived_connection_leave_idle(session->connection);
    return how;
}

static void read_more(Session *session)
{
    gsize len = 0;

    switch (wait_for_bytes(session, &len)) {
    case ARCHIVED_READ_BYTES:
        session->used_len = MAX(session->used_len, len);
        ingest_lmtp_feed(session->lmtp, session->buffer, len);
        return;
    case ARCHIVED_READ_TIMEOUT:
        close_with(session, REPLY_IDLE);
        return;
    case ARCHIVED_READ_END:
        if (atomic_load(&session->connection->daemon->is_stopping))
            close_with(session, REPLY_STOPPING);
        session->is_over = TRUE;
        return;
    case ARCHIVED_READ_BROKEN:
        session->is_over = TRUE;
        return;
    }
}

void archived_session_run(ArchivedConnection *connection)
{
    g_autoptr(Session) session = session_new(connection);
    gint64 began_us = g_get_monotonic_time();

    archived_log(ARCHIVED_LOG_INFO, "connected", "connection accepted",
                 LOG_NUMBER("connection", connection->id), LOG_TEXT("peer", connection->peer.text));
    while (!session->is_over) {
        handle_events(session);
        if (!flush(session) || session->is_over)
            break;
        read_more(session);
    }
    flush(session);
    archived_log(ARCHIVED_LOG_INFO, "closed", "connection closed",
                 LOG_NUMBER("connection", connection->id),
                 LOG_NUMBER("messages", session->message_count),
                 LOG_NUMBER("ms", (guint64)(g_get_monotonic_time() - began_us) / 1000));
}
