/* Mail to be imported. The first byte says what is tried: 'r' reads an mbox in any of its forms,
 * 'w' writes one with the exporter and reads it back, 'n' takes names, 'd' dates, 's' the whole
 * source with its archives. */
#include "restore/export_backend.h"
#include "restore/mail_date.h"
#include "restore/mail_name.h"
#include "restore/mail_source.h"
#include "vault/base/file.h"
#include "vault/crypto/keys.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* The last second of 9999. */
#define LAST_S G_GUINT64_CONSTANT(253402300799)
/* What is read of one input: a compressed one may be a bomb. */
#define READ_MAX (4u << 20)
#define PIECE_MAX (MAIL_INPUT_WINDOW_LEN + (64u << 10))

typedef struct {
    const guint8 *bytes;
    gsize len, at, step;
} Memory;

static gssize read_memory(gpointer user, guint8 *ret_bytes, gsize len, GError **error)
{
    Memory *memory = user;
    gsize count = MIN(MIN(len, memory->step), memory->len - memory->at);

    if (count > 0)
        memcpy(ret_bytes, memory->bytes + memory->at, count);
    memory->at += count;
    return (gssize)count;
}

typedef struct {
    guint64 offset, received_s;
    gboolean has_date;
    GByteArray *bytes;
} ReadMessage;

static void read_message_free(gpointer user)
{
    ReadMessage *message = user;

    g_byte_array_unref(message->bytes);
    g_free(message);
}

static void read_whole(MboxReader *reader, GByteArray *whole)
{
    g_autoptr(GByteArray) piece = g_byte_array_new();

    do {
        gboolean ok = mbox_reader_read(reader, piece, NULL);

        g_assert(ok && piece->len <= PIECE_MAX);
        g_byte_array_append(whole, piece->data, piece->len);
    } while (piece->len > 0);
}

/* All messages; none when it is no mbox. */
static GPtrArray *read_mbox(const guint8 *bytes, gsize len, MboxReadForm form, gsize step)
{
    Memory memory = {.bytes = bytes, .len = len, .step = step};
    g_autoptr(MailInput) input = mail_input_new(read_memory, &memory, len, -1);
    g_autoptr(MboxReader) reader = mbox_reader_new(input, form);
    GPtrArray *messages = g_ptr_array_new_with_free_func(read_message_free);
    gboolean found = TRUE;

    while (found) {
        g_auto(MboxMessage) message = {0};
        g_autoptr(GError) error = NULL;
        ReadMessage *read;

        if (!mbox_reader_next(reader, &message, &found, &error)) {
            g_assert(error != NULL && messages->len == 0);
            break;
        }
        if (!found)
            break;
        read = g_new0(ReadMessage, 1);
        read->offset = message.offset;
        read->has_date = message.has_postmark_date;
        read->received_s = message.postmark.received_s;
        read->bytes = g_byte_array_new();
        g_ptr_array_add(messages, read);
        read_whole(reader, read->bytes);
    }
    return messages;
}

static void assert_same(const GPtrArray *some, const GPtrArray *others)
{
    g_assert_cmpuint(some->len, ==, others->len);
    for (guint i = 0; i < some->len; i++) {
        const ReadMessage *one = some->pdata[i], *other = others->pdata[i];

        g_assert_cmpuint(one->offset, ==, other->offset);
        g_assert_cmpmem(one->bytes->data, one->bytes->len, other->bytes->data, other->bytes->len);
    }
}

static gsize count_quoted(const guint8 *bytes, gsize len)
{
    gsize count = 0;

    for (gsize i = 0; i + 6 <= len; i++)
        count += memcmp(bytes + i, ">From ", 6) == 0;
    return count;
}

/* Nothing is made up, and nothing is lost but postmarks, the line end before each, and quoting. */
static void assert_nothing_lost(const GPtrArray *messages, const guint8 *bytes, gsize len)
{
    gsize total = 0, framing = count_quoted(bytes, len);
    guint64 least = 0;

    for (guint i = 0; i < messages->len; i++) {
        const ReadMessage *message = messages->pdata[i];

        g_assert_cmpuint(message->offset, >=, least);
        least = message->offset + 1;
        total += message->bytes->len;
        framing += MBOX_POSTMARK_LEN_MAX + 2;
    }
    g_assert_cmpuint(total, <=, len);
    if (messages->len > 0)
        g_assert_cmpuint(total + framing, >=, len);
}

static void try_reading(const guint8 *data, gsize size)
{
    g_autoptr(GPtrArray) whole = NULL;
    g_autoptr(GPtrArray) in_pieces = NULL;
    MboxReadForm form;

    if (size < 2)
        return;
    form = (MboxReadForm)(data[0] % (MBOX_READ_MBOXCL2 + 1));
    whole = read_mbox(data + 2, size - 2, form, G_MAXUINT16);
    in_pieces = read_mbox(data + 2, size - 2, form, data[1] + 1u);
    assert_same(whole, in_pieces);
    assert_nothing_lost(whole, data + 2, size - 2);
}

/* ---- writing and reading back ---------------------------------------------------------------- */

typedef struct {
    gpointer backend;
    gsize step;
    GPtrArray *messages; /* ReadMessage, as they must come back */
} Writing;

/* A message is its sender up to the first byte 0xFD, its bytes after it. */
static void write_message(Writing *writing, const guint8 *bytes, gsize len)
{
    const ExportBackend *backend = &export_mbox_backend;
    const guint8 *sender_end = memchr(bytes, 0xfd, len);
    gsize sender_len = sender_end == NULL ? 0 : (gsize)(sender_end - bytes);
    g_autofree char *sender = g_strndup((const char *)bytes, sender_len);
    ExportMessage message = {.mailbox = "m", .sender = sender, .received_s = len * 1000003};
    ReadMessage *expected;
    gboolean ok;

    if (sender_end != NULL)
        bytes += sender_len + 1, len -= sender_len + 1;
    ok = backend->begin(writing->backend, &message, "m", NULL);
    g_assert(ok);
    for (gsize at = 0; at < len; at += MIN(writing->step, len - at)) {
        ok = backend->write(writing->backend, bytes + at, MIN(writing->step, len - at), NULL);
        g_assert(ok);
    }
    if (len % 5 == 3) {
        ok = backend->abandon(writing->backend, NULL);
        g_assert(ok);
        return;
    }
    expected = g_new0(ReadMessage, 1);
    expected->received_s = message.received_s;
    expected->bytes = g_byte_array_new();
    g_byte_array_append(expected->bytes, bytes, (guint)len);
    g_ptr_array_add(writing->messages, expected);
    ok = backend->end(writing->backend, &expected->offset, NULL);
    g_assert(ok);
}

/* Where a message begins is where the manifest says. */
static void assert_written(const GPtrArray *expected, const GPtrArray *read, const guint8 *bytes)
{
    g_assert_cmpuint(read->len, ==, expected->len);
    for (guint i = 0; i < read->len; i++) {
        const ReadMessage *one = read->pdata[i], *wanted = expected->pdata[i];
        const guint8 *postmark = bytes + one->offset;
        const guint8 *postmark_end = memchr(postmark, '\n', MBOX_POSTMARK_LEN_MAX);

        g_assert(postmark_end != NULL);
        g_assert_cmpuint((guint64)(postmark_end + 1 - bytes), ==, wanted->offset);
        g_assert_true(one->has_date);
        g_assert_cmpuint(one->received_s, ==, wanted->received_s);
        g_assert_cmpmem(one->bytes->data, one->bytes->len, wanted->bytes->data, wanted->bytes->len);
    }
}

/* Messages stand between bytes 0xFE. */
static void try_writing(const guint8 *data, gsize size)
{
    g_auto(VaultFd) fd = memfd_create("mbox", MFD_CLOEXEC);
    ExportTarget target = {.format = EXPORT_MBOX, .path = "m", .fd = fd, .is_seekable = TRUE};
    g_autoptr(GPtrArray) expected = g_ptr_array_new_with_free_func(read_message_free);
    g_autoptr(GPtrArray) read = NULL;
    g_autofree guint8 *bytes = NULL;
    Writing writing = {.messages = expected};
    gsize len;

    g_assert(fd >= 0);
    if (size < 1)
        return;
    writing.step = *data + 1u;
    writing.backend = export_mbox_backend.open(&target, NULL);
    data++, size--;
    while (size > 0) {
        const guint8 *end = memchr(data, 0xfe, size);
        gsize message_len = end == NULL ? size : (gsize)(end - data);

        write_message(&writing, data, message_len);
        message_len = MIN(message_len + 1, size);
        data += message_len, size -= message_len;
    }
    export_mbox_backend.free(writing.backend);
    len = (gsize)lseek(fd, 0, SEEK_END);
    bytes = g_malloc(len + 1);
    g_assert(pread(fd, bytes, len, 0) == (gssize)len);
    read = read_mbox(bytes, len, MBOX_READ_MBOXRD, writing.step);
    assert_written(expected, read, bytes);
}

/* ---- names and dates ------------------------------------------------------------------------- */

static void assert_folder(const char *folder)
{
    g_auto(GStrv) parts = NULL;

    if (folder == NULL)
        return;
    g_assert_true(g_utf8_validate(folder, -1, NULL));
    g_assert_true(*folder != '\0' && strlen(folder) <= MAIL_FOLDER_LEN_MAX);
    parts = g_strsplit(folder, "/", -1);
    for (char **part = parts; *part != NULL; part++) {
        g_assert_false(g_str_equal(*part, ""));
        g_assert_false(g_str_equal(*part, "."));
        g_assert_false(g_str_equal(*part, ".."));
    }
}

static void try_names(const guint8 *data, gsize size)
{
    g_autofree char *path = g_strndup((const char *)data, size);
    g_autofree char *maildir = mail_folder_of_maildir(path);
    g_autofree char *mbox = mail_folder_of_mbox(path);
    g_autofree char *eml = mail_folder_of_eml(path);
    g_auto(MailMaildirName) name = {0};

    assert_folder(maildir);
    assert_folder(mbox);
    assert_folder(eml);
    (void)mail_maildir_is_message(path);
    mail_maildir_name_parse(path, &name);
    if (name.keywords != NULL)
        g_assert_true(*name.keywords != '\0' && strlen(name.keywords) < 100);
    g_assert_true(!name.has_date || (name.received_s > 0 && name.received_s <= G_MAXINT64));
}

static void assert_date(guint64 time_s)
{
    g_autofree char *line = mbox_postmark_format("a@example.org", time_s);
    g_auto(MboxPostmark) postmark = {0};
    gboolean ok = mbox_postmark_parse(line, strlen(line), &postmark);

    g_assert(ok);
    g_assert_cmpuint(time_s, <=, LAST_S);
    g_assert_cmpuint(postmark.received_s, ==, time_s);
}

static void try_dates(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *line = mbox_postmark_format(text, 5);
    g_auto(MboxPostmark) postmark = {0}, own = {0};
    guint64 time_s;
    gboolean ok;

    if (mail_date_parse_postmark(text, &time_s))
        assert_date(time_s);
    if (mail_date_parse_rfc5322(text, &time_s))
        assert_date(time_s);
    if (mbox_postmark_parse((const char *)data, size, &postmark)) {
        assert_date(postmark.received_s);
        g_assert_true(g_utf8_validate(postmark.sender, -1, NULL));
    }
    /* Whatever the sender is: the postmark that we write is one. */
    ok = mbox_postmark_parse(line, strlen(line), &own);
    g_assert(ok && own.received_s == 5);
}

/* ---- the whole source ------------------------------------------------------------------------ */

static void count_failure(const char *place, const GError *failure, gpointer user)
{
    g_assert(place != NULL && failure != NULL);
    (*(guint *)user)++;
}

static void count_skipped(const char *place, const char *why, gpointer user)
{
    g_assert(place != NULL && why != NULL);
    (*(guint *)user)++;
}

static void read_source_message(MailSource *source, GByteArray *seen, gsize *total)
{
    const guint8 *bytes;
    gsize len;

    while (*total < READ_MAX && mail_source_read(source, &bytes, &len, NULL) && len > 0) {
        VaultHash hash;

        g_assert(len <= PIECE_MAX);
        vault_hash(bytes, len, &hash);
        g_byte_array_append(seen, hash.bytes, sizeof hash.bytes);
        *total += len;
    }
}

/* Positions, dates and bytes of all messages, in order. */
static GByteArray *read_source(const char *path, MailFormat format)
{
    const char *const paths[] = {path, NULL};
    guint heard = 0;
    MailSourceOptions options = {.paths = paths,
                                 .format = format,
                                 .now_s = 1800000000,
                                 .skipped = count_skipped,
                                 .failed = count_failure,
                                 .user = &heard};
    g_autoptr(MailSource) source = mail_source_open(&options, NULL);
    GByteArray *seen = g_byte_array_new();
    const MailMessage *message;
    gsize total = 0;

    g_assert(source != NULL);
    while (total < READ_MAX && (message = mail_source_next(source)) != NULL) {
        g_assert(message->place != NULL && message->format != NULL);
        g_assert(!message->has_date || message->received_s <= options.now_s + 2 * 86400);
        assert_folder(message->folder);
        g_byte_array_append(seen, message->position.bytes, sizeof message->position.bytes);
        total++;
        read_source_message(source, seen, &total);
    }
    g_byte_array_append(seen, (const guint8 *)&heard, sizeof heard);
    return seen;
}

static void try_source(const guint8 *data, gsize size)
{
    g_auto(VaultFd) fd = memfd_create("mail", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(GByteArray) once = NULL;
    g_autoptr(GByteArray) twice = NULL;
    MailFormat format;

    g_assert(fd >= 0);
    if (size < 1)
        return;
    format = (MailFormat)(data[0] % (MAIL_FORMAT_EML + 1));
    g_assert(vault_file_write_all(fd, data + 1, size - 1, path, NULL));
    once = read_source(path, format);
    twice = read_source(path, format);
    g_assert_cmpmem(once->data, once->len, twice->data, twice->len);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static gsize is_ready;
    static const struct {
        char letter;
        void (*run)(const guint8 *data, gsize size);
    } trials[] = {{'r', try_reading},
                  {'w', try_writing},
                  {'n', try_names},
                  {'d', try_dates},
                  {'s', try_source}};

    if (g_once_init_enter(&is_ready)) {
        vault_crypto_init();
        g_once_init_leave(&is_ready, 1);
    }
    for (gsize i = 0; size > 0 && i < G_N_ELEMENTS(trials); i++) {
        if (data[0] == (guint8)trials[i].letter)
            trials[i].run(data + 1, size - 1);
    }
    return 0;
}
