#include "archived/control_release.h"

#include "archived/log.h"

#include <string.h>

G_STATIC_ASSERT(ARCHIVED_CONTROL_COPIES_MAX == VAULT_RELEASE_COUNT_MAX);
G_STATIC_ASSERT(ARCHIVED_CONTROL_RELEASE_LEN_MAX >= VAULT_TERMS_RELEASE_LEN_MAX);

gboolean archived_control_make_room(ArchivedCharge *charge, guint32 len, GError **error)
{
    if (len <= ARCHIVED_CONTROL_GRANT_SMALL_LEN || archived_charge_grow(charge, len, NULL))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                        "archived holds as much of grants and terms as it has room for: try again "
                        "when other restores are done, or ask for fewer mailboxes or months");
    return FALSE;
}

char *archived_control_take_grant(ArchivedDaemon *daemon, ArchivedControlStream *stream,
                                  ArchivedCharge *charge, guint32 *ret_len, GError **error)
{
    g_autofree char *grant = NULL;
    g_autoptr(GBytes) nothing = NULL;

    charge->budget = daemon->grants;
    if (!archived_control_read_text_len(stream, ARCHIVED_CONTROL_GRANT_LEN_MAX, ret_len, error) ||
        !archived_control_make_room(charge, *ret_len, error))
        return NULL;
    grant = archived_control_read_text_bytes(stream, *ret_len, error);
    if (grant == NULL ||
        !vault_keep_release_by_grant(daemon->keep, grant, *ret_len, NULL, 0, &nothing, error))
        return NULL;
    return g_steal_pointer(&grant);
}

/* ---- lists ----------------------------------------------------------------------------------- */

typedef struct {
    ArchivedConnection *connection;
    ArchivedControlStream *stream;
    const char *grant;
    gsize grant_len;
    guint64 batch_count;
    /* The list that was read last. */
    guint32 kind; /* ArchivedReleaseKind */
    guint32 count;
    RecordId ids[ARCHIVED_CONTROL_COPIES_MAX];
} Serving;

static gboolean refuse_list(GError **error, const char *why)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, why);
    return FALSE;
}

static gboolean read_list(Serving *serving, gboolean *ret_is_end, GError **error)
{
    guint32 first = 0;

    *ret_is_end = TRUE;
    if (!archived_connection_enter_idle(serving->connection))
        return TRUE;
    if (!archived_control_read_u32(serving->stream, &first, ret_is_end, error))
        return FALSE;
    archived_connection_leave_idle(serving->connection);
    if (*ret_is_end)
        return TRUE;
    serving->kind = first >> ARCHIVED_RELEASE_NUMBER_BITS;
    serving->count = first & ((1u << ARCHIVED_RELEASE_NUMBER_BITS) - 1);
    if (serving->kind > ARCHIVED_RELEASE_CASE_KEY)
        return refuse_list(error, "what is asked for is not known here");
    if (serving->count >
        (serving->kind == ARCHIVED_RELEASE_CASE_KEY ? 0u : ARCHIVED_CONTROL_COPIES_MAX))
        return refuse_list(error, "too much is asked for at once");
    return archived_control_read(serving->stream, serving->ids, serving->count * sizeof(RecordId),
                                 error);
}

static gboolean release_list(const Serving *serving, GBytes **ret_release, GError **error)
{
    VaultKeep *keep = serving->connection->daemon->keep;

    switch ((ArchivedReleaseKind)serving->kind) {
    case ARCHIVED_RELEASE_COPIES:
        return vault_keep_release_by_grant(keep, serving->grant, serving->grant_len, serving->ids,
                                           serving->count, ret_release, error);
    case ARCHIVED_RELEASE_TERMS:
        return vault_keep_release_terms_by_grant(keep, serving->grant, serving->grant_len,
                                                 serving->ids, serving->count, ret_release, error);
    case ARCHIVED_RELEASE_CASE_KEY:
        return vault_keep_case_key(keep, serving->grant, serving->grant_len, ret_release, error);
    }
    g_assert_not_reached();
}

static gboolean answer(Serving *serving, GBytes *release, const GError *failure, GError **error)
{
    int fd = serving->connection->fd;
    g_autofree char *line =
        failure != NULL ? archived_control_failure_format(failure) : g_strdup("{\"ok\":true}\n");

    return archived_control_send(fd, line, strlen(line), error) &&
           (release == NULL ||
            archived_control_send_frame(fd, g_bytes_get_data(release, NULL),
                                        (guint32)g_bytes_get_size(release), error));
}

static gboolean serve(Serving *serving, GError **error)
{
    for (;;) {
        g_autoptr(GBytes) release = NULL;
        g_autoptr(GError) failure = NULL;
        gboolean is_end = FALSE;

        if (!read_list(serving, &is_end, error))
            return FALSE;
        if (is_end)
            return TRUE;
        if (release_list(serving, &release, &failure))
            serving->batch_count++;
        if (!answer(serving, release, failure, error))
            return FALSE;
    }
}

void archived_control_release_serve(ArchivedConnection *connection, ArchivedControlStream *stream,
                                    const char *grant, gsize len)
{
    g_autofree Serving *serving = g_new0(Serving, 1);
    g_autoptr(GError) failure = NULL;

    serving->connection = connection;
    serving->stream = stream;
    serving->grant = grant;
    serving->grant_len = len;
    archived_log(ARCHIVED_LOG_NOTICE, "release", "releases begin",
                 LOG_NUMBER("connection", connection->id), LOG_NUMBER("uid", connection->peer.uid));
    if (!serve(serving, &failure))
        archived_log_error(ARCHIVED_LOG_WARNING, "release", failure, connection->id);
    archived_log(ARCHIVED_LOG_NOTICE, "release", "releases end",
                 LOG_NUMBER("connection", connection->id),
                 LOG_NUMBER("batches", serving->batch_count));
}

/* ---- other acts ------------------------------------------------------------------------------ */

gboolean archived_control_take_restore(ArchivedConnection *connection,
                                       ArchivedControlStream *stream, VaultLoggedAct act,
                                       gboolean *ret_is_over, GError **error)
{
    guint32 len = 0;
    g_autofree char *text =
        archived_control_read_text(stream, ARCHIVED_CONTROL_RESTORE_LEN_MAX, &len, error);
    g_autofree char *payload = NULL;

    *ret_is_over = text == NULL;
    if (text == NULL)
        return FALSE;
    if (memchr(text, '\0', len) != NULL) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                            "a NUL byte in what is said of a restore");
        return FALSE;
    }
    /* Who says so is the host's own word, the rest is his. */
    payload = g_strdup_printf("act: %s\nuid: %u\n%s", vault_logged_act_name(act),
                              (guint)connection->peer.uid, text);
    return vault_keep_log_act(connection->daemon->keep, act, payload, strlen(payload), error);
}
