/* Both sides' parsers: what is taken is written again to the same bytes. */
#include "ingest/extract/protocol.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    guint8 request_bytes[EXTRACT_REQUEST_LEN], frame_bytes[EXTRACT_FRAME_LEN];
    ExtractRequest request;
    ExtractFrame frame;

    if (size >= EXTRACT_REQUEST_LEN && extract_request_parse(data, &request)) {
        extract_request_format(&request, request_bytes);
        g_assert(memcmp(request_bytes, data, EXTRACT_REQUEST_LEN) == 0);
        g_assert(request.document_len <= EXTRACT_DOCUMENT_LEN_MAX);
    }
    if (size >= EXTRACT_FRAME_LEN && extract_frame_parse(data, &frame)) {
        extract_frame_format(&frame, frame_bytes);
        g_assert(memcmp(frame_bytes, data, EXTRACT_FRAME_LEN) == 0);
        g_assert(frame.kind != EXTRACT_FRAME_TEXT || frame.number <= EXTRACT_FRAME_TEXT_LEN_MAX);
    }
    return 0;
}
