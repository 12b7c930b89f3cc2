#include "restore/check_message.h"

#include "restore/proof_bundle.h"
#include "vault/base/bytes.h"

#include <string.h>

CheckMessage *check_message_new(JsonObject *object, guint64 number)
{
    CheckMessage *message = g_new0(CheckMessage, 1);

    message->object = json_object_ref(object);
    message->number = number;
    message->findings = g_ptr_array_new_with_free_func(g_free);
    return message;
}

void check_message_free(CheckMessage *message)
{
    if (message == NULL)
        return;
    json_object_unref(message->object);
    g_ptr_array_unref(message->findings);
    g_free(message);
}

static void G_GNUC_PRINTF(2, 3) find(CheckMessage *message, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_ptr_array_add(message->findings, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

/* What the manifest says. */
typedef struct {
    RecordId id;
    const char *file;
    guint64 offset, len;
    VaultHash message_hash, hash; /* `hash`: of what is in the file */
} Line;

static gboolean read_line(const CheckExport *export, CheckMessage *message, Line *line)
{
    JsonObject *object = message->object;
    const char *id = proof_member_text(object, "id");

    message->has_lf = json_object_has_member(object, "lf_sha256");
    line->file = proof_member_text(object, "file");
    return id != NULL && line->file != NULL &&
           vault_bytes_from_hex(id, line->id.bytes, sizeof line->id.bytes) &&
           (export->mboxes == NULL || proof_member_number(object, "offset", &line->offset)) &&
           proof_member_hash(object, "sha256", &line->message_hash) &&
           proof_member_hash(object, message->has_lf ? "lf_sha256" : "sha256", &line->hash) &&
           proof_member_number(object, message->has_lf ? "lf_size" : "size", &line->len);
}

static void check_bytes(const CheckExport *export, CheckMessage *message, const Line *line)
{
    g_autoptr(GError) error = NULL;
    VaultHash hash;
    gboolean is_read;

    if (message->is_named_twice) {
        find(message, "%s: the manifest names it twice", line->file);
        return;
    }
    is_read = export->mboxes == NULL
                  ? check_file_hash(export->directory_fd, line->file, &message->len, &hash, &error)
                  : check_mboxes_hash(export->mboxes, export->directory_fd, line->file,
                                      line->offset, &message->len, &hash, &error);
    if (!is_read)
        find(message, "%s: %s", line->file, error->message);
    else if (message->len != line->len)
        find(message, "%s: %" G_GUINT64_FORMAT " bytes, the manifest says %" G_GUINT64_FORMAT,
             line->file, message->len, line->len);
    else if (!vault_merkle_hash_equal(&hash, &line->hash))
        find(message, "%s: its SHA-256 is not the one in the manifest", line->file);
}

static void check_proof(const CheckExport *export, CheckMessage *message, const Line *line)
{
    g_autoptr(GError) error = NULL;
    const VaultEntry *batch = NULL;
    ProofMessage proof;

    if (!proof_message_read(message->object, &proof, &error)) {
        find(message, "%s: %s", line->file, error->message);
        return;
    }
    if (proof.is_in_log)
        batch = g_hash_table_lookup(export->batches, &proof.batch);
    if (proof_message_check(&proof, &line->id, &line->message_hash, batch, &error))
        message->is_in_log = proof.is_in_log;
    else
        find(message, "%s: %s", line->file, error->message);
}

void check_message_run(const CheckExport *export, CheckMessage *message)
{
    Line line = {.file = NULL};

    message->is_message = read_line(export, message, &line);
    if (!message->is_message) {
        find(message,
             "message %" G_GUINT64_FORMAT
             " of the manifest: id, file, size or SHA-256 is missing or damaged",
             message->number);
        return;
    }
    check_bytes(export, message, &line);
    check_proof(export, message, &line);
}
