#include "archived/control_request.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "vault/base/bytes.h"
#include "vault/store/record.h"

#define OWNERS_MAX 10000
#define TEXT_LEN_MAX 4096
#define CLOCK_SLACK_S (2 * 86400)

static const struct {
    const char *name;
    ArchivedRequest request;
    ArchivedDuty duty;
} requests[] = {
    {"status", ARCHIVED_REQUEST_STATUS, ARCHIVED_DUTY_STATUS},
    {"flush", ARCHIVED_REQUEST_FLUSH, ARCHIVED_DUTY_READ},
    {"reload", ARCHIVED_REQUEST_RELOAD, ARCHIVED_DUTY_OPERATE},
    {"rotate-keys-ahead", ARCHIVED_REQUEST_ROTATE_KEYS_AHEAD, ARCHIVED_DUTY_OPERATE},
    {"import", ARCHIVED_REQUEST_IMPORT, ARCHIVED_DUTY_OPERATE},
    {"release", ARCHIVED_REQUEST_RELEASE, ARCHIVED_DUTY_READ},
    {"terms", ARCHIVED_REQUEST_TERMS, ARCHIVED_DUTY_OPERATE},
    {"restore-begun", ARCHIVED_REQUEST_RESTORE_BEGUN, ARCHIVED_DUTY_READ},
    {"restore-done", ARCHIVED_REQUEST_RESTORE_DONE, ARCHIVED_DUTY_READ},
    {"operate", ARCHIVED_REQUEST_OPERATE, ARCHIVED_DUTY_OPERATE},
};

gboolean archived_request_import_id(const char *line, RowId *ret_id)
{
    const char *space = strchr(line, ' ');

    return space != NULL && vault_id_parse(space + 1, ret_id->bytes, NULL);
}

const char *archived_request_operation(const char *line)
{
    return line + strlen("operate ");
}

static gboolean is_operation(const char *name)
{
    return *name != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

static gboolean is_request(gsize i, const char *line)
{
    gsize len = strlen(requests[i].name);
    RowId id;

    if (strncmp(requests[i].name, line, len) != 0)
        return FALSE;
    if (requests[i].request == ARCHIVED_REQUEST_IMPORT)
        return line[len] == ' ' && archived_request_import_id(line, &id);
    if (requests[i].request == ARCHIVED_REQUEST_OPERATE)
        return line[len] == ' ' && is_operation(archived_request_operation(line));
    return line[len] == '\0';
}

gboolean archived_request_parse(const char *line, ArchivedDuty duty, ArchivedRequest *ret_request,
                                GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
        if (!is_request(i, line))
            continue;
        if (requests[i].duty != duty) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "%s is asked for on run/%s, this is run/%s", requests[i].name,
                        archived_duty_name(requests[i].duty), archived_duty_name(duty));
            return FALSE;
        }
        *ret_request = requests[i].request;
        return TRUE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                "this archived (" MUNIMENT_VERSION ") does not know the request");
    return FALSE;
}

void archived_import_header_clear(ArchivedImportHeader *header)
{
    g_clear_pointer(&header->owners, g_strfreev);
    g_clear_pointer(&header->sender, g_free);
    g_clear_pointer(&header->source, g_free);
    g_clear_pointer(&header->folder, g_free);
    g_clear_pointer(&header->keywords, g_free);
}

static gboolean malformed(GError **error, const char *name)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "the import header's \"%s\" is not as docs/formats/control.md says", name);
    return FALSE;
}

static gboolean take_text(JsonNode *node, char **ret_text)
{
    const char *text =
        JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
            ? json_node_get_string(node)
            : NULL;

    if (text == NULL || strlen(text) > TEXT_LEN_MAX)
        return FALSE;
    g_free(*ret_text);
    *ret_text = g_strdup(text);
    return TRUE;
}

static gboolean take_number(JsonNode *node, guint64 max, guint64 *ret_number)
{
    gint64 number;

    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64)
        return FALSE;
    number = json_node_get_int(node);
    *ret_number = (guint64)number;
    return number >= 0 && (guint64)number <= max;
}

static gboolean take_owners(JsonNode *node, GStrv *ret_owners)
{
    JsonArray *array = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
    guint count = array == NULL ? 0 : json_array_get_length(array);
    g_auto(GStrv) owners = g_new0(char *, count + 1);

    if (array == NULL || count > OWNERS_MAX)
        return FALSE;
    for (guint i = 0; i < count; i++) {
        if (!take_text(json_array_get_element(array, i), &owners[i]))
            return FALSE;
    }
    g_strfreev(*ret_owners);
    *ret_owners = g_steal_pointer(&owners);
    return TRUE;
}

static gboolean take_position(JsonNode *node, ArchivedImportHeader *header)
{
    g_autofree char *text = NULL;

    header->has_position = take_text(node, &text) &&
                           vault_bytes_from_hex(text, header->position.bytes, VAULT_HASH_LEN);
    return header->has_position;
}

/* Flags that a client may claim; the daemon adds its own. */
#define FLAGS_ALLOWED (VAULT_FLAG_DATE_UNCERTAIN | VAULT_FLAG_IMPORTED)

static gboolean take_member(ArchivedImportHeader *header, const char *name, JsonNode *node,
                            guint64 now_s)
{
    guint64 flags = 0;

    if (strcmp(name, "owners") == 0)
        return take_owners(node, &header->owners);
    if (strcmp(name, "received") == 0)
        return take_number(node, now_s + CLOCK_SLACK_S, &header->received_s);
    if (strcmp(name, "sender") == 0)
        return take_text(node, &header->sender);
    if (strcmp(name, "source") == 0)
        return take_text(node, &header->source);
    if (strcmp(name, "folder") == 0)
        return take_text(node, &header->folder);
    if (strcmp(name, "keywords") == 0)
        return take_text(node, &header->keywords);
    if (strcmp(name, "position") == 0)
        return take_position(node, header);
    if (strcmp(name, "flags") != 0 || !take_number(node, FLAGS_ALLOWED, &flags))
        return FALSE;
    header->flags = (guint32)flags;
    return (flags & ~(guint64)FLAGS_ALLOWED) == 0;
}

static gboolean take_members(JsonObject *object, guint64 now_s, ArchivedImportHeader *header,
                             GError **error)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;

    json_object_iter_init(&iter, object);
    while (json_object_iter_next(&iter, &name, &node)) {
        if (!take_member(header, name, node, now_s))
            return malformed(error, name);
    }
    if (!json_object_has_member(object, "received"))
        return malformed(error, "received");
    if (!json_object_has_member(object, "owners"))
        return malformed(error, "owners");
    return TRUE;
}

gboolean archived_import_header_parse(const char *json, gsize len, guint64 now_s,
                                      ArchivedImportHeader *ret_header, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_auto(ArchivedImportHeader) header = {.sender = g_strdup(""), .source = g_strdup("import")};
    JsonNode *root = NULL;

    if (memchr(json, '\0', len) == NULL && g_utf8_validate(json, (gssize)len, NULL) &&
        json_parser_load_from_data(parser, json, (gssize)len, NULL))
        root = json_parser_get_root(parser);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "the import header is not a JSON object");
        return FALSE;
    }
    if (!take_members(json_node_get_object(root), now_s, &header, error))
        return FALSE;
    *ret_header = header;
    header = (ArchivedImportHeader){0};
    return TRUE;
}
