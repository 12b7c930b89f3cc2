/* Zip files. What its members are called says whether one is an office package (ECMA-376),
 * OpenDocument, a book (EPUB 3), or an archive. */
#include "ingest/extract/helper/charset.h"
#include "ingest/extract/helper/formats.h"
#include "ingest/extract/helper/members.h"
#include "ingest/extract/helper/xml.h"

#include <string.h>

#define BLOCK_LEN (32u << 10)

typedef enum { ZIP_ARCHIVE, ZIP_OFFICE, ZIP_OPENDOCUMENT, ZIP_BOOK, ZIP_KIND_COUNT } ZipKind;

typedef enum {
    PART_NOTHING,
    PART_PROPERTIES, /* title, author and the like */
    PART_CONTENT,    /* XML by the rules of its kind */
    PART_MANIFEST,
    PART_DOCUMENT, /* a document of its own */
} PartUse;

typedef struct {
    const char *pattern; /* as g_pattern_match_simple() takes it; the first that fits counts */
    PartUse use;
} PartRule;

/* In word/ also what was taken in whole, of another format (altChunk). */
static const PartRule office_parts[] = {
    {"docProps/core.xml", PART_PROPERTIES},
    {"*/embeddings/*", PART_DOCUMENT},
    {"*/slideMasters/*", PART_NOTHING},
    {"*/slideLayouts/*", PART_NOTHING},
    {"*/notesMasters/*", PART_NOTHING},
    {"*/handoutMasters/*", PART_NOTHING},
    {"*/theme/*", PART_NOTHING},
    {"*/styles.xml", PART_NOTHING},
    {"word/*.htm*", PART_DOCUMENT},
    {"word/*.mht*", PART_DOCUMENT},
    {"word/*.rtf", PART_DOCUMENT},
    {"word/*.xml", PART_CONTENT},
    {"xl/*.xml", PART_CONTENT},
    {"ppt/*.xml", PART_CONTENT},
    {NULL, PART_NOTHING},
};
static const PartRule opendocument_parts[] = {
    {"META-INF/manifest.xml", PART_MANIFEST},
    {"meta.xml", PART_PROPERTIES},
    {"content.xml", PART_CONTENT},
    {"styles.xml", PART_CONTENT},
    {"*/content.xml", PART_CONTENT},
    {NULL, PART_NOTHING},
};
static const PartRule book_parts[] = {
    {"*.opf", PART_PROPERTIES}, {"*.xhtml", PART_DOCUMENT}, {"*.html", PART_DOCUMENT},
    {"*.htm", PART_DOCUMENT},   {NULL, PART_NOTHING},
};

static const struct {
    const PartRule *parts;
    ExtractXmlRules content_rules;
} kinds[ZIP_KIND_COUNT] = {
    [ZIP_OFFICE] = {office_parts, EXTRACT_XML_OFFICE},
    [ZIP_OPENDOCUMENT] = {opendocument_parts, EXTRACT_XML_OPENDOCUMENT},
    [ZIP_BOOK] = {book_parts, EXTRACT_XML_ALL},
};

static ZipKind kind_of_mimetype(ExtractMembers *members)
{
    char text[64];
    gsize len = extract_members_read(members, text, sizeof text - 1);

    text[len] = '\0';
    if (g_str_has_prefix(text, "application/epub+zip"))
        return ZIP_BOOK;
    return g_str_has_prefix(text, "application/vnd.oasis.opendocument") ||
                   g_str_has_prefix(text, "application/vnd.sun.xml")
               ? ZIP_OPENDOCUMENT
               : ZIP_ARCHIVE;
}

/* Looks with an allowance of its own: nothing that counts was read yet. */
static ZipKind kind_of(const ExtractRun *run, const ExtractDocument *document)
{
    ExtractRun look = *run;
    g_autoptr(ExtractMembers) members = extract_members_open(&look, document, EXTRACT_MEMBERS_ZIP);
    const char *path;

    while ((path = extract_members_next(members)) != NULL) {
        if (strcmp(path, "[Content_Types].xml") == 0)
            return ZIP_OFFICE;
        if (strcmp(path, "mimetype") == 0)
            return kind_of_mimetype(members);
    }
    return ZIP_ARCHIVE;
}

static PartUse use_of(ZipKind kind, const char *path)
{
    const PartRule *rule = kinds[kind].parts;

    while (rule->pattern != NULL && !g_pattern_match_simple(rule->pattern, path))
        rule++;
    return rule->use;
}

static IngestExtractOutcome add_xml(ExtractRun *run, ExtractMembers *members, ExtractXmlRules rules)
{
    g_autoptr(ExtractXml) xml = extract_xml_new(run->out, rules);
    char block[BLOCK_LEN];
    gsize len;

    do
        len = extract_members_read(members, block, sizeof block);
    while (len > 0 && extract_xml_write(xml, block, len));
    explicit_bzero(block, sizeof block);
    return extract_xml_finish(xml);
}

static IngestExtractOutcome add_document(ExtractRun *run, ExtractMembers *members, const char *path)
{
    GByteArray *bytes = extract_members_read_all(members);
    g_autofree char *name = g_path_get_basename(path);
    IngestExtractOutcome outcome = extract_nested(
        run, &(ExtractDocument){.bytes = bytes->data, .len = bytes->len, .type = "", .name = name});

    extract_charset_free(bytes);
    return outcome;
}

static IngestExtractOutcome add_part(ExtractRun *run, ExtractMembers *members, ZipKind kind,
                                     const char *path)
{
    switch (use_of(kind, path)) {
    case PART_NOTHING:
        return INGEST_EXTRACT_UNKNOWN;
    case PART_PROPERTIES:
        return add_xml(run, members, EXTRACT_XML_PROPERTIES);
    case PART_CONTENT:
        return add_xml(run, members, kinds[kind].content_rules);
    case PART_MANIFEST:
        return add_xml(run, members, EXTRACT_XML_MANIFEST);
    case PART_DOCUMENT:
        return add_document(run, members, path);
    }
    g_assert_not_reached();
}

/* Without any part that has text by these rules (xlsb, Visio) it is not read. */
static IngestExtractOutcome extract_package(ExtractRun *run, ExtractMembers *members, ZipKind kind)
{
    IngestExtractOutcome outcome = INGEST_EXTRACT_UNKNOWN;
    gboolean has_content = FALSE;
    const char *path;

    while ((path = extract_members_next(members)) != NULL) {
        g_autofree char *own = g_strdup(path);

        has_content |= use_of(kind, own) == PART_CONTENT || use_of(kind, own) == PART_DOCUMENT;
        outcome = extract_outcome_join(outcome, add_part(run, members, kind, own));
    }
    if (!has_content)
        outcome = extract_outcome_join(outcome, INGEST_EXTRACT_UNREAD);
    if (extract_members_outcome(members) != INGEST_EXTRACT_TEXT)
        outcome = extract_outcome_join(outcome, extract_members_outcome(members));
    return outcome;
}

IngestExtractOutcome extract_zip(ExtractRun *run, const ExtractDocument *document)
{
    ZipKind kind = kind_of(run, document);
    g_autoptr(ExtractMembers) members = extract_members_open(run, document, EXTRACT_MEMBERS_ZIP);

    return kind == ZIP_ARCHIVE ? extract_all_members(run, members)
                               : extract_package(run, members, kind);
}
