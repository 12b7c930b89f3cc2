#include "archived/control_import.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "archived/control_request.h"
#include "archived/intake.h"
#include "archived/log.h"
#include "vault/crypto/keys.h"

#define CHUNK_READ_LEN (64u << 10)

typedef struct {
    ArchivedConnection *connection;
    ArchivedControlStream *stream;
    ArchivedConfig *config;
    DayKey key;
    guint64 message_count;
    guint8 chunk[CHUNK_READ_LEN];
} Import;

static void import_free(Import *import)
{
    if (import == NULL)
        return;
    archived_config_unref(import->config);
    explicit_bzero(import, sizeof *import);
    g_free(import);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Import, import_free)

static void begin_message(Import *import, const ArchivedImportHeader *header,
                          ArchivedIntake *intake)
{
    IngestDeliveryOptions options = {
        .sender = header->sender,
        .owners = ingest_owners_named(import->config->rules, (const char *const *)header->owners),
        .received_s = header->received_s,
        .archived_s = archived_now_s(),
        .flags = header->flags | VAULT_FLAG_IMPORTED,
        .source = header->source,
        .folder = header->folder,
        .keywords = header->keywords,
        .import_key = &import->key,
        .import_position = header->has_position ? &header->position : NULL,
        .terms = import->connection->daemon->terms};

    archived_intake_begin(intake, import->connection, &options, options.owners->len);
}

/* *ret_mark is 0 at the message's end, ARCHIVED_CONTROL_CHUNK_ABANDON when it is dropped. */
static gboolean read_chunks(Import *import, ArchivedIntake *intake, guint32 *ret_mark,
                            GError **error)
{
    gboolean is_end = FALSE;
    guint32 left;

    for (;;) {
        if (!archived_control_read_u32(import->stream, &left, &is_end, error))
            return FALSE;
        *ret_mark = is_end ? ARCHIVED_CONTROL_CHUNK_ABANDON : left;
        if (is_end || left == 0 || left == ARCHIVED_CONTROL_CHUNK_ABANDON)
            return TRUE;
        if (left > ARCHIVED_CONTROL_CHUNK_LEN_MAX) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "a chunk of an import is longer than %u bytes",
                        ARCHIVED_CONTROL_CHUNK_LEN_MAX);
            return FALSE;
        }
        while (left > 0) {
            guint32 len = MIN(left, CHUNK_READ_LEN);

            if (!archived_control_read(import->stream, import->chunk, len, error))
                return FALSE;
            archived_intake_write(intake, import->chunk, len);
            left -= len;
        }
    }
}

static gboolean answer(Import *import, const IngestDeliveryResult *result, const GError *failure,
                       GError **error)
{
    g_autofree char *line =
        failure != NULL
            ? archived_control_failure_format(failure)
            : g_strdup_printf(
                  "{\"ok\":true,\"archive_id\":\"%s\",\"already\":%s,\"unassigned\":%u}\n",
                  VAULT_ID_TEXT(result->archive_id), result->is_already_archived ? "true" : "false",
                  result->unassigned_count);

    return archived_control_send(import->connection->fd, line, strlen(line), error);
}

/* A message whose header cannot be used is still read to its end, and then answered. */
static gboolean take_message(Import *import, const char *json, gsize len, GError **error)
{
    g_auto(ArchivedImportHeader) header = {0};
    g_auto(ArchivedIntake) intake = {0};
    g_autoptr(GError) failure = NULL;
    IngestDeliveryResult result = {0};
    guint32 mark = 0;

    intake.connection = import->connection;
    if (archived_import_header_parse(json, len, archived_now_s(), &header, &failure))
        begin_message(import, &header, &intake);
    if (!read_chunks(import, &intake, &mark, error))
        return FALSE;
    if (mark == ARCHIVED_CONTROL_CHUNK_ABANDON)
        return archived_control_send(import->connection->fd, "{\"ok\":true}\n", 12, error);
    if (failure == NULL && archived_intake_commit(&intake, &result, &failure))
        import->message_count++;
    return answer(import, &result, failure, error);
}

/* *ret_json is NULL at the end of the import. */
static gboolean read_header(Import *import, char **ret_json, gsize *ret_len, GError **error)
{
    g_autofree char *json = NULL;
    gboolean is_end = FALSE;
    guint32 len = 0;

    *ret_json = NULL;
    if (!archived_connection_enter_idle(import->connection))
        return TRUE;
    if (!archived_control_read_u32(import->stream, &len, &is_end, error))
        return FALSE;
    archived_connection_leave_idle(import->connection);
    if (is_end)
        return TRUE;
    if (len > ARCHIVED_CONTROL_HEADER_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "the header of an imported message is longer than %u bytes",
                    ARCHIVED_CONTROL_HEADER_LEN_MAX);
        return FALSE;
    }
    json = g_malloc(len + 1);
    if (!archived_control_read(import->stream, json, len, error))
        return FALSE;
    json[len] = '\0';
    *ret_len = len;
    *ret_json = g_steal_pointer(&json);
    return TRUE;
}

static gboolean take_messages(Import *import, GError **error)
{
    for (;;) {
        g_autofree char *json = NULL;
        gsize len = 0;

        if (!read_header(import, &json, &len, error))
            return FALSE;
        if (json == NULL)
            return TRUE;
        if (!take_message(import, json, len, error))
            return FALSE;
    }
}

void archived_control_import_serve(ArchivedConnection *connection, ArchivedControlStream *stream,
                                   const DayKey *key)
{
    g_autoptr(Import) import = g_new0(Import, 1);
    g_autoptr(GError) failure = NULL;

    import->connection = connection;
    import->stream = stream;
    import->config = archived_daemon_config(connection->daemon);
    import->key = *key;
    archived_log(ARCHIVED_LOG_NOTICE, "import", "an import begins",
                 LOG_NUMBER("connection", connection->id), LOG_NUMBER("uid", connection->peer.uid));
    if (!take_messages(import, &failure))
        archived_log_error(ARCHIVED_LOG_WARNING, "import", failure, connection->id);
    archived_log(ARCHIVED_LOG_NOTICE, "import", "the import ends",
                 LOG_NUMBER("connection", connection->id),
                 LOG_NUMBER("messages", import->message_count));
}
