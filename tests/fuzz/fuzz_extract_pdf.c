/* PDF: tests/fuzz/extract_property.h, but once each: poppler makes its tables anew every time. */
#include "tests/fuzz/extract_property.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    IngestExtractOutcome outcome;
    GString *text = extract_property_run(extract_pdf, data, size, &outcome);

    g_string_free(text, TRUE);
    return 0;
}
