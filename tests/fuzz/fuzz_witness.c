/* Requests to a witness: the HTTP head never says more than was sent, more bytes never change what
 * was decided, and a body that parses is formatted again to the very same bytes. */
#include "restore/witness_http.h"
#include "vault/witness/witness_request.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void try_prefixes(const char *bytes, gsize len, WitnessHttpProgress last)
{
    WitnessHttpRequest request;

    for (gsize prefix = 0; prefix < len; prefix += 1 + len / 64) {
        WitnessHttpProgress progress = witness_http_parse(bytes, prefix, &request);

        g_assert(progress == WITNESS_HTTP_MORE || progress == last);
        g_assert(progress != WITNESS_HTTP_DONE || request.head_len + request.body_len <= prefix);
    }
}

static void try_body(const char *bytes, gsize len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(WitnessRequest) request = witness_request_parse(bytes, len, &error);
    g_autofree char *note = NULL;
    g_autofree char *again = NULL;

    g_assert((request == NULL) == (error != NULL));
    if (request == NULL)
        return;
    note = vault_note_format(request->note);
    again = witness_request_format(request->old_size, &request->proof, note);
    g_assert(strlen(again) == len && memcmp(again, bytes, len) == 0);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *bytes = (const char *)data;
    WitnessHttpRequest request;
    WitnessHttpProgress progress;

    vault_crypto_init();
    progress = witness_http_parse(bytes, size, &request);
    try_prefixes(bytes, size, progress);
    if (progress == WITNESS_HTTP_DONE) {
        g_assert(request.head_len + request.body_len <= size && request.target[0] == '/');
        try_body(bytes + request.head_len, request.body_len);
    } else if (progress == WITNESS_HTTP_REFUSED) {
        g_assert(request.status >= 400);
    }
    try_body(bytes, size);
    return 0;
}
