#include "restore/output_draft.h"

#include "vault/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

static gboolean refuse_existing(const char *path, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s exists and is not overwritten; choose another name", path);
    return FALSE;
}

gboolean restore_output_draft_begin(RestoreOutputDraft *ret_draft, const char *path, GError **error)
{
    *ret_draft = RESTORE_OUTPUT_DRAFT_NONE;
    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return refuse_existing(path, error);
    ret_draft->path = g_strdup(path);
    ret_draft->draft_path = g_strdup_printf("%s.XXXXXX", path);
    ret_draft->fd = g_mkstemp_full(ret_draft->draft_path, O_WRONLY | O_CLOEXEC, 0600);
    if (ret_draft->fd >= 0)
        return TRUE;
    g_clear_pointer(&ret_draft->draft_path, g_free);
    return vault_error_set_errno(error, errno, "cannot make", path);
}

gboolean restore_output_draft_append(RestoreOutputDraft *draft, const char *text, gsize len,
                                     GError **error)
{
    return vault_file_write_all(draft->fd, text, len, draft->path, error);
}

gboolean restore_output_draft_finish(RestoreOutputDraft *draft, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(draft->path);

    if (!vault_file_sync(draft->fd, draft->path, error))
        return FALSE;
    /* link(), unlike rename(), puts nothing in place of a file that came meanwhile. */
    if (link(draft->draft_path, draft->path) != 0)
        return errno == EEXIST ? refuse_existing(draft->path, error)
                               : vault_error_set_errno(error, errno, "cannot make", draft->path);
    return vault_file_sync_directory(folder, error);
}

void restore_output_draft_clear(RestoreOutputDraft *draft)
{
    vault_fd_close(&draft->fd);
    if (draft->draft_path != NULL)
        unlink(draft->draft_path);
    g_clear_pointer(&draft->draft_path, g_free);
    g_clear_pointer(&draft->path, g_free);
}
