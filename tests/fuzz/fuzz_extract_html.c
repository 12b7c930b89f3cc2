/* HTML: tests/fuzz/extract_property.h. */
#include "tests/fuzz/extract_property.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    extract_property_check(extract_html, data, size);
    return 0;
}
