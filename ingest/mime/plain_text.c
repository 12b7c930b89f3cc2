#include "ingest/mime/plain_text.h"

#include "vault/crypto/keys.h"

#include <string.h>

/* Longer lines are neither armor nor worth joining. */
#define LINE_LEN_MAX 1024
#define BEGIN "-----BEGIN PGP "
#define END "-----END PGP "

struct IngestPlainText {
    IngestTextSink sink;
    gpointer user;
    gboolean is_delsp, is_in_line, is_in_armor;
    guint marks;
    GByteArray *line; /* one that is not whole yet and may matter */
};

IngestPlainText *ingest_plain_text_new(gboolean is_delsp, IngestTextSink sink, gpointer user)
{
    IngestPlainText *plain = g_new0(IngestPlainText, 1);

    plain->sink = sink;
    plain->user = user;
    plain->is_delsp = is_delsp;
    plain->line = g_byte_array_new();
    return plain;
}

void ingest_plain_text_free(IngestPlainText *plain)
{
    if (plain == NULL)
        return;
    vault_wipe(plain->line->data, plain->line->len);
    g_byte_array_unref(plain->line);
    g_free(plain);
}

static void give(IngestPlainText *plain, const char *text, gsize len)
{
    if (len == 0)
        return;
    plain->is_in_line = text[len - 1] != '\n';
    plain->sink(plain->user, text, len);
}

static gboolean begins(const char *line, gsize len, const char *prefix)
{
    return len >= strlen(prefix) && memcmp(line, prefix, strlen(prefix)) == 0;
}

static void begin_armor(IngestPlainText *plain, const char *line, gsize len)
{
    line += strlen(BEGIN), len -= strlen(BEGIN);
    /* The text that is signed stands in the open, its armor follows. */
    if (begins(line, len, "SIGNED MESSAGE")) {
        plain->marks |= INGEST_PLAIN_PGP_SIGNED;
        return;
    }
    if (begins(line, len, "MESSAGE"))
        plain->marks |= INGEST_PLAIN_PGP_MESSAGE;
    plain->is_in_armor = TRUE;
}

/* Base64, its checksum, a field, or nothing: what stands in armor. So text that only speaks of
 * armor hides nothing behind it. */
static gboolean is_armor(const char *line, gsize len)
{
    const char *colon = memchr(line, ':', MIN(len, 20));

    while (len > 0 && g_ascii_isspace(line[len - 1]))
        len--;
    if (len > 100)
        return FALSE;
    return colon != NULL ? colon[1] == ' ' : memchr(line, ' ', len) == NULL;
}

static void give_flowed(IngestPlainText *plain, const char *line, gsize len)
{
    gsize end = len;

    while (end > 0 && (line[end - 1] == '\n' || line[end - 1] == '\r'))
        end--;
    if (plain->is_delsp && end > 0 && end < len && line[end - 1] == ' ' &&
        !(end == 3 && begins(line, end, "-- ")))
        len = end - 1;
    give(plain, line, len);
}

/* A whole line, or the beginning of one that is too long to be anything special. */
static void take_line(IngestPlainText *plain, const char *line, gsize len)
{
    if (begins(line, len, BEGIN)) {
        begin_armor(plain, line, len);
        return;
    }
    if (plain->is_in_armor) {
        if (begins(line, len, END)) {
            plain->is_in_armor = FALSE;
            return;
        }
        if (is_armor(line, len))
            return;
        plain->is_in_armor = FALSE;
    }
    give_flowed(plain, line, len);
}

/* Bytes that need not be looked at line by line: up to a line that begins with "-". */
static gsize plain_len(const IngestPlainText *plain, const char *text, gsize len)
{
    const char *found;

    if (!plain->is_in_line && (*text == '-' || plain->is_in_armor || plain->is_delsp))
        return 0;
    if (plain->is_delsp) {
        found = memchr(text, '\n', len);
        return found == NULL ? len : (gsize)(found + 1 - text);
    }
    found = memmem(text, len, "\n-", 2);
    return found == NULL ? len : (gsize)(found + 1 - text);
}

static gsize take_piece_of_line(IngestPlainText *plain, const char *text, gsize len)
{
    const char *newline = memchr(text, '\n', len);
    gsize taken_len = newline == NULL ? len : (gsize)(newline + 1 - text);
    g_autoptr(GByteArray) line = NULL;

    taken_len = MIN(taken_len, LINE_LEN_MAX - plain->line->len);
    g_byte_array_append(plain->line, (const guint8 *)text, (guint)taken_len);
    if (text[taken_len - 1] != '\n' && plain->line->len < LINE_LEN_MAX)
        return taken_len;
    line = g_steal_pointer(&plain->line);
    plain->line = g_byte_array_new();
    take_line(plain, (const char *)line->data, line->len);
    vault_wipe(line->data, line->len);
    return taken_len;
}

void ingest_plain_text_add(IngestPlainText *plain, const char *text, gsize len)
{
    gsize taken_len;

    for (; len > 0; text += taken_len, len -= taken_len) {
        taken_len = plain->line->len > 0 ? 0 : plain_len(plain, text, len);
        give(plain, text, taken_len);
        if (taken_len == 0)
            taken_len = take_piece_of_line(plain, text, len);
    }
}

guint ingest_plain_text_end(IngestPlainText *plain)
{
    if (plain->line->len > 0)
        take_line(plain, (const char *)plain->line->data, plain->line->len);
    g_byte_array_set_size(plain->line, 0);
    return plain->marks;
}
