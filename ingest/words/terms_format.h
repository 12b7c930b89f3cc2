/* The outside of a terms record: its version and its bounds; inside ingest/words. */
#pragma once

#include <glib.h>

#define INGEST_TERMS_VERSION 1

/* CORRUPT; returns FALSE. */
gboolean ingest_terms_fail(GError **error);
/* TOO_LARGE, UNSUPPORTED, CORRUPT: these bytes are not decoded. */
gboolean ingest_terms_check_outside(const guint8 *bytes, gsize len, GError **error);
