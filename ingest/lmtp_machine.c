#include "ingest/lmtp_machine.h"

#include "ingest/lmtp_reply.h"
#include "vault/crypto/keys.h"

#include <string.h>

void lmtp_machine_reply(IngestLmtp *lmtp, const char *text)
{
    lmtp_reply_append(lmtp->output, text);
}

void lmtp_machine_queue(IngestLmtp *lmtp, IngestLmtpEvent event)
{
    g_assert(lmtp->event_count < EVENTS_WAITING_MAX);
    lmtp->events[lmtp->event_count++] = event;
}

void lmtp_machine_free_address(gpointer address)
{
    if (address == NULL)
        return;
    vault_wipe(address, strlen(address));
    g_free(address);
}

void lmtp_machine_forget_transaction(IngestLmtp *lmtp)
{
    lmtp->is_mail_open = FALSE;
    lmtp->is_begun = lmtp->is_too_large = lmtp->is_unwanted = FALSE;
    lmtp->is_chunked = lmtp->is_last_chunk = FALSE;
    lmtp->message_len = lmtp->chunk_left = 0;
    lmtp->recipients_len = 0;
    g_clear_pointer(&lmtp->sender, lmtp_machine_free_address);
    g_clear_pointer(&lmtp->rcpt, lmtp_machine_free_address);
    g_ptr_array_set_size(lmtp->envelope.recipients, 0);
    lmtp->envelope.sender = NULL;
    lmtp->envelope.declared_len = 0;
    lmtp->envelope.is_binary = lmtp->envelope.is_smtputf8 = FALSE;
}

void lmtp_machine_drop_message(IngestLmtp *lmtp)
{
    if (lmtp->is_begun)
        lmtp_machine_queue(lmtp, INGEST_LMTP_ABANDON);
    lmtp->is_begun = FALSE;
}

void lmtp_machine_abandon(IngestLmtp *lmtp)
{
    lmtp_machine_drop_message(lmtp);
    lmtp_machine_forget_transaction(lmtp);
}

void lmtp_machine_close(IngestLmtp *lmtp, const char *text)
{
    if (lmtp->where == AT_CLOSE)
        return;
    lmtp_machine_abandon(lmtp);
    lmtp_machine_reply(lmtp, text);
    lmtp->where = AT_CLOSE;
    lmtp_machine_queue(lmtp, INGEST_LMTP_QUIT);
}

void lmtp_machine_refuse(IngestLmtp *lmtp, const char *text)
{
    lmtp_machine_reply(lmtp, text);
    if (++lmtp->errors >= INGEST_LMTP_ERRORS_MAX)
        lmtp_machine_close(lmtp, "421 4.7.0 too many errors");
}
