#include "archived/control_terms.h"

#include "archived/control_release.h"
#include "archived/log.h"
#include "vault/act/terms_batch.h"
#include "vault/crypto/keys.h"
#include "vault/keep_terms.h"

#include <string.h>

G_STATIC_ASSERT(ARCHIVED_CONTROL_TERMS_LEN_MAX == VAULT_TERMS_BATCH_LEN_MAX);

typedef struct {
    ArchivedConnection *connection;
    ArchivedControlStream *stream;
    const char *grant;
    gsize grant_len;
    guint64 copy_count; /* that got terms */
} Serving;

/* What waits here is what the words of messages are: wiped at once. Held within daemon->grants,
 * like grants. */
typedef struct {
    ArchivedCharge charge;
    guint8 *bytes;
    guint32 len;
} Batch;

static void batch_clear(Batch *batch)
{
    if (batch->bytes != NULL)
        vault_wipe(batch->bytes, batch->len);
    g_free(batch->bytes);
    archived_charge_clear(&batch->charge);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Batch, batch_clear)

static gboolean read_batch(Serving *serving, Batch *batch, gboolean *ret_is_end, GError **error)
{
    *ret_is_end = TRUE;
    if (!archived_connection_enter_idle(serving->connection))
        return TRUE;
    if (!archived_control_read_u32(serving->stream, &batch->len, ret_is_end, error))
        return FALSE;
    archived_connection_leave_idle(serving->connection);
    if (*ret_is_end)
        return TRUE;
    if (batch->len > ARCHIVED_CONTROL_TERMS_LEN_MAX) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                            "too many terms are given at once");
        return FALSE;
    }
    batch->charge.budget = serving->connection->daemon->grants;
    if (!archived_control_make_room(&batch->charge, batch->len, error))
        return FALSE;
    batch->bytes = g_malloc(batch->len);
    return archived_control_read(serving->stream, batch->bytes, batch->len, error);
}

/* The answer with its LF. */
static char *add(Serving *serving, const Batch *batch)
{
    VaultKeep *keep = serving->connection->daemon->keep;
    g_autoptr(GError) failure = NULL;
    VaultTermsAdded added;

    if (!vault_keep_add_terms(keep, serving->grant, serving->grant_len, batch->bytes, batch->len,
                              &added, &failure))
        return archived_control_failure_format(failure);
    serving->copy_count += added.added_count;
    return g_strdup_printf("{\"ok\":true,\"added\":%" G_GUINT64_FORMAT
                           ",\"known\":%" G_GUINT64_FORMAT ",\"gone\":%" G_GUINT64_FORMAT "}\n",
                           added.added_count, added.known_count, added.gone_count);
}

/* A batch that is not read leaves the stream out of step: it is answered, and that is the end. */
static gboolean serve(Serving *serving, GError **error)
{
    for (;;) {
        g_auto(Batch) batch = {.bytes = NULL};
        g_autofree char *line = NULL;
        gboolean is_end = FALSE;
        gboolean is_read = read_batch(serving, &batch, &is_end, error);

        if (is_read && is_end)
            return TRUE;
        line = is_read ? add(serving, &batch) : archived_control_failure_format(*error);
        if (!archived_control_send(serving->connection->fd, line, strlen(line),
                                   is_read ? error : NULL) ||
            !is_read)
            return FALSE;
    }
}

void archived_control_terms_serve(ArchivedConnection *connection, ArchivedControlStream *stream,
                                  const char *grant, gsize len)
{
    Serving serving = {
        .connection = connection, .stream = stream, .grant = grant, .grant_len = len};
    g_autoptr(GError) failure = NULL;

    archived_log(ARCHIVED_LOG_NOTICE, "terms", "terms are added",
                 LOG_NUMBER("connection", connection->id), LOG_NUMBER("uid", connection->peer.uid));
    if (!serve(&serving, &failure))
        archived_log_error(ARCHIVED_LOG_WARNING, "terms", failure, connection->id);
    archived_log(ARCHIVED_LOG_NOTICE, "terms", "terms were added",
                 LOG_NUMBER("connection", connection->id),
                 LOG_NUMBER("copies", serving.copy_count));
}
