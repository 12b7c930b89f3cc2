/* Frames on descriptors, blocking. Memory: one frame and a small buffer. Errors: IO, MALFORMED.
 * Threads: one reader per input; writers of a descriptor take turns by their own lock. */
#pragma once

#include "restore/serve_frame.h"

#define SERVE_INPUT_BUFFER_LEN 65536

typedef struct {
    int fd; /* borrowed */
    gsize at, len;
    guint8 buffer[SERVE_INPUT_BUFFER_LEN];
} ServeInput;

typedef enum {
    SERVE_INPUT_FRAME,
    SERVE_INPUT_END, /* closed between two frames */
    SERVE_INPUT_FAILED,
} ServeInputResult;
/* `payload` is replaced. */
ServeInputResult serve_input_next(ServeInput *input, guint8 *ret_type, GByteArray *payload,
                                  GError **error);

/* A frame under way: begin, append the payload behind what is there, end. */
void serve_output_begin(GByteArray *frame);
void serve_output_end(GByteArray *frame, guint8 type);
