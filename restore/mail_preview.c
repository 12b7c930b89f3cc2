#include "restore/mail_preview.h"

#include <gmime/gmime.h>
#include <string.h>

/* Multiparts in multiparts; nobody writes so many. */
#define DEPTH_MAX 32

static void part_free(MailPreviewPart *part)
{
    g_free(part->name);
    g_free(part->type);
    g_free(part);
}

void mail_preview_clear(MailPreview *preview)
{
    g_free(preview->from);
    g_free(preview->to);
    g_free(preview->cc);
    g_free(preview->subject);
    g_free(preview->date);
    g_free(preview->message_id);
    g_free(preview->text);
    g_clear_pointer(&preview->attachments, g_ptr_array_unref);
}

/* ---- header ---------------------------------------------------------------------------------- */

static char *field(GMimeMessage *message, const char *name)
{
    const char *value = g_mime_object_get_header(GMIME_OBJECT(message), name);
    g_autofree char *decoded = NULL;

    if (value == NULL)
        return NULL;
    decoded = g_mime_utils_header_decode_text(NULL, value);
    return g_strstrip(g_utf8_make_valid(decoded, -1));
}

/* ---- body ------------------------------------------------------------------------------------ */

/* Decoded bytes of a leaf; NULL for one that has none. */
static GByteArray *decode(GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    GMimeStream *stream;

    if (content == NULL)
        return NULL;
    stream = g_mime_stream_mem_new_with_byte_array(bytes);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    (void)g_mime_data_wrapper_write_to_stream(content, stream);
    g_object_unref(stream);
    return g_steal_pointer(&bytes);
}

/* Characters of an unknown set, or that are not what was declared, become U+FFFD. */
static char *to_utf8(const GByteArray *bytes, gsize len, const char *charset)
{
    g_autofree char *converted = NULL;

    if (charset != NULL && g_ascii_strcasecmp(charset, "utf-8") != 0)
        converted =
            g_convert_with_fallback((const char *)bytes->data, (gssize)len, "UTF-8",
                                    g_mime_charset_iconv_name(charset), "?", NULL, NULL, NULL);
    return converted != NULL ? g_utf8_make_valid(converted, -1)
                             : g_utf8_make_valid((const char *)bytes->data, (gssize)len);
}

static void take_text(MailPreview *preview, GMimePart *part)
{
    g_autoptr(GByteArray) bytes = decode(part);
    gsize len;

    if (bytes == NULL || bytes->len == 0) {
        preview->text = g_strdup("");
        return;
    }
    len = MIN(bytes->len, MAIL_PREVIEW_TEXT_LEN_MAX);
    preview->is_text_cut = len < bytes->len;
    preview->text = to_utf8(
        bytes, len, g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset"));
}

static void take_attachment(MailPreview *preview, GMimeObject *object, guint64 len)
{
    MailPreviewPart *part = g_new0(MailPreviewPart, 1);
    GMimeContentType *type = g_mime_object_get_content_type(object);
    const char *name = GMIME_IS_PART(object) ? g_mime_part_get_filename(GMIME_PART(object)) : NULL;
    g_autofree char *type_text = g_mime_content_type_get_mime_type(type);

    part->name = name == NULL ? NULL : g_utf8_make_valid(name, -1);
    part->type = g_utf8_make_valid(type_text, -1);
    part->len = len;
    g_ptr_array_add(preview->attachments, part);
}

static gboolean is_attachment(GMimeObject *object)
{
    const char *disposition = g_mime_object_get_disposition(object);

    return (disposition != NULL && g_ascii_strcasecmp(disposition, "attachment") == 0) ||
           (GMIME_IS_PART(object) && g_mime_part_get_filename(GMIME_PART(object)) != NULL);
}

static void take_leaf(MailPreview *preview, GMimePart *part)
{
    GMimeObject *object = GMIME_OBJECT(part);
    GMimeContentType *type = g_mime_object_get_content_type(object);
    g_autoptr(GByteArray) bytes = NULL;

    if (!is_attachment(object) && preview->text == NULL &&
        g_mime_content_type_is_type(type, "text", "plain")) {
        take_text(preview, part);
        return;
    }
    if (!is_attachment(object) && !preview->has_html &&
        g_mime_content_type_is_type(type, "text", "html")) {
        preview->has_html = TRUE;
        return;
    }
    bytes = decode(part);
    take_attachment(preview, object, bytes == NULL ? 0 : bytes->len);
}

/* A message inside is one attachment: what is in it is its own business. */
static void take_message(MailPreview *preview, GMimeMessagePart *part)
{
    GMimeMessage *message = g_mime_message_part_get_message(part);
    g_autofree char *text =
        message == NULL ? NULL : g_mime_object_to_string(GMIME_OBJECT(message), NULL);

    take_attachment(preview, GMIME_OBJECT(part), text == NULL ? 0 : strlen(text));
}

static void take_parts(MailPreview *preview, GMimeObject *object, guint depth)
{
    if (depth > DEPTH_MAX || preview->attachments->len >= MAIL_PREVIEW_PARTS_MAX)
        return;
    if (GMIME_IS_MULTIPART(object)) {
        GMimeMultipart *multipart = GMIME_MULTIPART(object);

        for (int i = 0; i < g_mime_multipart_get_count(multipart); i++)
            take_parts(preview, g_mime_multipart_get_part(multipart, i), depth + 1);
    } else if (GMIME_IS_MESSAGE_PART(object)) {
        take_message(preview, GMIME_MESSAGE_PART(object));
    } else if (GMIME_IS_PART(object)) {
        take_leaf(preview, GMIME_PART(object));
    }
}

void mail_preview_make(const guint8 *bytes, gsize len, MailPreview *ret_preview)
{
    GMimeStream *stream;
    GMimeParser *parser;
    GMimeMessage *message;

    *ret_preview = (MailPreview){0};
    ret_preview->attachments = g_ptr_array_new_with_free_func((GDestroyNotify)part_free);
    g_mime_init();
    stream = g_mime_stream_mem_new_with_buffer((const char *)bytes, MIN(len, MAIL_PREVIEW_LEN_MAX));
    parser = g_mime_parser_new_with_stream(stream);
    message = g_mime_parser_construct_message(parser, NULL);
    if (message != NULL) {
        ret_preview->from = field(message, "From");
        ret_preview->to = field(message, "To");
        ret_preview->cc = field(message, "Cc");
        ret_preview->subject = field(message, "Subject");
        ret_preview->date = field(message, "Date");
        ret_preview->message_id = field(message, "Message-ID");
        if (g_mime_message_get_mime_part(message) != NULL)
            take_parts(ret_preview, g_mime_message_get_mime_part(message), 0);
        g_object_unref(message);
    }
    g_object_unref(parser);
    g_object_unref(stream);
}
