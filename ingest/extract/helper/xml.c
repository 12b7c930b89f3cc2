#include "ingest/extract/helper/xml.h"

#include "ingest/extract/helper/formats.h"

#include <libxml/parser.h>
#include <string.h>

typedef enum {
    XML_TEXT,      /* characters inside are text */
    XML_PARAGRAPH, /* so, and a break follows */
    XML_BREAK,     /* only the break */
    XML_BLANK,     /* stands for a blank */
    XML_CELL,      /* <c>: a break follows; t="s" says that <v> is a number of a shared string */
    XML_VALUE,     /* <v>: text, unless it is such a number */
    XML_SHEET,     /* its attribute "name" is text */
    XML_ENCRYPTED,
} Action;

typedef struct {
    const char *name; /* without its prefix */
    Action action;
} Rule;

static const Rule office_rules[] = {
    {"t", XML_TEXT},
    {"delText", XML_TEXT},
    {"text", XML_TEXT},
    {"p", XML_BREAK},
    {"noBreakHyphen", XML_BLANK},
    {"si", XML_BREAK},
    {"tab", XML_BLANK},
    {"br", XML_BLANK},
    {"cr", XML_BLANK},
    {"c", XML_CELL},
    {"v", XML_VALUE},
    {"tc", XML_BREAK},
    {"cm", XML_BREAK},
    {"comment", XML_BREAK},
    {"sheet", XML_SHEET},
};
static const Rule opendocument_rules[] = {
    {"p", XML_PARAGRAPH}, {"h", XML_PARAGRAPH},      {"s", XML_BLANK},
    {"tab", XML_BLANK},   {"line-break", XML_BLANK},
};
static const Rule properties_rules[] = {
    {"title", XML_PARAGRAPH},           {"subject", XML_PARAGRAPH},  {"creator", XML_PARAGRAPH},
    {"description", XML_PARAGRAPH},     {"keywords", XML_PARAGRAPH}, {"keyword", XML_PARAGRAPH},
    {"initial-creator", XML_PARAGRAPH},
};
static const Rule manifest_rules[] = {{"encryption-data", XML_ENCRYPTED}};

static const struct {
    const Rule *rules;
    gsize rule_count;
} rule_sets[] = {
    [EXTRACT_XML_ALL] = {NULL, 0},
    [EXTRACT_XML_OFFICE] = {office_rules, G_N_ELEMENTS(office_rules)},
    [EXTRACT_XML_OPENDOCUMENT] = {opendocument_rules, G_N_ELEMENTS(opendocument_rules)},
    [EXTRACT_XML_PROPERTIES] = {properties_rules, G_N_ELEMENTS(properties_rules)},
    [EXTRACT_XML_MANIFEST] = {manifest_rules, G_N_ELEMENTS(manifest_rules)},
};

struct ExtractXml {
    ExtractTextOut *out;
    ExtractXmlRules rules;
    xmlParserCtxtPtr parser;
    guint text_depth; /* open elements whose characters are text */
    gboolean is_shared, is_encrypted;
};

static const Rule *find_rule(const ExtractXml *xml, const xmlChar *name)
{
    for (gsize i = 0; i < rule_sets[xml->rules].rule_count; i++) {
        if (strcmp(rule_sets[xml->rules].rules[i].name, (const char *)name) == 0)
            return &rule_sets[xml->rules].rules[i];
    }
    return NULL;
}

/* Attributes of SAX2 come in fives: name, prefix, URI, value, end of the value. NULL: has none. */
static const xmlChar **find_attribute(const char *name, int count, const xmlChar **attributes)
{
    for (int i = 0; i < count; i++, attributes += 5) {
        if (strcmp((const char *)attributes[0], name) == 0)
            return attributes;
    }
    return NULL;
}

static gboolean is_shared_string(int count, const xmlChar **attributes)
{
    const xmlChar **type = find_attribute("t", count, attributes);

    return type != NULL && type[4] - type[3] == 1 && *type[3] == 's';
}

static void add_sheet_name(ExtractXml *xml, int count, const xmlChar **attributes)
{
    const xmlChar **name = find_attribute("name", count, attributes);

    if (name != NULL)
        extract_text_out_add(xml->out, name[3], (gsize)(name[4] - name[3]));
    extract_text_out_break(xml->out);
}

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespace_count, const xmlChar **namespaces, int attribute_count,
                     int default_count, const xmlChar **attributes)
{
    ExtractXml *xml = user;
    const Rule *rule = find_rule(xml, name);

    if (rule == NULL)
        return;
    switch (rule->action) {
    case XML_TEXT:
    case XML_PARAGRAPH:
        xml->text_depth++;
        return;
    case XML_BLANK:
        extract_text_out_add(xml->out, " ", 1);
        return;
    case XML_CELL:
        xml->is_shared = is_shared_string(attribute_count, attributes);
        return;
    case XML_VALUE:
        xml->text_depth += !xml->is_shared;
        return;
    case XML_SHEET:
        add_sheet_name(xml, attribute_count, attributes);
        return;
    case XML_ENCRYPTED:
        xml->is_encrypted = TRUE;
        return;
    case XML_BREAK:
        return;
    }
}

static void leave_text(ExtractXml *xml)
{
    if (xml->text_depth > 0)
        xml->text_depth--;
}

static void on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    ExtractXml *xml = user;
    const Rule *rule = find_rule(xml, name);

    if (xml->rules == EXTRACT_XML_ALL)
        extract_text_out_break(xml->out);
    if (rule == NULL)
        return;
    switch (rule->action) {
    case XML_VALUE:
        if (!xml->is_shared)
            leave_text(xml);
        return;
    case XML_TEXT:
        leave_text(xml);
        return;
    case XML_PARAGRAPH:
        leave_text(xml);
        extract_text_out_break(xml->out);
        return;
    case XML_BREAK:
    case XML_CELL:
        extract_text_out_break(xml->out);
        return;
    case XML_BLANK:
    case XML_SHEET:
    case XML_ENCRYPTED:
        return;
    }
}

static void on_characters(void *user, const xmlChar *text, int len)
{
    ExtractXml *xml = user;

    if (xml->rules == EXTRACT_XML_ALL || xml->text_depth > 0)
        extract_text_out_add(xml->out, text, (gsize)len);
}

ExtractXml *extract_xml_new(ExtractTextOut *out, ExtractXmlRules rules)
{
    /* Without entityDecl and getEntity a declared entity is unknown where it is used. */
    xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC,
                             .startElementNs = on_start,
                             .endElementNs = on_end,
                             .characters = on_characters,
                             .cdataBlock = on_characters};
    ExtractXml *xml = g_new0(ExtractXml, 1);

    xml->out = out;
    xml->rules = rules;
    xml->parser = xmlCreatePushParserCtxt(&handler, xml, NULL, 0, NULL);
    if (xml->parser != NULL)
        xmlCtxtUseOptions(xml->parser, XML_PARSE_RECOVER | XML_PARSE_NONET | XML_PARSE_NOERROR |
                                           XML_PARSE_NOWARNING);
    return xml;
}

void extract_xml_free(ExtractXml *xml)
{
    if (xml == NULL)
        return;
    if (xml->parser != NULL) {
        /* Entities that are declared are kept in one, although nobody looks them up. */
        xmlFreeDoc(xml->parser->myDoc);
        xmlFreeParserCtxt(xml->parser);
    }
    g_free(xml);
}

gboolean extract_xml_write(ExtractXml *xml, const void *bytes, gsize len)
{
    const char *next = bytes;

    while (len > 0 && xml->parser != NULL && !extract_text_out_is_full(xml->out)) {
        gsize part = MIN(len, 32u << 10);

        xmlParseChunk(xml->parser, next, (int)part, FALSE);
        if (xml->parser->disableSAX != 0)
            return FALSE;
        next += part;
        len -= part;
    }
    return len == 0;
}

IngestExtractOutcome extract_xml_finish(ExtractXml *xml)
{
    if (xml->parser == NULL)
        return INGEST_EXTRACT_MALFORMED;
    xmlParseChunk(xml->parser, NULL, 0, TRUE);
    extract_text_out_break(xml->out);
    if (xml->is_encrypted)
        return INGEST_EXTRACT_ENCRYPTED;
    return xml->parser->wellFormed ? INGEST_EXTRACT_TEXT : INGEST_EXTRACT_MALFORMED;
}

IngestExtractOutcome extract_xml(ExtractRun *run, const ExtractDocument *document)
{
    g_autoptr(ExtractXml) xml = extract_xml_new(run->out, EXTRACT_XML_ALL);

    extract_xml_write(xml, document->bytes, document->len);
    return extract_xml_finish(xml);
}
