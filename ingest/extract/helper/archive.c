/* Archives: the names of their members, and each member as a document of its own. */
#include "ingest/extract/helper/charset.h"
#include "ingest/extract/helper/formats.h"
#include "ingest/extract/helper/members.h"

IngestExtractOutcome extract_all_members(ExtractRun *run, ExtractMembers *members)
{
    IngestExtractOutcome outcome = INGEST_EXTRACT_TEXT;
    const char *path;

    while ((path = extract_members_next(members)) != NULL) {
        g_autofree char *name = g_strdup(path);
        GByteArray *bytes = extract_members_read_all(members);

        outcome = extract_outcome_join(outcome,
                                       extract_nested(run, &(ExtractDocument){.bytes = bytes->data,
                                                                              .len = bytes->len,
                                                                              .type = "",
                                                                              .name = name}));
        extract_charset_free(bytes);
    }
    return extract_outcome_join(outcome, extract_members_outcome(members));
}

/* Only what is under a filter may be a single file: libarchive would take anything for one. */
static gboolean is_compressed(const ExtractDocument *document)
{
    return !extract_has_magic(document, 0, "7z", 2) &&
           !extract_has_magic(document, 257, "ustar", 5) &&
           !extract_name_ends(document->name, ".tar");
}

IngestExtractOutcome extract_archive(ExtractRun *run, const ExtractDocument *document)
{
    g_autoptr(ExtractMembers) members = extract_members_open(
        run, document,
        is_compressed(document) ? EXTRACT_MEMBERS_COMPRESSED : EXTRACT_MEMBERS_ARCHIVE);

    return extract_all_members(run, members);
}
