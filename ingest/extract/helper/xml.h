/* XML into text by rules: which elements' characters are text, and where words end.
 *
 *   new -> write* -> finish -> free
 *
 * libxml2's SAX in pieces, so that no tree is held. Entities that a document declares are never
 * expanded and nothing is fetched. What is not well-formed is read on as far as it goes. Threads:
 * one user.
 */
#pragma once

#include "ingest/extract/helper/document.h"

typedef enum {
    EXTRACT_XML_ALL,          /* all characters, a break after each element */
    EXTRACT_XML_OFFICE,       /* parts of docx, xlsx, pptx: what is in <t> and the like */
    EXTRACT_XML_OPENDOCUMENT, /* content.xml, styles.xml: paragraphs and headings */
    EXTRACT_XML_PROPERTIES,   /* docProps/core.xml, meta.xml, *.opf: title, authors, subject */
    EXTRACT_XML_MANIFEST,     /* META-INF/manifest.xml: no text; ENCRYPTED when it says so */
} ExtractXmlRules;

typedef struct ExtractXml ExtractXml;
ExtractXml *extract_xml_new(ExtractTextOut *out, ExtractXmlRules rules);
void extract_xml_free(ExtractXml *xml);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtractXml, extract_xml_free)

/* FALSE: no more is wanted, because the text is full or the parser has given up. */
gboolean extract_xml_write(ExtractXml *xml, const void *bytes, gsize len);
/* TEXT, ENCRYPTED, or MALFORMED. Once. */
IngestExtractOutcome extract_xml_finish(ExtractXml *xml);
