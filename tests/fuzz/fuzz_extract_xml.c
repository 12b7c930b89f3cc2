/* XML by each set of rules (the first byte): in pieces of any size (the second) well-formed XML has
 * the same text. What is not, is read on from where the parser happens to be. */
#include "ingest/extract/helper/xml.h"
#include "tests/fuzz/extract_property.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static GString *in_pieces(ExtractXmlRules rules, const guint8 *bytes, gsize len, gsize step,
                          IngestExtractOutcome *ret_outcome)
{
    GString *text = g_string_new(NULL);
    g_autoptr(ExtractTextOut) out =
        extract_text_out_new(EXTRACT_PROPERTY_TEXT_MAX, extract_property_take, text);
    g_autoptr(ExtractXml) xml = extract_xml_new(out, rules);
    gsize at = 0;

    while (at < len && extract_xml_write(xml, bytes + at, MIN(step, len - at)))
        at += MIN(step, len - at);
    *ret_outcome = extract_xml_finish(xml);
    g_assert(*ret_outcome < INGEST_EXTRACT_FAILED);
    extract_text_out_finish(out);
    g_assert(text->len <= EXTRACT_PROPERTY_TEXT_MAX);
    return text;
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    if (size < 2)
        return 0;

    ExtractXmlRules rules = (ExtractXmlRules)(data[0] % (EXTRACT_XML_MANIFEST + 1));
    IngestExtractOutcome first, second;
    g_autoptr(GString) once = in_pieces(rules, data + 2, size - 2, size, &first);
    g_autoptr(GString) cut = in_pieces(rules, data + 2, size - 2, (gsize)data[1] + 1, &second);

    if (first == INGEST_EXTRACT_TEXT && second == INGEST_EXTRACT_TEXT)
        g_assert(g_string_equal(once, cut));
    return 0;
}
