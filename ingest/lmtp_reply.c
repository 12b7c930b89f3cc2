#include "ingest/lmtp_reply.h"

#include <string.h>

#define NOT_STORED "451 4.3.0 the archive could not store it, try again later"

void lmtp_reply_append(GByteArray *output, const char *text)
{
    g_byte_array_append(output, (const guint8 *)text, (guint)strlen(text));
    g_byte_array_append(output, (const guint8 *)"\r\n", 2);
}

void lmtp_reply_append_greeting(GByteArray *output, const char *host_name)
{
    g_autofree char *text = g_strdup_printf("220 %s LMTP Muniment", host_name);

    lmtp_reply_append(output, text);
}

void lmtp_reply_append_lhlo(GByteArray *output, const char *host_name, guint64 message_len_max,
                            LmtpStarttls starttls)
{
    g_autofree char *first = g_strdup_printf("250-%s", host_name);
    g_autofree char *size = message_len_max == 0
                                ? g_strdup("250-SIZE")
                                : g_strdup_printf("250-SIZE %" G_GUINT64_FORMAT, message_len_max);

    lmtp_reply_append(output, first);
    lmtp_reply_append(output, "250-PIPELINING");
    lmtp_reply_append(output, "250-ENHANCEDSTATUSCODES");
    lmtp_reply_append(output, "250-8BITMIME");
    lmtp_reply_append(output, "250-BINARYMIME");
    lmtp_reply_append(output, "250-CHUNKING");
    lmtp_reply_append(output, "250-SMTPUTF8");
    if (starttls == LMTP_STARTTLS_OFFERED)
        lmtp_reply_append(output, "250-STARTTLS");
    lmtp_reply_append(output, size);
    lmtp_reply_append(output, "250 HELP");
}

void lmtp_reply_append_to_all(GByteArray *output, const GPtrArray *recipients, const char *text)
{
    for (guint i = 0; i < recipients->len; i++)
        lmtp_reply_append(output, text);
}

void lmtp_reply_append_archived(GByteArray *output, const GPtrArray *recipients, IngestArchived how,
                                const char *archive_id)
{
    const char *words = how == INGEST_ARCHIVED_NOW ? "archived as" : "already archived as";

    for (guint i = 0; i < recipients->len; i++) {
        const char *recipient = g_ptr_array_index(recipients, i);
        g_autofree char *text =
            g_strdup_printf("250 2.1.5 <%s> %s %s", recipient, words, archive_id);

        lmtp_reply_append(output, text);
    }
}

static const char *reply_of_code(VaultErrorCode code)
{
    switch (code) {
    case VAULT_ERROR_BUSY:
        return "452 4.3.1 the archive is busy, try again";
    case VAULT_ERROR_NO_SPACE:
        return "452 4.3.1 the archive's disk is full, try again later";
    case VAULT_ERROR_TOO_LARGE:
        return "452 4.5.3 too many recipients, send fewer at a time";
    case VAULT_ERROR_NO_KEY:
        return "451 4.3.5 the archive lacks a key, try again later";
    case VAULT_ERROR_NOT_FOUND:
    case VAULT_ERROR_IO:
    case VAULT_ERROR_MALFORMED:
    case VAULT_ERROR_CORRUPT:
    case VAULT_ERROR_ERASED:
    case VAULT_ERROR_REFUSED:
    case VAULT_ERROR_UNSUPPORTED:
        return NOT_STORED;
    }
    return NOT_STORED;
}

const char *lmtp_reply_of_error(const GError *failure)
{
    return failure->domain == VAULT_ERROR ? reply_of_code((VaultErrorCode)failure->code)
                                          : NOT_STORED;
}
