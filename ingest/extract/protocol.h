/* What the pool and the helper say to each other over one socket: bytes and structs, pure.
 *
 *   helper  READY version
 *   pool    request header, content type, file name, document
 *   helper  (TEXT len, bytes | BREAK)* END outcome
 *   ... and the next request, until the pool closes the socket
 *
 * The helper reads a request whole before it answers, so neither waits for the other. Each TEXT is
 * UTF-8 by itself. Both sides take the other for hostile: _parse returns FALSE for anything that
 * this page does not allow, and the connection ends. Integers are big-endian.
 * Source: docs/formats/extract.md.
 */
#pragma once

#include "ingest/extractor.h"

#define EXTRACT_PROTOCOL_VERSION 1
#define EXTRACT_DOCUMENT_LEN_MAX (64u << 20)
#define EXTRACT_TYPE_LEN_MAX 255
#define EXTRACT_NAME_LEN_MAX 1023
#define EXTRACT_TEXT_LEN_MAX (1u << 30)
#define EXTRACT_TIME_MS_MAX (3600u * 1000)

#define EXTRACT_FD 0              /* the helper's socket */
#define EXTRACT_EXIT_NO_SANDBOX 3 /* the kernel offers none, so the helper read nothing */

#define EXTRACT_REQUEST_LEN 20
typedef struct {
    guint32 document_len;
    guint32 text_len_max;
    guint32 time_ms; /* 1..MAX; the helper ends itself a little later */
    guint16 type_len, name_len;
} ExtractRequest;

void extract_request_format(const ExtractRequest *request, guint8 ret[EXTRACT_REQUEST_LEN]);
gboolean extract_request_parse(const guint8 bytes[EXTRACT_REQUEST_LEN], ExtractRequest *ret);

typedef enum {
    EXTRACT_FRAME_READY = 1, /* number: the protocol's version */
    EXTRACT_FRAME_TEXT = 2,  /* number: bytes that follow, 1..FRAME_TEXT_LEN_MAX */
    EXTRACT_FRAME_BREAK = 3, /* number: 0 */
    EXTRACT_FRAME_END = 4,   /* number: IngestExtractOutcome, never FAILED */
} ExtractFrameKind;

#define EXTRACT_FRAME_LEN 5
#define EXTRACT_FRAME_TEXT_LEN_MAX (32u << 10)
typedef struct {
    ExtractFrameKind kind;
    guint32 number;
} ExtractFrame;

void extract_frame_format(const ExtractFrame *frame, guint8 ret[EXTRACT_FRAME_LEN]);
gboolean extract_frame_parse(const guint8 bytes[EXTRACT_FRAME_LEN], ExtractFrame *ret);
