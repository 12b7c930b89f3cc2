#include "restore/serve.h"

#include "restore/vault_view_backend.h"
#include "vault/base/bytes.h"
#include "vault/base/file.h"

struct ServeSession {
    VaultView *view;
    char *warning;
    GByteArray *grant; /* as far as it came */
    gboolean is_greeted, is_granted;
    guint16 version; /* spoken, once greeted */
};

ServeSession *serve_session_new(VaultView *view, const char *warning)
{
    ServeSession *session = g_new0(ServeSession, 1);

    session->view = view;
    session->warning = g_strdup(warning == NULL ? "" : warning);
    session->grant = g_byte_array_new();
    return session;
}

void serve_session_free(ServeSession *session)
{
    if (session == NULL)
        return;
    g_byte_array_unref(session->grant);
    g_free(session->warning);
    g_free(session);
}

/* Of a request that has the wrong form or comes at the wrong time: the session ends. */
static gboolean set_malformed(GError **error, const char *what)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, what);
    return FALSE;
}

/* ---- requests: append the answer's payload, or fail ------------------------------------------ */

static gboolean hello(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                      GError **error)
{
    g_auto(ServeHello) said = {.masters = NULL};
    guint16 version;

    if (!serve_hello_parse(payload->data, payload->len, &version, error))
        return FALSE;
    if (version < SERVE_VERSION_MIN) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "version %u of the protocol is not spoken here, only %d to %d", version,
                    SERVE_VERSION_MIN, SERVE_VERSION);
        return FALSE;
    }
    said.masters = vault_view_masters(session->view, error);
    if (said.masters == NULL)
        return FALSE;
    said.version = MIN(version, SERVE_VERSION);
    said.vault_id = *vault_view_id(session->view);
    said.warning = g_strdup(session->warning);
    session->version = said.version;
    session->is_greeted = TRUE;
    serve_hello_answer_append(answer, &said);
    return TRUE;
}

static gboolean grant(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                      GError **error)
{
    g_autoptr(GBytes) text = NULL;
    const guint8 *bytes;
    ServeGrantPart part;
    gsize len;

    if (session->is_granted)
        return set_malformed(error, "one grant a session");
    if (!serve_grant_parse(payload->data, payload->len, &part, &bytes, &len, error))
        return FALSE;
    if (len > SERVE_GRANT_LEN_MAX - session->grant->len) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "a grant of over %u bytes is not taken: ask for fewer mailboxes at once",
                    SERVE_GRANT_LEN_MAX);
        return FALSE;
    }
    g_byte_array_append(session->grant, bytes, (guint)len);
    if (part == SERVE_GRANT_MORE)
        return TRUE;
    text = g_byte_array_free_to_bytes(session->grant);
    session->grant = g_byte_array_new();
    session->is_granted = vault_view_present(session->view, text, error);
    return session->is_granted;
}

static gboolean list(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                     GError **error)
{
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    ServeList asked;

    if (!serve_list_parse(payload->data, payload->len, &asked, error) ||
        !vault_view_list(session->view, &asked.filter, &asked.position, asked.max, page, error))
        return FALSE;
    serve_list_answer_append(answer, page);
    return TRUE;
}

static gboolean months(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                       GError **error)
{
    g_autoptr(GPtrArray) page =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_keys_free);
    ServeMonths asked;

    if (!serve_months_parse(payload->data, payload->len, &asked, error) ||
        !vault_view_months_page(session->view, &asked.position, asked.max, page, error))
        return FALSE;
    serve_months_answer_append(answer, page);
    return TRUE;
}

static gboolean release(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                        GError **error)
{
    g_autoptr(GBytes) sealed = NULL;
    const RecordId *ids;
    gsize count;

    if (!serve_release_parse(payload->data, payload->len, &ids, &count, error))
        return FALSE;
    sealed = vault_view_release(session->view, ids, count, error);
    if (sealed == NULL)
        return FALSE;
    g_byte_array_append(answer, g_bytes_get_data(sealed, NULL), (guint)g_bytes_get_size(sealed));
    return TRUE;
}

static gboolean log_act(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                        GError **error)
{
    g_autofree char *text = NULL;
    VaultLoggedAct act;

    return serve_log_parse(payload->data, payload->len, &act, &text, error) &&
           vault_view_log(session->view, act, text, error);
}

static gboolean read_record(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                            GError **error)
{
    VaultRecordSource records = vault_view_records(session->view);
    ServeRead asked;
    guint64 len, left;
    guint start;

    if (!serve_read_parse(payload->data, payload->len, &asked, error) ||
        !records.length(records.user, &asked.record_id, &len, error))
        return FALSE;
    left = len > asked.offset ? len - asked.offset : 0;
    vault_bytes_append_u64(answer, len);
    start = answer->len;
    g_byte_array_set_size(answer, start + (guint)MIN(left, asked.len));
    return answer->len == start || records.read(records.user, &asked.record_id, asked.offset,
                                                answer->len - start, answer->data + start, error);
}

static gboolean prove(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                      GError **error)
{
    ProofMessage message = {0};
    ProofSource proofs;
    VaultHash hash;

    if (!serve_prove_parse(payload->data, payload->len, &hash, error) ||
        !vault_view_proofs(session->view, &proofs, error) ||
        !proofs.find(proofs.user, &hash, &message, error))
        return FALSE;
    serve_prove_answer_append(answer, &message);
    return TRUE;
}

static gboolean prove_batches(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                              GError **error)
{
    ProofBatchId ids[PROOF_BATCHES_MAX];
    g_autoptr(GPtrArray) batches = NULL;
    ProofSource proofs;
    gsize count;

    if (!serve_batches_parse(payload->data, payload->len, ids, &count, error) ||
        !vault_view_proofs(session->view, &proofs, error))
        return FALSE;
    batches = proofs.batches(proofs.user, ids, count, error);
    if (batches == NULL)
        return FALSE;
    serve_batches_answer_append(answer, batches);
    return TRUE;
}

/* ---- terms ----------------------------------------------------------------------------------- */

static gboolean list_terms(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                           GError **error)
{
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    ServeListTerms asked;
    gboolean is_more;

    if (!serve_list_terms_parse(payload->data, payload->len, &asked, error) ||
        !vault_view_list_terms(session->view, &asked.filter, &asked.position, asked.max, page,
                               &is_more, error))
        return FALSE;
    serve_list_terms_answer_append(answer, page, &asked.position, is_more);
    return TRUE;
}

static gboolean append_sealed(GBytes *taken, GByteArray *answer)
{
    g_autoptr(GBytes) sealed = taken;

    if (sealed != NULL)
        g_byte_array_append(answer, g_bytes_get_data(sealed, NULL),
                            (guint)g_bytes_get_size(sealed));
    return sealed != NULL;
}

static gboolean release_terms(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                              GError **error)
{
    const RecordId *ids;
    gsize count;

    return serve_release_parse(payload->data, payload->len, &ids, &count, error) &&
           append_sealed(vault_view_release_terms(session->view, ids, count, error), answer);
}

static gboolean read_terms(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                           GError **error)
{
    GBytes *records[VAULT_VIEW_READ_COUNT_MAX] = {NULL};
    const RecordId *ids;
    gboolean is_read;
    gsize count;

    if (!serve_read_terms_parse(payload->data, payload->len, &ids, &count, error))
        return FALSE;
    is_read = vault_view_read_terms(session->view, ids, count, records, error);
    if (is_read)
        serve_read_terms_answer_append(answer, records, count);
    for (gsize i = 0; i < count; i++)
        g_clear_pointer(&records[i], g_bytes_unref);
    return is_read;
}

static gboolean case_key(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                         GError **error)
{
    if (payload->len > 0)
        return set_malformed(error, "a case key is asked for without anything");
    return append_sealed(vault_view_case_key(session->view, error), answer);
}

/* What must have happened before. */
typedef enum { NEEDS_NOTHING, NEEDS_HELLO, NEEDS_GRANT } Needs;

static const struct {
    ServeType type;
    Needs needs;
    guint16 since; /* version */
    gboolean (*run)(ServeSession *session, const GByteArray *payload, GByteArray *answer,
                    GError **error);
} requests[] = {{SERVE_HELLO, NEEDS_NOTHING, 1, hello},
                {SERVE_GRANT, NEEDS_HELLO, 1, grant},
                {SERVE_LIST, NEEDS_GRANT, 1, list},
                {SERVE_RELEASE, NEEDS_GRANT, 1, release},
                {SERVE_READ, NEEDS_GRANT, 1, read_record},
                {SERVE_LOG, NEEDS_GRANT, 1, log_act},
                {SERVE_PROVE, NEEDS_GRANT, 1, prove},
                {SERVE_BATCHES, NEEDS_GRANT, 1, prove_batches},
                {SERVE_MONTHS, NEEDS_GRANT, 1, months},
                {SERVE_LIST_TERMS, NEEDS_GRANT, SERVE_VERSION_TERMS, list_terms},
                {SERVE_RELEASE_TERMS, NEEDS_GRANT, SERVE_VERSION_TERMS, release_terms},
                {SERVE_READ_TERMS, NEEDS_GRANT, SERVE_VERSION_TERMS, read_terms},
                {SERVE_CASE_KEY, NEEDS_GRANT, SERVE_VERSION_TERMS, case_key}};

static gboolean run_request(ServeSession *session, guint8 type, const GByteArray *payload,
                            GByteArray *answer, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
        if (requests[i].type != type)
            continue;
        if (requests[i].needs >= NEEDS_HELLO && !session->is_greeted)
            return set_malformed(error, "greet first");
        if (requests[i].needs >= NEEDS_GRANT && !session->is_granted)
            return set_malformed(error, "present a grant first");
        if (requests[i].needs >= NEEDS_HELLO && session->version < requests[i].since)
            return set_malformed(error, "there is no such request in the version that is spoken");
        return requests[i].run(session, payload, answer, error);
    }
    return set_malformed(error, "there is no such request");
}

/* What cannot go on: a broken protocol, and whatever kept the session from getting its grant. */
static gboolean ends_session(const ServeSession *session, const GError *failure)
{
    return !session->is_granted || g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_MALFORMED);
}

ServeNext serve_session_answer(ServeSession *session, guint8 type, const GByteArray *payload,
                               GByteArray *answer)
{
    g_autoptr(GError) failure = NULL;

    serve_output_begin(answer);
    if (run_request(session, type, payload, answer, &failure)) {
        serve_output_end(answer, type | SERVE_ANSWER);
        return SERVE_GO_ON;
    }
    serve_output_begin(answer);
    serve_error_append(answer, failure);
    serve_output_end(answer, SERVE_ERROR);
    return ends_session(session, failure) ? SERVE_OVER : SERVE_GO_ON;
}

gboolean serve_run(VaultView *view, const char *warning, int in_fd, int out_fd, GError **error)
{
    g_autoptr(ServeSession) session = serve_session_new(view, warning);
    g_autofree ServeInput *input = g_new0(ServeInput, 1);
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GByteArray) answer = g_byte_array_new();

    input->fd = in_fd;
    for (;;) {
        guint8 type;
        ServeNext next;

        switch (serve_input_next(input, &type, payload, error)) {
        case SERVE_INPUT_END:
            return vault_view_close(view, error);
        case SERVE_INPUT_FAILED:
            return FALSE;
        case SERVE_INPUT_FRAME:
            break;
        }
        next = serve_session_answer(session, type, payload, answer);
        if (!vault_file_write_all(out_fd, answer->data, answer->len, "the connection", error))
            return FALSE;
        if (next == SERVE_OVER)
            return vault_view_close(view, error);
    }
}
