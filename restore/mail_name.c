#include "restore/mail_name.h"

#include <string.h>

void mail_maildir_name_clear(MailMaildirName *name)
{
    g_clear_pointer(&name->keywords, g_free);
}

void mail_maildir_name_parse(const char *file, MailMaildirName *ret_name)
{
    static const struct {
        char letter;
        const char *keyword;
    } flags[] = {{'D', "\\Draft"},    {'F', "\\Flagged"}, {'P', "$Forwarded"},
                 {'R', "\\Answered"}, {'S', "\\Seen"},    {'T', "\\Deleted"}};
    const char *info = strstr(file, ":2,");
    const char *dot = strchr(file, '.');
    g_autofree char *seconds = dot == NULL ? NULL : g_strndup(file, (gsize)(dot - file));
    g_autoptr(GString) keywords = g_string_new(NULL);

    *ret_name = (MailMaildirName){0};
    ret_name->has_date = seconds != NULL && g_ascii_string_to_unsigned(seconds, 10, 1, G_MAXINT64,
                                                                       &ret_name->received_s, NULL);
    for (gsize i = 0; info != NULL && i < G_N_ELEMENTS(flags); i++) {
        if (strchr(info + 3, flags[i].letter) == NULL)
            continue;
        if (keywords->len > 0)
            g_string_append_c(keywords, ' ');
        g_string_append(keywords, flags[i].keyword);
    }
    if (keywords->len > 0)
        ret_name->keywords = g_strdup(keywords->str);
}

gboolean mail_maildir_is_message(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *last = g_path_get_basename(folder);
    g_autofree char *name = g_path_get_basename(path);

    return (g_str_equal(last, "cur") || g_str_equal(last, "new")) && *name != '.';
}

/* Parts that name something. */
static GPtrArray *split(const char *text, char separator)
{
    const char delimiter[] = {separator, '\0'};
    g_auto(GStrv) parts = g_strsplit(text, delimiter, -1);
    GPtrArray *kept = g_ptr_array_new_with_free_func(g_free);

    for (char **part = parts; *part != NULL; part++) {
        if (**part != '\0' && !g_str_equal(*part, ".") && !g_str_equal(*part, ".."))
            g_ptr_array_add(kept, g_utf8_make_valid(*part, -1));
    }
    return kept;
}

/* Whole parts are dropped at the end, but for one that is too long alone. */
static char *join(GPtrArray *parts)
{
    char *folder, *end;

    g_ptr_array_add(parts, NULL);
    folder = g_strjoinv("/", (char **)parts->pdata);
    if (strlen(folder) <= MAIL_FOLDER_LEN_MAX)
        return folder;
    end = folder + MAIL_FOLDER_LEN_MAX;
    while (end > folder && *end != '/')
        end--;
    if (end == folder) {
        end = folder + MAIL_FOLDER_LEN_MAX;
        while (((guchar)*end & 0xc0) == 0x80)
            end--;
    }
    *end = '\0';
    return folder;
}

char *mail_folder_of_maildir(const char *path)
{
    g_autoptr(GPtrArray) parts = split(path, '/');
    const char *last;

    /* without cur/NAME */
    g_ptr_array_set_size(parts, (gint)MAX(parts->len, 2u) - 2);
    if (parts->len == 0 || g_ascii_strcasecmp(parts->pdata[parts->len - 1], "Maildir") == 0)
        return g_strdup("INBOX");
    last = parts->pdata[parts->len - 1];
    if (*last == '.' && last[1] != '\0') {
        g_autoptr(GPtrArray) names = split(last, '.');

        if (names->len > 0)
            return join(names);
    }
    return join(parts);
}

/* Never down to "." or "..", which name another folder. */
static void cut_suffix(char *name, const char *suffix)
{
    if (!g_str_has_suffix(name, suffix) || strspn(name, ".") + strlen(suffix) - 1 >= strlen(name))
        return;
    name[strlen(name) - strlen(suffix)] = '\0';
}

char *mail_folder_of_mbox(const char *path)
{
    static const char *const suffixes[] = {".gz", ".zst", ".bz2", ".xz", ".mbox", ".mbx"};
    g_autoptr(GPtrArray) parts = split(path, '/');

    if (parts->len == 0)
        return NULL;
    for (guint i = 0; i + 1 < parts->len; i++)
        cut_suffix(parts->pdata[i], ".sbd");
    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++)
        cut_suffix(parts->pdata[parts->len - 1], suffixes[i]);
    if (parts->len == 1 && g_ascii_strcasecmp(parts->pdata[0], "inbox") == 0)
        return g_strdup("INBOX");
    return join(parts);
}

char *mail_folder_of_eml(const char *path)
{
    g_autoptr(GPtrArray) parts = split(path, '/');

    if (parts->len < 2)
        return NULL;
    g_ptr_array_set_size(parts, (gint)parts->len - 1);
    return join(parts);
}
