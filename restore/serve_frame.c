#include "restore/serve_frame.h"

#include "vault/base/bytes.h"

#include <string.h>

static const char magic[16] = "muniment-serve\n";

static gboolean set_malformed(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "the other side does not keep to the protocol: %s", what);
    return FALSE;
}

static gboolean finish(const VaultBytesReader *reader, const char *what, GError **error)
{
    return vault_bytes_reader_finish(reader, VAULT_BYTES_MUST_END) || set_malformed(error, what);
}

void serve_frame_header_format(const ServeFrameHeader *header, guint8 ret[SERVE_FRAME_HEADER_LEN])
{
    vault_bytes_put_u32(ret, header->len);
    ret[4] = header->type;
}

gboolean serve_frame_header_parse(const guint8 bytes[SERVE_FRAME_HEADER_LEN],
                                  ServeFrameHeader *ret_header, GError **error)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes, SERVE_FRAME_HEADER_LEN);
    ret_header->len = vault_bytes_read_u32(&reader);
    ret_header->type = vault_bytes_read_u8(&reader);
    return ret_header->len <= SERVE_PAYLOAD_LEN_MAX || set_malformed(error, "a frame too long");
}

/* ---- hello ----------------------------------------------------------------------------------- */

void serve_hello_append(GByteArray *payload, guint16 version)
{
    g_byte_array_append(payload, (const guint8 *)magic, sizeof magic);
    vault_bytes_append_u16(payload, version);
}

gboolean serve_hello_parse(const guint8 *payload, gsize len, guint16 *ret_version, GError **error)
{
    VaultBytesReader reader;
    const guint8 *start;

    vault_bytes_reader_init(&reader, payload, len);
    start = vault_bytes_read_borrowed(&reader, sizeof magic);
    *ret_version = vault_bytes_read_u16(&reader);
    if (start == NULL || memcmp(start, magic, sizeof magic) != 0)
        return set_malformed(error, "no greeting");
    return finish(&reader, "a greeting", error);
}

void serve_hello_clear(ServeHello *hello)
{
    g_clear_pointer(&hello->masters, g_array_unref);
    g_clear_pointer(&hello->warning, g_free);
}

void serve_hello_answer_append(GByteArray *payload, const ServeHello *hello)
{
    g_autofree char *valid = g_utf8_make_valid(hello->warning, -1);
    const GArray *masters = hello->masters;

    g_assert(masters->len <= SERVE_MASTERS_MAX);
    if (strlen(valid) > SERVE_TEXT_LEN_MAX)
        *g_utf8_find_prev_char(valid, valid + SERVE_TEXT_LEN_MAX) = '\0';
    serve_hello_append(payload, hello->version);
    g_byte_array_append(payload, hello->vault_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u16(payload, (guint16)masters->len);
    for (guint i = 0; i < masters->len; i++) {
        const MasterPublic *master = &g_array_index(masters, MasterPublic, i);

        g_byte_array_append(payload, master->public_key.bytes, VAULT_KEY_LEN);
        g_byte_array_append(payload, master->verify_key.bytes, VAULT_KEY_LEN);
    }
    vault_bytes_append_string16(payload, valid);
}

static GArray *read_masters(VaultBytesReader *reader)
{
    g_autoptr(GArray) masters = g_array_new(FALSE, TRUE, sizeof(MasterPublic));
    guint count = vault_bytes_read_u16(reader);

    if (count > SERVE_MASTERS_MAX)
        return NULL;
    for (guint i = 0; i < count; i++) {
        MasterPublic master;

        vault_bytes_read(reader, master.public_key.bytes, VAULT_KEY_LEN);
        vault_bytes_read(reader, master.verify_key.bytes, VAULT_KEY_LEN);
        g_array_append_val(masters, master);
    }
    return g_steal_pointer(&masters);
}

gboolean serve_hello_answer_parse(const guint8 *payload, gsize len, ServeHello *ret_hello,
                                  GError **error)
{
    g_auto(ServeHello) hello = {.masters = NULL};
    VaultBytesReader reader;
    const guint8 *start;

    vault_bytes_reader_init(&reader, payload, len);
    start = vault_bytes_read_borrowed(&reader, sizeof magic);
    hello.version = vault_bytes_read_u16(&reader);
    if (start == NULL || memcmp(start, magic, sizeof magic) != 0)
        return set_malformed(error, "no greeting");
    if (hello.version < SERVE_VERSION_MIN || hello.version > SERVE_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "the host speaks version %u of the protocol, this program versions %d to %d",
                    hello.version, SERVE_VERSION_MIN, SERVE_VERSION);
        return FALSE;
    }
    vault_bytes_read(&reader, hello.vault_id.bytes, VAULT_ID_LEN);
    hello.masters = read_masters(&reader);
    hello.warning = vault_bytes_read_string16(&reader);
    if (hello.masters == NULL || hello.warning == NULL ||
        strlen(hello.warning) > SERVE_TEXT_LEN_MAX)
        return set_malformed(error, "a greeting");
    if (!finish(&reader, "a greeting", error))
        return FALSE;
    *ret_hello = hello;
    hello = (ServeHello){.masters = NULL};
    return TRUE;
}

/* ---- grant, release, read -------------------------------------------------------------------- */

void serve_grant_append(GByteArray *payload, ServeGrantPart part, const guint8 *bytes, gsize len)
{
    vault_bytes_append_u8(payload, (guint8)part);
    g_byte_array_append(payload, bytes, (guint)len);
}

gboolean serve_grant_parse(const guint8 *payload, gsize len, ServeGrantPart *ret_part,
                           const guint8 **ret_bytes, gsize *ret_len, GError **error)
{
    if (len < 1 || payload[0] > SERVE_GRANT_LAST || len - 1 > SERVE_GRANT_PART_LEN_MAX)
        return set_malformed(error, "a part of a grant");
    *ret_part = (ServeGrantPart)payload[0];
    *ret_bytes = payload + 1;
    *ret_len = len - 1;
    return TRUE;
}

void serve_release_append(GByteArray *payload, const RecordId *ids, gsize count)
{
    vault_bytes_append_u16(payload, (guint16)count);
    g_byte_array_append(payload, ids->bytes, (guint)(count * sizeof *ids));
}

gboolean serve_release_parse(const guint8 *payload, gsize len, const RecordId **ret_ids,
                             gsize *ret_count, GError **error)
{
    VaultBytesReader reader;
    guint count;

    vault_bytes_reader_init(&reader, payload, len);
    count = vault_bytes_read_u16(&reader);
    *ret_ids =
        (const RecordId *)(gconstpointer)vault_bytes_read_borrowed(&reader, count * VAULT_ID_LEN);
    *ret_count = count;
    if (count < 1 || count > VAULT_VIEW_RELEASE_COUNT_MAX)
        return set_malformed(error, "a release of none, or of too many");
    return finish(&reader, "a release", error);
}

void serve_read_append(GByteArray *payload, const ServeRead *read)
{
    g_byte_array_append(payload, read->record_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_u64(payload, read->offset);
    vault_bytes_append_u32(payload, read->len);
}

gboolean serve_read_parse(const guint8 *payload, gsize len, ServeRead *ret_read, GError **error)
{
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, payload, len);
    vault_bytes_read(&reader, ret_read->record_id.bytes, VAULT_ID_LEN);
    ret_read->offset = vault_bytes_read_u64(&reader);
    ret_read->len = vault_bytes_read_u32(&reader);
    if (ret_read->len > SERVE_READ_LEN_MAX)
        return set_malformed(error, "a read of too many bytes");
    return finish(&reader, "a read", error);
}

gboolean serve_read_answer_parse(const guint8 *payload, gsize len, const ServeRead *read,
                                 guint64 *ret_record_len, GError **error)
{
    VaultBytesReader reader;
    guint64 record_len, left;

    vault_bytes_reader_init(&reader, payload, len);
    record_len = vault_bytes_read_u64(&reader);
    left = record_len > read->offset ? record_len - read->offset : 0;
    if (reader.failed || reader.left != MIN(left, read->len))
        return set_malformed(error, "another part of a record than was asked for");
    *ret_record_len = record_len;
    return TRUE;
}

/* ---- log ------------------------------------------------------------------------------------- */

static const struct {
    guint8 number;
    VaultLoggedAct act;
} logged_acts[] = {{1, VAULT_LOGGED_RESTORE_BEGUN}, {2, VAULT_LOGGED_RESTORE_DONE}};

void serve_log_append(GByteArray *payload, VaultLoggedAct act, const char *text)
{
    guint8 number = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(logged_acts); i++) {
        if (logged_acts[i].act == act)
            number = logged_acts[i].number;
    }
    g_assert(number != 0);
    vault_bytes_append_u8(payload, number);
    g_byte_array_append(payload, (const guint8 *)text, (guint)strlen(text));
}

gboolean serve_log_parse(const guint8 *payload, gsize len, VaultLoggedAct *ret_act, char **ret_text,
                         GError **error)
{
    const char *text = (const char *)payload + 1;

    if (len < 1 || len - 1 > VAULT_VIEW_LOG_LEN_MAX || !g_utf8_validate_len(text, len - 1, NULL))
        return set_malformed(error, "a text for the log");
    for (gsize i = 0; i < G_N_ELEMENTS(logged_acts); i++) {
        if (logged_acts[i].number != payload[0])
            continue;
        *ret_act = logged_acts[i].act;
        *ret_text = g_strndup(text, len - 1);
        return TRUE;
    }
    return set_malformed(error, "an act that a reader does not log");
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* The numbers on the wire are the format's, not the compiler's. */
static const struct {
    guint16 number;
    VaultErrorCode code;
} error_numbers[] = {
    {1, VAULT_ERROR_NOT_FOUND}, {2, VAULT_ERROR_BUSY},        {3, VAULT_ERROR_NO_SPACE},
    {4, VAULT_ERROR_IO},        {5, VAULT_ERROR_TOO_LARGE},   {6, VAULT_ERROR_MALFORMED},
    {7, VAULT_ERROR_CORRUPT},   {8, VAULT_ERROR_NO_KEY},      {9, VAULT_ERROR_ERASED},
    {10, VAULT_ERROR_REFUSED},  {11, VAULT_ERROR_UNSUPPORTED}};

void serve_error_append(GByteArray *payload, const GError *failure)
{
    g_autofree char *text = g_utf8_make_valid(failure->message, -1);
    guint16 number = 4;

    for (gsize i = 0; failure->domain == VAULT_ERROR && i < G_N_ELEMENTS(error_numbers); i++) {
        if ((VaultErrorCode)failure->code == error_numbers[i].code)
            number = error_numbers[i].number;
    }
    if (strlen(text) > SERVE_TEXT_LEN_MAX)
        *g_utf8_find_prev_char(text, text + SERVE_TEXT_LEN_MAX) = '\0';
    vault_bytes_append_u16(payload, number);
    vault_bytes_append_string16(payload, text);
}

gboolean serve_error_set(const guint8 *payload, gsize len, GError **error)
{
    VaultBytesReader reader;
    g_autofree char *text = NULL;
    guint16 number;

    vault_bytes_reader_init(&reader, payload, len);
    number = vault_bytes_read_u16(&reader);
    text = vault_bytes_read_string16(&reader);
    if (text == NULL || strlen(text) > SERVE_TEXT_LEN_MAX || !finish(&reader, "an error", NULL))
        return set_malformed(error, "an error");
    for (gsize i = 0; i < G_N_ELEMENTS(error_numbers); i++) {
        if (number == error_numbers[i].number) {
            g_set_error_literal(error, VAULT_ERROR, (gint)error_numbers[i].code, text);
            return FALSE;
        }
    }
    return set_malformed(error, "an error of an unknown number");
}
