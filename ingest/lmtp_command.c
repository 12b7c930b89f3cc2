#include "ingest/lmtp_command.h"

#include "ingest/lmtp.h"

#include <string.h>

#define UNKNOWN_PARAMETER "555 5.5.4 a parameter is not known"

static const struct {
    const char *name;
    LmtpVerb verb;
} verbs[] = {
    {"LHLO", LMTP_VERB_LHLO},         {"HELO", LMTP_VERB_HELO}, {"EHLO", LMTP_VERB_HELO},
    {"STARTTLS", LMTP_VERB_STARTTLS}, {"MAIL", LMTP_VERB_MAIL}, {"RCPT", LMTP_VERB_RCPT},
    {"DATA", LMTP_VERB_DATA},         {"BDAT", LMTP_VERB_BDAT}, {"RSET", LMTP_VERB_RSET},
    {"VRFY", LMTP_VERB_VRFY},         {"NOOP", LMTP_VERB_NOOP}, {"HELP", LMTP_VERB_HELP},
    {"QUIT", LMTP_VERB_QUIT},
};

static const char *skip_spaces(const char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

LmtpVerb lmtp_command_verb(const char *line, const char **ret_arguments)
{
    gsize len;

    line = skip_spaces(line);
    len = strcspn(line, " \t");
    *ret_arguments = skip_spaces(line + len);
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (strlen(verbs[i].name) == len && g_ascii_strncasecmp(line, verbs[i].name, len) == 0)
            return verbs[i].verb;
    return LMTP_VERB_UNKNOWN;
}

/* The end of a path in brackets: a '>' outside quotes. */
static const char *find_bracket(const char *text)
{
    gboolean is_quoted = FALSE;

    for (; *text != '\0'; text++) {
        if (*text == '\\' && is_quoted && text[1] != '\0')
            text++;
        else if (*text == '"')
            is_quoted = !is_quoted;
        else if (*text == '>' && !is_quoted)
            return text;
    }
    return NULL;
}

static gboolean is_path(const char *path)
{
    const char *at = strrchr(path, '@');

    if (strlen(path) > INGEST_LMTP_PATH_LEN_MAX || !g_utf8_validate(path, -1, NULL))
        return FALSE;
    for (const char *c = path; *c != '\0'; c++)
        if ((guint8)*c < 0x20 || *c == 0x7f)
            return FALSE;
    return at == NULL || (at != path && at[1] != '\0' && strchr(at, ' ') == NULL);
}

/* Behind "@a,@b:" (RFC 5321 appendix C: accepted and stripped), where a domain may be a literal
 * with colons. */
static const char *skip_route(const char *start, const char *end)
{
    gboolean is_literal = FALSE;

    if (*start != '@')
        return start;
    for (const char *at = start; at < end; at++) {
        if (*at == '[' || *at == ']')
            is_literal = *at == '[';
        else if (*at == ':' && !is_literal)
            return at + 1;
    }
    return start;
}

/* Takes "FROM:<path>" apart; *ret_rest is what follows the path. */
static const char *take_path(const char *arguments, const char *keyword, char **ret_path,
                             const char **ret_rest)
{
    gsize keyword_len = strlen(keyword);
    const char *start, *mailbox, *end;

    if (g_ascii_strncasecmp(arguments, keyword, keyword_len) != 0)
        return "501 5.5.4 syntax: a path in angle brackets is needed";
    start = skip_spaces(arguments + keyword_len);
    if (*start == '<') {
        start++;
        end = find_bracket(start);
        if (end == NULL)
            return "501 5.1.7 the path has no end";
        *ret_rest = end + 1;
    } else {
        /* No brackets: borne with whole addresses, where nothing else can be meant. */
        end = start + strcspn(start, " \t");
        *ret_rest = end;
        if (memchr(start, '@', (gsize)(end - start)) == NULL)
            return "501 5.5.4 syntax: a path in angle brackets is needed";
    }
    mailbox = skip_route(start, end);
    if (mailbox == end && mailbox != start)
        return "501 5.1.3 a route without an address";
    *ret_path = g_strndup(mailbox, (gsize)(end - mailbox));
    if (is_path(*ret_path) && (**ret_rest == '\0' || **ret_rest == ' ' || **ret_rest == '\t'))
        return NULL;
    g_clear_pointer(ret_path, g_free);
    return "501 5.1.3 this is no address";
}

/* Any 1 to 20 digits (RFC 1870 4); what no u64 holds is as large as one can be. */
static gboolean parse_size(const char *text, guint64 *ret_size)
{
    gsize len = strlen(text);

    if (len == 0 || len > 20 || strspn(text, "0123456789") != len)
        return FALSE;
    *ret_size = g_ascii_strtoull(text, NULL, 10);
    return TRUE;
}

static gboolean has_name(const char *parameter, const char *name)
{
    return g_ascii_strncasecmp(parameter, name, strlen(name)) == 0;
}

/* Never offered, yet servers that were told of DSN or AUTH elsewhere send them, and nothing that
 * the archive does depends on them: no reason to refuse a message. */
static gboolean is_ignored(const char *parameter, const char *const *names)
{
    for (; *names != NULL; names++)
        if (has_name(parameter, *names))
            return TRUE;
    return FALSE;
}

static const char *take_body(const char *value, LmtpMailParameters *parameters)
{
    if (g_ascii_strcasecmp(value, "BINARYMIME") == 0)
        parameters->is_binary = TRUE;
    else if (g_ascii_strcasecmp(value, "7BIT") != 0 && g_ascii_strcasecmp(value, "8BITMIME") != 0)
        return "501 5.5.4 BODY= is 7BIT, 8BITMIME or BINARYMIME";
    return NULL;
}

static const char *take_mail_parameter(const char *parameter, LmtpMailParameters *parameters)
{
    static const char *const ignored[] = {"AUTH=", "RET=", "ENVID=", NULL};

    if (has_name(parameter, "SIZE="))
        return parse_size(parameter + strlen("SIZE="), &parameters->size)
                   ? NULL
                   : "501 5.5.4 SIZE= needs a number";
    if (has_name(parameter, "BODY="))
        return take_body(parameter + strlen("BODY="), parameters);
    if (g_ascii_strcasecmp(parameter, "SMTPUTF8") == 0) {
        parameters->is_smtputf8 = TRUE;
        return NULL;
    }
    return is_ignored(parameter, ignored) ? NULL : UNKNOWN_PARAMETER;
}

static const char *take_rcpt_parameter(const char *parameter)
{
    static const char *const ignored[] = {"ORCPT=", "NOTIFY=", NULL};

    return is_ignored(parameter, ignored) ? NULL : UNKNOWN_PARAMETER;
}

const char *lmtp_command_mail(const char *arguments, char **ret_path,
                              LmtpMailParameters *ret_parameters)
{
    const char *rest = NULL;
    const char *refusal = take_path(arguments, "FROM:", ret_path, &rest);
    g_auto(GStrv) parameters = NULL;

    *ret_parameters = (LmtpMailParameters){0};
    if (refusal != NULL)
        return refusal;
    parameters = g_strsplit_set(rest, " \t", -1);
    for (guint i = 0; parameters[i] != NULL && refusal == NULL; i++)
        if (parameters[i][0] != '\0')
            refusal = take_mail_parameter(parameters[i], ret_parameters);
    if (refusal != NULL)
        g_clear_pointer(ret_path, g_free);
    return refusal;
}

const char *lmtp_command_rcpt(const char *arguments, char **ret_path)
{
    const char *rest = NULL;
    const char *refusal = take_path(arguments, "TO:", ret_path, &rest);
    g_auto(GStrv) parameters = NULL;

    if (refusal != NULL)
        return refusal;
    if ((*ret_path)[0] == '\0')
        refusal = "501 5.1.3 a recipient cannot be empty";
    parameters = g_strsplit_set(rest, " \t", -1);
    for (guint i = 0; parameters[i] != NULL && refusal == NULL; i++)
        if (parameters[i][0] != '\0')
            refusal = take_rcpt_parameter(parameters[i]);
    if (refusal != NULL)
        g_clear_pointer(ret_path, g_free);
    return refusal;
}

gboolean lmtp_command_bdat(const char *arguments, guint64 *ret_size, gboolean *ret_is_last)
{
    gsize len = strcspn(arguments, " \t");
    g_autofree char *number = g_strndup(arguments, len);
    const char *rest = skip_spaces(arguments + len);

    *ret_is_last = g_ascii_strcasecmp(rest, "LAST") == 0;
    return (*ret_is_last || *rest == '\0') &&
           g_ascii_string_to_unsigned(number, 10, 0, G_MAXINT64, ret_size, NULL);
}
