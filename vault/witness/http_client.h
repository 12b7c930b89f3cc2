/* One POST over plain HTTP, to a time-stamping authority or a witness: what they answer is signed,
 * so the way there need be no secret.
 *
 * Errors: MALFORMED (the URL; an answer that is not HTTP), UNSUPPORTED (https), IO (no connection,
 * no answer within HTTP_CLIENT_DEADLINE_S, told to stop), TOO_LARGE. Not bounded: the look-up of
 * the host's name, which is the system's. Threads: safe. Source: RFC 9112.
 */
#pragma once

#include <glib.h>

#define HTTP_CLIENT_DEADLINE_S 30
#define HTTP_CLIENT_ANSWER_LEN_MAX (256 * 1024)

typedef struct {
    guint status;
    GBytes *body; /* a NUL that is not counted follows */
} HttpAnswer;
void http_answer_clear(HttpAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HttpAnswer, http_answer_clear)

typedef struct {
    const char *url, *content_type;
    const void *body;
    gsize len;
    int stop_fd; /* gives up as soon as it can be read; -1: there is none */
} HttpPost;

/* TRUE for any status. */
gboolean http_client_post(const HttpPost *post, HttpAnswer *ret_answer, GError **error);
