/* Compound files (OLE2): the names of their streams say what they are. Text is not taken from the
 * old formats of Word, Excel and PowerPoint. */
#include "ingest/extract/helper/formats.h"

#include <string.h>

/* [MS-OFFCRYPTO] 2.3.4: a package under a password is a stream of this name, in UTF-16LE. */
static gboolean has_stream(const ExtractDocument *document, const char *name)
{
    guint8 wide[64];
    gsize len = strlen(name);

    g_assert(len * 2 <= sizeof wide);
    for (gsize i = 0; i < len; i++) {
        wide[2 * i] = (guint8)name[i];
        wide[2 * i + 1] = 0;
    }
    return memmem(document->bytes, document->len, wide, len * 2) != NULL;
}

IngestExtractOutcome extract_compound(ExtractRun *run, const ExtractDocument *document)
{
    return has_stream(document, "EncryptedPackage") || has_stream(document, "ENCRYPTEDPACKAGE")
               ? INGEST_EXTRACT_ENCRYPTED
               : INGEST_EXTRACT_UNREAD;
}
