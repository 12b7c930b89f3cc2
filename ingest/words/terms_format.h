/* The outside of a terms record: inside ingest/words. */
#pragma once

#define INGEST_TERMS_VERSION 1
