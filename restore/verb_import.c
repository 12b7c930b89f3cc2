/* muniment import: archives mail that lies in files. */
#include "restore/import_target.h"
#include "restore/json_text.h"
#include "restore/mail_source.h"
#include "restore/output.h"
#include "restore/owner.h"
#include "restore/progress.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/base/bytes.h"
#include "vault/seal.h"

#include <stdio.h>

static const char verb[] = "import";

typedef struct {
    char **mailboxes;
    char *format_text;
    gboolean as_json;
    MailFormat format;
    guint64 now_s;
} ImportOptions;

static void import_options_clear(ImportOptions *options)
{
    g_strfreev(options->mailboxes);
    g_free(options->format_text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImportOptions, import_options_clear)

typedef struct {
    const ImportOptions *options;
    MailSource *source;
    ImportTarget *target;
    Progress *progress;
    guint64 stored_count, already_count, unassigned_count, undated_count;
    guint64 failed_count;  /* messages, and files that could not be read */
    guint64 skipped_count; /* files that hold no mail */
} Import;

static void import_clear(Import *import)
{
    progress_free(import->progress);
    import_target_free(import->target);
    mail_source_free(import->source);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Import, import_clear)

/* ---- what goes wrong with one file or message -------------------------------------------------
 */

static void say(Import *import, const char *place, const char *what)
{
    if (import->progress != NULL)
        progress_hide(import->progress);
    restore_verb_say(verb, "%s: %s", place, what);
}

static void tell_skipped(const char *place, const char *why, gpointer user)
{
    Import *import = user;

    import->skipped_count++;
    say(import, place, why);
}

static void tell_failed(const char *place, const GError *failure, gpointer user)
{
    Import *import = user;

    import->failed_count++;
    say(import, place, failure->message);
}

/* A message that the vault will not take at all today ends the import; else it is this one's. */
static gboolean ends_import(const Import *import, const GError *failure)
{
    return import_target_is_broken(import->target) ||
           g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_SPACE) ||
           g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_IO) ||
           g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_BUSY);
}

/* ---- messages ---------------------------------------------------------------------------------
 */

static gboolean begin_message(Import *import, const MailMessage *message, GError **error)
{
    g_autofree char *position = vault_bytes_to_hex(message->position.bytes, VAULT_HASH_LEN);
    g_autofree char *source = g_strconcat("import:", message->format, NULL);
    ArchivedImportMessage header = {.owners = (const char *const *)import->options->mailboxes,
                                    .sender = message->sender,
                                    .received_s = message->received_s,
                                    .source = source,
                                    .folder = message->folder,
                                    .keywords = message->keywords,
                                    .position = position};

    if (!message->has_date) {
        header.received_s = import->options->now_s;
        header.flags = VAULT_FLAG_DATE_UNCERTAIN;
        import->undated_count++;
    }
    return import_target_message(import->target, &header, error);
}

typedef enum { COPY_WHOLE, COPY_UNREADABLE, COPY_REFUSED } CopyEnd;

static CopyEnd copy_bytes(Import *import, GError **error)
{
    const guint8 *bytes;
    gsize len;

    for (;;) {
        if (!mail_source_read(import->source, &bytes, &len, error))
            return COPY_UNREADABLE;
        if (len == 0)
            return COPY_WHOLE;
        if (!import_target_write(import->target, bytes, len, error))
            return COPY_REFUSED;
    }
}

static void count(Import *import, const ArchivedImportResult *result)
{
    if (result->is_already_archived)
        import->already_count++;
    else
        import->stored_count++;
    if (result->unassigned_count > 0 || import->options->mailboxes == NULL)
        import->unassigned_count++;
}

static gboolean take_message(Import *import, const MailMessage *message, GError **error)
{
    ArchivedImportResult result = {0};
    g_autoptr(GError) failure = NULL;
    CopyEnd end;

    if (!begin_message(import, message, error))
        return FALSE;
    end = copy_bytes(import, &failure);
    if (end == COPY_WHOLE) {
        if (!import_target_finish(import->target, &result, error))
            return FALSE;
        count(import, &result);
        return TRUE;
    }
    if (!import_target_abandon(import->target, end == COPY_REFUSED ? NULL : error) &&
        end == COPY_UNREADABLE)
        return FALSE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean take_all(Import *import, GError **error)
{
    const MailMessage *message;
    guint64 done = 0;

    while ((message = mail_source_next(import->source)) != NULL) {
        g_autoptr(GError) failure = NULL;

        if (!take_message(import, message, &failure)) {
            if (ends_import(import, failure)) {
                g_propagate_prefixed_error(error, g_steal_pointer(&failure),
                                           "%s: ", message->place);
                return FALSE;
            }
            tell_failed(message->place, failure, import);
        }
        progress_show(import->progress, ++done, mail_source_done_len(import->source));
    }
    return TRUE;
}

/* ---- the verb ---------------------------------------------------------------------------------
 */

/* One key for all that is imported for the same mailboxes: each message's position says where it
 * lay, so a second run with more paths stores only what is new. */
static RowId import_id(const ImportOptions *options)
{
    g_autoptr(GByteArray) text = g_byte_array_new();
    VaultHash hash;
    RowId id;

    vault_bytes_append_string16(text, "muniment import");
    for (char **mailbox = options->mailboxes; mailbox != NULL && *mailbox != NULL; mailbox++)
        vault_bytes_append_string16(text, *mailbox);
    vault_hash(text->data, text->len, &hash);
    memcpy(id.bytes, hash.bytes, sizeof id.bytes);
    return id;
}

static void report_text(const Import *import)
{
    printf("%" G_GUINT64_FORMAT " messages archived, %" G_GUINT64_FORMAT
           " were there already, %" G_GUINT64_FORMAT " failed; %" G_GUINT64_FORMAT
           " files hold no mail\n",
           import->stored_count, import->already_count, import->failed_count,
           import->skipped_count);
    if (import->undated_count > 0)
        printf("%" G_GUINT64_FORMAT " say nowhere when they were received: archived as of now, "
               "marked date:uncertain\n",
               import->undated_count);
    if (import->unassigned_count > 0)
        printf("%" G_GUINT64_FORMAT " are in the mailbox \"unassigned\": --mailbox ADDRESS says "
               "whose they are\n",
               import->unassigned_count);
}

static gboolean report(const Import *import, gboolean as_json, GError **error)
{
    g_autoptr(JsonBuilder) builder = NULL;

    if (!as_json) {
        report_text(import);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_text_add_number(builder, "archived", import->stored_count);
    json_text_add_number(builder, "already_archived", import->already_count);
    json_text_add_number(builder, "failed", import->failed_count);
    json_text_add_number(builder, "files_without_mail", import->skipped_count);
    json_text_add_number(builder, "undated", import->undated_count);
    json_text_add_number(builder, "unassigned", import->unassigned_count);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean run(Import *import, const char *vault, char **paths, GError **error)
{
    const ImportOptions *options = import->options;
    MailSourceOptions source = {.paths = (const char *const *)paths,
                                .format = options->format,
                                .now_s = options->now_s,
                                .skipped = tell_skipped,
                                .failed = tell_failed,
                                .user = import};
    RowId id = import_id(options);
    gboolean is_done;

    if (!restore_owner_enter(vault, error))
        return FALSE;
    import->source = mail_source_open(&source, error);
    if (import->source == NULL)
        return FALSE;
    import->target = import_target_open(vault, &id, error);
    if (import->target == NULL)
        return FALSE;
    import->progress = progress_begin(verb, "messages", mail_source_all_len(import->source));
    is_done = take_all(import, error);
    progress_hide(import->progress);
    return is_done && import_target_close(import->target, error);
}

static gboolean check_options(ImportOptions *options, GError **error)
{
    options->now_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC);
    if (options->format_text != NULL &&
        !mail_format_parse(options->format_text, &options->format)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--format %s: it is auto, mboxrd, mboxo, mboxcl2, maildir or eml",
                    options->format_text);
        return FALSE;
    }
    for (char **mailbox = options->mailboxes; mailbox != NULL && *mailbox != NULL; mailbox++) {
        if (strchr(*mailbox, '@') != NULL)
            continue;
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--mailbox %s: give an address, LOCAL@DOMAIN", *mailbox);
        return FALSE;
    }
    return TRUE;
}

static int finish(const Import *import, const ImportOptions *options, gboolean is_done,
                  GError *failure)
{
    g_autoptr(GError) error = NULL;

    if (!is_done && import->target == NULL) {
        if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_BUSY))
            restore_verb_say(verb, "another command writes: run it again when that has ended");
        return restore_verb_fail(verb, failure);
    }
    if (!report(import, options->as_json, &error))
        return restore_verb_fail(verb, error);
    if (!is_done) {
        restore_verb_say(verb, "stopped before the end; run it again: it goes on where it stopped");
        return restore_verb_fail(verb, failure);
    }
    if (import->failed_count > 0)
        return RESTORE_EXIT_PARTLY;
    return import->stored_count + import->already_count == 0 ? RESTORE_EXIT_NOTHING_MATCHED
                                                             : RESTORE_EXIT_DONE;
}

int restore_verb_import(int argc, char **argv)
{
    g_auto(ImportOptions) options = {.format = MAIL_FORMAT_AUTO};
    g_auto(Import) import = {.options = &options};
    const GOptionEntry entries[] = {
        {"mailbox", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.mailboxes,
         "whose mail it is (may be given more than once)", "ADDRESS"},
        {"format", 0, 0, G_OPTION_ARG_STRING, &options.format_text,
         "auto (default), mboxrd, mboxo, mboxcl2, maildir, eml", "FORMAT"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the counts as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT PATH...",
        .summary = "Archives mail from mbox files, Maildirs, .eml files, folders of those, and tar "
                   "and zip files of those.",
        .description =
            "Runs through archived where it runs. An import that was broken off is run again in "
            "the same way: within nine days it stores nothing twice.\n\n"
            "Exit status: 0 all archived, 3 no mail was found, 5 some messages or files failed.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    gboolean is_done;

    if (!restore_verb_parse(&usage, &argc, &argv, &error) || !check_options(&options, &error))
        return restore_verb_fail(verb, error);
    if (argc < 3)
        return restore_verb_usage(verb, "give VAULT and at least one PATH");
    is_done = run(&import, argv[1], argv + 2, &error);
    return finish(&import, &options, is_done, error);
}
