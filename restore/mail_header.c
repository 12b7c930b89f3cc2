#include "restore/mail_header.h"

#include "restore/mail_date.h"

#include <string.h>

void mail_header_clear(MailHeader *header)
{
    g_clear_pointer(&header->return_path, g_free);
    g_clear_pointer(&header->keywords, g_free);
}

/* Where the field that begins here ends: at the next line that does not begin with space. */
static const guint8 *field_end(const guint8 *field, const guint8 *end)
{
    for (;;) {
        const guint8 *line_end = memchr(field, '\n', (gsize)(end - field));

        if (line_end == NULL)
            return end;
        field = line_end + 1;
        if (field == end || (*field != ' ' && *field != '\t'))
            return field;
    }
}

static gboolean is_field(const guint8 *field, gsize len, const char *name)
{
    gsize name_len = strlen(name);

    return len > name_len && field[name_len] == ':' &&
           g_ascii_strncasecmp((const char *)field, name, name_len) == 0;
}

static char *field_value(const guint8 *field, gsize len, const char *name)
{
    gsize skip = strlen(name) + 1;
    char *value = g_strndup((const char *)field + skip, len - skip);

    g_strdelimit(value, "\r\n\t", ' ');
    return g_strstrip(value);
}

static void take_received(const guint8 *field, gsize len, MailHeader *header)
{
    g_autofree char *value = field_value(field, len, "Received");
    const char *semicolon = strrchr(value, ';');

    header->has_received =
        semicolon != NULL && mail_date_parse_rfc5322(semicolon + 1, &header->received_s);
}

static void take_return_path(const guint8 *field, gsize len, MailHeader *header)
{
    g_autofree char *value = field_value(field, len, "Return-Path");
    char *start = strchr(value, '<');
    char *end = start == NULL ? NULL : strrchr(start, '>');

    if (end == NULL || end - start > 512 || !g_utf8_validate(value, -1, NULL))
        return;
    header->return_path = g_strndup(start + 1, (gsize)(end - start - 1));
}

static void add_keyword(GString *keywords, const char *keyword)
{
    if (strstr(keywords->str, keyword) != NULL)
        return;
    if (keywords->len > 0)
        g_string_append_c(keywords, ' ');
    g_string_append(keywords, keyword);
}

static void take_status(const char *value, GString *keywords)
{
    static const struct {
        char letter;
        const char *keyword;
    } flags[] = {{'R', "\\Seen"},
                 {'A', "\\Answered"},
                 {'F', "\\Flagged"},
                 {'D', "\\Deleted"},
                 {'T', "\\Draft"}};

    for (gsize i = 0; i < G_N_ELEMENTS(flags); i++) {
        if (strchr(value, flags[i].letter) != NULL)
            add_keyword(keywords, flags[i].keyword);
    }
}

/* nsMsgMessageFlags of Mozilla: read, replied, marked, expunged, forwarded. */
static void take_mozilla_status(const char *value, GString *keywords)
{
    static const struct {
        guint64 bit;
        const char *keyword;
    } flags[] = {{0x0001, "\\Seen"},
                 {0x0002, "\\Answered"},
                 {0x0004, "\\Flagged"},
                 {0x0008, "\\Deleted"},
                 {0x1000, "$Forwarded"}};
    guint64 bits;

    if (!g_ascii_string_to_unsigned(value, 16, 0, 0xffff, &bits, NULL))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(flags); i++) {
        if (bits & flags[i].bit)
            add_keyword(keywords, flags[i].keyword);
    }
}

static void take_content_length(const guint8 *field, gsize len, MailHeader *header)
{
    g_autofree char *value = field_value(field, len, "Content-Length");

    header->has_len =
        g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT64, &header->content_len, NULL);
}

typedef struct {
    gboolean is_received_seen, is_return_path_seen;
    GString *keywords;
} HeaderScan;

static void take_field(const guint8 *field, gsize len, HeaderScan *scan, MailHeader *header)
{
    static const char *const status[] = {"Status", "X-Status"};

    if (!scan->is_received_seen && is_field(field, len, "Received")) {
        scan->is_received_seen = TRUE;
        take_received(field, len, header);
    } else if (!scan->is_return_path_seen && is_field(field, len, "Return-Path")) {
        scan->is_return_path_seen = TRUE;
        take_return_path(field, len, header);
    } else if (is_field(field, len, "Content-Length")) {
        take_content_length(field, len, header);
    } else if (is_field(field, len, "X-Mozilla-Status")) {
        g_autofree char *value = field_value(field, len, "X-Mozilla-Status");

        take_mozilla_status(value, scan->keywords);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(status); i++) {
        if (is_field(field, len, status[i])) {
            g_autofree char *value = field_value(field, len, status[i]);

            take_status(value, scan->keywords);
        }
    }
}

void mail_header_parse(const guint8 *bytes, gsize len, MailHeader *ret_header)
{
    const guint8 *end = bytes + MIN(len, MAIL_HEADER_LEN_MAX);
    g_autoptr(GString) keywords = g_string_new(NULL);
    HeaderScan scan = {.keywords = keywords};

    *ret_header = (MailHeader){0};
    for (const guint8 *field = bytes; field < end;) {
        const guint8 *next = field_end(field, end);
        gsize left = (gsize)(end - field);

        if (*field == '\n' || (left >= 2 && field[0] == '\r' && field[1] == '\n')) {
            ret_header->header_len = (gsize)(field - bytes) + (*field == '\n' ? 1 : 2);
            break;
        }
        take_field(field, (gsize)(next - field), &scan, ret_header);
        field = next;
    }
    if (keywords->len > 0)
        ret_header->keywords = g_strdup(keywords->str);
}

gboolean mail_header_looks_like(const guint8 *bytes, gsize len)
{
    static const char *const names[] = {"Return-Path",
                                        "Received",
                                        "Delivered-To",
                                        "From",
                                        "Date",
                                        "Message-ID",
                                        "Subject",
                                        "MIME-Version",
                                        "Sender",
                                        "Reply-To",
                                        "To",
                                        "X-Original-To",
                                        "X-Envelope-To",
                                        "Envelope-To",
                                        "DKIM-Signature",
                                        "ARC-Seal",
                                        "Authentication-Results",
                                        "X-Mozilla-Status",
                                        "Status"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (is_field(bytes, len, names[i]))
            return TRUE;
    }
    return FALSE;
}
