#include "restore/export_internal.h"

#include "restore/export_name.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Lines of the journal that a kill may lose: those messages are written again on --resume. */
#define JOURNAL_BUFFER_LEN 16384
#define READ_LEN 65536

static const struct {
    const char *name;
    const ExportBackend *backend;
} formats[] = {
    [EXPORT_EML] = {"eml", &export_folder_backend},
    [EXPORT_MBOX] = {"mbox", &export_mbox_backend},
    [EXPORT_MAILDIR] = {"maildir", &export_folder_backend},
    [EXPORT_ZIP] = {"zip", &export_archive_backend},
    [EXPORT_TAR_ZST] = {"tar.zst", &export_archive_backend},
};

gboolean export_format_parse(const char *text, ExportFormat *ret_format)
{
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (g_ascii_strcasecmp(text, formats[i].name) == 0) {
            *ret_format = (ExportFormat)i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *export_format_name(ExportFormat format)
{
    return formats[format].name;
}

static gboolean refuse(GError **error, const char *text)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED, text);
    return FALSE;
}

static gboolean check_options(const ExportOptions *options, GError **error)
{
    gboolean is_file_each = options->format == EXPORT_EML || options->format == EXPORT_MAILDIR;

    if (is_file_each && g_str_equal(options->path, "-"))
        return refuse(error, "eml and Maildir are folders and cannot go to standard output: "
                             "use mbox, zip or tar.zst");
    if (!is_file_each && options->start == EXPORT_RESUME)
        return refuse(error, "only exports to eml and Maildir can be resumed: "
                             "mbox, zip and tar.zst are made in one go, begin again");
    if (options->line_ends == EXPORT_LF && options->format != EXPORT_MBOX &&
        options->format != EXPORT_MAILDIR)
        return refuse(error, "eml, zip and tar.zst keep line ends as archived: "
                             "LF goes with mbox and Maildir");
    return TRUE;
}

Export *export_open(const ExportOptions *options, GError **error)
{
    g_autoptr(Export) export = g_new0(Export, 1);
    ExportTarget target = {.format = options->format};

    export->draft_fd = export->manifest_fd = export->journal_fd = -1;
    export->format = options->format;
    export->line_ends = options->line_ends;
    export->backend = formats[options->format].backend;
    export->path = g_strdup(options->path);
    export->now_s = options->now_s;
    export->is_stdout = g_str_equal(options->path, "-");
    export->is_folder = options->format == EXPORT_EML || options->format == EXPORT_MAILDIR ||
                        (options->format == EXPORT_MBOX && !export->is_stdout &&
                         !g_str_has_suffix(options->path, ".mbox"));
    export->journal_lines = g_string_new(NULL);
    export->lf_hasher = vault_hasher_new();
    export->lf_bytes = g_byte_array_new();
    export->proofs = options->proofs;
    export->batches =
        g_hash_table_new_full(proof_batch_id_hash, proof_batch_id_equal, g_free, NULL);
    if (!check_options(options, error) || !export_place_open(export, options, error))
        return NULL;
    target.path = export->path;
    target.is_folder = export->is_folder;
    target.fd = export->is_stdout ? STDOUT_FILENO : export->draft_fd;
    target.is_seekable = !export->is_stdout;
    export->self = export->backend->open(&target, error);
    if (export->self == NULL)
        return NULL;
    export->manifest = manifest_begin(
        export->manifest_fd,
        export->manifest_draft == NULL ? "the manifest" : export->manifest_draft, options->vault_id,
        export_format_name(options->format), options->now_s, error);
    return export->manifest == NULL ? NULL : g_steal_pointer(&export);
}

gboolean export_can_abandon(const Export *export)
{
    return export->backend->can_abandon && !export->is_stdout;
}

/* ---- resuming -------------------------------------------------------------------------------- */

/* FALSE also when the file cannot be read: then it is written again. */
static gboolean is_file_whole(const Export *export, const ManifestKnown *known)
{
    g_autofree char *path = g_build_filename(export->path, known->file, NULL);
    g_autofree guint8 *buffer = g_malloc(READ_LEN);
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    g_auto(VaultFd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    guint64 len = 0;
    VaultHash hash;

    if (fd < 0)
        return FALSE;
    for (;;) {
        gssize got = read(fd, buffer, READ_LEN);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return FALSE;
        if (got == 0)
            break;
        vault_hasher_update(hasher, buffer, (gsize)got);
        len += (guint64)got;
        if (len > known->file_size)
            return FALSE;
    }
    vault_hasher_finish(hasher, &hash);
    return len == known->file_size && memcmp(&hash, &known->file_hash, sizeof hash) == 0;
}

static void note_batch(Export *export, const ProofBatchId *batch)
{
    g_hash_table_add(export->batches, g_memdup2(batch, sizeof *batch));
}

gboolean export_has(Export *export, const char *id, const char *mailbox, guint64 received_s,
                    gboolean *ret_has, GError **error)
{
    g_autofree char *key = NULL;
    ManifestKnown *known;

    *ret_has = FALSE;
    if (export->known == NULL)
        return TRUE;
    key = manifest_known_key(id, mailbox);
    known = g_hash_table_lookup(export->known, key);
    if (known == NULL || !is_file_whole(export, known))
        return TRUE;
    *ret_has = TRUE;
    if (known->is_in_log)
        note_batch(export, &known->batch);
    return manifest_add(export->manifest, known->line, known->size, error);
}

static gboolean flush_journal(Export *export, GError **error)
{
    gboolean ok = export->journal_fd < 0 ||
                  vault_file_write_all(export->journal_fd, export->journal_lines->str,
                                       export->journal_lines->len, export->journal_path, error);

    g_string_truncate(export->journal_lines, 0);
    return ok;
}

/* ---- one message ----------------------------------------------------------------------------- */

gboolean export_begin(Export *export, const ExportMessage *message, GError **error)
{
    g_assert(export->file == NULL);
    export->message = *message;
    export->file = export->backend->file_name(export->self, message);
    export->written_len = export->lf_len = 0;
    export->has_proof = FALSE;
    export->is_cr_held = FALSE;
    return export->backend->begin(export->self, message, export->file, error);
}

static gboolean write_lf(Export *export, GError **error)
{
    GByteArray *bytes = export->lf_bytes;

    vault_hasher_update(export->lf_hasher, bytes->data, bytes->len);
    export->lf_len += bytes->len;
    return export->backend->write(export->self, bytes->data, bytes->len, error);
}

/* A CR goes only when LF follows: bare ones stay. */
static void strip_cr(Export *export, const guint8 *bytes, gsize len)
{
    g_byte_array_set_size(export->lf_bytes, 0);
    while (len > 0) {
        const guint8 *cr = memchr(bytes, '\r', len);
        gsize count = cr == NULL ? len : (gsize)(cr - bytes);

        if (export->is_cr_held && *bytes != '\n')
            g_byte_array_append(export->lf_bytes, (const guint8 *)"\r", 1);
        g_byte_array_append(export->lf_bytes, bytes, (guint)count);
        export->is_cr_held = cr != NULL;
        if (cr != NULL)
            count++;
        bytes += count, len -= count;
    }
}

gboolean export_write(Export *export, const guint8 *bytes, gsize len, GError **error)
{
    if (len == 0)
        return TRUE;
    export->written_len += len;
    if (export->line_ends == EXPORT_AS_ARCHIVED)
        return export->backend->write(export->self, bytes, len, error);
    strip_cr(export, bytes, len);
    return write_lf(export, error);
}

static char *format_line(Export *export, const VaultHash *hash, guint64 offset)
{
    const ExportMessage *message = &export->message;
    ManifestEntry entry = {.id = message->id,
                           .mailbox = message->mailbox,
                           .received_s = message->received_s,
                           .size = export->written_len,
                           .hash = *hash,
                           .file = export->file,
                           .has_offset = export->backend->has_offset,
                           .offset = offset,
                           .has_lf = export->line_ends == EXPORT_LF,
                           .lf_size = export->lf_len,
                           .sender = message->sender,
                           .folder = message->folder,
                           .keywords = message->keywords,
                           .proof = export->has_proof ? &export->proof : NULL};

    if (entry.has_lf)
        vault_hasher_finish(export->lf_hasher, &entry.lf_hash);
    return manifest_entry_format(&entry);
}

gboolean export_prove(Export *export, const VaultOpenedBody *body, const BodySalt *salt,
                      GError **error)
{
    ProofMessage *proof = &export->proof;
    VaultHash hash;

    if (export->proofs == NULL)
        return TRUE;
    *proof = (ProofMessage){
        .salt = *salt, .header_len = body->header_len, .ciphertext_hash = body->ciphertext_hash};
    memcpy(proof->header, body->header, body->header_len);
    proof_message_record_hash(proof, &hash);
    if (!export->proofs->find(export->proofs->user, &hash, proof, error))
        return FALSE;
    export->has_proof = TRUE;
    if (proof->is_in_log)
        note_batch(export, &proof->batch);
    return TRUE;
}

static gboolean end_line_ends(Export *export, GError **error)
{
    if (!export->is_cr_held)
        return TRUE;
    export->is_cr_held = FALSE;
    g_byte_array_set_size(export->lf_bytes, 0);
    g_byte_array_append(export->lf_bytes, (const guint8 *)"\r", 1);
    return write_lf(export, error);
}

gboolean export_end(Export *export, const VaultHash *hash, GError **error)
{
    g_autofree char *line = NULL;
    guint64 offset = 0;

    if (!end_line_ends(export, error) || !export->backend->end(export->self, &offset, error))
        return FALSE;
    line = format_line(export, hash, offset);
    g_clear_pointer(&export->file, g_free);
    g_string_append(export->journal_lines, line);
    g_string_append_c(export->journal_lines, '\n');
    if (export->journal_lines->len >= JOURNAL_BUFFER_LEN && !flush_journal(export, error))
        return FALSE;
    return manifest_add(export->manifest, line, export->written_len, error);
}

gboolean export_abandon(Export *export, GError **error)
{
    VaultHash unused;

    g_clear_pointer(&export->file, g_free);
    export->is_cr_held = FALSE;
    vault_hasher_finish(export->lf_hasher, &unused);
    return export->backend->abandon(export->self, error);
}

void export_add_error(Export *export, const char *id, const char *mailbox, guint64 received_s,
                      const char *text)
{
    manifest_add_error(export->manifest, id, mailbox, received_s, text);
}

static GArray *sorted_batches(const Export *export)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(ProofBatchId));
    GHashTableIter iter;
    gpointer id;

    g_hash_table_iter_init(&iter, export->batches);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        g_array_append_vals(ids, id, 1);
    g_array_sort(ids, proof_batch_id_compare);
    return ids;
}

static gboolean write_some_batches(Export *export, const ProofBatchId *ids, gsize count,
                                   GError **error)
{
    g_autoptr(GPtrArray) batches = export->proofs->batches(export->proofs->user, ids, count, error);

    for (guint i = 0; batches != NULL && i < batches->len; i++) {
        g_autofree char *line = proof_batch_format(batches->pdata[i]);

        if (!manifest_add_batch(export->manifest, line, error))
            return FALSE;
    }
    return batches != NULL;
}

static gboolean write_batches(Export *export, GError **error)
{
    g_autoptr(GArray) ids = sorted_batches(export);
    gsize count;

    for (guint at = 0; at < ids->len && export->proofs != NULL; at += (guint)count) {
        count = MIN(ids->len - at, PROOF_BATCHES_MAX);
        if (!write_some_batches(export, &g_array_index(ids, ProofBatchId, at), count, error))
            return FALSE;
    }
    return TRUE;
}

gboolean export_finish(Export *export, ManifestCounts *ret_counts, GError **error)
{
    gboolean is_member = export->manifest_draft == NULL && export->format != EXPORT_MBOX;

    if (!flush_journal(export, error) || !manifest_end_messages(export->manifest, error) ||
        !write_batches(export, error) || !manifest_finish(export->manifest, error) ||
        !export->backend->finish(export->self, is_member ? export->manifest_fd : -1, export->now_s,
                                 error) ||
        !export_place_finish(export, error))
        return FALSE;
    export->is_finished = TRUE;
    *ret_counts = *manifest_counts(export->manifest);
    return TRUE;
}

void export_free(Export *export)
{
    if (export == NULL)
        return;
    /* What has its file already need not be written again. */
    if (!export->is_finished)
        (void)flush_journal(export, NULL);
    if (export->self != NULL)
        export->backend->free(export->self);
    export_place_free(export);
    manifest_free(export->manifest);
    g_clear_pointer(&export->known, g_hash_table_unref);
    g_string_free(export->journal_lines, TRUE);
    vault_hasher_free(export->lf_hasher);
    g_byte_array_unref(export->lf_bytes);
    g_hash_table_unref(export->batches);
    g_free(export->file);
    g_free(export->path);
    g_free(export);
}
