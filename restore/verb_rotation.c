/* muniment rotation: the vault's side of putting another master in the place of one; the masters'
 * is "muniment master rotate". */
#include "restore/output.h"
#include "restore/output_draft.h"
#include "restore/progress.h"
#include "restore/rotation_parts.h"
#include "restore/rotation_report.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

/* So many bytes of parts go to the vault's writer at once. */
#define SEND_LEN (4u << 20)
#define APPROVED_LEN_MAX (4u << 20)

/* ---- begin ---------------------------------------------------------------------------------- */

static gboolean read_master(const char *path, MasterPublic *ret_master, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);

    if (text == NULL)
        return FALSE;
    if (vault_master_public_parse(g_bytes_get_data(text, NULL), ret_master, error))
        return TRUE;
    g_prefix_error(error, "%s: ", path);
    return FALSE;
}

typedef struct {
    RestoreOutputDraft draft;
    Progress *progress;
    guint64 part_count, len;
} Asking;

static void asking_clear(Asking *asking)
{
    restore_output_draft_clear(&asking->draft);
    progress_free(asking->progress);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asking, asking_clear)

static gboolean append_part(const char *text, gsize len, gpointer user, GError **error)
{
    Asking *asking = user;

    asking->part_count++;
    asking->len += len;
    progress_show(asking->progress, asking->part_count, asking->len);
    return restore_output_draft_append(&asking->draft, text, len, error);
}

static gboolean write_asked(VaultKeep *keep, const MasterPublic *master, const char *out,
                            guint64 *ret_months, GError **error)
{
    g_auto(Asking) asking = {.draft = RESTORE_OUTPUT_DRAFT_NONE,
                             .progress = progress_begin("rotation begin", "parts", 0)};

    if (!restore_output_draft_begin(&asking.draft, out, error) ||
        !vault_keep_begin_rotation(keep, master, append_part, &asking, ret_months, error))
        return FALSE;
    progress_hide(asking.progress);
    return restore_output_draft_finish(&asking.draft, error);
}

static gboolean begin(const char *vault, const char *master_path, const char *out, GError **error)
{
    MasterPublic master;
    g_autoptr(VaultKeep) keep = NULL;
    guint64 months = 0;

    if (!read_master(master_path, &master, error))
        return FALSE;
    keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    if (keep == NULL || !write_asked(keep, &master, out, &months, error))
        return FALSE;
    printf("%s asks for the keys of %" G_GUINT64_FORMAT " months, wrapped to another master. It "
           "names every mailbox: keep it as you keep the vault.\n"
           "Next: where the master keys are,\n"
           "  muniment master rotate %s --master OLD --to NEW.pub --new-master NEW\n",
           out, months, out);
    return TRUE;
}

static int rotation_begin(int argc, char **argv)
{
    static const char verb[] = "rotation begin";
    g_autofree char *out = NULL;
    g_autofree char *master = NULL;
    const GOptionEntry entries[] = {
        {"master", 0, 0, G_OPTION_ARG_FILENAME, &master, "public half of the master that is to go",
         "OLD.pub"},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &out, "the file to write", "FILE.rotation"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT --master OLD.pub --out FILE.rotation",
        .summary = "Writes what is wrapped to a master, to be carried to it.",
        .description = "Of a rotation that is under way: only the months that the new master has "
                       "no wrap of yet.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2 || out == NULL || master == NULL)
        return restore_verb_usage(verb, "give one VAULT, --master OLD.pub and --out FILE.rotation");
    return begin(argv[1], master, out, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}

/* ---- take ----------------------------------------------------------------------------------- */

typedef struct {
    const char *vault;
    GBytes *request;  /* NULL: none */
    GString *waiting; /* parts that are yet to be sent, behind the request */
    guint64 sent_len;
    Progress *progress;
    RotationCounts counts;
} Sending;

static Sending sending_of(const char *vault)
{
    return (Sending){.vault = vault, .waiting = g_string_new(NULL)};
}

static void sending_clear(Sending *sending)
{
    g_clear_pointer(&sending->request, g_bytes_unref);
    g_string_free(sending->waiting, TRUE);
    progress_free(sending->progress);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sending, sending_clear)

static gboolean send_waiting(Sending *sending, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *answer = NULL;

    if (sending->request != NULL)
        g_string_append_len(text, g_bytes_get_data(sending->request, NULL),
                            (gssize)g_bytes_get_size(sending->request));
    g_string_append_len(text, sending->waiting->str, (gssize)sending->waiting->len);
    if (!vault_access_operate(sending->vault, "rotation-take", text->str, text->len, &answer,
                              error))
        return FALSE;
    sending->sent_len += sending->waiting->len;
    g_string_truncate(sending->waiting, 0);
    rotation_counts_add(&sending->counts, answer);
    progress_show(sending->progress, sending->counts.taken, sending->sent_len);
    return TRUE;
}

typedef gboolean (*PartFunction)(Sending *sending, const char *text, gsize len, GError **error);

/* Each part of the file, once it is known that it is the one that follows; and that none is
 * missing. */
static gboolean each_part(Sending *sending, const char *path, PartFunction function, GError **error)
{
    g_autoptr(RotationParts) parts = rotation_parts_open(path, vault_rotation_answered_type, error);
    g_autoptr(GError) failure = NULL;
    VaultRotationName last = {.part = 0};
    const char *text;
    gsize len;

    if (parts == NULL)
        return FALSE;
    while ((text = rotation_parts_next(parts, &len, &failure)) != NULL) {
        g_autoptr(VaultRotationAnswered) part = vault_rotation_answered_parse(text, len, error);

        if (part == NULL ||
            !vault_rotation_follows(last.part == 0 ? NULL : &last, &part->name, error) ||
            (function != NULL && !function(sending, text, len, error)))
            return FALSE;
        last = part->name;
    }
    if (failure == NULL)
        return vault_rotation_check_whole(&last, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean send_part(Sending *sending, const char *text, gsize len, GError **error)
{
    g_string_append_len(sending->waiting, text, (gssize)len);
    return sending->waiting->len < SEND_LEN || send_waiting(sending, error);
}

/* Nothing is sent of a file that is not whole. */
static gboolean take_file(Sending *sending, const char *path, GError **error)
{
    if (!each_part(sending, path, NULL, error)) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    sending->progress = progress_begin("rotation take", "months", 0);
    if (!each_part(sending, path, send_part, error) ||
        (sending->waiting->len > 0 && !send_waiting(sending, error)))
        return FALSE;
    progress_hide(sending->progress);
    return TRUE;
}

/* *ret_exit: what finishing came to. */
static gboolean finish(const char *vault, const RotationCounts *counts, gboolean as_json,
                       RestoreExit *ret_exit, GError **error)
{
    g_autofree char *answer = NULL;

    if (vault_access_operate(vault, "rotation-finish", "", 0, &answer, error))
        return rotation_report(answer, counts, as_json, ret_exit, error);
    g_prefix_error(error, "the rotation goes on with muniment rotation finish VAULT: ");
    return FALSE;
}

static gboolean take(const char *vault, const char *path, const char *approved, gboolean as_json,
                     RestoreExit *ret_exit, GError **error)
{
    g_auto(Sending) sending = sending_of(vault);

    if (approved != NULL) {
        sending.request = vault_file_read(approved, APPROVED_LEN_MAX, error);
        if (sending.request == NULL)
            return FALSE;
    }
    return take_file(&sending, path, error) &&
           finish(vault, &sending.counts, as_json, ret_exit, error);
}

static int rotation_take(int argc, char **argv)
{
    static const char verb[] = "rotation take";
    g_autofree char *approved = NULL;
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"approved", 0, 0, G_OPTION_ARG_FILENAME, &approved,
         "the approved request, where the policy wants one", "FILE.request"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT FILE.rotated",
        .summary = "Takes up what \"muniment master rotate\" answered: adds the new master, and "
                   "retires the old one once it is wanted no more.",
        .description = "Exit status 5: the old master stays for now, what is missing is said. "
                       "4: refused. It may be called again with the same file.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    RestoreExit status = RESTORE_EXIT_DONE;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 3)
        return restore_verb_usage(verb, "give one VAULT and one FILE.rotated");
    return take(argv[1], argv[2], approved, as_json, &status, &error)
               ? (int)status
               : restore_verb_fail(verb, error);
}

/* ---- finish --------------------------------------------------------------------------------- */

static int rotation_finish(int argc, char **argv)
{
    static const char verb[] = "rotation finish";
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Retires each master whose successor has a wrap of every month and has proved "
                   "that it can be used.",
        .description = "\"muniment rotation take\" does this by itself; call it after a drill, or "
                       "where it was broken off. Exit status 3: no master is to be retired. 5: one "
                       "stays for now, what is missing is said.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    RestoreExit status = RESTORE_EXIT_DONE;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    return finish(argv[1], NULL, as_json, &status, &error) ? (int)status
                                                           : restore_verb_fail(verb, error);
}

int restore_verb_rotation(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"begin", "write what is wrapped to a master, to be carried to it", rotation_begin},
        {"take", "take up what it answered", rotation_take},
        {"finish", "retire the old master, after a drill of the new one", rotation_finish}};

    return restore_verb_dispatch("muniment rotation", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
