#include "restore/check.h"

#include "restore/check_message.h"
#include "restore/manifest_reader.h"
#include "restore/proof_bundle.h"
#include "vault/base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Messages under way. */
#define JOBS_MAX 64

typedef struct {
    const char *directory;
    const char *single; /* the one file that there is to check; NULL: all that are in the folder */
    const char *manifest_path;
    CheckExport export;
    const VaultTlogPolicy *policy;
    const CheckCallbacks *callbacks;
    CheckResult *result;
    ManifestReader *reader;
    CheckMboxes *mboxes; /* NULL: each message is a file of its own */
    GHashTable *files;   /* names that the manifest has */
    GThreadPool *threads;
    GMutex lock;
    GCond done;
    GQueue jobs; /* CheckMessage, in the manifest's order */
    guint64 line_count;
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

static void find_in_batch(Check *check, const ProofBatchId *id, const char *what)
{
    if (id->epoch == 0)
        find(check, "batch %" G_GUINT64_FORMAT ": %s", id->index, what);
    else
        find(check, "batch %" G_GUINT64_FORMAT " of epoch %u: %s", id->index, id->epoch, what);
}

static void take_batch(Check *check, JsonObject *object)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ProofBatch) batch = proof_batch_read(object, &error);
    VaultEntry entry;

    if (batch == NULL) {
        find(check, "a batch in the manifest: %s", error->message);
        return;
    }
    if (!proof_batch_check(batch, check->policy, &entry, &error)) {
        find_in_batch(check, &batch->id, error->message);
        return;
    }
    if (g_hash_table_contains(check->export.batches, &batch->id)) {
        find_in_batch(check, &batch->id, "it is in the manifest twice");
        return;
    }
    g_hash_table_insert(check->export.batches, g_memdup2(&batch->id, sizeof batch->id),
                        g_memdup2(&entry, sizeof entry));
    check->result->batch_count++;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void run_job(gpointer pointer, gpointer user)
{
    CheckMessage *message = pointer;
    Check *check = user;

    check_message_run(&check->export, message);
    g_mutex_lock(&check->lock);
    message->is_done = TRUE;
    g_cond_signal(&check->done);
    g_mutex_unlock(&check->lock);
}

/* Findings come in the order of the manifest, whichever thread was faster. */
static void settle_oldest(Check *check)
{
    g_autoptr(CheckMessage) message = g_queue_pop_head(&check->jobs);
    CheckResult *result = check->result;

    g_mutex_lock(&check->lock);
    while (!message->is_done)
        g_cond_wait(&check->done, &check->lock);
    g_mutex_unlock(&check->lock);
    for (guint i = 0; i < message->findings->len; i++)
        find(check, "%s", (const char *)message->findings->pdata[i]);
    if (!message->is_message)
        return;
    result->message_count++;
    result->byte_count += message->len;
    result->lf_count += message->has_lf ? 1 : 0;
    result->in_log_count += message->is_in_log ? 1 : 0;
    if (check->callbacks->progress != NULL)
        check->callbacks->progress(result->message_count, result->byte_count,
                                   check->callbacks->user);
}

static void settle_all(Check *check)
{
    while (!g_queue_is_empty(&check->jobs))
        settle_oldest(check);
}

static void take_message(Check *check, JsonObject *object)
{
    CheckMessage *message = check_message_new(object, ++check->line_count);
    const char *file = proof_member_text(object, "file");

    if (file != NULL && check->single != NULL && strcmp(file, check->single) != 0)
        find(check, "%s: the manifest of %s names it", file, check->single);
    message->is_named_twice =
        file != NULL && !g_hash_table_add(check->files, g_strdup(file)) && check->mboxes == NULL;
    if (g_queue_get_length(&check->jobs) == JOBS_MAX)
        settle_oldest(check);
    g_queue_push_tail(&check->jobs, message);
    g_thread_pool_push(check->threads, message, NULL);
}

/* In an mbox a message ends where the next one begins: all offsets are known before the first is
 * looked at. One out of order is told when its message is. */
static void take_offset(Check *check, JsonObject *object)
{
    const char *file = proof_member_text(object, "file");
    guint64 offset;

    if (file != NULL && proof_member_number(object, "offset", &offset))
        (void)check_mboxes_add(check->mboxes, file, offset);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void take_head(Check *check, JsonObject *object)
{
    const char *format = proof_member_text(object, "format");

    if (format != NULL && strcmp(format, "mbox") == 0)
        check->export.mboxes = check->mboxes = check_mboxes_new();
    else
        manifest_reader_skip(check->reader, MANIFEST_PART_MESSAGES);
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

typedef void (*TakeLine)(Check *check, ManifestPart part, JsonObject *object);

/* Messages lead to batches, which stand behind them: batches are read in a first pass. */
static void take_first(Check *check, ManifestPart part, JsonObject *object)
{
    if (part == MANIFEST_PART_HEAD)
        take_head(check, object);
    else if (part == MANIFEST_PART_MESSAGES)
        take_offset(check, object);
    else if (part == MANIFEST_PART_BATCHES)
        take_batch(check, object);
}

static void take_second(Check *check, ManifestPart part, JsonObject *object)
{
    if (part == MANIFEST_PART_MESSAGES)
        take_message(check, object);
    else
        settle_all(check);
    if (part == MANIFEST_PART_ERRORS)
        check->result->error_count++;
    else if (part == MANIFEST_PART_COUNTS)
        take_counts(check, object);
}

static gboolean read_manifest(Check *check, TakeLine take, GError **error)
{
    g_autoptr(ManifestReader) reader = manifest_reader_open(check->manifest_path, error);
    g_autoptr(GError) failure = NULL;
    ManifestPart part;
    JsonObject *object;

    if (reader == NULL)
        return FALSE;
    check->reader = reader;
    while (manifest_reader_next(reader, &part, &object, &failure))
        take(check, part, object);
    settle_all(check);
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

        if (lstat(full, &status) != 0)
            return vault_error_set_errno(error, errno, "cannot read", full);
        if (S_ISDIR(status.st_mode)) {
            if (!find_strangers(check, relative, error))
                return FALSE;
        } else if (strcmp(relative, MANIFEST_NAME) == 0 && S_ISLNK(status.st_mode)) {
            find(check, MANIFEST_NAME ": a symbolic link, so that it is no part of the export");
        } else if (strcmp(relative, MANIFEST_NAME) != 0 &&
                   !g_hash_table_contains(check->files, relative)) {
            find(check, "%s: the manifest does not name it", relative);
        }
    }
    return TRUE;
}

static gboolean run(Check *check, GError **error)
{
    gboolean is_done;

    g_mutex_init(&check->lock);
    g_cond_init(&check->done);
    g_queue_init(&check->jobs);
    check->threads = g_thread_pool_new(run_job, check, (gint)g_get_num_processors(), FALSE, NULL);
    is_done = read_manifest(check, take_first, error) && read_manifest(check, take_second, error) &&
              (check->single != NULL || find_strangers(check, "", error));
    g_thread_pool_free(check->threads, FALSE, TRUE);
    check_mboxes_free(check->mboxes);
    g_mutex_clear(&check->lock);
    g_cond_clear(&check->done);
    return is_done;
}

gboolean check_export(const char *path, const VaultTlogPolicy *policy,
                      const CheckCallbacks *callbacks, CheckResult *ret_result, GError **error)
{
    gboolean is_single = g_file_test(path, G_FILE_TEST_IS_REGULAR);
    g_autofree char *directory = is_single ? g_path_get_dirname(path) : g_strdup(path);
    g_autofree char *single = is_single ? g_path_get_basename(path) : NULL;
    g_autofree char *manifest = is_single ? g_strconcat(path, "." MANIFEST_NAME, NULL)
                                          : g_build_filename(path, MANIFEST_NAME, NULL);
    g_autoptr(GHashTable) batches =
        g_hash_table_new_full(proof_batch_id_hash, proof_batch_id_equal, g_free, g_free);
    g_autoptr(GHashTable) files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(VaultFd) directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    Check check = {.directory = directory,
                   .single = single,
                   .manifest_path = manifest,
                   .export = {.directory_fd = directory_fd, .batches = batches},
                   .policy = policy,
                   .callbacks = callbacks,
                   .result = ret_result,
                   .files = files};

    *ret_result = (CheckResult){0};
    if (directory_fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", directory);
    return run(&check, error);
}
