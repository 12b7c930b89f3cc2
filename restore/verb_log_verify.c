/* muniment log verify: both logs whole, against older checkpoints and time stamps. */
#include "restore/json_text.h"
#include "restore/log_epochs.h"
#include "restore/output.h"
#include "restore/stamp_folder.h"
#include "restore/verb.h"
#include "restore/verb_log.h"
#include "vault/base/file.h"
#include "vault/crypto/value.h"

#include <stdio.h>
#include <string.h>

static const char verb[] = "log verify";

typedef struct {
    char **checkpoints;
    char *tsa_ca;
    gboolean as_json;
} VerifyOptions;

static void verify_options_clear(VerifyOptions *options)
{
    g_strfreev(options->checkpoints);
    g_free(options->tsa_ca);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VerifyOptions, verify_options_clear)

typedef struct {
    const VerifyOptions *options;
    VaultKeep *keep;
    GPtrArray *epochs; /* LogEpoch */
    GPtrArray *findings;
    guint64 checkpoint_count, stamp_count, unverified_count;
} Verify;

static void verify_clear(Verify *verify)
{
    g_clear_pointer(&verify->epochs, g_ptr_array_unref);
    g_clear_pointer(&verify->findings, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Verify, verify_clear)

static void G_GNUC_PRINTF(2, 3) find(Verify *verify, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_ptr_array_add(verify->findings, text);
    if (!verify->options->as_json) {
        puts(text);
        fflush(stdout);
    }
}

/* ---- the logs -------------------------------------------------------------------------------- */

static void tell_finding(const char *finding, gpointer user)
{
    find(user, "%s", finding);
}

/* An act's text may be destroyed; what is there must be what was logged. */
static gboolean check_act(const VaultEntry *entry, gpointer user, GError **error)
{
    Verify *verify = user;
    g_autoptr(GError) failure = NULL;
    GByteArray *event = vault_keep_event(verify->keep, entry, &failure);

    if (event != NULL) {
        vault_value_free(event);
        return TRUE;
    }
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_ERASED))
        return TRUE;
    g_propagate_prefixed_error(error, g_steal_pointer(&failure), "its text: ");
    return FALSE;
}

static gboolean verify_logs(Verify *verify, GError **error)
{
    const LogEpochsAudit audit = {.check_act = check_act, .found = tell_finding, .user = verify};

    verify->epochs = log_epochs_open(verify->keep, error);
    return verify->epochs != NULL && log_epochs_audit(verify->epochs, &audit, error);
}

/* ---- older checkpoints ----------------------------------------------------------------------- */

static VaultCheckpoint *open_checkpoint(const Verify *verify, const char *note, gsize len,
                                        const LogEpoch **ret_epoch, GError **error)
{
    g_autoptr(VaultNote) parsed = vault_note_parse(note, len, error);
    g_autoptr(VaultCheckpoint) checkpoint = NULL;

    if (parsed == NULL)
        return NULL;
    checkpoint = vault_checkpoint_parse(parsed->text, strlen(parsed->text), error);
    if (checkpoint == NULL)
        return NULL;
    *ret_epoch = log_epochs_find(verify->epochs, checkpoint->origin);
    if (*ret_epoch == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "it is of the log %s, which is none of this vault's", checkpoint->origin);
        return NULL;
    }
    return vault_checkpoint_open(note, len, checkpoint->origin, (*ret_epoch)->keys, error);
}

static gboolean check_continues(VaultLogReader *reader, const VaultCheckpoint *older,
                                GError **error)
{
    const VaultCheckpoint *newest = vault_log_reader_checkpoint(reader);
    VaultMerkleProof proof = {0};
    VaultHash root;

    if (older->size > newest->size) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "it has %" G_GUINT64_FORMAT " entries, the log now has %" G_GUINT64_FORMAT
                    ": the log was set back",
                    older->size, newest->size);
        return FALSE;
    }
    if (!vault_log_reader_prove_consistency(reader, older->size, &root, &proof, error))
        return FALSE;
    if (vault_merkle_hash_equal(&root, &older->root))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "the log does not continue it: the log was forked");
    return FALSE;
}

static gboolean check_older(const Verify *verify, const char *note, gsize len, GError **error)
{
    const LogEpoch *epoch = NULL;
    g_autoptr(VaultCheckpoint) older = open_checkpoint(verify, note, len, &epoch, error);

    return older != NULL && check_continues(epoch->reader, older, error);
}

/* What witnesses cosigned is kept beside each log. */
static void verify_cosigned(Verify *verify)
{
    for (guint i = 0; i < verify->epochs->len; i++) {
        const LogEpoch *epoch = g_ptr_array_index(verify->epochs, i);
        g_autoptr(GError) failure = NULL;
        g_autoptr(VaultLogReader) cosigned =
            vault_keep_log_reader_cosigned(verify->keep, epoch->kind, epoch->epoch, &failure);

        if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
            continue;
        if (cosigned == NULL)
            find(verify, "%s log, its cosigned checkpoint: %s", verb_log_name(epoch->kind),
                 failure->message);
        verify->checkpoint_count++;
    }
}

static gboolean verify_checkpoints(Verify *verify, GError **error)
{
    verify_cosigned(verify);
    for (char **path = verify->options->checkpoints; path != NULL && *path != NULL; path++) {
        g_autoptr(GBytes) note = vault_file_read(*path, VAULT_NOTE_LEN_MAX, error);
        g_autoptr(GError) failure = NULL;

        if (note == NULL)
            return FALSE;
        if (!check_older(verify, g_bytes_get_data(note, NULL), g_bytes_get_size(note), &failure))
            find(verify, "checkpoint %s: %s", *path, failure->message);
        verify->checkpoint_count++;
    }
    return TRUE;
}

/* ---- time stamps ----------------------------------------------------------------------------- */

static gboolean check_stamp(const Verify *verify, const StampFile *file, GError **error)
{
    gsize len = 0;
    const char *note = file->checkpoint == NULL ? NULL : g_bytes_get_data(file->checkpoint, &len);
    VaultHash imprint;
    Stamp stamp;

    if (note == NULL) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                            "the checkpoint that it is of is gone");
        return FALSE;
    }
    vault_hash(note, len, &imprint);
    if (!stamp_read(file->response, &stamp, error))
        return FALSE;
    if (memcmp(&stamp.imprint, &imprint, sizeof imprint) != 0) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                            "it is of other bytes than the checkpoint beside it");
        return FALSE;
    }
    if (verify->options->tsa_ca != NULL &&
        !stamp_verify(file->response, &imprint, verify->options->tsa_ca, error))
        return FALSE;
    return check_older(verify, note, len, error);
}

static gboolean take_stamp(const StampFile *file, gpointer user, GError **error)
{
    Verify *verify = user;
    g_autoptr(GError) failure = NULL;

    if (!check_stamp(verify, file, &failure))
        find(verify, "stamp %s: %s", file->name, failure->message);
    verify->stamp_count++;
    verify->unverified_count += verify->options->tsa_ca == NULL ? 1 : 0;
    return TRUE;
}

/* ---- report ---------------------------------------------------------------------------------- */

/* Of the epoch that goes on. */
static guint64 size_of(const Verify *verify, VaultLogKind kind)
{
    return vault_log_reader_checkpoint(log_epochs_present(verify->epochs, kind)->reader)->size;
}

static gboolean print_json(const Verify *verify, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_text_add_number(builder, "epoch",
                         log_epochs_present(verify->epochs, VAULT_LOG_ARCHIVE)->epoch);
    for (gsize i = 0; i < VERB_LOG_KINDS; i++)
        json_text_add_number(builder, verb_log_name((VaultLogKind)i),
                             size_of(verify, (VaultLogKind)i));
    json_text_add_number(builder, "checkpoints", verify->checkpoint_count);
    json_text_add_number(builder, "stamps", verify->stamp_count);
    json_text_add_number(builder, "stamps_verified",
                         verify->stamp_count - verify->unverified_count);
    json_builder_set_member_name(builder, "findings");
    json_builder_begin_array(builder);
    for (guint i = 0; i < verify->findings->len; i++)
        json_builder_add_string_value(builder, verify->findings->pdata[i]);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean report(const Verify *verify, GError **error)
{
    if (verify->options->as_json)
        return print_json(verify, error);
    printf("archive log of %" G_GUINT64_FORMAT " entries, control log of %" G_GUINT64_FORMAT
           ", %" G_GUINT64_FORMAT " older checkpoints, %" G_GUINT64_FORMAT " time stamps: ",
           size_of(verify, VAULT_LOG_ARCHIVE), size_of(verify, VAULT_LOG_CONTROL),
           verify->checkpoint_count, verify->stamp_count);
    if (verify->findings->len == 0)
        puts("all as it was signed");
    else
        printf("%u finding%s\n", verify->findings->len, verify->findings->len == 1 ? "" : "s");
    if (verify->unverified_count > 0)
        puts("the signatures of the time stamps were not looked at: give --tsa-ca");
    return restore_output_flush(error);
}

static gboolean run(const char *path, Verify *verify, GError **error)
{
    g_autoptr(VaultKeep) keep = verb_log_open(verb, path, error);

    verify->keep = keep;
    return keep != NULL && verify_logs(verify, error) && verify_checkpoints(verify, error) &&
           stamp_folder_visit(path, take_stamp, verify, error) && report(verify, error);
}

int restore_verb_log_verify(int argc, char **argv)
{
    g_auto(VerifyOptions) options = {0};
    g_auto(Verify) verify = {.options = &options};
    const GOptionEntry entries[] = {
        {"checkpoint", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.checkpoints,
         "an older checkpoint that was kept elsewhere: the log must continue it; repeatable",
         "FILE"},
        {"tsa-ca", 0, 0, G_OPTION_ARG_FILENAME, &options.tsa_ca,
         "certificates (PEM) of the authorities whose time stamps are believed", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT [--checkpoint FILE...]",
        .summary = "Verifies both logs, each entry of them, and what was kept of them elsewhere.",
        .description = "Prints a line for each thing that is wrong.\n"
                       "Exit status: 0 all well, 1 something is wrong or could not be verified.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    verify.findings = g_ptr_array_new_with_free_func(g_free);
    if (!run(argv[1], &verify, &error))
        return restore_verb_fail(verb, error);
    return verify.findings->len == 0 ? RESTORE_EXIT_DONE : RESTORE_EXIT_FAILED;
}
