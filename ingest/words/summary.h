/* Bounds of a summary: inside ingest/words. */
#pragma once

#include "ingest/words/terms.h"

#define INGEST_SUMMARY_DATE_MAX ((gint64)1 << 40) /* the year 36,812 */
#define INGEST_SUMMARY_MESSAGE_LEN_MAX ((guint64)1 << 60)

/* Makes texts UTF-8 and cuts them, between characters; drops what is empty and dates of no year
 * that mail is written in. */
void ingest_summary_bound(IngestSummary *summary);
