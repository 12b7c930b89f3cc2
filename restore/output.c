#include "restore/output.h"

#include "vault/base/error.h"
#include "vault/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

gboolean restore_output_write(const char *path, const char *text, RestoreOutputMode mode,
                              GError **error)
{
    mode_t before;
    gboolean is_written;

    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "%s exists and is not overwritten; choose another name", path);
        return FALSE;
    }
    before = umask(0);
    is_written =
        vault_file_write(path, text, strlen(text), mode == RESTORE_OUTPUT_PUBLIC ? 0644 : 0600,
                         VAULT_FILE_NEW, error);

    umask(before);
    return is_written;
}

char *restore_output_printable(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *safe = g_string_new(NULL);

    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar letter = g_utf8_get_char(at);

        g_string_append_unichar(safe, g_unichar_isprint(letter) ? letter : 0xFFFD);
    }
    return g_string_free(safe, FALSE);
}

gboolean restore_output_flush(GError **error)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return TRUE;
    return vault_error_set_errno(error, errno, "cannot write", "standard output");
}

gboolean restore_output_json(JsonBuilder *builder, GError **error)
{
    g_autoptr(JsonGenerator) generator = json_generator_new();
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *text = NULL;

    json_generator_set_pretty(generator, TRUE);
    json_generator_set_root(generator, root);
    text = json_generator_to_data(generator, NULL);
    puts(text);
    return restore_output_flush(error);
}
