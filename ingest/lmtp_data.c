#include "ingest/lmtp_data.h"

#include <string.h>

/* How many bytes go out as they are: up to a dot that begins a line. */
static gsize plain_len(LmtpDataState *state, const guint8 *bytes, gsize len)
{
    const guint8 *at = bytes, *end = bytes + len;

    while (at < end && !(*state == LMTP_DATA_LINE_START && *at == '.')) {
        if (*state == LMTP_DATA_IN_LINE) {
            at = memchr(at, '\r', (gsize)(end - at));
            if (at == NULL)
                return len;
        }
        if (*at == '\r')
            *state = LMTP_DATA_AFTER_CR;
        else
            *state = *state == LMTP_DATA_AFTER_CR && *at == '\n' ? LMTP_DATA_LINE_START
                                                                 : LMTP_DATA_IN_LINE;
        at++;
    }
    return (gsize)(at - bytes);
}

static LmtpDataSlice plain_slice(LmtpDataState *state, const guint8 *bytes, gsize len)
{
    gsize plain = plain_len(state, bytes, len);

    return (LmtpDataSlice){.bytes = bytes, .len = plain, .used_len = plain};
}

LmtpDataSlice lmtp_data_scan(LmtpDataState *state, const guint8 *bytes, gsize len)
{
    switch (*state) {
    case LMTP_DATA_LINE_START:
        if (bytes[0] != '.')
            return plain_slice(state, bytes, len);
        *state = LMTP_DATA_AFTER_DOT;
        return (LmtpDataSlice){.bytes = bytes, .used_len = 1};
    case LMTP_DATA_AFTER_DOT:
        if (bytes[0] != '\r') {
            *state = LMTP_DATA_IN_LINE;
            return plain_slice(state, bytes, len);
        }
        *state = LMTP_DATA_AFTER_DOT_CR;
        return (LmtpDataSlice){.bytes = bytes, .used_len = 1};
    case LMTP_DATA_AFTER_DOT_CR:
        if (bytes[0] == '\n') {
            *state = LMTP_DATA_LINE_START;
            return (LmtpDataSlice){.bytes = bytes, .used_len = 1, .is_end = TRUE};
        }
        /* The CR may have come with an earlier input, which is gone. */
        *state = LMTP_DATA_AFTER_CR;
        return (LmtpDataSlice){.bytes = (const guint8 *)"\r", .len = 1};
    case LMTP_DATA_AFTER_CR:
    case LMTP_DATA_IN_LINE:
        return plain_slice(state, bytes, len);
    }
    g_assert_not_reached();
}
