#include "restore/export_name.h"

#include "vault/crypto/hash.h"

#include <string.h>

static gboolean is_plain(char byte)
{
    return g_ascii_isalnum(byte) || (byte != '\0' && strchr("@.+-_", byte) != NULL);
}

/* "~" is never plain, so no other name ends like this one. */
static void cut(GString *encoded, const char *name)
{
    VaultHash hash;
    gsize keep = EXPORT_NAME_LEN_MAX - 1 - VAULT_HASH_LEN;

    vault_hash(name, strlen(name), &hash);
    g_string_truncate(encoded, keep);
    g_string_append_c(encoded, '~');
    for (gsize i = 0; i < VAULT_HASH_LEN / 2; i++)
        g_string_append_printf(encoded, "%02x", hash.bytes[i]);
}

static char *encode(const char *name, const char *also)
{
    GString *encoded = g_string_new(NULL);

    for (const char *at = name; *at != '\0'; at++) {
        if (is_plain(*at) && !(*at == '.' && at == name) && strchr(also, *at) == NULL)
            g_string_append_c(encoded, *at);
        else
            g_string_append_printf(encoded, "%%%02X", (guchar)*at);
    }
    if (encoded->len == 0)
        g_string_append(encoded, "%00");
    if (encoded->len > EXPORT_NAME_LEN_MAX)
        cut(encoded, name);
    return g_string_free(encoded, FALSE);
}

char *export_name_component(const char *name)
{
    return encode(name, "");
}

char *export_name_eml(const char *mailbox, guint64 received_s, const char *id)
{
    g_autofree char *folder = export_name_component(mailbox);
    g_autofree char *file = export_name_component(id);
    g_autoptr(GDateTime) time =
        g_date_time_new_from_unix_utc((gint64)MIN(received_s, G_GUINT64_CONSTANT(253402300799)));

    return g_strdup_printf("%s/%04d-%02d/%s.eml", folder, g_date_time_get_year(time),
                           g_date_time_get_month(time), file);
}

char *export_name_mbox(const char *mailbox)
{
    g_autofree char *file = export_name_component(mailbox);

    return g_strconcat(file, ".mbox", NULL);
}

char *export_name_maildir(const char *mailbox, const char *folder)
{
    g_autofree char *root = export_name_component(mailbox);
    g_auto(GStrv) parts = NULL;
    g_autoptr(GString) name = NULL;

    if (folder == NULL || *folder == '\0' || g_ascii_strcasecmp(folder, "INBOX") == 0)
        return g_steal_pointer(&root);
    parts = g_strsplit(folder, "/", -1);
    name = g_string_new(NULL);
    for (char **part = parts; *part != NULL; part++) {
        g_autofree char *encoded = encode(*part, ".");

        g_string_append_c(name, '.');
        g_string_append(name, encoded);
    }
    /* Each part has its bound, all together may not. */
    if (name->len > EXPORT_NAME_LEN_MAX) {
        cut(name, folder);
    }
    return g_strconcat(root, "/", name->str, NULL);
}

char *export_name_maildir_file(guint64 received_s, const char *id, guint64 len,
                               const char *keywords)
{
    /* In order of the letters, as Maildir wants them. */
    static const struct {
        const char *keyword;
        char letter;
    } flags[] = {{"\\Draft", 'D'},    {"\\Flagged", 'F'}, {"$Forwarded", 'P'},
                 {"\\Answered", 'R'}, {"\\Seen", 'S'},    {"\\Deleted", 'T'}};
    g_autofree char *file = export_name_component(id);
    g_auto(GStrv) words = g_strsplit(keywords == NULL ? "" : keywords, " ", -1);
    char letters[G_N_ELEMENTS(flags) + 1] = "";
    gsize count = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(flags); i++) {
        for (char **word = words; *word != NULL; word++) {
            if (g_ascii_strcasecmp(*word, flags[i].keyword) == 0) {
                letters[count++] = flags[i].letter;
                break;
            }
        }
    }
    letters[count] = '\0';
    return g_strdup_printf("%" G_GUINT64_FORMAT ".%s.muniment,S=%" G_GUINT64_FORMAT ":2,%s",
                           received_s, file, len, letters);
}
