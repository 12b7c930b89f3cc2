#include "ingest/message_reading.h"

#include "vault/crypto/keys.h"

#include <string.h>

#define SLICE_LEN 4096u
/* HTML declares its charset early or not at all. */
#define START_LEN 2048

/* ---- text on its way out --------------------------------------------------------------------- */

static void give_to_builder(MessageReading *reading, IngestField field, const char *text, gsize len)
{
    if (text == NULL)
        ingest_terms_builder_end_text(reading->builder, field);
    else
        ingest_terms_builder_add(reading->builder, field, text, len);
    if (field == INGEST_FIELD_BODY)
        ingest_snippet_add(reading->snippet, text, len);
}

static void give_alternative(gpointer user, const char *text, gsize len)
{
    give_to_builder(user, INGEST_FIELD_BODY, text, len);
}

static void give_text(gpointer user, const char *text, gsize len)
{
    MessageReading *reading = user;

    if (!reading->leaf->is_alternative) {
        give_to_builder(reading, reading->leaf->field, text, len);
        return;
    }
    if (reading->alternatives == NULL)
        reading->alternatives = ingest_alternatives_new(give_alternative, reading);
    ingest_alternatives_add(reading->alternatives, text, len);
}

static void give_plain(gpointer user, const char *text, gsize len)
{
    ingest_plain_text_add(((MessageReading *)user)->leaf->plain, text, len);
}

static void give_html(gpointer user, const char *text, gsize len)
{
    ingest_html_text_add(((MessageReading *)user)->leaf->html, text, len);
}

/* ---- what kind of leaf ----------------------------------------------------------------------- */

static gboolean has_suffix(const char *name, const char *suffix)
{
    gsize len = name == NULL ? 0 : strlen(name), suffix_len = strlen(suffix);

    return len >= suffix_len && g_ascii_strcasecmp(name + len - suffix_len, suffix) == 0;
}

/* Pictures, sound and film have no text, but a document may be called one. */
static gboolean is_media(const IngestEntity *entity)
{
    return ingest_entity_is(entity, "image", "*") || ingest_entity_is(entity, "audio", "*") ||
           ingest_entity_is(entity, "video", "*") || ingest_entity_is(entity, "font", "*");
}

/* Parts of a signature or an encryption that are about it. */
static gboolean is_crypto_part(const IngestEntity *entity)
{
    return ingest_entity_is(entity, "application", "pgp-signature") ||
           ingest_entity_is(entity, "application", "pgp-encrypted") ||
           ingest_entity_is(entity, "application", "pgp-keys") ||
           ingest_entity_is(entity, "application", "pkcs7-signature") ||
           ingest_entity_is(entity, "application", "x-pkcs7-signature");
}

static gboolean is_cms(const IngestEntity *entity, const char *filename)
{
    return ingest_entity_is(entity, "application", "pkcs7-mime") ||
           ingest_entity_is(entity, "application", "x-pkcs7-mime") ||
           (ingest_entity_is(entity, "application", "octet-stream") &&
            has_suffix(filename, ".p7m"));
}

/* Reports, calendars and all else under text/ are shown as they are. RTF is a document. */
static gboolean is_text(const IngestEntity *entity)
{
    return (ingest_entity_is(entity, "text", "*") && !ingest_entity_is(entity, "text", "rtf") &&
            !ingest_entity_is(entity, "text", "richtext")) ||
           ingest_entity_is(entity, "message", "*") || ingest_entity_is(entity, "multipart", "*");
}

static gboolean is_message(const IngestEntity *entity)
{
    return ingest_entity_is(entity, "message", "rfc822") ||
           ingest_entity_is(entity, "message", "global");
}

static MessageLeafKind kind_of(const IngestEntity *entity, const char *filename)
{
    if (is_crypto_part(entity))
        return LEAF_NOTHING;
    if (is_message(entity))
        return LEAF_MESSAGE;
    if (is_cms(entity, filename))
        return LEAF_CMS;
    if (ingest_entity_is(entity, "text", "html") ||
        ingest_entity_is(entity, "application", "xhtml+xml"))
        return LEAF_HTML;
    return is_text(entity) ? LEAF_PLAIN : LEAF_DOCUMENT;
}

/* An attachment, to a person: not the message's own text, not a picture in it, not a signature. */
static gboolean is_attached(const MessageReading *reading, const IngestEntity *entity,
                            const MessageLeaf *leaf)
{
    if (ingest_entity_is_attachment(entity))
        return !is_crypto_part(entity);
    if (leaf->kind == LEAF_CMS || is_crypto_part(entity) ||
        (is_media(entity) && entity->has_content_id))
        return FALSE;
    if (leaf->filename == NULL)
        return leaf->kind == LEAF_DOCUMENT;
    /* Some programs give the body a name. */
    return !is_text(entity) || reading->text_count > 0;
}

static void note_names(MessageReading *reading, const MessageLeaf *leaf)
{
    GPtrArray *names = reading->summary->filenames;

    if (leaf->filename != NULL && names->len < INGEST_SUMMARY_NAMES_MAX)
        g_ptr_array_add(names, g_strdup(leaf->filename));
    else if (leaf->filename != NULL)
        reading->summary->marks |= INGEST_MARK_TRUNCATED;
    if (has_suffix(leaf->filename, ".pgp") || has_suffix(leaf->filename, ".gpg"))
        reading->summary->marks |= INGEST_MARK_UNSEARCHABLE | INGEST_MARK_PGP_ENCRYPTED;
}

/* ---- making one ------------------------------------------------------------------------------ */

static gboolean is_delsp(const IngestEntity *entity)
{
    const char *format = ingest_entity_parameter(entity, "format");
    const char *delsp = ingest_entity_parameter(entity, "delsp");

    return format != NULL && g_ascii_strcasecmp(format, "flowed") == 0 && delsp != NULL &&
           g_ascii_strcasecmp(delsp, "yes") == 0;
}

static gboolean says_nothing(const char *charset)
{
    return charset == NULL || *charset == '\0' || g_ascii_strcasecmp(charset, "us-ascii") == 0;
}

static void make_stages(MessageReading *reading, MessageLeaf *leaf, const IngestEntity *entity)
{
    if (leaf->kind == LEAF_PLAIN) {
        leaf->plain = ingest_plain_text_new(is_delsp(entity), give_text, reading);
        leaf->to_utf8 = ingest_charset_new(leaf->charset, give_plain, reading);
    } else if (leaf->kind == LEAF_HTML) {
        leaf->html = ingest_html_text_new(give_text, reading);
        if (says_nothing(leaf->charset))
            leaf->start = g_byte_array_new();
        else
            leaf->to_utf8 = ingest_charset_new(leaf->charset, give_html, reading);
    } else if (leaf->kind != LEAF_NOTHING) {
        leaf->content_type = g_mime_content_type_get_mime_type(entity->type);
        leaf->whole = g_byte_array_new();
        leaf->is_undecided = leaf->kind == LEAF_DOCUMENT && is_media(entity);
    }
}

static gboolean is_encoded(GMimeContentEncoding encoding)
{
    return encoding == GMIME_CONTENT_ENCODING_BASE64 ||
           encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE ||
           encoding == GMIME_CONTENT_ENCODING_UUENCODE;
}

MessageLeaf *ingest_message_leaf_new(MessageReading *reading, const IngestEntity *entity)
{
    MessageLeaf *leaf = g_new0(MessageLeaf, 1);
    gboolean is_attachment;

    leaf->filename = ingest_entity_filename(entity);
    leaf->kind = kind_of(entity, leaf->filename);
    leaf->charset = g_strdup(ingest_entity_parameter(entity, "charset"));
    leaf->is_encoded = is_encoded(entity->encoding);
    g_mime_encoding_init_decode(&leaf->decoder, entity->encoding);
    if (entity->encoding == GMIME_CONTENT_ENCODING_UUENCODE)
        leaf->line = g_byte_array_new();
    is_attachment = is_attached(reading, entity, leaf);
    leaf->field = is_attachment ? INGEST_FIELD_ATTACHMENT : INGEST_FIELD_BODY;
    leaf->is_alternative = reading->alternatives_level > 0 && !is_attachment;
    if (is_attachment)
        reading->summary->marks |= INGEST_MARK_ATTACHMENT;
    note_names(reading, leaf);
    if (leaf->kind == LEAF_PLAIN || leaf->kind == LEAF_HTML)
        reading->text_count++;
    make_stages(reading, leaf, entity);
    return leaf;
}

static void free_bytes(GByteArray *bytes)
{
    if (bytes == NULL)
        return;
    vault_wipe(bytes->data, bytes->len);
    g_byte_array_unref(bytes);
}

void ingest_message_leaf_free(MessageLeaf *leaf)
{
    if (leaf == NULL)
        return;
    g_free(leaf->charset);
    g_free(leaf->content_type);
    g_free(leaf->filename);
    free_bytes(leaf->line);
    free_bytes(leaf->start);
    free_bytes(leaf->whole);
    ingest_charset_free(leaf->to_utf8);
    ingest_plain_text_free(leaf->plain);
    ingest_html_text_free(leaf->html);
    vault_wipe(&leaf->decoder, sizeof leaf->decoder);
    g_free(leaf);
}

/* ---- its bytes ------------------------------------------------------------------------------- */

static void keep_whole(MessageLeaf *leaf, const void *bytes, gsize len)
{
    if (leaf->is_too_long)
        return;
    if (len > INGEST_DOCUMENT_LEN_MAX - leaf->whole->len) {
        vault_wipe(leaf->whole->data, leaf->whole->len);
        g_byte_array_set_size(leaf->whole, 0);
        leaf->is_too_long = TRUE;
        return;
    }
    g_byte_array_append(leaf->whole, bytes, (guint)len);
    if (leaf->is_undecided && leaf->whole->len >= 16) {
        leaf->is_undecided = FALSE;
        if (!ingest_message_is_worth_reading(leaf->whole->data, leaf->whole->len))
            leaf->kind = LEAF_NOTHING;
    }
}

static void begin_html(MessageReading *reading, MessageLeaf *leaf)
{
    g_autoptr(GByteArray) start = g_steal_pointer(&leaf->start);
    g_autofree char *declared = ingest_html_declared_charset(start->data, start->len);

    leaf->to_utf8 = ingest_charset_new(declared, give_html, reading);
    ingest_charset_add(leaf->to_utf8, start->data, start->len);
}

static void take_html_start(MessageReading *reading, MessageLeaf *leaf, const guint8 *bytes,
                            gsize len)
{
    gsize taken_len = MIN(len, START_LEN - leaf->start->len);

    g_byte_array_append(leaf->start, bytes, (guint)taken_len);
    if (leaf->start->len < START_LEN)
        return;
    begin_html(reading, leaf);
    ingest_charset_add(leaf->to_utf8, bytes + taken_len, len - taken_len);
}

/* HTML is counted as it comes, for a document that shows little may be long. What is left of it;
 * the place does not depend on the pieces. */
static gsize limit_html(MessageReading *reading, gsize len)
{
    guint64 room = reading->options->text_len_max - reading->html_len;

    if (len > room)
        reading->summary->marks |= INGEST_MARK_TRUNCATED;
    len = MIN(len, room);
    reading->html_len += len;
    return len;
}

static void take_decoded(MessageReading *reading, MessageLeaf *leaf, const void *bytes, gsize len)
{
    if (leaf->html != NULL)
        len = limit_html(reading, len);
    if (leaf->kind == LEAF_NOTHING || len == 0)
        return;
    if (leaf->whole != NULL)
        keep_whole(leaf, bytes, len);
    else if (leaf->start != NULL)
        take_html_start(reading, leaf, bytes, len);
    else
        ingest_charset_add(leaf->to_utf8, bytes, len);
}

static void decode(MessageReading *reading, MessageLeaf *leaf, const guint8 *bytes, gsize len)
{
    char decoded[2 * SLICE_LEN];

    while (len > 0) {
        gsize taken_len = MIN(len, SLICE_LEN);
        gsize decoded_len =
            g_mime_encoding_step(&leaf->decoder, (const char *)bytes, taken_len, decoded);

        take_decoded(reading, leaf, decoded, decoded_len);
        bytes += taken_len, len -= taken_len;
    }
    vault_wipe(decoded, sizeof decoded);
}

/* GMime's decoder finds "begin" only where the line is in one piece. */
static void decode_lines(MessageReading *reading, MessageLeaf *leaf, const guint8 *bytes, gsize len)
{
    while (len > 0) {
        const guint8 *newline = memchr(bytes, '\n', len);
        gsize taken_len = newline == NULL ? len : (gsize)(newline + 1 - bytes);

        taken_len = MIN(taken_len, SLICE_LEN - leaf->line->len);
        g_byte_array_append(leaf->line, bytes, (guint)taken_len);
        if (leaf->line->len == SLICE_LEN || bytes[taken_len - 1] == '\n') {
            decode(reading, leaf, leaf->line->data, leaf->line->len);
            g_byte_array_set_size(leaf->line, 0);
        }
        bytes += taken_len, len -= taken_len;
    }
}

void ingest_message_leaf_body(MessageReading *reading, MessageLeaf *leaf, const guint8 *bytes,
                              gsize len)
{
    if (leaf->kind == LEAF_NOTHING)
        return;
    if (leaf->line != NULL)
        decode_lines(reading, leaf, bytes, len);
    else if (leaf->is_encoded)
        decode(reading, leaf, bytes, len);
    else
        take_decoded(reading, leaf, bytes, len);
}

static void end_text(MessageReading *reading, MessageLeaf *leaf)
{
    if (leaf->start != NULL)
        begin_html(reading, leaf);
    ingest_charset_end(leaf->to_utf8);
    if (leaf->html != NULL && !ingest_html_text_end(leaf->html))
        reading->summary->marks |= INGEST_MARK_TRUNCATED;
    if (leaf->plain != NULL) {
        guint marks = ingest_plain_text_end(leaf->plain);

        if ((marks & INGEST_PLAIN_PGP_MESSAGE) != 0)
            reading->summary->marks |= INGEST_MARK_UNSEARCHABLE | INGEST_MARK_PGP_ENCRYPTED;
        if ((marks & INGEST_PLAIN_PGP_SIGNED) != 0)
            reading->summary->marks |= INGEST_MARK_PGP_SIGNED;
    }
    if (leaf->is_alternative && reading->alternatives != NULL)
        ingest_alternatives_end_text(reading->alternatives);
    give_to_builder(reading, leaf->field, NULL, 0);
}

void ingest_message_leaf_end(MessageReading *reading, MessageLeaf *leaf)
{
    char decoded[64];

    if (leaf->line != NULL)
        decode(reading, leaf, leaf->line->data, leaf->line->len);
    if (leaf->is_encoded && leaf->kind != LEAF_NOTHING)
        take_decoded(reading, leaf, decoded, g_mime_encoding_flush(&leaf->decoder, "", 0, decoded));
    if (leaf->kind == LEAF_PLAIN || leaf->kind == LEAF_HTML)
        end_text(reading, leaf);
    else if (leaf->kind != LEAF_NOTHING)
        ingest_message_take_whole(reading, leaf);
}
