/* A session of a vault that is not there, asked request by request. */
#pragma once

#include "restore/serve.h"
#include "tests/support/fake_view.h"
#include "vault/base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline guint8 ask(ServeSession *session, guint8 type, const GByteArray *payload,
                         GByteArray *answer, ServeNext next)
{
    assert_int_equal(serve_session_answer(session, type, payload, answer), next);
    assert_int_equal(answer->len - SERVE_FRAME_HEADER_LEN,
                     (guint)answer->data[0] << 24 | (guint)answer->data[1] << 16 |
                         (guint)answer->data[2] << 8 | answer->data[3]);
    return answer->data[4];
}

static inline VaultErrorCode error_code(const GByteArray *answer)
{
    g_autoptr(GError) error = NULL;

    serve_error_set(answer->data + SERVE_FRAME_HEADER_LEN, answer->len - SERVE_FRAME_HEADER_LEN,
                    &error);
    assert_int_equal(error->domain, VAULT_ERROR);
    return (VaultErrorCode)error->code;
}

static inline void greet_and_present(ServeSession *session, GByteArray *answer)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    serve_hello_append(payload, SERVE_VERSION);
    assert_int_equal(ask(session, SERVE_HELLO, payload, answer, SERVE_GO_ON),
                     SERVE_HELLO | SERVE_ANSWER);
    g_byte_array_set_size(payload, 0);
    serve_grant_append(payload, SERVE_GRANT_MORE, (const guint8 *)"go", 2);
    assert_int_equal(ask(session, SERVE_GRANT, payload, answer, SERVE_GO_ON),
                     SERVE_GRANT | SERVE_ANSWER);
    g_byte_array_set_size(payload, 0);
    serve_grant_append(payload, SERVE_GRANT_LAST, (const guint8 *)"od one", 6);
    assert_int_equal(ask(session, SERVE_GRANT, payload, answer, SERVE_GO_ON),
                     SERVE_GRANT | SERVE_ANSWER);
}

/* Requests as they are in a session that may make them; of an unknown type, empty. */
static inline void append_request(GByteArray *payload, guint8 type)
{
    ServeList list = {.filter = {.to_s = 2000}, .max = 10};
    ServeRead read = {.record_id = fake_id('c', 1), .len = 10};
    ServeMonths months = {.max = 10};
    ServeListTerms terms = {.filter = {.to_s = 2000}, .max = 10};
    RecordId copy = fake_id('c', 1);
    VaultHash hash = {{3, 4, 5}};
    ProofBatchId id = {.epoch = 1, .index = 13};

    if (type == SERVE_LIST)
        serve_list_append(payload, &list);
    else if (type == SERVE_MONTHS)
        serve_months_append(payload, &months);
    else if (type == SERVE_LIST_TERMS)
        serve_list_terms_append(payload, &terms);
    else if (type == SERVE_READ_TERMS)
        serve_read_terms_append(payload, &copy, 1);
    else if (type == SERVE_RELEASE || type == SERVE_RELEASE_TERMS)
        serve_release_append(payload, &copy, 1);
    else if (type == SERVE_READ)
        serve_read_append(payload, &read);
    else if (type == SERVE_LOG)
        serve_log_append(payload, VAULT_LOGGED_RESTORE_BEGUN, "copies: 1\n");
    else if (type == SERVE_PROVE)
        serve_prove_append(payload, &hash);
    else if (type == SERVE_BATCHES)
        serve_batches_append(payload, &id, 1);
}
