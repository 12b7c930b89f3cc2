#include "ingest/extract/protocol.h"

#include <string.h>

#define REQUEST_MAGIC 0x4d585431u /* MXT1 */

static void put_u32(guint8 *bytes, guint32 value)
{
    for (guint i = 0; i < 4; i++)
        bytes[i] = (guint8)(value >> (24 - 8 * i));
}

static guint32 get_u32(const guint8 *bytes)
{
    return (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 | (guint32)bytes[2] << 8 | bytes[3];
}

void extract_request_format(const ExtractRequest *request, guint8 ret[EXTRACT_REQUEST_LEN])
{
    put_u32(ret, REQUEST_MAGIC);
    put_u32(ret + 4, request->document_len);
    put_u32(ret + 8, request->text_len_max);
    put_u32(ret + 12, request->time_ms);
    put_u32(ret + 16, (guint32)request->type_len << 16 | request->name_len);
}

gboolean extract_request_parse(const guint8 bytes[EXTRACT_REQUEST_LEN], ExtractRequest *ret)
{
    *ret = (ExtractRequest){.document_len = get_u32(bytes + 4),
                            .text_len_max = get_u32(bytes + 8),
                            .time_ms = get_u32(bytes + 12),
                            .type_len = (guint16)(get_u32(bytes + 16) >> 16),
                            .name_len = (guint16)get_u32(bytes + 16)};
    return get_u32(bytes) == REQUEST_MAGIC && ret->document_len <= EXTRACT_DOCUMENT_LEN_MAX &&
           ret->text_len_max <= EXTRACT_TEXT_LEN_MAX && ret->time_ms > 0 &&
           ret->time_ms <= EXTRACT_TIME_MS_MAX && ret->type_len <= EXTRACT_TYPE_LEN_MAX &&
           ret->name_len <= EXTRACT_NAME_LEN_MAX;
}

void extract_frame_format(const ExtractFrame *frame, guint8 ret[EXTRACT_FRAME_LEN])
{
    ret[0] = (guint8)frame->kind;
    put_u32(ret + 1, frame->number);
}

gboolean extract_frame_parse(const guint8 bytes[EXTRACT_FRAME_LEN], ExtractFrame *ret)
{
    guint32 number = get_u32(bytes + 1);

    *ret = (ExtractFrame){.kind = (ExtractFrameKind)bytes[0], .number = number};
    switch (bytes[0]) {
    case EXTRACT_FRAME_READY:
        return number == EXTRACT_PROTOCOL_VERSION;
    case EXTRACT_FRAME_TEXT:
        return number > 0 && number <= EXTRACT_FRAME_TEXT_LEN_MAX;
    case EXTRACT_FRAME_BREAK:
        return number == 0;
    case EXTRACT_FRAME_END:
        return number < INGEST_EXTRACT_FAILED;
    default:
        return FALSE;
    }
}
