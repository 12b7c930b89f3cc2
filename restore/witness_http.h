/* As much of HTTP/1.1 as a witness needs, on the server's side: one request, one answer, and the
 * connection ends. A pure parser on all bytes that have come so far.
 *
 *     MORE ──(more bytes)──> MORE ──> DONE: head_len + body_len bytes are the request
 *                              └────> REFUSED: answer `status` and end
 *
 * Strict: lines end with CR LF, no folded lines, a length once at most, no transfer codings. More
 * bytes never change what is DONE or REFUSED. Source: RFC 9112; docs/formats/witness.md.
 */
#pragma once

#include <glib.h>

#define WITNESS_HTTP_HEAD_LEN_MAX 8192
#define WITNESS_HTTP_BODY_LEN_MAX (64 * 1024)
#define WITNESS_HTTP_TARGET_LEN_MAX 255

typedef enum { WITNESS_HTTP_MORE, WITNESS_HTTP_DONE, WITNESS_HTTP_REFUSED } WitnessHttpProgress;

typedef enum { WITNESS_HTTP_GET, WITNESS_HTTP_POST, WITNESS_HTTP_OTHER } WitnessHttpMethod;

typedef struct {
    WitnessHttpMethod method;
    char target[WITNESS_HTTP_TARGET_LEN_MAX + 1];
    gsize head_len;
    gsize body_len;
    guint status; /* when refused */
} WitnessHttpRequest;

WitnessHttpProgress witness_http_parse(const char *bytes, gsize len,
                                       WitnessHttpRequest *ret_request);

/* The whole answer: status line, head, body; "Connection: close". */
GString *witness_http_answer(guint status, const char *content_type, const char *body);
