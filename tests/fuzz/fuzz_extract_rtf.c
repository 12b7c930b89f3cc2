/* RTF: beside the property of all, no byte becomes more than four bytes of text. */
#include "tests/fuzz/extract_property.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    IngestExtractOutcome outcome;
    g_autoptr(GString) text = extract_property_run(extract_rtf, data, size, &outcome);

    g_assert(text->len <= 4 * size);
    extract_property_check(extract_rtf, data, size);
    return 0;
}
