#include "restore/share_files.h"

#include "restore/output.h"
#include "restore/share_qr.h"
#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SHEET_LEN_MAX 65536

/* ---- reading -------------------------------------------------------------------------------- */

/* Into `text` alone, so that no copy of the share stays behind. */
static gboolean read_text(const char *path, char *text, GError **error)
{
    g_auto(VaultFd) fd = open(path, O_RDONLY | O_CLOEXEC);
    gsize len = 0;

    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot open the share", path);
    while (len <= VAULT_KEY_FILE_LEN_MAX) {
        ssize_t got = read(fd, text + len, VAULT_KEY_FILE_LEN_MAX + 1 - len);

        if (got < 0 && errno != EINTR)
            return vault_error_set_errno(error, errno, "cannot read the share", path);
        if (got == 0)
            break;
        len += got > 0 ? (gsize)got : 0;
    }
    if (memchr(text, '\0', len) == NULL)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s: this is no text", path);
    return FALSE;
}

gboolean restore_share_file_read(const char *path, VaultShareSheet *ret_sheet, GError **error)
{
    char *text = vault_secret_new(VAULT_KEY_FILE_LEN_MAX + 2);
    gboolean is_read = read_text(path, text, error);

    if (is_read && !vault_share_sheet_parse(text, ret_sheet, error)) {
        g_prefix_error(error, "%s: ", path);
        is_read = FALSE;
    }
    vault_secret_free(text);
    return is_read;
}

gboolean restore_share_files_add(char *const *paths, RestoreShares *shares, GError **error)
{
    for (gsize i = 0; paths[i] != NULL; i++) {
        g_auto(VaultShareSheet) sheet = {.is_signed = FALSE};

        if (!restore_share_file_read(paths[i], &sheet, error) ||
            !restore_shares_add(shares, &sheet, paths[i], error))
            return FALSE;
    }
    return restore_shares_check(shares, error);
}

/* ---- writing -------------------------------------------------------------------------------- */

char *restore_share_file_path(const char *directory, guint number, guint count)
{
    g_autofree char *name = g_strdup_printf("share-%u-of-%u.txt", number, count);

    return g_build_filename(directory, name, NULL);
}

static void put_advice(GString *text, const VaultShareSheet *sheet)
{
    const RestoreKeyRole *role = restore_key_role(sheet->set.role);
    guint threshold = sheet->share.member_threshold;

    g_string_append_printf(text,
                           "\n"
                           "# This is share %u of set %u. Any %u share%s of the set give%s %s "
                           "of a mail archive.\n"
                           "# Keep it where nobody else sees it, and never beside another share.\n"
                           "# Print it, then type it in once to see that the paper is right:\n"
                           "#     muniment %s check-share\n"
                           "# The words are counted along the rows: first, second, third, next "
                           "row.\n"
                           "# Any program for SLIP-0039 takes them too.\n",
                           sheet->share.member_index + 1u, sheet->share.identifier, threshold,
                           threshold == 1 ? "" : "s", threshold == 1 ? "s" : "", role->the_key,
                           role->command);
}

static gboolean put_qr(GString *text, const VaultSlip39Share *share, gboolean *ret_has_qr,
                       GError **error)
{
    g_autoptr(GError) failure = NULL;
    char *qr = restore_share_qr(share, ret_has_qr, &failure);

    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (qr == NULL)
        return TRUE;
    g_string_append(text, "#\n");
    for (const char *line = qr; *line != '\0';) {
        const char *end = strchrnul(line, '\n');

        g_string_append(text, "#   ");
        g_string_append_len(text, line, end - line);
        g_string_append_c(text, '\n');
        line = *end == '\n' ? end + 1 : end;
    }
    vault_key_text_free(qr);
    return TRUE;
}

gboolean restore_share_file_write(const char *path, const VaultShareSheet *sheet, const char *notes,
                                  gboolean *ret_has_qr, GError **error)
{
    GString *text = g_string_sized_new(SHEET_LEN_MAX); /* never grows: what it holds is secret */
    char *lines = vault_share_sheet_format(sheet);
    gboolean has_qr = FALSE, is_written;

    g_assert(notes == NULL || strlen(notes) <= RESTORE_SHARE_NOTES_LEN_MAX);
    g_string_append(text, lines);
    vault_key_text_free(lines);
    if (notes != NULL)
        g_string_append_printf(text, "\n%s", notes);
    put_advice(text, sheet);
    is_written = put_qr(text, &sheet->share, &has_qr, error) &&
                 restore_output_write(path, text->str, RESTORE_OUTPUT_PRIVATE, error);
    if (ret_has_qr != NULL)
        *ret_has_qr = has_qr;
    vault_wipe(text->str, text->allocated_len);
    g_string_free(text, TRUE);
    return is_written;
}
