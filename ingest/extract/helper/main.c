/* muniment-extract: documents in, text out, over the socket that it was started with as descriptor
 * 0. Not for people: archived and muniment import start it. */
#include "ingest/extract/helper/sandbox.h"
#include "ingest/extract/helper/serve.h"
#include "ingest/extract/helper/warm_up.h"
#include "ingest/extract/protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static gboolean is_socket(int fd)
{
    int type;
    socklen_t len = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 || !is_socket(EXTRACT_FD)) {
        fputs("muniment-extract is started by archived and muniment; it does nothing by itself\n",
              stderr);
        return 2;
    }
    extract_warm_up();
    if (!extract_sandbox_enter(EXTRACT_FD))
        return EXTRACT_EXIT_NO_SANDBOX;
    return extract_serve(EXTRACT_FD, extract_document) ? EXIT_SUCCESS : EXIT_FAILURE;
}
