/* A function per format; document.c chooses. Each takes any bytes. */
#pragma once

#include "ingest/extract/helper/document.h"

IngestExtractOutcome extract_pdf(ExtractRun *run, const ExtractDocument *document);
IngestExtractOutcome extract_rtf(ExtractRun *run, const ExtractDocument *document);
/* Zip files: office packages and books by what they hold, all else as archives. */
IngestExtractOutcome extract_zip(ExtractRun *run, const ExtractDocument *document);
/* tar, 7z, and single files under gzip, bzip2, xz or zstd. */
IngestExtractOutcome extract_archive(ExtractRun *run, const ExtractDocument *document);
IngestExtractOutcome extract_html(ExtractRun *run, const ExtractDocument *document);
IngestExtractOutcome extract_xml(ExtractRun *run, const ExtractDocument *document);
IngestExtractOutcome extract_plain(ExtractRun *run, const ExtractDocument *document);
/* Compound files (.doc, .xls, .ppt, .msg): UNREAD, or ENCRYPTED office packages. */
IngestExtractOutcome extract_compound(ExtractRun *run, const ExtractDocument *document);
