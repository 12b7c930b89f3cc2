#include "restore/mail_source.h"

#include "restore/mail_files.h"
#include "restore/mail_name.h"
#include "vault/base/error.h"

#include <string.h>

#define PIECE_LEN 65536
#define AHEAD_OF_NOW_MAX_S (2 * 86400)

typedef enum { UNIT_MBOX, UNIT_MAILDIR, UNIT_EML, UNIT_SKIPPED } UnitKind;

struct MailSource {
    MailSourceOptions options;
    MailFiles *files;
    const MailFile *file; /* NULL before the first and after the last */
    UnitKind kind;
    char *folder;
    MboxReader *mbox;
    gboolean is_single_due; /* Maildir, eml: the one message was not given yet */
    gboolean has_failed;    /* the file under way cannot be read further */
    MboxMessage mbox_message;
    MailHeader header;
    MailMaildirName maildir_name;
    char *place;
    MailMessage message;
    GByteArray *piece;
};

gboolean mail_format_parse(const char *text, MailFormat *ret_format)
{
    static const char *const names[] = {
        [MAIL_FORMAT_AUTO] = "auto",       [MAIL_FORMAT_MBOXRD] = "mboxrd",
        [MAIL_FORMAT_MBOXO] = "mboxo",     [MAIL_FORMAT_MBOXCL2] = "mboxcl2",
        [MAIL_FORMAT_MAILDIR] = "maildir", [MAIL_FORMAT_EML] = "eml"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_ascii_strcasecmp(text, names[i]) == 0) {
            *ret_format = (MailFormat)i;
            return TRUE;
        }
    }
    return FALSE;
}

MailSource *mail_source_open(const MailSourceOptions *options, GError **error)
{
    g_autoptr(MailSource) source = g_new0(MailSource, 1);

    source->options = *options;
    source->piece = g_byte_array_new();
    source->files = mail_files_open(options, error);
    return source->files == NULL ? NULL : g_steal_pointer(&source);
}

static void clear_message(MailSource *source)
{
    mbox_message_clear(&source->mbox_message);
    mail_header_clear(&source->header);
    mail_maildir_name_clear(&source->maildir_name);
    g_clear_pointer(&source->place, g_free);
    source->mbox_message = (MboxMessage){0};
    source->header = (MailHeader){0};
    source->maildir_name = (MailMaildirName){0};
    source->message = (MailMessage){0};
}

static void close_unit(MailSource *source)
{
    clear_message(source);
    g_clear_pointer(&source->mbox, mbox_reader_free);
    g_clear_pointer(&source->folder, g_free);
    source->is_single_due = source->has_failed = FALSE;
}

void mail_source_free(MailSource *source)
{
    if (source == NULL)
        return;
    close_unit(source);
    mail_files_free(source->files);
    if (source->piece != NULL)
        g_byte_array_unref(source->piece);
    g_free(source);
}

/* ---- what a file is -------------------------------------------------------------------------- */

static void skip_file(MailSource *source, const char *why)
{
    g_autofree char *place = mail_file_place(source->file);

    source->kind = UNIT_SKIPPED;
    if (source->options.skipped != NULL)
        source->options.skipped(place, why, source->options.user);
}

static void fail_file(MailSource *source, const GError *failure)
{
    g_autofree char *place = mail_file_place(source->file);

    source->has_failed = TRUE;
    if (source->options.failed != NULL)
        source->options.failed(place, failure, source->options.user);
}

static gboolean is_numeric(const char *name)
{
    return *name != '\0' && strspn(name, "0123456789") == strlen(name);
}

/* Nobody told the format: by place, by name, by the first bytes. */
static UnitKind guess_kind(const MailFile *file, const guint8 *bytes, gsize len)
{
    g_autofree char *name = g_path_get_basename(file->relative);
    gsize name_len = strlen(name);

    if (name_len > 4 && g_ascii_strcasecmp(name + name_len - 4, ".eml") == 0)
        return UNIT_EML;
    if (mail_maildir_is_message(file->relative))
        return UNIT_MAILDIR;
    if (len >= 5 && memcmp(bytes, "From ", 5) == 0)
        return UNIT_MBOX;
    if (*name != '.' && (is_numeric(name) || mail_header_looks_like(bytes, len)))
        return UNIT_EML;
    return UNIT_SKIPPED;
}

static UnitKind choose_kind(MailSource *source, const guint8 *bytes, gsize len)
{
    switch (source->options.format) {
    case MAIL_FORMAT_AUTO:
        return guess_kind(source->file, bytes, len);
    case MAIL_FORMAT_MBOXRD:
    case MAIL_FORMAT_MBOXO:
    case MAIL_FORMAT_MBOXCL2:
        return UNIT_MBOX;
    case MAIL_FORMAT_MAILDIR:
        return mail_maildir_is_message(source->file->relative) ? UNIT_MAILDIR : UNIT_SKIPPED;
    case MAIL_FORMAT_EML:
        return UNIT_EML;
    }
    g_assert_not_reached();
}

static MboxReadForm mbox_form(MailFormat format)
{
    switch (format) {
    case MAIL_FORMAT_MBOXRD:
        return MBOX_READ_MBOXRD;
    case MAIL_FORMAT_MBOXO:
        return MBOX_READ_MBOXO;
    case MAIL_FORMAT_MBOXCL2:
        return MBOX_READ_MBOXCL2;
    case MAIL_FORMAT_AUTO:
    case MAIL_FORMAT_MAILDIR:
    case MAIL_FORMAT_EML:
        return MBOX_READ_AUTO;
    }
    g_assert_not_reached();
}

static void begin_kind(MailSource *source, gsize len)
{
    const char *relative = source->file->relative;

    switch (source->kind) {
    case UNIT_MBOX:
        source->folder = mail_folder_of_mbox(relative);
        source->mbox = mbox_reader_new(source->file->input, mbox_form(source->options.format));
        return;
    case UNIT_MAILDIR:
        source->folder = mail_folder_of_maildir(relative);
        source->is_single_due = TRUE;
        return;
    case UNIT_EML:
        source->folder = mail_folder_of_eml(relative);
        source->is_single_due = TRUE;
        return;
    case UNIT_SKIPPED:
        skip_file(source, len == 0 ? "it is empty"
                                   : "it does not look like mail (--format says what it is)");
        return;
    }
}

/* FALSE at the end of all files. */
static gboolean next_file(MailSource *source)
{
    g_autoptr(GError) failure = NULL;
    const guint8 *bytes;
    gsize len;

    close_unit(source);
    source->file = mail_files_next(source->files);
    if (source->file == NULL)
        return FALSE;
    if (!mail_input_peek(source->file->input, PIECE_LEN, &bytes, &len, &failure)) {
        fail_file(source, failure);
        return TRUE;
    }
    source->kind = choose_kind(source, bytes, len);
    begin_kind(source, len);
    return TRUE;
}

/* ---- messages -------------------------------------------------------------------------------- */

static gboolean is_plausible(const MailSource *source, guint64 time_s)
{
    return time_s > 0 && time_s <= source->options.now_s + AHEAD_OF_NOW_MAX_S;
}

static void set_date(MailSource *source, gboolean has_date, guint64 date_s,
                     const MailHeader *header)
{
    MailMessage *message = &source->message;

    if (has_date && is_plausible(source, date_s)) {
        message->has_date = TRUE;
        message->received_s = date_s;
    } else if (header->has_received && is_plausible(source, header->received_s)) {
        message->has_date = TRUE;
        message->received_s = header->received_s;
    }
}

/* A Maildir renames its files when flags change or mail is looked at: neither makes another
 * message. */
static char *stable_name(const MailSource *source, const char *name)
{
    g_autofree char *folder = NULL;
    g_autofree char *parent = NULL;
    g_autofree char *file = NULL;
    char *info;

    if (source->kind != UNIT_MAILDIR)
        return g_strdup(name);
    folder = g_path_get_dirname(name);
    parent = g_path_get_dirname(folder);
    file = g_path_get_basename(name);
    info = strstr(file, ":2,");
    if (info != NULL)
        *info = '\0';
    return g_build_filename(parent, file, NULL);
}

static void set_position(MailSource *source, guint64 offset)
{
    const MailFile *file = source->file;
    g_autofree char *path =
        file->member == NULL ? stable_name(source, file->path) : g_strdup(file->path);
    g_autofree char *member = file->member == NULL ? NULL : stable_name(source, file->member);
    guint8 offset_bytes[8];
    VaultSpan spans[3] = {{path, strlen(path) + 1},
                          {member == NULL ? "" : member, member == NULL ? 1 : strlen(member) + 1},
                          {offset_bytes, sizeof offset_bytes}};

    for (gsize i = 0; i < sizeof offset_bytes; i++)
        offset_bytes[i] = (guint8)(offset >> (56 - 8 * i));
    vault_hash_spans(spans, G_N_ELEMENTS(spans), &source->message.position);
}

static gboolean next_mbox_message(MailSource *source, gboolean *ret_found, GError **error)
{
    MboxMessage *message = &source->mbox_message;
    g_autofree char *file_place = NULL;

    if (!mbox_reader_next(source->mbox, message, ret_found, error) || !*ret_found)
        return *ret_found;
    file_place = mail_file_place(source->file);
    source->place = g_strdup_printf("%s, byte %" G_GUINT64_FORMAT, file_place, message->offset);
    source->message.format = "mbox";
    source->message.sender =
        message->has_postmark_date ? message->postmark.sender : message->header.return_path;
    source->message.keywords = message->header.keywords;
    set_date(source, message->has_postmark_date, message->postmark.received_s, &message->header);
    set_position(source, message->offset);
    return TRUE;
}

static gboolean next_single(MailSource *source, gboolean *ret_found, GError **error)
{
    const guint8 *bytes;
    gsize len;

    *ret_found = source->is_single_due;
    source->is_single_due = FALSE;
    if (!*ret_found)
        return TRUE;
    if (!mail_input_peek(source->file->input, MAIL_HEADER_LEN_MAX, &bytes, &len, error))
        return FALSE;
    mail_header_parse(bytes, len, &source->header);
    if (source->kind == UNIT_MAILDIR) {
        g_autofree char *name = g_path_get_basename(source->file->relative);

        mail_maildir_name_parse(name, &source->maildir_name);
    }
    source->place = mail_file_place(source->file);
    source->message.format = source->kind == UNIT_MAILDIR ? "maildir" : "eml";
    source->message.sender = source->header.return_path;
    source->message.keywords = source->maildir_name.keywords;
    set_date(source, source->maildir_name.has_date, source->maildir_name.received_s,
             &source->header);
    set_position(source, 0);
    return TRUE;
}

const MailMessage *mail_source_next(MailSource *source)
{
    gboolean found = FALSE;

    for (;;) {
        g_autoptr(GError) failure = NULL;
        gboolean ok = TRUE;

        clear_message(source);
        if (source->file != NULL && !source->has_failed && source->kind != UNIT_SKIPPED)
            ok = source->mbox != NULL ? next_mbox_message(source, &found, &failure)
                                      : next_single(source, &found, &failure);
        if (failure != NULL)
            fail_file(source, failure);
        else if (ok && found)
            break;
        if (!next_file(source))
            return NULL;
    }
    source->message.place = source->place;
    source->message.folder = source->folder;
    return &source->message;
}

gboolean mail_source_read(MailSource *source, const guint8 **ret_bytes, gsize *ret_len,
                          GError **error)
{
    if (source->mbox != NULL) {
        source->has_failed = !mbox_reader_read(source->mbox, source->piece, error);
        *ret_bytes = source->piece->data;
        *ret_len = source->piece->len;
        return !source->has_failed;
    }
    if (!mail_input_peek(source->file->input, PIECE_LEN, ret_bytes, ret_len, error)) {
        source->has_failed = TRUE;
        return FALSE;
    }
    *ret_len = MIN(*ret_len, PIECE_LEN);
    mail_input_consume(source->file->input, *ret_len);
    return TRUE;
}

guint64 mail_source_done_len(const MailSource *source)
{
    return mail_files_done_len(source->files);
}

guint64 mail_source_all_len(const MailSource *source)
{
    return mail_files_all_len(source->files);
}
