#include "ingest/lmtp.h"

#include "ingest/lmtp_command.h"

#include <string.h>

typedef enum {
    IN_COMMAND,
    IN_LONG_LINE, /* swallowing the rest of an over-long line */
    IN_DATA,
    IN_CHUNK,
    IN_HANDSHAKE,
    AT_CLOSE,
} Where;

/* In DATA, what the last bytes were: a message ends with CRLF "." CRLF and nothing else. */
typedef enum { AT_LINE_START, AFTER_DOT, AFTER_DOT_CR, IN_LINE, AFTER_CR } DataState;

struct IngestLmtp {
    char *host_name;
    IngestLmtpOptions options;
    Where where;
    DataState data_state;

    const guint8 *input;
    gsize input_len;
    GString *line; /* of the command under way */
    GByteArray *output;

    gboolean is_greeted, is_secured, is_mail_open;
    IngestEnvelope envelope;
    char *sender;
    char *rcpt; /* awaits a verdict */
    guint errors;

    gboolean is_begun;                  /* BEGIN was given: bytes are somebody's */
    gboolean is_too_large, is_unwanted; /* swallowed to its end, then refused */
    guint64 message_len, chunk_left;
    gboolean is_last_chunk, is_chunked;
    IngestLmtpEvent next_event;
    gboolean has_next_event;
};

static void reply(IngestLmtp *lmtp, const char *text)
{
    g_byte_array_append(lmtp->output, (const guint8 *)text, (guint)strlen(text));
    g_byte_array_append(lmtp->output, (const guint8 *)"\r\n", 2);
}

static void queue_event(IngestLmtp *lmtp, IngestLmtpEvent event)
{
    lmtp->next_event = event;
    lmtp->has_next_event = TRUE;
}

static void close_session(IngestLmtp *lmtp, const char *text)
{
    reply(lmtp, text);
    lmtp->where = AT_CLOSE;
    queue_event(lmtp, INGEST_LMTP_QUIT);
}

static void refuse(IngestLmtp *lmtp, const char *text)
{
    reply(lmtp, text);
    if (++lmtp->errors >= INGEST_LMTP_ERRORS_MAX)
        close_session(lmtp, "421 4.7.0 too many errors");
}

static void forget_transaction(IngestLmtp *lmtp)
{
    lmtp->is_mail_open = FALSE;
    lmtp->is_begun = lmtp->is_too_large = lmtp->is_unwanted = FALSE;
    lmtp->is_chunked = lmtp->is_last_chunk = FALSE;
    lmtp->message_len = lmtp->chunk_left = 0;
    g_clear_pointer(&lmtp->sender, g_free);
    g_clear_pointer(&lmtp->rcpt, g_free);
    g_ptr_array_set_size(lmtp->envelope.recipients, 0);
    lmtp->envelope.sender = NULL;
    lmtp->envelope.declared_len = 0;
    lmtp->envelope.is_binary = lmtp->envelope.is_smtputf8 = FALSE;
}

/* A message whose bytes were given out is dropped: its taker must know. */
static void abandon(IngestLmtp *lmtp)
{
    if (lmtp->is_begun)
        queue_event(lmtp, INGEST_LMTP_ABANDON);
    forget_transaction(lmtp);
}

IngestLmtp *ingest_lmtp_new(const IngestLmtpOptions *options)
{
    IngestLmtp *lmtp = g_new0(IngestLmtp, 1);
    g_autofree char *greeting = NULL;

    lmtp->host_name = g_strdup(options->host_name);
    lmtp->options = *options;
    lmtp->line = g_string_sized_new(256);
    lmtp->output = g_byte_array_new();
    lmtp->envelope.recipients = g_ptr_array_new_with_free_func(g_free);
    greeting = g_strdup_printf("220 %s LMTP Muniment", lmtp->host_name);
    reply(lmtp, greeting);
    return lmtp;
}

void ingest_lmtp_free(IngestLmtp *lmtp)
{
    if (lmtp == NULL)
        return;
    forget_transaction(lmtp);
    g_ptr_array_unref(lmtp->envelope.recipients);
    g_string_free(lmtp->line, TRUE);
    g_byte_array_unref(lmtp->output);
    g_free(lmtp->host_name);
    g_free(lmtp);
}

void ingest_lmtp_feed(IngestLmtp *lmtp, const guint8 *bytes, gsize len)
{
    lmtp->input = bytes;
    lmtp->input_len = len;
}

GByteArray *ingest_lmtp_output(IngestLmtp *lmtp)
{
    return lmtp->output;
}

const IngestEnvelope *ingest_lmtp_envelope(const IngestLmtp *lmtp)
{
    return &lmtp->envelope;
}

const char *ingest_lmtp_rcpt(const IngestLmtp *lmtp)
{
    return lmtp->rcpt;
}

void ingest_lmtp_secured(IngestLmtp *lmtp)
{
    forget_transaction(lmtp);
    g_string_truncate(lmtp->line, 0);
    lmtp->input_len = 0;
    lmtp->is_greeted = FALSE;
    lmtp->is_secured = lmtp->envelope.is_secured = TRUE;
    lmtp->where = IN_COMMAND;
}

/* ---- commands -------------------------------------------------------------------------------- */

static void on_lhlo(IngestLmtp *lmtp, const char *arguments)
{
    g_autofree char *first = NULL, *size = NULL;

    if (*arguments == '\0') {
        refuse(lmtp, "501 5.5.4 LHLO needs a name");
        return;
    }
    abandon(lmtp);
    lmtp->is_greeted = TRUE;
    first = g_strdup_printf("250-%s", lmtp->host_name);
    size = g_strdup_printf("250-SIZE %" G_GUINT64_FORMAT, lmtp->options.message_len_max);
    reply(lmtp, first);
    reply(lmtp, "250-PIPELINING");
    reply(lmtp, "250-ENHANCEDSTATUSCODES");
    reply(lmtp, "250-8BITMIME");
    reply(lmtp, "250-BINARYMIME");
    reply(lmtp, "250-CHUNKING");
    reply(lmtp, "250-SMTPUTF8");
    if (lmtp->options.tls != INGEST_TLS_OFF && !lmtp->is_secured)
        reply(lmtp, "250-STARTTLS");
    reply(lmtp, lmtp->options.message_len_max != 0 ? size : "250-SIZE");
    reply(lmtp, "250 HELP");
}

static void on_starttls(IngestLmtp *lmtp, const char *arguments)
{
    if (lmtp->options.tls == INGEST_TLS_OFF || lmtp->is_secured)
        refuse(lmtp, "503 5.5.1 STARTTLS is not offered");
    else if (*arguments != '\0')
        refuse(lmtp, "501 5.5.4 STARTTLS takes no parameters");
    else {
        reply(lmtp, "220 2.0.0 ready for TLS");
        lmtp->where = IN_HANDSHAKE;
        lmtp->input_len = 0;
        queue_event(lmtp, INGEST_LMTP_STARTTLS);
    }
}

static void on_mail(IngestLmtp *lmtp, const char *arguments)
{
    LmtpMailParameters parameters;
    char *path = NULL;
    const char *refusal = NULL;

    if (!lmtp->is_greeted)
        refusal = "503 5.5.1 LHLO comes first";
    else if (lmtp->options.tls == INGEST_TLS_REQUIRE && !lmtp->is_secured)
        refusal = "530 5.7.0 STARTTLS comes first";
    else if (lmtp->is_mail_open)
        refusal = "503 5.5.1 a transaction is open already: RSET ends it";
    else
        refusal = lmtp_command_mail(arguments, &path, &parameters);
    if (refusal == NULL && lmtp->options.message_len_max != 0 &&
        parameters.size > lmtp->options.message_len_max)
        refusal = "552 5.3.4 the message is larger than this archive takes";
    if (refusal != NULL) {
        g_free(path);
        refuse(lmtp, refusal);
        return;
    }
    lmtp->is_mail_open = TRUE;
    lmtp->sender = path;
    lmtp->envelope.sender = path;
    lmtp->envelope.declared_len = parameters.size;
    lmtp->envelope.is_binary = parameters.is_binary;
    lmtp->envelope.is_smtputf8 = parameters.is_smtputf8;
    reply(lmtp, "250 2.1.0 sender ok");
}

static void on_rcpt(IngestLmtp *lmtp, const char *arguments)
{
    const char *refusal = NULL;

    if (!lmtp->is_mail_open || lmtp->is_chunked)
        refusal = "503 5.5.1 MAIL comes first";
    else if (lmtp->envelope.recipients->len >= lmtp->options.recipients_max) {
        /* Not an error of the client's: it sends the rest in another transaction. */
        reply(lmtp, "452 4.5.3 too many recipients");
        return;
    } else
        refusal = lmtp_command_rcpt(arguments, &lmtp->rcpt);
    if (refusal != NULL)
        refuse(lmtp, refusal);
    else
        queue_event(lmtp, INGEST_LMTP_RCPT);
}

void ingest_lmtp_accept_rcpt(IngestLmtp *lmtp)
{
    g_assert(lmtp->rcpt != NULL);
    g_ptr_array_add(lmtp->envelope.recipients, g_steal_pointer(&lmtp->rcpt));
    reply(lmtp, "250 2.1.5 recipient ok");
}

void ingest_lmtp_refuse_rcpt(IngestLmtp *lmtp, const char *text)
{
    g_clear_pointer(&lmtp->rcpt, g_free);
    refuse(lmtp, text);
}

static void on_data(IngestLmtp *lmtp, const char *arguments)
{
    const char *refusal = NULL;

    if (!lmtp->is_mail_open || lmtp->is_chunked)
        refusal = "503 5.5.1 MAIL comes first, and DATA never after BDAT";
    else if (lmtp->envelope.recipients->len == 0)
        refusal = "503 5.5.1 no recipient was accepted";
    else if (lmtp->envelope.is_binary)
        refusal = "503 5.5.1 BODY=BINARYMIME needs BDAT";
    else if (*arguments != '\0')
        refusal = "501 5.5.4 DATA takes no parameters";
    if (refusal != NULL) {
        refuse(lmtp, refusal);
        return;
    }
    reply(lmtp, "354 end with CRLF.CRLF");
    lmtp->where = IN_DATA;
    lmtp->data_state = AT_LINE_START;
    lmtp->is_begun = TRUE;
    queue_event(lmtp, INGEST_LMTP_BEGIN);
}

static void on_bdat(IngestLmtp *lmtp, const char *arguments)
{
    guint64 size = 0;
    gboolean is_last = FALSE;
    const char *refusal = lmtp_command_bdat(arguments, &size, &is_last);

    if (refusal != NULL) {
        /* How many bytes follow is not known: what comes cannot be told from commands. */
        close_session(lmtp, refusal);
        return;
    }
    lmtp->where = IN_CHUNK;
    lmtp->chunk_left = size;
    lmtp->is_last_chunk = is_last;
    lmtp->is_chunked = lmtp->is_mail_open;
    if (!lmtp->is_mail_open || lmtp->envelope.recipients->len == 0) {
        lmtp->is_unwanted = TRUE;
    } else if (!lmtp->is_begun) {
        lmtp->is_begun = TRUE;
        queue_event(lmtp, INGEST_LMTP_BEGIN);
    }
}

static void on_command(IngestLmtp *lmtp)
{
    const char *arguments;

    g_strchomp(lmtp->line->str);
    switch (lmtp_command_verb(lmtp->line->str, &arguments)) {
    case LMTP_VERB_LHLO:
        on_lhlo(lmtp, arguments);
        break;
    case LMTP_VERB_HELO:
        refuse(lmtp, "500 5.5.0 Need LHLO in LMTP");
        break;
    case LMTP_VERB_STARTTLS:
        on_starttls(lmtp, arguments);
        break;
    case LMTP_VERB_MAIL:
        on_mail(lmtp, arguments);
        break;
    case LMTP_VERB_RCPT:
        on_rcpt(lmtp, arguments);
        break;
    case LMTP_VERB_DATA:
        on_data(lmtp, arguments);
        break;
    case LMTP_VERB_BDAT:
        on_bdat(lmtp, arguments);
        break;
    case LMTP_VERB_RSET:
        abandon(lmtp);
        reply(lmtp, "250 2.0.0 reset");
        break;
    case LMTP_VERB_VRFY:
        reply(lmtp, "252 2.5.0 send some mail, it will be archived");
        break;
    case LMTP_VERB_NOOP:
        reply(lmtp, "250 2.0.0 ok");
        break;
    case LMTP_VERB_HELP:
        reply(lmtp, "214 2.0.0 LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY STARTTLS QUIT (RFC 2033)");
        break;
    case LMTP_VERB_QUIT:
        abandon(lmtp);
        close_session(lmtp, "221 2.0.0 bye");
        break;
    case LMTP_VERB_UNKNOWN:
        refuse(lmtp, "500 5.5.2 command not known");
        break;
    }
}

static void take_input(IngestLmtp *lmtp, gsize len)
{
    lmtp->input += len;
    lmtp->input_len -= len;
}

/* A bare LF ends a command line too, as other servers allow; in DATA it ends nothing. */
static void read_line(IngestLmtp *lmtp)
{
    const guint8 *end = memchr(lmtp->input, '\n', lmtp->input_len);
    gsize len = end != NULL ? (gsize)(end - lmtp->input) : lmtp->input_len;
    gboolean is_too_long = lmtp->line->len + len > INGEST_LMTP_LINE_LEN_MAX;

    if (lmtp->where == IN_COMMAND && !is_too_long)
        g_string_append_len(lmtp->line, (const char *)lmtp->input, (gssize)len);
    else
        lmtp->where = IN_LONG_LINE;
    take_input(lmtp, end != NULL ? len + 1 : len);
    if (end == NULL)
        return;
    if (lmtp->where == IN_LONG_LINE) {
        lmtp->where = IN_COMMAND;
        refuse(lmtp, "500 5.5.6 line too long");
    } else if (strlen(lmtp->line->str) != lmtp->line->len) {
        refuse(lmtp, "500 5.5.2 a command holds no NUL");
    } else {
        on_command(lmtp);
    }
    g_string_truncate(lmtp->line, 0);
}

/* ---- message --------------------------------------------------------------------------------- */

static void refuse_all(IngestLmtp *lmtp, const char *text)
{
    for (guint i = 0; i < lmtp->envelope.recipients->len; i++)
        reply(lmtp, text);
    abandon(lmtp);
}

static void end_message(IngestLmtp *lmtp)
{
    lmtp->where = IN_COMMAND;
    if (lmtp->is_too_large)
        refuse_all(lmtp, "552 5.3.4 the message is larger than this archive takes");
    else
        queue_event(lmtp, INGEST_LMTP_DELIVER);
}

/* Counts message bytes; FALSE when they are not to be given out. */
static gboolean count_bytes(IngestLmtp *lmtp, gsize len)
{
    lmtp->message_len += len;
    if (lmtp->options.message_len_max != 0 && lmtp->message_len > lmtp->options.message_len_max)
        lmtp->is_too_large = TRUE;
    return len > 0 && !lmtp->is_too_large && !lmtp->is_unwanted;
}

/* The longest slice of the input that goes out unchanged. What a stuffed dot or an end that was
 * none held back goes out from these constants. */
static gsize scan_data(IngestLmtp *lmtp, const guint8 **ret_bytes)
{
    static const guint8 dot_cr[] = "\r";
    gsize i = 0;

    *ret_bytes = lmtp->input;
    while (i < lmtp->input_len) {
        guint8 byte = lmtp->input[i];
        const guint8 *cr;

        switch (lmtp->data_state) {
        case AT_LINE_START:
            if (byte == '.') {
                if (i > 0) {
                    take_input(lmtp, i);
                    return i;
                }
                take_input(lmtp, 1);
                *ret_bytes = lmtp->input;
                lmtp->data_state = AFTER_DOT;
                continue;
            }
            lmtp->data_state = byte == '\r' ? AFTER_CR : IN_LINE;
            i++;
            break;
        case AFTER_DOT:
            if (byte == '\r') {
                take_input(lmtp, 1);
                *ret_bytes = lmtp->input;
                lmtp->data_state = AFTER_DOT_CR;
                continue;
            }
            lmtp->data_state = IN_LINE;
            break;
        case AFTER_DOT_CR:
            if (byte == '\n') {
                take_input(lmtp, 1);
                end_message(lmtp);
                return 0;
            }
            /* A dot and a bare CR: the dot was stuffing, the CR is the message's. */
            lmtp->data_state = AFTER_CR;
            *ret_bytes = dot_cr;
            return 1;
        case AFTER_CR:
            lmtp->data_state = byte == '\n' ? AT_LINE_START : byte == '\r' ? AFTER_CR : IN_LINE;
            i++;
            break;
        case IN_LINE:
            cr = memchr(lmtp->input + i, '\r', lmtp->input_len - i);
            i = cr != NULL ? (gsize)(cr - lmtp->input) + 1 : lmtp->input_len;
            if (cr != NULL)
                lmtp->data_state = AFTER_CR;
            break;
        }
    }
    take_input(lmtp, i);
    return i;
}

static gsize scan_chunk(IngestLmtp *lmtp, const guint8 **ret_bytes)
{
    gsize len = (gsize)MIN((guint64)lmtp->input_len, lmtp->chunk_left);

    *ret_bytes = lmtp->input;
    take_input(lmtp, len);
    lmtp->chunk_left -= len;
    return len;
}

static void end_chunk(IngestLmtp *lmtp)
{
    lmtp->where = IN_COMMAND;
    if (lmtp->is_unwanted) {
        refuse(lmtp, "503 5.5.1 no recipient was accepted");
        lmtp->is_unwanted = FALSE;
        if (lmtp->is_last_chunk)
            abandon(lmtp);
    } else if (lmtp->is_last_chunk) {
        end_message(lmtp);
    } else if (lmtp->is_too_large) {
        reply(lmtp, "552 5.3.4 the message is larger than this archive takes");
    } else {
        reply(lmtp, "250 2.0.0 chunk ok");
    }
}

static gboolean take_event(IngestLmtp *lmtp, IngestLmtpEvent *ret_event)
{
    *ret_event = lmtp->next_event;
    if (!lmtp->has_next_event)
        return FALSE;
    lmtp->has_next_event = FALSE;
    return TRUE;
}

static gsize step(IngestLmtp *lmtp, const guint8 **ret_bytes)
{
    switch (lmtp->where) {
    case IN_COMMAND:
    case IN_LONG_LINE:
        read_line(lmtp);
        return 0;
    case IN_DATA:
        return scan_data(lmtp, ret_bytes);
    case IN_CHUNK:
        return scan_chunk(lmtp, ret_bytes);
    case IN_HANDSHAKE:
    case AT_CLOSE:
        take_input(lmtp, lmtp->input_len);
        return 0;
    }
    g_assert_not_reached();
}

IngestLmtpEvent ingest_lmtp_next(IngestLmtp *lmtp, const guint8 **ret_bytes, gsize *ret_len)
{
    IngestLmtpEvent event;

    for (;;) {
        if (take_event(lmtp, &event))
            return event;
        if (lmtp->where == IN_CHUNK && lmtp->chunk_left == 0) {
            end_chunk(lmtp);
            continue;
        }
        if (lmtp->input_len == 0)
            return INGEST_LMTP_NONE;
        *ret_len = step(lmtp, ret_bytes);
        if (count_bytes(lmtp, *ret_len))
            return INGEST_LMTP_BYTES;
    }
}

/* ---- replies after DELIVER ------------------------------------------------------------------- */

void ingest_lmtp_reply_archived(IngestLmtp *lmtp, IngestArchived how, const char *archive_id)
{
    const char *words = how == INGEST_ARCHIVED_NOW ? "archived as" : "already archived as";

    for (guint i = 0; i < lmtp->envelope.recipients->len; i++) {
        const char *recipient = g_ptr_array_index(lmtp->envelope.recipients, i);
        g_autofree char *text =
            g_strdup_printf("250 2.1.5 <%s> %s %s", recipient, words, archive_id);

        reply(lmtp, text);
    }
    forget_transaction(lmtp);
}

static const char *reply_of_error(VaultErrorCode code)
{
    switch (code) {
    case VAULT_ERROR_BUSY:
        return "452 4.3.1 the archive is busy, try again";
    case VAULT_ERROR_NO_SPACE:
        return "452 4.3.1 the archive's disk is full, try again later";
    case VAULT_ERROR_TOO_LARGE:
        return "552 5.3.4 the message is larger than this archive takes";
    case VAULT_ERROR_NO_KEY:
        return "451 4.3.5 the archive lacks a key, try again later";
    case VAULT_ERROR_NOT_FOUND:
    case VAULT_ERROR_IO:
    case VAULT_ERROR_MALFORMED:
    case VAULT_ERROR_CORRUPT:
    case VAULT_ERROR_ERASED:
    case VAULT_ERROR_REFUSED:
    case VAULT_ERROR_UNSUPPORTED:
        return "451 4.3.0 the archive could not store it, try again later";
    }
    return "451 4.3.0 the archive could not store it, try again later";
}

void ingest_lmtp_reply_error(IngestLmtp *lmtp, const GError *failure)
{
    const char *text = failure->domain == VAULT_ERROR
                           ? reply_of_error((VaultErrorCode)failure->code)
                           : "451 4.3.0 the archive could not store it, try again later";

    for (guint i = 0; i < lmtp->envelope.recipients->len; i++)
        reply(lmtp, text);
    forget_transaction(lmtp);
}

void ingest_lmtp_reply_closing(IngestLmtp *lmtp, const char *text)
{
    close_session(lmtp, text);
}
