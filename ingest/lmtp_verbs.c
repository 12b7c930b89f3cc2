#include "ingest/lmtp_verbs.h"

#include "ingest/lmtp_command.h"
#include "ingest/lmtp_reply.h"

#include <string.h>

static void on_lhlo(IngestLmtp *lmtp, const char *arguments)
{
    gboolean is_offered = lmtp->options.tls != INGEST_TLS_OFF && !lmtp->is_secured;

    if (*arguments == '\0') {
        lmtp_machine_refuse(lmtp, "501 5.5.4 LHLO needs a name");
        return;
    }
    lmtp_machine_abandon(lmtp);
    lmtp->is_greeted = TRUE;
    lmtp_reply_append_lhlo(lmtp->output, lmtp->host_name, lmtp->options.message_len_max,
                           is_offered ? LMTP_STARTTLS_OFFERED : LMTP_STARTTLS_NOT_OFFERED);
}

static void on_helo(IngestLmtp *lmtp, G_GNUC_UNUSED const char *arguments)
{
    lmtp_machine_refuse(lmtp, "500 5.5.0 Need LHLO in LMTP");
}

static void on_starttls(IngestLmtp *lmtp, const char *arguments)
{
    if (lmtp->options.tls == INGEST_TLS_OFF || lmtp->is_secured) {
        lmtp_machine_refuse(lmtp, "503 5.5.1 STARTTLS is not offered");
    } else if (*arguments != '\0') {
        lmtp_machine_refuse(lmtp, "501 5.5.4 STARTTLS takes no parameters");
    } else {
        lmtp_machine_abandon(lmtp);
        lmtp_machine_reply(lmtp, "220 2.0.0 ready for TLS");
        lmtp->where = IN_HANDSHAKE;
        lmtp_machine_queue(lmtp, INGEST_LMTP_STARTTLS);
    }
}

static void open_mail(IngestLmtp *lmtp, char *sender, const LmtpMailParameters *parameters)
{
    lmtp->is_mail_open = TRUE;
    lmtp->sender = sender;
    lmtp->envelope.sender = sender;
    lmtp->envelope.declared_len = parameters->size;
    lmtp->envelope.is_binary = parameters->is_binary;
    lmtp->envelope.is_smtputf8 = parameters->is_smtputf8;
    lmtp_machine_reply(lmtp, "250 2.1.0 sender ok");
}

static void on_mail(IngestLmtp *lmtp, const char *arguments)
{
    guint64 len_max = lmtp->options.message_len_max;
    LmtpMailParameters parameters;
    char *sender = NULL;
    const char *refusal = NULL;

    if (!lmtp->is_greeted)
        refusal = "503 5.5.1 LHLO comes first";
    else if (lmtp->options.tls == INGEST_TLS_REQUIRE && !lmtp->is_secured)
        refusal = "530 5.7.0 STARTTLS comes first";
    else if (lmtp->is_mail_open)
        refusal = "503 5.5.1 a transaction is open already: RSET ends it";
    else
        refusal = lmtp_command_mail(arguments, &sender, &parameters);
    if (refusal != NULL) {
        lmtp_machine_refuse(lmtp, refusal);
    } else if (len_max != 0 && parameters.size > len_max) {
        lmtp_machine_reply(lmtp, LMTP_REPLY_TOO_LARGE);
        lmtp_machine_free_address(sender);
    } else {
        open_mail(lmtp, sender, &parameters);
    }
}

/* No error of the client's: it sends the rest in another transaction (RFC 5321 4.5.3.1.10). */
static void put_off_rcpt(IngestLmtp *lmtp)
{
    g_clear_pointer(&lmtp->rcpt, lmtp_machine_free_address);
    lmtp_machine_reply(lmtp, "452 4.5.3 too many recipients");
}

static void on_rcpt(IngestLmtp *lmtp, const char *arguments)
{
    const char *refusal = NULL;

    if (!lmtp->is_mail_open)
        refusal = "503 5.5.1 MAIL comes first";
    else if (lmtp->is_chunked)
        refusal = "503 5.5.1 RCPT never after BDAT";
    else
        refusal = lmtp_command_rcpt(arguments, &lmtp->rcpt);
    if (refusal != NULL)
        lmtp_machine_refuse(lmtp, refusal);
    else if (lmtp->envelope.recipients->len >= lmtp->options.recipients_max ||
             lmtp->recipients_len + strlen(lmtp->rcpt) + 1 > INGEST_LMTP_RECIPIENTS_LEN_MAX)
        put_off_rcpt(lmtp);
    else
        lmtp_machine_queue(lmtp, INGEST_LMTP_RCPT);
}

static void on_data(IngestLmtp *lmtp, const char *arguments)
{
    const char *refusal = NULL;

    if (!lmtp->is_mail_open)
        refusal = "503 5.5.1 MAIL comes first";
    else if (lmtp->is_chunked)
        refusal = "503 5.5.1 DATA never after BDAT";
    else if (lmtp->envelope.recipients->len == 0)
        refusal = "503 5.5.1 no recipient was accepted";
    else if (lmtp->envelope.is_binary)
        refusal = "503 5.5.1 BODY=BINARYMIME needs BDAT";
    else if (*arguments != '\0')
        refusal = "501 5.5.4 DATA takes no parameters";
    if (refusal != NULL) {
        lmtp_machine_refuse(lmtp, refusal);
        return;
    }
    lmtp_machine_reply(lmtp, "354 end with CRLF.CRLF");
    lmtp->where = IN_DATA;
    lmtp->data_state = LMTP_DATA_LINE_START;
    lmtp->is_begun = TRUE;
    lmtp_machine_queue(lmtp, INGEST_LMTP_BEGIN);
}

static void on_bdat(IngestLmtp *lmtp, const char *arguments)
{
    guint64 size = 0;
    gboolean is_last = FALSE;

    if (!lmtp_command_bdat(arguments, &size, &is_last)) {
        /* How many bytes follow is not known: what comes cannot be told from commands. */
        lmtp_machine_close(lmtp, "421 4.5.2 syntax: BDAT size [LAST]");
        return;
    }
    lmtp->where = IN_CHUNK;
    lmtp->chunk_left = size;
    lmtp->is_last_chunk = is_last;
    lmtp->is_chunked = lmtp->is_mail_open;
    if (lmtp->envelope.recipients->len == 0) {
        lmtp->is_unwanted = TRUE;
    } else if (!lmtp->is_begun && !lmtp->is_too_large) {
        lmtp->is_begun = TRUE;
        lmtp_machine_queue(lmtp, INGEST_LMTP_BEGIN);
    }
}

static void on_rset(IngestLmtp *lmtp, G_GNUC_UNUSED const char *arguments)
{
    lmtp_machine_abandon(lmtp);
    lmtp_machine_reply(lmtp, "250 2.0.0 reset");
}

static void on_vrfy(IngestLmtp *lmtp, G_GNUC_UNUSED const char *arguments)
{
    lmtp_machine_reply(lmtp, "252 2.5.0 send some mail, it will be archived");
}

static void on_noop(IngestLmtp *lmtp, G_GNUC_UNUSED const char *arguments)
{
    lmtp_machine_reply(lmtp, "250 2.0.0 ok");
}

static void on_help(IngestLmtp *lmtp, G_GNUC_UNUSED const char *arguments)
{
    lmtp_machine_reply(
        lmtp, "214 2.0.0 LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY STARTTLS QUIT (RFC 2033)");
}

static void on_quit(IngestLmtp *lmtp, G_GNUC_UNUSED const char *arguments)
{
    lmtp_machine_close(lmtp, "221 2.0.0 bye");
}

static void on_unknown(IngestLmtp *lmtp, G_GNUC_UNUSED const char *arguments)
{
    lmtp_machine_refuse(lmtp, "500 5.5.2 command not known");
}

void lmtp_verbs_run(IngestLmtp *lmtp, const char *line)
{
    static void (*const handlers[])(IngestLmtp *, const char *) = {
        [LMTP_VERB_LHLO] = on_lhlo,         [LMTP_VERB_HELO] = on_helo,
        [LMTP_VERB_STARTTLS] = on_starttls, [LMTP_VERB_MAIL] = on_mail,
        [LMTP_VERB_RCPT] = on_rcpt,         [LMTP_VERB_DATA] = on_data,
        [LMTP_VERB_BDAT] = on_bdat,         [LMTP_VERB_RSET] = on_rset,
        [LMTP_VERB_VRFY] = on_vrfy,         [LMTP_VERB_NOOP] = on_noop,
        [LMTP_VERB_HELP] = on_help,         [LMTP_VERB_QUIT] = on_quit,
        [LMTP_VERB_UNKNOWN] = on_unknown,
    };
    const char *arguments;
    LmtpVerb verb = lmtp_command_verb(line, &arguments);

    handlers[verb](lmtp, arguments);
}
