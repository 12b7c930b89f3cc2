#include "restore/output.h"

#include "vault/base/error.h"
#include "vault/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

gboolean restore_output_write(const char *path, const char *text, RestoreOutputMode mode,
                              GError **error)
{
    mode_t before = umask(0);
    gboolean is_written =
        vault_file_write(path, text, strlen(text), mode == RESTORE_OUTPUT_PUBLIC ? 0644 : 0600,
                         VAULT_FILE_NEW, error);

    umask(before);
    return is_written;
}

gboolean restore_output_json(JsonBuilder *builder, GError **error)
{
    g_autoptr(JsonGenerator) generator = json_generator_new();
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *text = NULL;

    json_generator_set_pretty(generator, TRUE);
    json_generator_set_root(generator, root);
    text = json_generator_to_data(generator, NULL);
    if (puts(text) < 0 || fflush(stdout) != 0)
        return vault_error_set_errno(error, errno, "cannot write", "standard output");
    return TRUE;
}
