/* The serve protocol from both sides. First byte odd: frames of a client, to a session of a vault
 * that is not there: each gets one well-formed frame in answer, the vault is asked for nothing
 * before its grant (the fake one asserts it), and nothing follows the end of a session. Even: the
 * second byte says which answer of a host the rest is: what is taken is what a host would write. */
#include "restore/serve.h"
#include "tests/support/fake_view.h"
#include "vault/base/bytes.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* An error has to be one that the reader's side understands. */
static void check_answer(guint8 type, const GByteArray *answer)
{
    ServeFrameHeader header;

    g_assert(answer->len >= SERVE_FRAME_HEADER_LEN);
    g_assert(serve_frame_header_parse(answer->data, &header, NULL));
    g_assert(header.len == answer->len - SERVE_FRAME_HEADER_LEN);
    g_assert(header.type == (type | SERVE_ANSWER) || header.type == SERVE_ERROR);
    if (header.type == SERVE_ERROR) {
        g_autoptr(GError) error = NULL;

        serve_error_set(answer->data + SERVE_FRAME_HEADER_LEN, header.len, &error);
        g_assert(error != NULL && !g_str_has_prefix(error->message, "the other side does not keep "
                                                                    "to the protocol: an error"));
    }
}

static void client(const guint8 *data, gsize size)
{
    g_auto(FakeVault) vault = {.copy_count = 50, .month_count = 50};
    g_autoptr(VaultView) view = fake_view_new(&vault);
    g_autoptr(ServeSession) session = serve_session_new(view, "warning");
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GByteArray) answer = g_byte_array_new();
    ServeFrameHeader header;

    while (size >= SERVE_FRAME_HEADER_LEN && serve_frame_header_parse(data, &header, NULL) &&
           header.len <= size - SERVE_FRAME_HEADER_LEN) {
        ServeNext next;

        g_byte_array_set_size(payload, 0);
        g_byte_array_append(payload, data + SERVE_FRAME_HEADER_LEN, header.len);
        next = serve_session_answer(session, header.type, payload, answer);
        check_answer(header.type, answer);
        if (next == SERVE_OVER)
            return;
        data += SERVE_FRAME_HEADER_LEN + header.len;
        size -= SERVE_FRAME_HEADER_LEN + header.len;
    }
}

static void same(const GByteArray *again, const guint8 *data, gsize size)
{
    g_assert(again->len == size && memcmp(again->data, data, size) == 0);
}

static void hello_answer(const guint8 *data, gsize size)
{
    g_autoptr(GByteArray) again = g_byte_array_new();
    g_auto(ServeHello) hello = {.masters = NULL};

    if (!serve_hello_answer_parse(data, size, &hello, NULL))
        return;
    serve_hello_answer_append(again, &hello);
    same(again, data, size);
}

static void list_answer(const guint8 *data, gsize size)
{
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    g_autoptr(GByteArray) again = g_byte_array_new();
    VaultViewPosition position = {.is_set = TRUE, .received_s = 3};

    if (!serve_list_answer_parse(data, size, &position, 20, page, NULL))
        return;
    g_assert(page->len <= 20);
    for (guint i = 0; i < page->len; i++) {
        const VaultCopyEntry *entry = &g_array_index(page, VaultCopyEntry, i);

        g_assert(entry->received_s > position.received_s ||
                 (entry->received_s == position.received_s &&
                  memcmp(&entry->record_id, &position.record_id, VAULT_ID_LEN) > 0));
        position.received_s = entry->received_s;
        position.record_id = entry->record_id;
    }
    serve_list_answer_append(again, page);
    same(again, data, size);
}

static void read_answer(const guint8 *data, gsize size)
{
    ServeRead read = {.offset = 4, .len = 16};
    guint64 len;

    if (serve_read_answer_parse(data, size, &read, &len, NULL))
        g_assert(size - SERVE_READ_ANSWER_PREFIX_LEN == MIN(len > 4 ? len - 4 : 0, 16));
}

static void months_answer(const guint8 *data, gsize size)
{
    g_autoptr(GPtrArray) page =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_keys_free);
    g_autoptr(GByteArray) again = g_byte_array_new();
    const VaultReaderPosition start = {.is_set = FALSE};

    if (!serve_months_answer_parse(data, size, &start, 20, page, NULL))
        return;
    g_assert(page->len <= 20);
    serve_months_answer_append(again, page);
    same(again, data, size);
}

static void prove_answer(const guint8 *data, gsize size)
{
    g_autoptr(GByteArray) again = g_byte_array_new();
    ProofMessage message = {0};

    if (!serve_prove_answer_parse(data, size, &message, NULL))
        return;
    g_assert(message.path.count <= VAULT_MERKLE_PROOF_MAX);
    serve_prove_answer_append(again, &message);
    same(again, data, size);
}

static void batches_answer(const guint8 *data, gsize size)
{
    static const ProofBatchId asked[] = {{1, 10}, {1, 11}, {2, 13}};
    g_autoptr(GPtrArray) batches = g_ptr_array_new_with_free_func((GDestroyNotify)proof_batch_free);
    g_autoptr(GByteArray) again = g_byte_array_new();

    if (!serve_batches_answer_parse(data, size, asked, G_N_ELEMENTS(asked), batches, NULL))
        return;
    g_assert(batches->len >= 1 && batches->len <= G_N_ELEMENTS(asked));
    for (guint i = 0; i < batches->len; i++)
        g_assert(proof_batch_id_equal(&((ProofBatch *)batches->pdata[i])->id, &asked[i]));
    serve_batches_answer_append(again, batches);
    same(again, data, size);
}

static void list_terms_answer(const guint8 *data, gsize size)
{
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    g_autoptr(GByteArray) again = g_byte_array_new();
    VaultTermsPosition position = {.catalog_mark = 5, .sequence = 3};
    gboolean is_more;

    if (!serve_list_terms_answer_parse(data, size, 20, page, &position, &is_more, NULL))
        return;
    g_assert(page->len <= 20);
    g_assert(position.catalog_mark != 5 || position.is_anew || position.sequence >= 3u + is_more);
    serve_list_terms_answer_append(again, page, &position, is_more);
    same(again, data, size);
}

static void read_terms_answer(const guint8 *data, gsize size)
{
    g_autoptr(GBytes) payload = g_bytes_new(data, size);
    g_autoptr(GByteArray) again = g_byte_array_new();
    GBytes *records[20] = {NULL};
    gsize answered = 0;

    if (serve_read_terms_answer_parse(payload, G_N_ELEMENTS(records), records, &answered, NULL)) {
        g_assert(answered >= 1 && answered <= G_N_ELEMENTS(records));
        g_assert(serve_read_terms_answer_append(again, records, answered) == answered);
        same(again, data, size);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(records); i++)
        g_clear_pointer(&records[i], g_bytes_unref);
}

static void error_answer(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;

    g_assert(!serve_error_set(data, size, &error));
    g_assert(error->domain == VAULT_ERROR && g_utf8_validate(error->message, -1, NULL));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static void (*const answers[])(const guint8 *data, gsize size) = {
        hello_answer, list_answer,    read_answer,       error_answer,     months_answer,
        prove_answer, batches_answer, list_terms_answer, read_terms_answer};

    vault_crypto_init();
    if (size < 2)
        return 0;
    if (data[0] & 1)
        client(data + 1, size - 1);
    else
        answers[data[1] % G_N_ELEMENTS(answers)](data + 2, size - 2);
    return 0;
}
