#include "restore/witness_http.h"

#include <string.h>

typedef struct {
    const char *begin;
    gsize len;
} Part;

static WitnessHttpProgress refuse(WitnessHttpRequest *request, guint status)
{
    request->status = status;
    return WITNESS_HTTP_REFUSED;
}

static gboolean is_token(const Part *part)
{
    for (gsize i = 0; i < part->len; i++) {
        char c = part->begin[i];

        if (!g_ascii_isalnum(c) && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return FALSE;
    }
    return part->len > 0;
}

static gboolean is_named(const Part *part, const char *name)
{
    return part->len == strlen(name) && g_ascii_strncasecmp(part->begin, name, part->len) == 0;
}

static gboolean is_exactly(const Part *part, const char *text)
{
    return part->len == strlen(text) && memcmp(part->begin, text, part->len) == 0;
}

/* Takes what stands before `separator`, and the separator. */
static gboolean take(Part *rest, char separator, Part *ret_part)
{
    const char *at = memchr(rest->begin, separator, rest->len);

    if (at == NULL)
        return FALSE;
    *ret_part = (Part){rest->begin, (gsize)(at - rest->begin)};
    rest->len -= ret_part->len + 1;
    rest->begin = at + 1;
    return TRUE;
}

static gboolean take_line(Part *rest, Part *ret_line)
{
    if (!take(rest, '\n', ret_line) || ret_line->len == 0 ||
        ret_line->begin[ret_line->len - 1] != '\r')
        return FALSE;
    ret_line->len--;
    return TRUE;
}

/* 0 or the status of the refusal, as the other functions of a line. */
static guint parse_request_line(const Part *line, WitnessHttpRequest *request)
{
    Part rest = *line, method, target;

    if (!take(&rest, ' ', &method) || !take(&rest, ' ', &target) || !is_token(&method))
        return 400;
    if (!is_exactly(&rest, "HTTP/1.1") && !is_exactly(&rest, "HTTP/1.0"))
        return 505;
    if (target.len > WITNESS_HTTP_TARGET_LEN_MAX)
        return 414;
    for (gsize i = 0; i < target.len; i++) {
        if (target.begin[i] <= 0x20 || target.begin[i] >= 0x7f)
            return 400;
    }
    if (target.len == 0 || target.begin[0] != '/')
        return 400;
    memcpy(request->target, target.begin, target.len);
    request->method = is_exactly(&method, "GET")    ? WITNESS_HTTP_GET
                      : is_exactly(&method, "POST") ? WITNESS_HTTP_POST
                                                    : WITNESS_HTTP_OTHER;
    return 0;
}

static void trim(Part *value)
{
    while (value->len > 0 && (value->begin[0] == ' ' || value->begin[0] == '\t')) {
        value->begin++;
        value->len--;
    }
    while (value->len > 0 &&
           (value->begin[value->len - 1] == ' ' || value->begin[value->len - 1] == '\t'))
        value->len--;
}

static guint parse_length(const Part *value, gsize *ret_len)
{
    gsize len = 0;

    if (value->len == 0)
        return 400;
    for (gsize i = 0; i < value->len; i++) {
        if (!g_ascii_isdigit(value->begin[i]))
            return 400;
        len = len * 10 + (gsize)(value->begin[i] - '0');
        if (len > WITNESS_HTTP_BODY_LEN_MAX)
            return 413;
    }
    *ret_len = len;
    return 0;
}

static guint parse_field(const Part *line, WitnessHttpRequest *request, gboolean *has_length)
{
    Part rest = *line, name;
    gboolean had_length = *has_length;

    if (!take(&rest, ':', &name) || !is_token(&name))
        return 400;
    trim(&rest);
    for (gsize i = 0; i < rest.len; i++) {
        if ((guchar)rest.begin[i] < 0x20 && rest.begin[i] != '\t')
            return 400;
    }
    if (is_named(&name, "Transfer-Encoding"))
        return 501;
    if (!is_named(&name, "Content-Length"))
        return 0;
    *has_length = TRUE;
    return had_length ? 400 : parse_length(&rest, &request->body_len);
}

static guint parse_head(Part head, WitnessHttpRequest *request)
{
    gboolean has_length = FALSE;
    Part line;
    guint status;

    if (!take_line(&head, &line))
        return 400;
    status = parse_request_line(&line, request);
    while (status == 0) {
        if (!take_line(&head, &line))
            return 400;
        if (line.len == 0)
            return request->method == WITNESS_HTTP_POST && !has_length ? 411 : 0;
        status = parse_field(&line, request, &has_length);
    }
    return status;
}

WitnessHttpProgress witness_http_parse(const char *bytes, gsize len,
                                       WitnessHttpRequest *ret_request)
{
    static const char blank[] = "\r\n\r\n";
    const char *end = NULL;
    guint status;

    memset(ret_request, 0, sizeof *ret_request);
    if (len > 0)
        end = memmem(bytes, MIN(len, WITNESS_HTTP_HEAD_LEN_MAX), blank, strlen(blank));
    if (end == NULL)
        return len < WITNESS_HTTP_HEAD_LEN_MAX ? WITNESS_HTTP_MORE : refuse(ret_request, 431);
    ret_request->head_len = (gsize)(end - bytes) + strlen(blank);
    status = parse_head((Part){bytes, ret_request->head_len}, ret_request);
    if (status != 0)
        return refuse(ret_request, status);
    return len - ret_request->head_len < ret_request->body_len ? WITNESS_HTTP_MORE
                                                               : WITNESS_HTTP_DONE;
}

static const char *reason_of(guint status)
{
    static const struct {
        guint status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {422, "Unprocessable Content"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {505, "HTTP Version Not Supported"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Refused";
}

GString *witness_http_answer(guint status, const char *content_type, const char *body)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text,
                    "HTTP/1.1 %u %s\r\n"
                    "Content-Type: %s\r\n"
                    "Content-Length: %" G_GSIZE_FORMAT "\r\n"
                    "Connection: close\r\n\r\n%s",
                    status, reason_of(status), content_type, strlen(body), body);
    return text;
}
