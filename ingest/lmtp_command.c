#include "ingest/lmtp_command.h"

#include "ingest/lmtp.h"

#include <string.h>

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

/* Takes "FROM:<path>" apart; *ret_rest is what follows the path. */
static const char *take_path(const char *arguments, const char *keyword, char **ret_path,
                             const char **ret_rest)
{
    gsize keyword_len = strlen(keyword);
    const char *start, *end;

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
        end = start + strcspn(start, " \t");
        *ret_rest = end;
        if (end == start)
            return "501 5.5.4 syntax: a path in angle brackets is needed";
    }
    /* RFC 5321 appendix C: a source route is accepted and stripped. */
    if (*start == '@' && memchr(start, ':', (gsize)(end - start)) != NULL)
        start = (const char *)memchr(start, ':', (gsize)(end - start)) + 1;
    *ret_path = g_strndup(start, (gsize)(end - start));
    if (is_path(*ret_path) && (**ret_rest == '\0' || **ret_rest == ' ' || **ret_rest == '\t'))
        return NULL;
    g_clear_pointer(ret_path, g_free);
    return "501 5.1.3 this is no address";
}

static const char *take_parameter(const char *parameter, LmtpMailParameters *parameters)
{
    if (g_ascii_strncasecmp(parameter, "SIZE=", 5) == 0)
        return g_ascii_string_to_unsigned(parameter + 5, 10, 0, G_MAXINT64, &parameters->size, NULL)
                   ? NULL
                   : "501 5.5.4 SIZE= needs a number";
    if (g_ascii_strcasecmp(parameter, "BODY=7BIT") == 0 ||
        g_ascii_strcasecmp(parameter, "BODY=8BITMIME") == 0)
        return NULL;
    if (g_ascii_strcasecmp(parameter, "BODY=BINARYMIME") == 0) {
        parameters->is_binary = TRUE;
        return NULL;
    }
    if (g_ascii_strcasecmp(parameter, "SMTPUTF8") == 0) {
        parameters->is_smtputf8 = TRUE;
        return NULL;
    }
    return "555 5.5.4 a parameter is not known";
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
            refusal = take_parameter(parameters[i], ret_parameters);
    if (refusal != NULL)
        g_clear_pointer(ret_path, g_free);
    return refusal;
}

const char *lmtp_command_rcpt(const char *arguments, char **ret_path)
{
    const char *rest = NULL;
    const char *refusal = take_path(arguments, "TO:", ret_path, &rest);

    if (refusal == NULL && *skip_spaces(rest) != '\0')
        refusal = "555 5.5.4 a parameter is not known";
    if (refusal == NULL && (*ret_path)[0] == '\0')
        refusal = "501 5.1.3 a recipient cannot be empty";
    if (refusal != NULL)
        g_clear_pointer(ret_path, g_free);
    return refusal;
}

const char *lmtp_command_bdat(const char *arguments, guint64 *ret_size, gboolean *ret_is_last)
{
    gsize len = strcspn(arguments, " \t");
    g_autofree char *number = g_strndup(arguments, len);
    const char *rest = skip_spaces(arguments + len);

    if (!g_ascii_string_to_unsigned(number, 10, 0, G_MAXINT64, ret_size, NULL))
        return "501 5.5.4 BDAT needs a size";
    *ret_is_last = g_ascii_strcasecmp(rest, "LAST") == 0;
    return *ret_is_last || *rest == '\0' ? NULL : "501 5.5.4 syntax: BDAT size [LAST]";
}
