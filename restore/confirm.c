#include "restore/confirm.h"

#include "vault/base/error.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_LEN_MAX 1024

gboolean restore_confirm(const char *question, const char *word, gboolean is_yes, GError **error)
{
    char line[LINE_LEN_MAX] = "";

    if (is_yes)
        return TRUE;
    if (!isatty(STDIN_FILENO)) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                            "nobody is there to be asked: give --yes, or look first with "
                            "--dry-run");
        return FALSE;
    }
    fprintf(stderr, "%s\nType %s to go on: ", question, word);
    if (fgets(line, sizeof line, stdin) == NULL) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "nothing was typed");
        return FALSE;
    }
    if (strcmp(g_strstrip(line), word) == 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "that is something else: nothing was destroyed");
    return FALSE;
}
