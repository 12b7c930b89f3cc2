#include "ingest/lmtp.h"

#include "ingest/lmtp_machine.h"
#include "ingest/lmtp_reply.h"
#include "ingest/lmtp_verbs.h"
#include "vault/crypto/keys.h"

#include <string.h>

/* ---- life ------------------------------------------------------------------------------------ */

IngestLmtp *ingest_lmtp_new(const IngestLmtpOptions *options)
{
    IngestLmtp *lmtp = g_new0(IngestLmtp, 1);

    lmtp->host_name = g_strdup(options->host_name);
    lmtp->options = *options;
    /* Large enough from the start: growing would leave what it held behind. */
    lmtp->line = g_string_sized_new(INGEST_LMTP_LINE_LEN_MAX + 2);
    lmtp->output = g_byte_array_new();
    lmtp->envelope.recipients = g_ptr_array_new_with_free_func(lmtp_machine_free_address);
    lmtp_reply_append_greeting(lmtp->output, lmtp->host_name);
    return lmtp;
}

static void wipe_line(IngestLmtp *lmtp)
{
    vault_wipe(lmtp->line->str, lmtp->line->len);
    g_string_truncate(lmtp->line, 0);
}

void ingest_lmtp_free(IngestLmtp *lmtp)
{
    if (lmtp == NULL)
        return;
    lmtp_machine_forget_transaction(lmtp);
    wipe_line(lmtp);
    vault_wipe(lmtp->output->data, lmtp->output->len);
    g_ptr_array_unref(lmtp->envelope.recipients);
    g_string_free(lmtp->line, TRUE);
    g_byte_array_unref(lmtp->output);
    g_free(lmtp->host_name);
    g_free(lmtp);
}

void ingest_lmtp_feed(IngestLmtp *lmtp, const guint8 *bytes, gsize len)
{
    g_assert(lmtp->input_len == 0);
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
    g_assert(lmtp->where == IN_HANDSHAKE);
    lmtp->input_len = 0;
    lmtp->is_greeted = FALSE;
    lmtp->is_secured = lmtp->envelope.is_secured = TRUE;
    lmtp->where = IN_COMMAND;
}

/* ---- input ----------------------------------------------------------------------------------- */

static void take_input(IngestLmtp *lmtp, gsize len)
{
    lmtp->input += len;
    lmtp->input_len -= len;
}

static void end_line(IngestLmtp *lmtp)
{
    GString *line = lmtp->line;

    if (line->len > 0 && line->str[line->len - 1] == '\r')
        g_string_truncate(line, line->len - 1);
    if (lmtp->where == IN_LONG_LINE || line->len > INGEST_LMTP_LINE_LEN_MAX) {
        lmtp->where = IN_COMMAND;
        lmtp_machine_refuse(lmtp, "500 5.5.6 line too long");
    } else if (strlen(line->str) != line->len) {
        lmtp_machine_refuse(lmtp, "500 5.5.2 a command holds no NUL");
    } else {
        lmtp_verbs_run(lmtp, g_strchomp(line->str));
    }
    wipe_line(lmtp);
}

/* A bare LF ends a command line too, as other servers allow; in DATA it ends nothing. */
static void read_line(IngestLmtp *lmtp)
{
    const guint8 *end = memchr(lmtp->input, '\n', lmtp->input_len);
    gsize len = end != NULL ? (gsize)(end - lmtp->input) : lmtp->input_len;

    /* One byte of room for the CR. */
    if (lmtp->where == IN_COMMAND && lmtp->line->len + len <= INGEST_LMTP_LINE_LEN_MAX + 1)
        g_string_append_len(lmtp->line, (const char *)lmtp->input, (gssize)len);
    else
        lmtp->where = IN_LONG_LINE;
    take_input(lmtp, end != NULL ? len + 1 : len);
    if (end != NULL)
        end_line(lmtp);
}

static void end_message(IngestLmtp *lmtp)
{
    lmtp->where = IN_COMMAND;
    if (lmtp->is_too_large) {
        lmtp_reply_append_to_all(lmtp->output, lmtp->envelope.recipients, LMTP_REPLY_TOO_LARGE);
        lmtp_machine_abandon(lmtp);
        return;
    }
    lmtp->is_begun = FALSE;
    lmtp_machine_queue(lmtp, INGEST_LMTP_DELIVER);
}

static gsize read_data(IngestLmtp *lmtp, const guint8 **ret_bytes)
{
    LmtpDataSlice slice = lmtp_data_scan(&lmtp->data_state, lmtp->input, lmtp->input_len);

    *ret_bytes = slice.bytes;
    take_input(lmtp, slice.used_len);
    if (slice.is_end)
        end_message(lmtp);
    return slice.len;
}

static gsize read_chunk(IngestLmtp *lmtp, const guint8 **ret_bytes)
{
    gsize len = (gsize)MIN((guint64)lmtp->input_len, lmtp->chunk_left);

    *ret_bytes = lmtp->input;
    take_input(lmtp, len);
    lmtp->chunk_left -= len;
    return len;
}

/* A chunk that nobody wanted ends the transaction with the last one only: pipelined chunks behind
 * it are refused alike (RFC 3030 section 2). */
static void end_chunk(IngestLmtp *lmtp)
{
    lmtp->where = IN_COMMAND;
    if (lmtp->is_unwanted) {
        lmtp->is_unwanted = FALSE;
        if (lmtp->is_last_chunk)
            lmtp_machine_abandon(lmtp);
        lmtp_machine_refuse(lmtp, "503 5.5.1 no recipient was accepted");
    } else if (lmtp->is_last_chunk) {
        end_message(lmtp);
    } else if (lmtp->is_too_large) {
        lmtp_machine_reply(lmtp, LMTP_REPLY_TOO_LARGE);
    } else {
        lmtp_machine_reply(lmtp, "250 2.0.0 chunk ok");
    }
}

/* Message bytes of this step, if any. */
static gsize step(IngestLmtp *lmtp, const guint8 **ret_bytes)
{
    switch (lmtp->where) {
    case IN_COMMAND:
    case IN_LONG_LINE:
        read_line(lmtp);
        return 0;
    case IN_DATA:
        return read_data(lmtp, ret_bytes);
    case IN_CHUNK:
        return read_chunk(lmtp, ret_bytes);
    case IN_HANDSHAKE:
    case AT_CLOSE:
        take_input(lmtp, lmtp->input_len);
        return 0;
    }
    g_assert_not_reached();
}

/* Counts message bytes; FALSE when they are not to be given out. */
static gboolean count_bytes(IngestLmtp *lmtp, gsize len)
{
    guint64 len_max = lmtp->options.message_len_max;

    if (len == 0 || lmtp->is_unwanted)
        return FALSE;
    lmtp->message_len += len;
    if (len_max != 0 && lmtp->message_len > len_max) {
        lmtp->is_too_large = TRUE;
        lmtp_machine_drop_message(lmtp);
    }
    return !lmtp->is_too_large;
}

static IngestLmtpEvent take_event(IngestLmtp *lmtp)
{
    IngestLmtpEvent event = lmtp->events[0];

    lmtp->events[0] = lmtp->events[1];
    lmtp->event_count--;
    return event;
}

IngestLmtpEvent ingest_lmtp_next(IngestLmtp *lmtp, const guint8 **ret_bytes, gsize *ret_len)
{
    for (;;) {
        if (lmtp->event_count > 0)
            return take_event(lmtp);
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

/* ---- answers --------------------------------------------------------------------------------- */

void ingest_lmtp_accept_rcpt(IngestLmtp *lmtp)
{
    g_assert(lmtp->rcpt != NULL);
    lmtp->recipients_len += strlen(lmtp->rcpt) + 1;
    g_ptr_array_add(lmtp->envelope.recipients, g_steal_pointer(&lmtp->rcpt));
    lmtp_machine_reply(lmtp, "250 2.1.5 recipient ok");
}

void ingest_lmtp_refuse_rcpt(IngestLmtp *lmtp, const char *text)
{
    g_assert(lmtp->rcpt != NULL);
    g_clear_pointer(&lmtp->rcpt, lmtp_machine_free_address);
    lmtp_machine_reply(lmtp, text);
}

void ingest_lmtp_reply_archived(IngestLmtp *lmtp, IngestArchived how, const char *archive_id)
{
    lmtp_reply_append_archived(lmtp->output, lmtp->envelope.recipients, how, archive_id);
    lmtp_machine_forget_transaction(lmtp);
    lmtp->errors = 0;
}

void ingest_lmtp_reply_error(IngestLmtp *lmtp, const GError *failure)
{
    lmtp_reply_append_to_all(lmtp->output, lmtp->envelope.recipients, lmtp_reply_of_error(failure));
    lmtp_machine_forget_transaction(lmtp);
}

void ingest_lmtp_reply_closing(IngestLmtp *lmtp, const char *text)
{
    lmtp_machine_close(lmtp, text);
}
