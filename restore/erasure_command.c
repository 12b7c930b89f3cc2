#include "restore/erasure_command.h"

#include "restore/certificate.h"
#include "restore/confirm.h"
#include "restore/erasure_request.h"
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "vault/base/file.h"

#include <stdio.h>

void restore_erasure_options_clear(ErasureOptions *options)
{
    g_strfreev(options->messages);
    g_free(options->result);
    g_free(options->mailbox);
    g_free(options->from);
    g_free(options->to);
    g_free(options->reason);
    g_free(options->propose);
    g_free(options->approved);
    g_free(options->certificate);
}

typedef struct {
    const char *vault;
    VaultAct act;
    const ErasureOptions *options;
    char *text; /* the request */
} Erasing;

static void erasing_clear(Erasing *erasing)
{
    g_free(erasing->text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Erasing, erasing_clear)

/* ---- the request ---------------------------------------------------------------------------- */

static gboolean read_approved(Erasing *erasing, GError **error)
{
    g_autoptr(GBytes) bytes =
        vault_file_read(erasing->options->approved, VAULT_ERASURE_TEXT_LEN_MAX, error);

    if (bytes == NULL)
        return FALSE;
    erasing->text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return TRUE;
}

static gboolean make_request(Erasing *erasing, GError **error)
{
    g_autofree char *warning = NULL;
    g_autoptr(VaultKeep) keep = NULL;

    if (erasing->options->approved != NULL)
        return read_approved(erasing, error);
    keep = vault_access_open(erasing->vault, VAULT_ACCESS_UP_TO_DATE, &warning, error);
    if (warning != NULL)
        restore_verb_say(vault_act_name(erasing->act), "%s", warning);
    if (keep != NULL)
        erasing->text = restore_erasure_request(keep, erasing->act, erasing->options, error);
    return erasing->text != NULL;
}

static gboolean propose(const Erasing *erasing, GError **error)
{
    const char *out = erasing->options->propose;

    if (!restore_output_write(out, erasing->text, RESTORE_OUTPUT_PRIVATE, error))
        return FALSE;
    printf("%s says what is to be destroyed. Nothing was.\n"
           "Next: have it approved by who the policy says\n"
           "  muniment approve %s --key SSH_KEY --as NAME\n"
           "and then, where the vault is,\n"
           "  muniment %s VAULT --approved %s\n",
           out, out, vault_act_name(erasing->act), out);
    return TRUE;
}

/* ---- showing, asking, doing ----------------------------------------------------------------- */

static guint64 number_of(const char *answer, const char *name)
{
    g_autofree char *value = certificate_value(answer, name, 0);

    return value == NULL ? 0 : g_ascii_strtoull(value, NULL, 10);
}

static void show_preview(const char *answer)
{
    guint64 held = number_of(answer, "held"), obstacles = number_of(answer, "obstacles");

    fprintf(stderr,
            "To be destroyed: %" G_GUINT64_FORMAT " copies in %" G_GUINT64_FORMAT
            " mailboxes, %" G_GUINT64_FORMAT " month keys.\n",
            number_of(answer, "copies"), number_of(answer, "mailboxes"),
            number_of(answer, "months"));
    if (held > 0)
        fprintf(stderr, "Passed over, as it is held: %" G_GUINT64_FORMAT " copies.\n", held);
    if (obstacles > 0)
        fprintf(stderr, "In the way: %" G_GUINT64_FORMAT "\n", obstacles);
    for (guint i = 0;; i++) {
        g_autofree char *obstacle = certificate_value(answer, "obstacle", i);

        if (obstacle == NULL)
            return;
        fprintf(stderr, "  %s\n", obstacle);
    }
}

static RestoreExit preview_status(const char *answer)
{
    if (number_of(answer, "obstacles") > 0)
        return RESTORE_EXIT_REFUSED;
    return number_of(answer, "copies") + number_of(answer, "months") > 0
               ? RESTORE_EXIT_DONE
               : RESTORE_EXIT_NOTHING_MATCHED;
}

static gboolean confirm(const Erasing *erasing, GError **error)
{
    const char *word = erasing->options->mailbox;

    return restore_confirm("What is destroyed cannot be had back by anyone.",
                           word != NULL ? word : vault_act_name(erasing->act),
                           erasing->options->is_yes, error);
}

static gboolean write_certificate(const Erasing *erasing, const char *statement, GError **error)
{
    g_autofree char *id = certificate_value(statement, "erasure", 0);
    g_autofree char *text = NULL;

    if (erasing->options->certificate == NULL)
        return TRUE;
    text = certificate_of_id(erasing->vault, id, error);
    return text != NULL &&
           restore_output_write(erasing->options->certificate, text, RESTORE_OUTPUT_PUBLIC, error);
}

static gboolean do_it(const Erasing *erasing, GError **error)
{
    g_autofree char *statement = NULL;
    g_autofree char *page = NULL;

    if (!vault_access_operate(erasing->vault, "erasure", erasing->text, strlen(erasing->text),
                              &statement, error))
        return FALSE;
    page = certificate_page(statement);
    fputs(page, stdout);
    return restore_output_flush(error) && write_certificate(erasing, statement, error);
}

static gboolean run(Erasing *erasing, RestoreExit *ret_status, GError **error)
{
    g_autofree char *answer = NULL;

    if (!make_request(erasing, error))
        return FALSE;
    if (erasing->options->propose != NULL)
        return propose(erasing, error);
    if (!vault_access_operate(erasing->vault, "erasure-preview", erasing->text,
                              strlen(erasing->text), &answer, error))
        return FALSE;
    show_preview(answer);
    *ret_status = preview_status(answer);
    if (erasing->options->is_dry_run || *ret_status != RESTORE_EXIT_DONE)
        return TRUE;
    return confirm(erasing, error) && do_it(erasing, error);
}

RestoreExit restore_erasure_run(const char *vault, VaultAct act, const ErasureOptions *options)
{
    g_auto(Erasing) erasing = {.vault = vault, .act = act, .options = options};
    g_autoptr(GError) error = NULL;
    RestoreExit status = RESTORE_EXIT_DONE;

    if (run(&erasing, &status, &error))
        return status;
    status = restore_verb_fail(vault_act_name(act), error);
    return g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND) && erasing.text == NULL
               ? RESTORE_EXIT_NOTHING_MATCHED
               : status;
}
