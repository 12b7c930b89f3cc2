/* muniment master rotate: the master's side of a rotation. Takes files only, so that it runs where
 * the masters are and the vault is not. */
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/master_secret.h"
#include "restore/output.h"
#include "restore/output_draft.h"
#include "restore/progress.h"
#include "restore/rotation_parts.h"
#include "restore/verb.h"
#include "restore/verb_master.h"
#include "vault/open/rotation.h"

#include <stdio.h>

static const char verb[] = "master rotate";

typedef struct {
    RestoreMasterSource from, to; /* the new master's secret: where it is at hand */
    char *public, *out;
    gboolean as_json;
} RotateOptions;

static void rotate_options_clear(RotateOptions *options)
{
    restore_master_source_clear(&options->from);
    restore_master_source_clear(&options->to);
    g_free(options->public);
    g_free(options->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RotateOptions, rotate_options_clear)

static gboolean has_secret(const RestoreMasterSource *source)
{
    return source->master != NULL || source->share_files != NULL;
}

static gboolean read_public(const char *path, MasterPublic *ret_master, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);

    if (text == NULL)
        return FALSE;
    if (vault_master_public_parse(g_bytes_get_data(text, NULL), ret_master, error))
        return TRUE;
    g_prefix_error(error, "%s: ", path);
    return FALSE;
}

/* ---- what is asked --------------------------------------------------------------------------- */

typedef struct {
    VaultRotationName last; /* of the last part */
    guint64 month_count;
} Asked;

/* All of it is read once before any secret: a file that is cut or mixed up costs no passphrase. */
static gboolean look_through(const char *path, Asked *asked, GError **error)
{
    g_autoptr(RotationParts) parts = rotation_parts_open(path, vault_rotation_asked_type, error);
    g_autoptr(GError) failure = NULL;
    const char *text;
    gsize len;

    *asked = (Asked){.month_count = 0};
    if (parts == NULL)
        return FALSE;
    while ((text = rotation_parts_next(parts, &len, &failure)) != NULL) {
        g_autoptr(VaultRotationAsked) part = vault_rotation_asked_parse(text, len, error);

        if (part == NULL || !vault_rotation_follows(asked->last.part == 0 ? NULL : &asked->last,
                                                    &part->name, error))
            return FALSE;
        asked->last = part->name;
        asked->month_count += part->months->len;
    }
    if (failure == NULL)
        return vault_rotation_check_whole(&asked->last, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static void show(const Asked *asked, const MasterPublic *to)
{
    g_autofree char *created = restore_date_text(asked->last.created_s);
    g_autofree char *from_fingerprint = vault_master_fingerprint(&asked->last.from);
    g_autofree char *to_fingerprint = vault_master_fingerprint(to);

    fprintf(stderr,
            "Another master for vault %s, asked for at %s.\n"
            "  from  %s\n"
            "  to    %s\n"
            "The keys of %" G_GUINT64_FORMAT
            " months are wrapped to the new master: whoever has it "
            "can grant all of them.\n"
            "Compare its fingerprint with the one that was shown when it was made.\n",
            VAULT_ID_TEXT(asked->last.vault_id), created, from_fingerprint, to_fingerprint,
            asked->month_count);
}

/* ---- answering ------------------------------------------------------------------------------- */

typedef struct {
    const VaultMaster *from;
    MasterPublic to;
    const VaultMaster *to_secret; /* NULL: not at hand */
    RestoreOutputDraft draft;
    Progress *progress;
    guint64 month_count;
} Answering;

static gboolean answer_part(Answering *answering, const char *text, gsize len, GError **error)
{
    g_autoptr(VaultRotationAsked) asked = vault_rotation_asked_parse(text, len, error);
    g_autoptr(VaultRotationAnswered) answered = NULL;
    g_autofree char *answer = NULL;

    if (asked == NULL)
        return FALSE;
    answered =
        vault_rotation_answer(asked, answering->from, &answering->to, answering->to_secret, error);
    if (answered == NULL)
        return FALSE;
    answer = vault_rotation_answered_format(answered);
    answering->month_count += asked->months->len;
    progress_show(answering->progress, answering->month_count, 0);
    return restore_output_draft_append(&answering->draft, answer, strlen(answer), error);
}

static gboolean answer_all(Answering *answering, const char *path, const char *out, GError **error)
{
    g_autoptr(RotationParts) parts = rotation_parts_open(path, vault_rotation_asked_type, error);
    g_autoptr(GError) failure = NULL;
    const char *text;
    gsize len;

    if (parts == NULL || !restore_output_draft_begin(&answering->draft, out, error))
        return FALSE;
    while ((text = rotation_parts_next(parts, &len, &failure)) != NULL) {
        if (!answer_part(answering, text, len, error))
            return FALSE;
    }
    progress_hide(answering->progress);
    if (failure == NULL)
        return restore_output_draft_finish(&answering->draft, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean report(const Answering *answering, const char *out, gboolean as_json,
                       GError **error)
{
    g_autoptr(JsonBuilder) builder = NULL;
    gboolean is_proved = answering->to_secret != NULL;

    if (!as_json) {
        printf("%s wraps the keys of %" G_GUINT64_FORMAT " months to the new master%s.\n"
               "Next: on the host, muniment rotation take VAULT %s\n",
               out, answering->month_count,
               is_proved ? ", which has proved that it can be used"
                         : "; it is to prove itself in a drill before the old one is retired",
               out);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_text_add(builder, "rotated", out);
    json_text_add_number(builder, "months", answering->month_count);
    json_text_add_boolean(builder, "proved", is_proved);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean answer_with(Answering *answering, const char *path, const char *out,
                            gboolean as_json, GError **error)
{
    g_autoptr(Progress) progress = progress_begin(verb, "months", 0);
    gboolean is_done;

    answering->progress = progress;
    answering->draft = RESTORE_OUTPUT_DRAFT_NONE;
    is_done = answer_all(answering, path, out, error);
    restore_output_draft_clear(&answering->draft);
    return is_done && report(answering, out, as_json, error);
}

/* FILE.rotation -> FILE.rotated */
static char *out_path(const char *path, const RotateOptions *options)
{
    static const char suffix[] = ".rotation";
    gsize len = strlen(path);

    if (options->out != NULL)
        return g_strdup(options->out);
    if (g_str_has_suffix(path, suffix))
        len -= strlen(suffix);
    return g_strdup_printf("%.*s.rotated", (int)len, path);
}

static gboolean rotate(const char *path, const RotateOptions *options, GError **error)
{
    g_autofree char *out = out_path(path, options);
    g_auto(VaultMaster) from = {0}, to = {0};
    Answering answering = {.from = &from};
    Asked asked;

    if (!look_through(path, &asked, error)) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    if (!read_public(options->public, &answering.to, error))
        return FALSE;
    show(&asked, &answering.to);
    if (!restore_master_secret_read(&options->from, &from, error) ||
        (has_secret(&options->to) && !restore_master_secret_read(&options->to, &to, error)))
        return FALSE;
    answering.to_secret = has_secret(&options->to) ? &to : NULL;
    return answer_with(&answering, path, out, options->as_json, error);
}

/* ---- command line ---------------------------------------------------------------------------- */

static const char *problem_of(const RotateOptions *options, int argc)
{
    if (argc != 2 || options->public == NULL)
        return "give one FILE.rotation and --to NEW.pub";
    if (options->to.passphrase_file != NULL && options->to.master == NULL)
        return "--new-passphrase-file goes with --new-master";
    if (options->to.master != NULL && options->to.share_files != NULL)
        return "give --new-master or --new-share, not both";
    return restore_master_source_problem(&options->from);
}

static int run(RotateOptions *options, const GOptionEntry *entries, int argc, char **argv)
{
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "FILE.rotation (--master OLD|--share F...|--shares) --to NEW.pub",
        .summary = "Wraps what is wrapped to one master to another, which is to take its place.",
        .description =
            "The file is of \"muniment rotation begin\"; the answer goes back to the host, where "
            "\"muniment rotation take\" takes it up. With the new master's secret, too, the vault "
            "knows at once that it can be used; else a drill has to show that before the old one "
            "is retired. Read what is shown before you enter a passphrase.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *problem;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    problem = problem_of(options, argc);
    if (problem != NULL)
        return restore_verb_usage(verb, "%s", problem);
    return rotate(argv[1], options, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}

int restore_verb_master_rotate(int argc, char **argv)
{
    g_auto(RotateOptions) options = {.out = NULL};
    const GOptionEntry entries[] = {
        {"to", 0, 0, G_OPTION_ARG_FILENAME, &options.public, "public half of the new master",
         "NEW.pub"},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out,
         "the file to write (default: the name with .rotated)", "FILE.rotated"},
        {"master", 0, 0, G_OPTION_ARG_FILENAME, &options.from.master,
         "the old master's secret file, which has a passphrase", "OLD"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.from.passphrase_file,
         "read the old passphrase from the first line of FILE", "FILE"},
        {"share", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.from.share_files,
         "read a share of the old master from F (give it for each share)", "F"},
        {"shares", 0, 0, G_OPTION_ARG_NONE, &options.from.ask_shares,
         "type the shares of the old master in", NULL},
        {"new-master", 0, 0, G_OPTION_ARG_FILENAME, &options.to.master,
         "the new master's secret file: it proves itself at once", "NEW"},
        {"new-passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.to.passphrase_file,
         "read the new passphrase from the first line of FILE", "FILE"},
        {"new-share", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.to.share_files,
         "read a share of the new master from F (give it for each share)", "F"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};

    return run(&options, entries, argc, argv);
}
