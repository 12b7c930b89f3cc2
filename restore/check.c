#include "restore/check.h"

#include "restore/manifest_reader.h"
#include "restore/proof_bundle.h"
#include "vault/base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_LEN (256 * 1024)

typedef struct {
    const char *directory;
    int directory_fd;
    const VaultTlogPolicy *policy;
    const CheckCallbacks *callbacks;
    CheckResult *result;
    GHashTable *batches; /* guint64 index -> VaultEntry */
    GHashTable *files;   /* names that the manifest has */
    guint8 *buffer;
} Check;

static void G_GNUC_PRINTF(2, 3) find(Check *check, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    check->result->finding_count++;
    check->callbacks->found(text, check->callbacks->user);
}

/* ---- batches --------------------------------------------------------------------------------- */

static void take_batch(Check *check, JsonObject *object)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ProofBatch) batch = proof_batch_read(object, &error);
    VaultEntry entry;
    guint64 index;

    if (batch == NULL) {
        find(check, "a batch in the manifest: %s", error->message);
        return;
    }
    index = batch->proof->index;
    if (!proof_batch_check(batch, check->policy, &entry, &error)) {
        find(check, "batch %" G_GUINT64_FORMAT ": %s", index, error->message);
        return;
    }
    if (g_hash_table_contains(check->batches, &index)) {
        find(check, "batch %" G_GUINT64_FORMAT ": it is in the manifest twice", index);
        return;
    }
    g_hash_table_insert(check->batches, g_memdup2(&index, sizeof index),
                        g_memdup2(&entry, sizeof entry));
    check->result->batch_count++;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* What is named is opened below the folder only, and through no symbolic link. */
static int open_below(int directory, const char *name)
{
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    g_auto(VaultFd) folder = -1;
    guint count = g_strv_length(parts);

    for (guint i = 0; i < count; i++) {
        int at = folder < 0 ? directory : folder;
        int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        int next;

        if (*parts[i] == '\0' || strcmp(parts[i], "..") == 0 || strcmp(parts[i], ".") == 0)
            return errno = EINVAL, -1;
        next = openat(at, parts[i], i + 1 < count ? flags | O_DIRECTORY : flags);
        if (next < 0)
            return -1;
        vault_fd_close(&folder);
        folder = next;
    }
    count = (guint)folder;
    folder = -1;
    return (int)count;
}

static gboolean hash_file(Check *check, const char *name, guint64 *ret_len, VaultHash *ret_hash)
{
    g_auto(VaultFd) fd = open_below(check->directory_fd, name);
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    struct stat status;
    gssize got;

    *ret_len = 0;
    if (fd < 0 || fstat(fd, &status) != 0) {
        find(check, "%s: %s", name, g_strerror(errno));
        return FALSE;
    }
    if (!S_ISREG(status.st_mode)) {
        find(check, "%s: this is no file", name);
        return FALSE;
    }
    while ((got = read(fd, check->buffer, READ_LEN)) > 0 || (got < 0 && errno == EINTR)) {
        if (got < 0)
            continue;
        vault_hasher_update(hasher, check->buffer, (gsize)got);
        *ret_len += (guint64)got;
    }
    vault_hasher_finish(hasher, ret_hash);
    if (got < 0)
        find(check, "%s: %s", name, g_strerror(errno));
    return got == 0;
}

/* ---- messages -------------------------------------------------------------------------------- */

typedef struct {
    RecordId id;
    const char *file;
    guint64 file_len;
    VaultHash message_hash, file_hash;
    gboolean has_lf;
} Message;

static gboolean read_message(JsonObject *object, Message *message)
{
    const char *id = proof_member_text(object, "id");

    message->has_lf = json_object_has_member(object, "lf_sha256");
    message->file = proof_member_text(object, "file");
    return id != NULL && message->file != NULL &&
           vault_bytes_from_hex(id, message->id.bytes, sizeof message->id.bytes) &&
           proof_member_hash(object, "sha256", &message->message_hash) &&
           proof_member_hash(object, message->has_lf ? "lf_sha256" : "sha256",
                             &message->file_hash) &&
           proof_member_number(object, message->has_lf ? "lf_size" : "size", &message->file_len);
}

static void check_file(Check *check, const Message *message)
{
    guint64 len = 0;
    VaultHash hash;

    if (!g_hash_table_add(check->files, g_strdup(message->file))) {
        find(check, "%s: the manifest names it twice", message->file);
        return;
    }
    if (!hash_file(check, message->file, &len, &hash))
        return;
    if (len != message->file_len)
        find(check, "%s: %" G_GUINT64_FORMAT " bytes, the manifest says %" G_GUINT64_FORMAT,
             message->file, len, message->file_len);
    else if (!vault_merkle_hash_equal(&hash, &message->file_hash))
        find(check, "%s: its SHA-256 is not the one in the manifest", message->file);
    check->result->byte_count += len;
}

static void check_proof(Check *check, const Message *message, JsonObject *object)
{
    g_autoptr(GError) error = NULL;
    const VaultEntry *batch = NULL;
    ProofMessage proof;

    if (!proof_message_read(object, &proof, &error)) {
        find(check, "%s: %s", message->file, error->message);
        return;
    }
    if (proof.is_in_log)
        batch = g_hash_table_lookup(check->batches, &proof.batch);
    if (!proof_message_check(&proof, &message->id, &message->message_hash, batch, &error)) {
        find(check, "%s: %s", message->file, error->message);
        return;
    }
    check->result->in_log_count += proof.is_in_log ? 1 : 0;
}

static void take_message(Check *check, JsonObject *object)
{
    Message message;

    if (!read_message(object, &message)) {
        find(check,
             "message %" G_GUINT64_FORMAT
             " of the manifest: id, file, size or SHA-256 is missing or damaged",
             check->result->message_count + 1);
        return;
    }
    check->result->message_count++;
    check->result->lf_count += message.has_lf ? 1 : 0;
    check_file(check, &message);
    check_proof(check, &message, object);
    if (check->callbacks->progress != NULL)
        check->callbacks->progress(check->result->message_count, check->result->byte_count,
                                   check->callbacks->user);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static gboolean take_head(JsonObject *object, GError **error)
{
    const char *format = proof_member_text(object, "format");

    if (format == NULL || strcmp(format, "mbox") != 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                        "an export to mbox, whose messages are no files of their own: restore to "
                        "eml, Maildir, zip or tar.zst for a check");
    return FALSE;
}

static void take_counts(Check *check, JsonObject *object)
{
    guint64 messages = 0, errors = 0;

    if (!proof_member_number(object, "messages", &messages) ||
        !proof_member_number(object, "errors", &errors) ||
        messages != check->result->message_count || errors < check->result->error_count)
        find(check, MANIFEST_NAME ": its counts are not what it lists");
    check->result->error_count = MAX(check->result->error_count, errors);
}

typedef gboolean (*TakeLine)(Check *check, ManifestPart part, JsonObject *object, GError **error);

/* Messages lead to batches, which stand behind them: batches are read in a first pass. */
static gboolean take_first(Check *check, ManifestPart part, JsonObject *object, GError **error)
{
    if (part == MANIFEST_PART_HEAD)
        return take_head(object, error);
    if (part == MANIFEST_PART_BATCHES)
        take_batch(check, object);
    return TRUE;
}

static gboolean take_second(Check *check, ManifestPart part, JsonObject *object, GError **error)
{
    if (part == MANIFEST_PART_MESSAGES)
        take_message(check, object);
    else if (part == MANIFEST_PART_ERRORS)
        check->result->error_count++;
    else if (part == MANIFEST_PART_COUNTS)
        take_counts(check, object);
    return TRUE;
}

static gboolean read_manifest(Check *check, TakeLine take, GError **error)
{
    g_autofree char *path = g_build_filename(check->directory, MANIFEST_NAME, NULL);
    g_autoptr(ManifestReader) reader = manifest_reader_open(path, error);
    g_autoptr(GError) failure = NULL;
    ManifestPart part;
    JsonObject *object;

    if (reader == NULL)
        return FALSE;
    while (manifest_reader_next(reader, &part, &object, &failure)) {
        if (!take(check, part, object, error))
            return FALSE;
    }
    if (failure == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

/* Depth is bounded by the path length that the system takes. */
static gboolean find_strangers(Check *check, const char *below, GError **error)
{
    g_autofree char *path = g_build_filename(check->directory, below, NULL);
    g_autoptr(GDir) folder = g_dir_open(path, 0, error);
    const char *name;

    if (folder == NULL)
        return FALSE;
    while ((name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *relative =
            *below == '\0' ? g_strdup(name) : g_strconcat(below, "/", name, NULL);
        g_autofree char *full = g_build_filename(check->directory, relative, NULL);
        struct stat status;

        if (lstat(full, &status) == 0 && S_ISDIR(status.st_mode)) {
            if (!find_strangers(check, relative, error))
                return FALSE;
        } else if (strcmp(relative, MANIFEST_NAME) != 0 &&
                   !g_hash_table_contains(check->files, relative)) {
            find(check, "%s: the manifest does not name it", relative);
        }
    }
    return TRUE;
}

gboolean check_export(const char *directory, const VaultTlogPolicy *policy,
                      const CheckCallbacks *callbacks, CheckResult *ret_result, GError **error)
{
    g_autoptr(GHashTable) batches =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    g_autoptr(GHashTable) files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree guint8 *buffer = g_malloc(READ_LEN);
    g_auto(VaultFd) directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    Check check = {.directory = directory,
                   .directory_fd = directory_fd,
                   .policy = policy,
                   .callbacks = callbacks,
                   .result = ret_result,
                   .batches = batches,
                   .files = files,
                   .buffer = buffer};

    *ret_result = (CheckResult){0};
    if (directory_fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", directory);
    return read_manifest(&check, take_first, error) && read_manifest(&check, take_second, error) &&
           find_strangers(&check, "", error);
}
