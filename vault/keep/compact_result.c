/* What a compaction did, as lines: from the daemon to the command. */
#include "vault/keep.h"

#define AT(field) G_STRUCT_OFFSET(VaultCompactResult, field)

static const struct {
    const char *name;
    glong offset; /* of a guint64 */
} lines[] = {
    {"due", AT(due_count)},           {"replaced", AT(replaced_count)},
    {"made", AT(made_count)},         {"left", AT(left_count)},
    {"records-kept", AT(kept_count)}, {"records-dropped", AT(dropped_count)},
    {"bytes-kept", AT(kept_len)},     {"bytes-dropped", AT(dropped_len)},
};

void vault_compact_result_format(const VaultCompactResult *result, GString *text)
{
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
        g_string_append_printf(text, "%s: %" G_GUINT64_FORMAT "\n", lines[i].name,
                               G_STRUCT_MEMBER(guint64, result, lines[i].offset));
    g_string_append_printf(text, "more: %s\n", result->is_more ? "yes" : "no");
}

static gboolean read_line(const char *line, const char *name, guint64 *ret_value)
{
    gsize len = strlen(name);

    return line != NULL && g_str_has_prefix(line, name) && g_str_has_prefix(line + len, ": ") &&
           g_ascii_string_to_unsigned(line + len + 2, 10, 0, G_MAXUINT64, ret_value, NULL);
}

gboolean vault_compact_result_parse(const char *text, VaultCompactResult *ret_result,
                                    GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, "\n", G_N_ELEMENTS(lines) + 2);
    gsize count = g_strv_length(parts);
    gboolean is_good = count == G_N_ELEMENTS(lines) + 2;

    *ret_result = (VaultCompactResult){.due_count = 0};
    for (gsize i = 0; is_good && i < G_N_ELEMENTS(lines); i++)
        is_good = read_line(parts[i], lines[i].name,
                            &G_STRUCT_MEMBER(guint64, ret_result, lines[i].offset));
    is_good =
        is_good && parts[count - 1][0] == '\0' &&
        (strcmp(parts[count - 2], "more: yes") == 0 || strcmp(parts[count - 2], "more: no") == 0);
    if (!is_good) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                            "what archived says of the compaction is not understood: is it of "
                            "another version?");
        return FALSE;
    }
    ret_result->is_more = strcmp(parts[count - 2], "more: yes") == 0;
    return TRUE;
}
