/* muniment show: previews messages; a logged read. */
#include "restore/json_text.h"
#include "restore/mail_preview.h"
#include "restore/message_id.h"
#include "restore/output.h"
#include "restore/progress.h"
#include "restore/restore_scope.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>
#include <unistd.h>

static const char verb[] = "show";

typedef struct {
    char *ssh, *grant, *identity;
    gboolean is_raw, as_json;
} ShowOptions;

static void show_options_clear(ShowOptions *options)
{
    g_free(options->ssh);
    g_free(options->grant);
    g_free(options->identity);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ShowOptions, show_options_clear)

typedef struct {
    const ShowOptions *options;
    VaultView *view;
    RestoreScope scope;
    VaultRecordSource records;
    JsonBuilder *builder; /* NULL = as text */
    guint shown_count, missing_count, refused_count, failed_count;
} Show;

static void show_clear(Show *show)
{
    restore_scope_clear(&show->scope);
    g_clear_object(&show->builder);
    g_clear_pointer(&show->view, vault_view_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Show, show_clear)

/* ---- printing -------------------------------------------------------------------------------- */

static void print_field(const char *name, const char *value)
{
    g_autofree char *shown = value == NULL ? NULL : restore_output_printable(value);

    if (shown != NULL)
        printf("%-12s%s\n", name, shown);
}

/* Line by line, so that line ends stay and nothing else that a terminal obeys. */
static void print_text(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        gsize len = strlen(*line);
        g_autofree char *shown = NULL;

        if (len > 0 && (*line)[len - 1] == '\r')
            (*line)[len - 1] = '\0';
        for (char *at = *line; *at != '\0'; at++) {
            if (*at == '\t')
                *at = ' ';
        }
        shown = restore_output_printable(*line);
        /* The last piece is what stands behind the last line end: often nothing. */
        if (line[1] != NULL || *shown != '\0')
            puts(shown);
    }
}

static void print_preview(const char *id, const MailPreview *preview)
{
    print_field("Id:", id);
    print_field("From:", preview->from);
    print_field("To:", preview->to);
    print_field("Cc:", preview->cc);
    print_field("Subject:", preview->subject);
    print_field("Date:", preview->date);
    print_field("Message-ID:", preview->message_id);
    for (guint i = 0; i < preview->attachments->len; i++) {
        const MailPreviewPart *part = g_ptr_array_index(preview->attachments, i);
        g_autofree char *len = progress_format_len(part->len);
        g_autofree char *line = g_strdup_printf(
            "%s (%s, %s)", part->name == NULL ? "without a name" : part->name, part->type, len);

        print_field("Attachment:", line);
    }
    putchar('\n');
    if (preview->text != NULL)
        print_text(preview->text);
    if (preview->is_text_cut)
        puts("[the text goes on: --raw gives all of it]");
    if (preview->text == NULL && preview->has_html)
        puts("[no plain text, only HTML: --raw gives it]");
}

static void add_preview(JsonBuilder *builder, const char *id, const MailPreview *preview)
{
    json_builder_begin_object(builder);
    json_text_add(builder, "id", id);
    json_text_add(builder, "from", preview->from);
    json_text_add(builder, "to", preview->to);
    json_text_add(builder, "cc", preview->cc);
    json_text_add(builder, "subject", preview->subject);
    json_text_add(builder, "date", preview->date);
    json_text_add(builder, "message_id", preview->message_id);
    json_text_add(builder, "text", preview->text);
    json_text_add_boolean(builder, "text_cut", preview->is_text_cut);
    json_text_add_boolean(builder, "html", preview->has_html);
    json_builder_set_member_name(builder, "attachments");
    json_builder_begin_array(builder);
    for (guint i = 0; i < preview->attachments->len; i++) {
        const MailPreviewPart *part = g_ptr_array_index(preview->attachments, i);

        json_builder_begin_object(builder);
        json_text_add(builder, "name", part->name);
        json_text_add(builder, "type", part->type);
        json_text_add_number(builder, "size", part->len);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

static void show_preview(Show *show, const RecordId *id, const GByteArray *message)
{
    g_auto(MailPreview) preview = {0};

    mail_preview_make(message->data, message->len, &preview);
    if (show->builder != NULL) {
        add_preview(show->builder, VAULT_ID_TEXT(*id), &preview);
        return;
    }
    if (show->shown_count > 0)
        puts("\n----");
    print_preview(VAULT_ID_TEXT(*id), &preview);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* As much as a preview needs. */
static gboolean keep_start(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    GByteArray *message = user;

    g_byte_array_append(message, bytes, (guint)MIN(len, MAIL_PREVIEW_LEN_MAX - message->len));
    return TRUE;
}

static gboolean write_raw(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    if (fwrite(bytes, 1, len, stdout) == len)
        return TRUE;
    return restore_output_flush(error);
}

/* Nothing is shown before all of the message is proved. */
static gboolean show_opened(Show *show, const VaultOpenedCopy *copy, GError **error)
{
    g_autoptr(GByteArray) message =
        g_byte_array_sized_new((guint)MIN(copy->body.message_len, MAIL_PREVIEW_LEN_MAX) + 1);
    gboolean is_whole = copy->body.message_len <= MAIL_PREVIEW_LEN_MAX;
    gboolean ok;
    VaultHash hash;

    ok = vault_reader_open_body(show->scope.reader, copy, &show->records, keep_start, message,
                                &hash, error);
    if (ok && !show->options->is_raw)
        show_preview(show, &copy->body.body_id, message);
    else if (ok && is_whole)
        ok = write_raw(NULL, message->data, message->len, error);
    else if (ok)
        ok = vault_reader_open_body(show->scope.reader, copy, &show->records, write_raw, NULL,
                                    &hash, error);
    if (message->len > 0)
        vault_wipe(message->data, message->len);
    return ok;
}

static gboolean release_one(Show *show, const VaultOpenEntry *entry, VaultReleasedSlot *ret_slot,
                            GError **error)
{
    SourcesReleases releases =
        vault_view_releases(show->view, &show->scope.identity, &show->scope.grant_hash);
    VaultReleaseSource source = sources_releases(&releases);

    if (!source.release(source.user, entry, 1, ret_slot, error))
        return FALSE;
    if (ret_slot->state == VAULT_RELEASE_GIVEN)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_ERASED, "copy %s was erased, or is not there",
                VAULT_ID_TEXT(entry->record_id));
    return FALSE;
}

static gboolean open_and_show(Show *show, const VaultCopyEntry *listed, GError **error)
{
    VaultOpenEntry entry = sources_open_entry(listed);
    g_autoptr(VaultOpenedCopy) copy = NULL;
    VaultReleasedSlot slot = {0};

    if (vault_reader_covers(show->scope.reader, &entry, error) &&
        release_one(show, &entry, &slot, error))
        copy =
            vault_reader_open_copy(show->scope.reader, &entry, &slot.slot, &show->records, error);
    vault_wipe(&slot, sizeof slot);
    if (copy == NULL)
        return FALSE;
    if (VAULT_ID_EQUAL(copy->body.body_id, listed->body_id))
        return show_opened(show, copy, error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "copy %s is of another message than the catalog says: run muniment rebuild",
                VAULT_ID_TEXT(listed->record_id));
    return FALSE;
}

/* ---- one id after the other ------------------------------------------------------------------ */

static void tell_missing(Show *show, const RecordId *id)
{
    VaultViewAnswer answer = vault_view_has_message(show->view, id);

    show->refused_count += answer == VAULT_VIEW_IS_THERE;
    show->missing_count++;
    restore_verb_say(verb, "message %s: %s", VAULT_ID_TEXT(*id),
                     answer == VAULT_VIEW_IS_NOT_THERE ? "there is no such message"
                                                       : "the grant does not cover any copy of it");
}

/* Any copy will do: their body is the same. FALSE: what would fail for every other message too. */
static gboolean show_message(Show *show, const RecordId *id, GError **error)
{
    VaultViewFilter filter = show->scope.filter;
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    VaultViewPosition position = {0};
    g_autoptr(GError) failure = NULL;

    filter.messages = id;
    filter.message_count = 1;
    if (!vault_view_list(show->view, &filter, &position, 1, page, error))
        return FALSE;
    if (page->len == 0) {
        tell_missing(show, id);
        return TRUE;
    }
    if (open_and_show(show, &g_array_index(page, VaultCopyEntry, 0), &failure)) {
        show->shown_count++;
        return TRUE;
    }
    show->failed_count++;
    restore_verb_say(verb, "message %s: %s", VAULT_ID_TEXT(*id), failure->message);
    return TRUE;
}

static gboolean prepare(Show *show, const char *vault, char **ids, GError **error)
{
    VaultViewOptions view = {.ssh_command = show->options->ssh};
    RestoreScopeOptions scope = {.grant_path = show->options->grant,
                                 .identity_path = show->options->identity,
                                 .messages = ids,
                                 .now_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC)};
    g_autofree char *warning = NULL;

    show->view = vault_view_open(vault, &view, &warning, error);
    if (show->view == NULL || !restore_scope_open(show->view, &scope, &show->scope, error))
        return FALSE;
    show->records = vault_view_records(show->view);
    if (show->options->grant == NULL)
        restore_verb_say(verb, "using the grant %s", show->scope.used.grant_path);
    if (warning != NULL)
        restore_verb_say(verb, "%s", warning);
    return TRUE;
}

static gboolean show_all(Show *show, const char *vault, char **ids, GError **error)
{
    if (!prepare(show, vault, ids, error))
        return FALSE;
    if (show->options->as_json)
        show->builder = json_builder_begin_array(json_builder_new());
    for (guint i = 0; i < show->scope.messages->len; i++) {
        if (!show_message(show, &g_array_index(show->scope.messages, RecordId, i), error))
            return FALSE;
    }
    if (show->builder != NULL && !restore_output_json(json_builder_end_array(show->builder), error))
        return FALSE;
    return vault_view_close(show->view, error);
}

static int exit_status(const Show *show)
{
    if (show->missing_count == 0 && show->failed_count == 0)
        return RESTORE_EXIT_DONE;
    if (show->shown_count > 0)
        return RESTORE_EXIT_PARTLY;
    if (show->failed_count > 0)
        return RESTORE_EXIT_FAILED;
    return show->refused_count > 0 ? RESTORE_EXIT_REFUSED : RESTORE_EXIT_NOTHING_MATCHED;
}

static const char *options_mistake(const ShowOptions *options, int argc)
{
    if (argc < 3)
        return "give VAULT and at least one ID";
    if (options->is_raw && options->as_json)
        return "--raw or --json, not both";
    if (options->is_raw && argc != 3)
        return "--raw gives the bytes of one message: give one ID";
    if (options->is_raw && isatty(STDOUT_FILENO))
        return "--raw gives bytes that a terminal may obey: send them to a file or a program";
    return NULL;
}

int restore_verb_show(int argc, char **argv)
{
    g_auto(ShowOptions) options = {0};
    const GOptionEntry entries[] = {
        {"grant", 0, 0, G_OPTION_ARG_FILENAME, &options.grant, "the grant", "G"},
        {"identity", 0, 0, G_OPTION_ARG_FILENAME, &options.identity,
         "the key of the person that the grant is for", "NAME.key"},
        {"raw", 0, 0, G_OPTION_ARG_NONE, &options.is_raw,
         "the message as it was archived, byte for byte", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print as JSON", NULL},
        {"ssh", 0, 0, G_OPTION_ARG_STRING, &options.ssh,
         "how to reach a VAULT that is ssh://[user@]host[:port]/path", "COMMAND"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {.verb = verb,
                                    .arguments = "VAULT ID...",
                                    .summary = "Previews messages, as far as a grant allows it. "
                                               "Each is a read that the vault logs.",
                                    .entries = entries};
    g_auto(Show) show = {.options = &options};
    g_autoptr(GError) error = NULL;
    const char *mistake;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    mistake = options_mistake(&options, argc);
    if (mistake != NULL)
        return restore_verb_usage(verb, "%s", mistake);
    return show_all(&show, argv[1], argv + 2, &error) ? exit_status(&show)
                                                      : restore_verb_fail(verb, error);
}
