/* Command lines of LMTP, parsed: verb, path, parameters. Pure. Internal to ingest.
 * Sources: RFC 5321 4.1, RFC 1870, 3030, 6152, 6531.
 */
#pragma once

#include <glib.h>

typedef enum {
    LMTP_VERB_LHLO,
    LMTP_VERB_HELO, /* and EHLO: refused */
    LMTP_VERB_STARTTLS,
    LMTP_VERB_MAIL,
    LMTP_VERB_RCPT,
    LMTP_VERB_DATA,
    LMTP_VERB_BDAT,
    LMTP_VERB_RSET,
    LMTP_VERB_VRFY,
    LMTP_VERB_NOOP,
    LMTP_VERB_HELP,
    LMTP_VERB_QUIT,
    LMTP_VERB_UNKNOWN,
} LmtpVerb;

/* `line` has no line end. *ret_arguments points behind the verb and its spaces. */
LmtpVerb lmtp_command_verb(const char *line, const char **ret_arguments);

typedef struct {
    guint64 size;
    gboolean is_binary, is_smtputf8;
} LmtpMailParameters;

/* "FROM:<path> parameters" / "TO:<path> parameters": *ret_path is new, without brackets and source
 * route. NULL when it is good, else the reply's text and no path. */
const char *lmtp_command_mail(const char *arguments, char **ret_path,
                              LmtpMailParameters *ret_parameters);
const char *lmtp_command_rcpt(const char *arguments, char **ret_path);
/* "SIZE [LAST]"; FALSE when it is not that. */
gboolean lmtp_command_bdat(const char *arguments, guint64 *ret_size, gboolean *ret_is_last);
