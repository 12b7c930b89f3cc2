/* Plain text: what is UTF-8 without marks comes out as it went in. */
#include "tests/fuzz/extract_property.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = (const char *)data;
    IngestExtractOutcome outcome;
    g_autoptr(GString) taken = extract_property_run(extract_plain, data, size, &outcome);
    gboolean is_marked = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0;
    gboolean is_folded = size > 8 && g_ascii_strncasecmp(text, "BEGIN:VC", 8) == 0;

    extract_property_check(extract_plain, data, size);
    if (size == 0 || size > EXTRACT_PROPERTY_TEXT_MAX || outcome != INGEST_EXTRACT_TEXT ||
        is_marked || is_folded || !g_utf8_validate_len(text, size, NULL))
        return 0;
    g_assert(taken->len == size && memcmp(taken->str, data, size) == 0);
    return 0;
}
