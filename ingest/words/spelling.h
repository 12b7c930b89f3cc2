/* Words letter by letter: inside ingest/words. How likely a letter is after another is that of the
 * common words, the same for every message. Threads: safe. */
#pragma once

#include "ingest/words/coder.h"

/* Are these a-z and 0-9 alone? */
gboolean ingest_spelling_is_possible(const char *text, gsize len);
/* How likely is what after each letter. */
const IngestSymbols *ingest_spelling_letters(void);
/* Codes a word of 1 to `len_max` letters into or out of `text`; returns its length. */
gsize ingest_spelling_code(IngestCoder *coder, const IngestSymbols *letters, char *text, gsize len,
                           gsize len_max);
