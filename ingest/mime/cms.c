#include "ingest/mime/cms.h"

#include <string.h>

#define DEPTH_MAX 8

enum { TAG_OCTETS = 0x04, TAG_OID = 0x06, TAG_SEQUENCE = 0x30, TAG_SET = 0x31, TAG_ZERO = 0xa0 };
#define CONSTRUCTED 0x20

typedef struct {
    const guint8 *at, *end;
} Reader;

typedef struct {
    guint8 tag;
    gboolean is_indefinite; /* `content` goes to the end of what surrounds it */
    Reader content;
} Element;

/* 1.2.840.113549.1.7.* and 1.2.840.113549.1.9.16.1.* */
static const guint8 pkcs7[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07};
static const guint8 smime[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01};

static gboolean read_len(Reader *reader, Element *element)
{
    gsize len = *reader->at++;
    guint count = len & 0x7f;

    element->is_indefinite = len == 0x80 && (element->tag & CONSTRUCTED) != 0;
    if (len >= 0x80) {
        len = 0;
        if (count > 4 || (count == 0 && !element->is_indefinite) ||
            (gsize)(reader->end - reader->at) < count)
            return FALSE;
        for (; count > 0; count--)
            len = len << 8 | *reader->at++;
    }
    if (element->is_indefinite)
        len = (gsize)(reader->end - reader->at);
    /* A file that was cut says what it can. */
    len = MIN(len, (gsize)(reader->end - reader->at));
    element->content = (Reader){reader->at, reader->at + len};
    return TRUE;
}

/* The reader goes behind the element, but into one of indefinite length: see leave(). */
static gboolean next(Reader *reader, Element *element)
{
    if (reader->end - reader->at < 2)
        return FALSE;
    element->tag = *reader->at++;
    if ((element->tag & 0x1f) == 0x1f || !read_len(reader, element))
        return FALSE;
    if (!element->is_indefinite)
        reader->at = element->content.end;
    return TRUE;
}

static gboolean enter(Reader *reader, guint8 tag, Reader *ret_content)
{
    Element element;

    if (!next(reader, &element) || element.tag != tag)
        return FALSE;
    *ret_content = element.content;
    return TRUE;
}

/* Skips the elements in one of indefinite length and its end. */
static gboolean skip(Reader *reader)
{
    guint depth = 0;
    Element element;

    do {
        if (!next(reader, &element))
            return FALSE;
        if (element.is_indefinite && ++depth > DEPTH_MAX)
            return FALSE;
        if (element.tag == 0)
            depth -= depth > 0;
    } while (depth > 0);
    return TRUE;
}

/* An octet string, in pieces or not. The pieces of pieces follow each other all the same. */
static gboolean read_octets(Reader reader, GByteArray *content)
{
    guint depth = 0;
    Element element;

    do {
        if (!next(&reader, &element))
            return content->len > 0;
        if (element.tag == TAG_OCTETS) {
            g_byte_array_append(content, element.content.at,
                                (guint)(element.content.end - element.content.at));
        } else if (element.tag == (TAG_OCTETS | CONSTRUCTED) && depth < DEPTH_MAX) {
            /* Into it: its pieces are read one after the other. */
            reader = element.content;
            depth++;
        } else {
            return element.tag == 0 && content->len > 0;
        }
    } while (depth > 0 && reader.at < reader.end);
    return TRUE;
}

/* SignedData: version, digest algorithms, then type and content of what is signed. */
static IngestCmsKind read_signed(Reader reader, GByteArray **ret_content)
{
    g_autoptr(GByteArray) content = g_byte_array_new();
    Reader data, inner, octets;
    Element type;

    if (!enter(&reader, TAG_SEQUENCE, &data) || !skip(&data) || !skip(&data) ||
        !enter(&data, TAG_SEQUENCE, &inner) || !next(&inner, &type) || type.tag != TAG_OID)
        return INGEST_CMS_UNKNOWN;
    if (!enter(&inner, TAG_ZERO, &octets))
        return INGEST_CMS_CERTIFICATES;
    if (!read_octets(octets, content))
        return INGEST_CMS_UNKNOWN;
    *ret_content = g_steal_pointer(&content);
    return INGEST_CMS_SIGNED;
}

static gboolean is_oid(const Element *oid, const guint8 *prefix, gsize prefix_len, guint8 last)
{
    gsize len = (gsize)(oid->content.end - oid->content.at);

    return len == prefix_len + 1 && memcmp(oid->content.at, prefix, prefix_len) == 0 &&
           oid->content.at[prefix_len] == last;
}

IngestCmsKind ingest_cms_open(const guint8 *bytes, gsize len, GByteArray **ret_content)
{
    Reader reader, info, content;
    Element type;

    if (len == 0)
        return INGEST_CMS_UNKNOWN;
    reader = (Reader){bytes, bytes + len};
    if (!enter(&reader, TAG_SEQUENCE, &info) || !next(&info, &type) || type.tag != TAG_OID ||
        !enter(&info, TAG_ZERO, &content))
        return INGEST_CMS_UNKNOWN;
    if (is_oid(&type, pkcs7, sizeof pkcs7, 2))
        return read_signed(content, ret_content);
    /* enveloped, signed and enveloped, encrypted; authenticated and enveloped */
    if (is_oid(&type, pkcs7, sizeof pkcs7, 3) || is_oid(&type, pkcs7, sizeof pkcs7, 4) ||
        is_oid(&type, pkcs7, sizeof pkcs7, 6) || is_oid(&type, smime, sizeof smime, 23))
        return INGEST_CMS_ENCRYPTED;
    return INGEST_CMS_UNKNOWN;
}
