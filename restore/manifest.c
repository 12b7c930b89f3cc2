#include "restore/manifest.h"

#include "restore/json_text.h"
#include "vault/base/bytes.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#define BUFFER_LEN 65536

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FILE, fclose)

struct Manifest {
    int fd;
    char *path;
    GString *buffer;
    GString *errors;
    VaultHasher *hasher;
    ManifestCounts counts;
    gboolean has_ended_messages;
    guint64 batch_count;
};

char *manifest_time(guint64 time_s)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc((gint64)MIN(time_s, G_MAXINT64));

    if (time == NULL)
        return g_strdup_printf("@%" G_GUINT64_FORMAT, time_s);
    return g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
}

/* JSON text is UTF-8; bytes that are not (an envelope's, a file name's) show as U+FFFD. */
static void append_string(GString *line, const char *name, const char *value)
{
    g_autofree char *valid = NULL;
    g_autofree char *quoted = NULL;
    g_autoptr(JsonNode) node = NULL;

    if (value == NULL)
        return;
    valid = g_utf8_make_valid(value, -1);
    node = json_node_init_string(json_node_alloc(), valid);
    quoted = json_to_string(node, FALSE);
    g_string_append_printf(line, "%s\"%s\":%s", line->len > 1 ? "," : "", name, quoted);
}

static void append_time(GString *line, const char *name, guint64 time_s)
{
    g_autofree char *text = manifest_time(time_s);

    append_string(line, name, text);
}

static void append_number(GString *line, const char *name, guint64 number)
{
    g_string_append_printf(line, ",\"%s\":%" G_GUINT64_FORMAT, name, number);
}

static void append_hash(GString *line, const char *name, const VaultHash *hash)
{
    g_autofree char *hex = vault_bytes_to_hex(hash->bytes, VAULT_HASH_LEN);

    g_string_append_printf(line, ",\"%s\":\"%s\"", name, hex);
}

char *manifest_entry_format(const ManifestEntry *entry)
{
    GString *line = g_string_new("{");

    append_string(line, "id", entry->id);
    append_string(line, "mailbox", entry->mailbox);
    append_time(line, "received", entry->received_s);
    append_number(line, "size", entry->size);
    append_hash(line, "sha256", &entry->hash);
    append_string(line, "file", entry->file);
    if (entry->has_offset)
        append_number(line, "offset", entry->offset);
    if (entry->has_lf) {
        append_number(line, "lf_size", entry->lf_size);
        append_hash(line, "lf_sha256", &entry->lf_hash);
    }
    append_string(line, "sender", entry->sender);
    append_string(line, "folder", entry->folder);
    append_string(line, "keywords", entry->keywords);
    if (entry->proof != NULL)
        proof_message_append(entry->proof, line);
    g_string_append_c(line, '}');
    return g_string_free(line, FALSE);
}

static gboolean flush(Manifest *manifest, GError **error)
{
    gboolean ok = vault_file_write_all(manifest->fd, manifest->buffer->str, manifest->buffer->len,
                                       manifest->path, error);

    vault_hasher_update(manifest->hasher, manifest->buffer->str, manifest->buffer->len);
    g_string_truncate(manifest->buffer, 0);
    return ok;
}

Manifest *manifest_begin(int fd, const char *path, const VaultId *vault_id, const char *format,
                         guint64 created_s, GError **error)
{
    g_autoptr(Manifest) manifest = g_new0(Manifest, 1);

    manifest->hasher = vault_hasher_new();
    g_autoptr(GString) head = g_string_new("{");

    manifest->fd = fd;
    manifest->path = g_strdup(path);
    manifest->buffer = g_string_sized_new(BUFFER_LEN);
    manifest->errors = g_string_new(NULL);
    if (vault_id != NULL)
        append_string(head, "vault", VAULT_ID_TEXT(*vault_id));
    append_string(head, "format", format);
    append_time(head, "created", created_s);
    g_string_append_printf(manifest->buffer, "{\"muniment_manifest\":1,%s,\n\"messages\":[",
                           head->str + 1);
    return flush(manifest, error) ? g_steal_pointer(&manifest) : NULL;
}

gboolean manifest_add(Manifest *manifest, const char *line, guint64 size, GError **error)
{
    g_string_append(manifest->buffer, manifest->counts.message_count == 0 ? "\n" : ",\n");
    g_string_append(manifest->buffer, line);
    manifest->counts.message_count++;
    manifest->counts.byte_count += size;
    return manifest->buffer->len < BUFFER_LEN || flush(manifest, error);
}

void manifest_add_error(Manifest *manifest, const char *id, const char *mailbox, guint64 received_s,
                        const char *text)
{
    g_autoptr(GString) line = g_string_new("{");

    if (++manifest->counts.error_count > MANIFEST_ERRORS_MAX)
        return;
    append_string(line, "id", id);
    append_string(line, "mailbox", mailbox);
    if (received_s > 0)
        append_time(line, "received", received_s);
    append_string(line, "error", text);
    g_string_append_printf(manifest->errors, "%s\n%s}", manifest->errors->len == 0 ? "" : ",",
                           line->str);
}

gboolean manifest_end_messages(Manifest *manifest, GError **error)
{
    g_assert(!manifest->has_ended_messages);
    manifest->has_ended_messages = TRUE;
    g_string_append_printf(manifest->buffer, "],\n\"errors\":[%s],\n", manifest->errors->str);
    return manifest->buffer->len < BUFFER_LEN || flush(manifest, error);
}

gboolean manifest_add_batch(Manifest *manifest, const char *line, GError **error)
{
    g_assert(manifest->has_ended_messages);
    g_string_append(manifest->buffer, manifest->batch_count++ == 0 ? "\"batches\":[\n" : ",\n");
    g_string_append(manifest->buffer, line);
    return manifest->buffer->len < BUFFER_LEN || flush(manifest, error);
}

gboolean manifest_finish(Manifest *manifest, GError **error)
{
    const ManifestCounts *counts = &manifest->counts;

    if (!manifest->has_ended_messages && !manifest_end_messages(manifest, error))
        return FALSE;
    if (manifest->batch_count > 0)
        g_string_append(manifest->buffer, "],\n");
    g_string_append_printf(manifest->buffer,
                           "\"counts\":{\"messages\":%" G_GUINT64_FORMAT
                           ",\"bytes\":%" G_GUINT64_FORMAT ",\"errors\":%" G_GUINT64_FORMAT "}}\n",
                           counts->message_count, counts->byte_count, counts->error_count);
    if (!flush(manifest, error))
        return FALSE;
    vault_hasher_finish(manifest->hasher, &manifest->counts.hash);
    return TRUE;
}

const ManifestCounts *manifest_counts(const Manifest *manifest)
{
    return &manifest->counts;
}

void manifest_free(Manifest *manifest)
{
    if (manifest == NULL)
        return;
    vault_hasher_free(manifest->hasher);
    g_free(manifest->path);
    if (manifest->buffer != NULL)
        g_string_free(manifest->buffer, TRUE);
    if (manifest->errors != NULL)
        g_string_free(manifest->errors, TRUE);
    g_free(manifest);
}

void manifest_known_free(ManifestKnown *known)
{
    if (known == NULL)
        return;
    g_free(known->line);
    g_free(known->file);
    g_free(known);
}

char *manifest_known_key(const char *id, const char *mailbox)
{
    g_autofree char *valid = g_utf8_make_valid(mailbox, -1);

    return g_strconcat(id, " ", valid, NULL);
}

GHashTable *manifest_known_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                 (GDestroyNotify)manifest_known_free);
}

/* -1 and NULL when it is missing or of another type. */
static gint64 member_number(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    if (node == NULL || json_node_get_value_type(node) != G_TYPE_INT64)
        return -1;
    return json_node_get_int(node);
}

static const char *member_string(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    if (node == NULL || json_node_get_value_type(node) != G_TYPE_STRING)
        return NULL;
    return json_node_get_string(node);
}

/* The export never writes any other name; this one would have a file elsewhere read. */
static gboolean is_inside(const char *file)
{
    g_auto(GStrv) parts = g_strsplit(file, "/", -1);

    for (char **part = parts; *part != NULL; part++) {
        if (**part == '\0' || g_str_equal(*part, ".."))
            return FALSE;
    }
    return *file != '\0';
}

/* NULL when the line is no entry. */
static ManifestKnown *parse_known(const char *line, char **ret_key)
{
    g_autoptr(JsonNode) root = json_text_is_flat(line) ? json_from_string(line, NULL) : NULL;
    g_autofree char *rewritten = root == NULL ? NULL : json_to_string(root, FALSE);
    ManifestKnown *known;
    VaultHash hash;
    JsonObject *object;
    gboolean has_lf;
    gint64 size, file_size;

    /* The parser takes "\\u" with fewer digits, and then part of the letter after it. */
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root) || !g_utf8_validate(rewritten, -1, NULL))
        return NULL;
    object = json_node_get_object(root);
    has_lf = json_object_has_member(object, "lf_size");
    size = member_number(object, "size");
    file_size = has_lf ? member_number(object, "lf_size") : size;
    if (member_string(object, "id") == NULL || member_string(object, "mailbox") == NULL ||
        member_string(object, "file") == NULL || !is_inside(member_string(object, "file")) ||
        size < 0 || file_size < 0 ||
        !vault_bytes_from_hex(member_string(object, has_lf ? "lf_sha256" : "sha256"), hash.bytes,
                              VAULT_HASH_LEN))
        return NULL;
    known = g_new0(ManifestKnown, 1);
    known->file = g_strdup(member_string(object, "file"));
    known->size = (guint64)size;
    known->file_size = (guint64)file_size;
    known->file_hash = hash;
    if (json_object_has_member(object, "in_log")) {
        ProofMessage proof;

        /* Without its proof a message would be in the export and not in the check of it. */
        if (!proof_message_read(object, &proof, NULL)) {
            manifest_known_free(known);
            return NULL;
        }
        known->is_in_log = proof.is_in_log;
        known->batch = proof.batch;
    }
    /* Written anew, so that no odd form of JSON gets into the next manifest. */
    known->line = g_steal_pointer(&rewritten);
    *ret_key = manifest_known_key(member_string(object, "id"), member_string(object, "mailbox"));
    return known;
}

/* FALSE at the end. Of a line that is too long one byte too many is kept. */
static gboolean read_line(FILE *file, GString *line)
{
    int byte;

    g_string_truncate(line, 0);
    while ((byte = getc_unlocked(file)) != EOF && byte != '\n') {
        if (line->len <= MANIFEST_LINE_LEN_MAX)
            g_string_append_c(line, (char)byte);
    }
    return byte == '\n' || line->len > 0;
}

static void cut_separator(GString *line)
{
    if (g_str_has_suffix(line->str, "],"))
        g_string_truncate(line, line->len - 2);
    else if (g_str_has_suffix(line->str, ","))
        g_string_truncate(line, line->len - 1);
}

gboolean manifest_read_known(const char *path, GHashTable *known, GError **error)
{
    g_autoptr(FILE) file = fopen(path, "re");
    g_autoptr(GString) line = g_string_new(NULL);

    if (file == NULL)
        return vault_error_set_errno(error, errno, "cannot read", path);
    while (read_line(file, line)) {
        ManifestKnown *entry;
        char *key = NULL;

        if (line->len > MANIFEST_LINE_LEN_MAX || strlen(line->str) != line->len)
            continue;
        cut_separator(line);
        entry = parse_known(line->str, &key);
        if (entry != NULL)
            g_hash_table_insert(known, key, entry);
    }
    return ferror(file) == 0 || vault_error_set_errno(error, errno, "cannot read", path);
}
