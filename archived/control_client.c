#include "archived/control_client.h"

#include "archived/control_frame.h"
#include "vault/base/bytes.h"
#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Longer than the daemon's own waits: its budget (10 s) and a flush of a full catalog queue. */
#define ANSWER_TIMEOUT_S 300
#define OPERATE_TIMEOUT_S 3600

const char *archived_duty_name(ArchivedDuty duty)
{
    switch (duty) {
    case ARCHIVED_DUTY_STATUS:
        return "status";
    case ARCHIVED_DUTY_READ:
        return "read";
    case ARCHIVED_DUTY_OPERATE:
        return "operate";
    }
    g_assert_not_reached();
}

static int set_connect_error(GError **error, const char *vault, const char *name)
{
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "no archived runs on %s (nobody listens on run/%s)", vault, name);
    else if (errno == EACCES || errno == EPERM)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "this user may not use %s/run/%s: see [control] in archived.conf", vault, name);
    else
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "cannot connect to %s/run/%s: %s", vault,
                    name, g_strerror(errno));
    return -1;
}

/* Through the directory's descriptor, since a socket address holds 107 bytes and paths more. */
static int connect_to(const char *vault, ArchivedDuty duty, GError **error)
{
    const char *name = archived_duty_name(duty);
    g_autofree char *run = g_build_filename(vault, "run", NULL);
    g_auto(VaultFd) directory = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_auto(VaultFd) fd = -1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};

    if (directory < 0)
        return set_connect_error(error, vault, name);
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory, name);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return set_connect_error(error, vault, name);
    return g_steal_fd(&fd);
}

/* {"ok":true,...} or the error that the daemon named. */
static JsonObject *parse_answer(const char *line, GError **error)
{
    g_autoptr(GError) parse_error = NULL;
    g_autoptr(JsonNode) node = json_from_string(line, &parse_error);
    g_autoptr(JsonObject) object = NULL;

    if (node != NULL && JSON_NODE_HOLDS_OBJECT(node))
        object = json_node_dup_object(node);
    if (object == NULL || !json_object_has_member(object, "ok")) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "archived gave an answer that is not understood: is it of another version?");
        return NULL;
    }
    if (json_object_get_boolean_member_with_default(object, "ok", FALSE))
        return g_steal_pointer(&object);
    g_set_error(error, VAULT_ERROR,
                (int)archived_control_code_parse(
                    json_object_get_string_member_with_default(object, "code", "IO")),
                "%s",
                json_object_get_string_member_with_default(object, "message", "archived refused"));
    return NULL;
}

static char *read_answer(ArchivedControlStream *stream, GError **error)
{
    char *line = NULL;

    if (!archived_control_read_line(stream, ARCHIVED_CONTROL_ANSWER_LEN_MAX, &line, error))
        return NULL;
    if (line == NULL)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "archived closed its control socket");
    return line;
}

static char *ask(int fd, ArchivedControlStream *stream, const char *request, GError **error)
{
    g_autofree char *line = g_strconcat(request, "\n", NULL);
    g_autofree char *answer = NULL;
    g_autoptr(JsonObject) object = NULL;

    if (!archived_control_send(fd, line, strlen(line), error))
        return NULL;
    answer = read_answer(stream, error);
    if (answer == NULL)
        return NULL;
    object = parse_answer(answer, error);
    return object == NULL ? NULL : g_steal_pointer(&answer);
}

gboolean archived_control_call(const char *vault, ArchivedDuty duty, const char *request,
                               char **ret_json, GError **error)
{
    g_auto(VaultFd) fd = connect_to(vault, duty, error);
    g_autoptr(ArchivedControlStream) stream = NULL;
    g_autofree char *answer = NULL;

    if (fd < 0)
        return FALSE;
    stream = archived_control_stream_new(fd);
    answer = ask(fd, stream, request, error);
    if (answer == NULL)
        return FALSE;
    if (ret_json != NULL)
        *ret_json = g_steal_pointer(&answer);
    return TRUE;
}

static JsonObject *read_verdict(ArchivedControlStream *stream, GError **error)
{
    g_autofree char *answer = read_answer(stream, error);

    return answer == NULL ? NULL : parse_answer(answer, error);
}

/* A line, the text that belongs to it, and the answer. */
static JsonObject *send_text(int fd, ArchivedControlStream *stream, const char *request,
                             const char *text, gsize len, GError **error)
{
    g_autoptr(GString) head = g_string_new(request);
    guint8 prefix[4];

    if (len > G_MAXUINT32 - 1) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "it is too long for archived");
        return NULL;
    }
    vault_bytes_put_u32(prefix, (guint32)len);
    g_string_append_c(head, '\n');
    g_string_append_len(head, (const char *)prefix, sizeof prefix);
    /* A daemon that refuses the length answers and closes: what it says counts. */
    if (!archived_control_send(fd, head->str, head->len, error))
        return NULL;
    archived_control_send(fd, text, len, NULL);
    return read_verdict(stream, error);
}

gboolean archived_control_operate(const char *vault, const char *name, const char *text, gsize len,
                                  char **ret_answer, GError **error)
{
    g_auto(VaultFd) fd = connect_to(vault, ARCHIVED_DUTY_OPERATE, error);
    const struct timeval timeout = {.tv_sec = OPERATE_TIMEOUT_S};
    g_autofree char *request = g_strconcat("operate ", name, NULL);
    g_autofree char *answer = NULL;
    guint32 answer_len;
    g_autoptr(ArchivedControlStream) stream = NULL;
    g_autoptr(JsonObject) object = NULL;

    if (fd < 0)
        return FALSE;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    stream = archived_control_stream_new(fd);
    object = send_text(fd, stream, request, text, len, error);
    if (object == NULL)
        return FALSE;
    answer = archived_control_read_text(stream, ARCHIVED_CONTROL_TEXT_LEN_MAX, &answer_len, error);
    if (answer != NULL && ret_answer != NULL)
        *ret_answer = g_strdup(answer);
    return answer != NULL;
}

gboolean archived_control_log_restore(const char *vault, ArchivedRestoreStep step, const char *text,
                                      gsize len, GError **error)
{
    g_auto(VaultFd) fd = connect_to(vault, ARCHIVED_DUTY_READ, error);
    const char *request = step == ARCHIVED_RESTORE_BEGUN ? "restore-begun" : "restore-done";
    g_autoptr(ArchivedControlStream) stream = NULL;
    g_autoptr(JsonObject) object = NULL;

    if (fd < 0)
        return FALSE;
    stream = archived_control_stream_new(fd);
    object = send_text(fd, stream, request, text, len, error);
    return object != NULL;
}

/* ---- releases -------------------------------------------------------------------------------- */

struct ArchivedRelease {
    VaultFd fd;
    ArchivedControlStream *stream;
};

ArchivedRelease *archived_control_release_begin(const char *vault, const char *grant, gsize len,
                                                GError **error)
{
    g_autoptr(ArchivedRelease) release = g_new0(ArchivedRelease, 1);
    g_autoptr(JsonObject) verdict = NULL;

    release->fd = connect_to(vault, ARCHIVED_DUTY_READ, error);
    if (release->fd < 0)
        return NULL;
    release->stream = archived_control_stream_new(release->fd);
    verdict = send_text(release->fd, release->stream, "release", grant, len, error);
    return verdict != NULL ? g_steal_pointer(&release) : NULL;
}

void archived_control_release_free(ArchivedRelease *release)
{
    if (release == NULL)
        return;
    archived_control_stream_free(release->stream);
    vault_fd_close(&release->fd);
    g_free(release);
}

GBytes *archived_control_release(ArchivedRelease *release, ArchivedReleaseKind kind,
                                 const RecordId *ids, gsize count, GError **error)
{
    g_autoptr(JsonObject) verdict = NULL;
    guint8 prefix[4];
    guint32 len = 0;
    char *bytes;

    g_assert(count <= ARCHIVED_CONTROL_COPIES_MAX);
    g_assert(count == 0 || kind != ARCHIVED_RELEASE_CASE_KEY);
    vault_bytes_put_u32(prefix, (guint32)kind << ARCHIVED_RELEASE_NUMBER_BITS | (guint32)count);
    if (!archived_control_send(release->fd, prefix, sizeof prefix, error) ||
        !archived_control_send(release->fd, ids, count * sizeof *ids, error))
        return NULL;
    verdict = read_verdict(release->stream, error);
    if (verdict == NULL)
        return NULL;
    bytes =
        archived_control_read_text(release->stream, ARCHIVED_CONTROL_RELEASE_LEN_MAX, &len, error);
    return bytes == NULL ? NULL : g_bytes_new_take(bytes, len);
}

/* ---- terms ----------------------------------------------------------------------------------- */

struct ArchivedTerms {
    VaultFd fd;
    ArchivedControlStream *stream;
};

ArchivedTerms *archived_control_terms_begin(const char *vault, const char *grant, gsize len,
                                            GError **error)
{
    g_autoptr(ArchivedTerms) terms = g_new0(ArchivedTerms, 1);
    g_autoptr(JsonObject) verdict = NULL;

    terms->fd = connect_to(vault, ARCHIVED_DUTY_OPERATE, error);
    if (terms->fd < 0)
        return NULL;
    terms->stream = archived_control_stream_new(terms->fd);
    verdict = send_text(terms->fd, terms->stream, "terms", grant, len, error);
    return verdict != NULL ? g_steal_pointer(&terms) : NULL;
}

void archived_control_terms_free(ArchivedTerms *terms)
{
    if (terms == NULL)
        return;
    archived_control_stream_free(terms->stream);
    vault_fd_close(&terms->fd);
    g_free(terms);
}

static guint64 count_of(JsonObject *verdict, const char *name)
{
    return (guint64)MAX(0, json_object_get_int_member_with_default(verdict, name, 0));
}

gboolean archived_control_terms_add(ArchivedTerms *terms, const void *batch, gsize len,
                                    ArchivedTermsAdded *ret_added, GError **error)
{
    g_autoptr(JsonObject) verdict = NULL;
    guint8 prefix[4];

    g_assert(len <= ARCHIVED_CONTROL_TERMS_LEN_MAX);
    vault_bytes_put_u32(prefix, (guint32)len);
    if (!archived_control_send(terms->fd, prefix, sizeof prefix, error))
        return FALSE;
    /* As in send_text(): a daemon without room answers and closes. */
    archived_control_send(terms->fd, batch, len, NULL);
    verdict = read_verdict(terms->stream, error);
    if (verdict == NULL)
        return FALSE;
    *ret_added = (ArchivedTermsAdded){.added_count = count_of(verdict, "added"),
                                      .known_count = count_of(verdict, "known"),
                                      .gone_count = count_of(verdict, "gone")};
    return TRUE;
}

/* ---- import ---------------------------------------------------------------------------------- */

#define IMPORT_BUFFER_LEN (1u << 16)

struct ArchivedImport {
    VaultFd fd;
    ArchivedControlStream *stream;
    gboolean is_broken;
    gboolean is_message_open;
    gsize buffered;
    guint8 buffer[IMPORT_BUFFER_LEN]; /* small writes travel together */
};

ArchivedImport *archived_control_import_begin(const char *vault, const RowId *import_id,
                                              GError **error)
{
    g_autoptr(ArchivedImport) import = g_new0(ArchivedImport, 1);
    g_autofree char *request = g_strconcat("import ", VAULT_ID_TEXT(*import_id), NULL);
    g_autofree char *answer = NULL;

    import->fd = connect_to(vault, ARCHIVED_DUTY_OPERATE, error);
    if (import->fd < 0)
        return NULL;
    import->stream = archived_control_stream_new(import->fd);
    answer = ask(import->fd, import->stream, request, error);
    return answer == NULL ? NULL : g_steal_pointer(&import);
}

void archived_control_import_free(ArchivedImport *import)
{
    if (import == NULL)
        return;
    vault_fd_close(&import->fd);
    archived_control_stream_free(import->stream);
    explicit_bzero(import->buffer, sizeof import->buffer);
    g_free(import);
}

gboolean archived_control_import_is_broken(const ArchivedImport *import)
{
    return import->is_broken;
}

static void set_string(JsonObject *object, const char *name, const char *text)
{
    if (text != NULL && *text != '\0')
        json_object_set_string_member(object, name, text);
}

static char *format_message(const ArchivedImportMessage *message)
{
    g_autoptr(JsonObject) object = json_object_new();
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    JsonArray *owners = json_array_new();

    for (const char *const *owner = message->owners; owner != NULL && *owner != NULL; owner++)
        json_array_add_string_element(owners, *owner);
    json_object_set_array_member(object, "owners", owners);
    json_object_set_int_member(object, "received", (gint64)message->received_s);
    json_object_set_int_member(object, "flags", message->flags);
    set_string(object, "sender", message->sender);
    set_string(object, "source", message->source);
    set_string(object, "folder", message->folder);
    set_string(object, "keywords", message->keywords);
    set_string(object, "position", message->position);
    json_node_set_object(node, object);
    return json_to_string(node, FALSE);
}

static gboolean note_broken(ArchivedImport *import, gboolean is_good)
{
    if (!is_good)
        import->is_broken = TRUE;
    return is_good;
}

gboolean archived_control_import_message(ArchivedImport *import,
                                         const ArchivedImportMessage *message, GError **error)
{
    g_autofree char *header = format_message(message);
    gsize len = strlen(header);

    g_assert(!import->is_broken && !import->is_message_open);
    if (len > ARCHIVED_CONTROL_HEADER_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "owners, folder and keywords of one message are longer than %u bytes",
                    ARCHIVED_CONTROL_HEADER_LEN_MAX);
        return FALSE;
    }
    import->is_message_open = TRUE;
    return note_broken(import,
                       archived_control_send_frame(import->fd, header, (guint32)len, error));
}

static gboolean import_flush(ArchivedImport *import, GError **error)
{
    gsize len = import->buffered;

    import->buffered = 0;
    return len == 0 || note_broken(import, archived_control_send_frame(import->fd, import->buffer,
                                                                       (guint32)len, error));
}

gboolean archived_control_import_write(ArchivedImport *import, const void *bytes, gsize len,
                                       GError **error)
{
    const guint8 *next = bytes;

    g_assert(import->is_message_open);
    while (len > 0) {
        gsize taken = MIN(len, sizeof import->buffer - import->buffered);

        memcpy(import->buffer + import->buffered, next, taken);
        import->buffered += taken;
        next += taken;
        len -= taken;
        if (import->buffered == sizeof import->buffer && !import_flush(import, error))
            return FALSE;
    }
    return TRUE;
}

/* Sends the mark that ends or drops the message, and takes the answer. */
static char *import_close_message(ArchivedImport *import, guint32 mark, GError **error)
{
    guint8 bytes[4];
    char *answer = NULL;

    g_assert(import->is_message_open);
    import->is_message_open = FALSE;
    vault_bytes_put_u32(bytes, mark);
    if (archived_control_send(import->fd, bytes, sizeof bytes, error))
        answer = read_answer(import->stream, error);
    note_broken(import, answer != NULL);
    return answer;
}

static gboolean parse_result(ArchivedImport *import, JsonObject *object,
                             ArchivedImportResult *ret_result, GError **error)
{
    const char *id = json_object_get_string_member_with_default(object, "archive_id", "");

    if (!vault_id_parse(id, ret_result->archive_id.bytes, error))
        return note_broken(import, FALSE);
    ret_result->is_already_archived =
        json_object_get_boolean_member_with_default(object, "already", FALSE);
    ret_result->unassigned_count =
        (guint)json_object_get_int_member_with_default(object, "unassigned", 0);
    return TRUE;
}

gboolean archived_control_import_finish(ArchivedImport *import, ArchivedImportResult *ret_result,
                                        GError **error)
{
    g_autofree char *answer = NULL;
    g_autoptr(JsonObject) object = NULL;

    if (!import_flush(import, error))
        return FALSE;
    answer = import_close_message(import, 0, error);
    if (answer == NULL)
        return FALSE;
    object = parse_answer(answer, error);
    return object != NULL && parse_result(import, object, ret_result, error);
}

gboolean archived_control_import_abandon(ArchivedImport *import, GError **error)
{
    g_autofree char *answer = NULL;
    g_autoptr(JsonObject) object = NULL;

    import->buffered = 0;
    answer = import_close_message(import, ARCHIVED_CONTROL_CHUNK_ABANDON, error);
    if (answer == NULL)
        return FALSE;
    object = parse_answer(answer, error);
    return object != NULL;
}
