/* Whether a query fits a message, worked out from the message's words alone, without any index.
 *
 * A third answer stands for what the message alone does not tell. Threads: one.
 */
#pragma once

#include "search/query.h"

typedef enum { ORACLE_NO, ORACLE_UNKNOWN, ORACLE_YES } OracleAnswer;

typedef struct OracleMessage OracleMessage;
/* Terms as ingest/message_text.h gives them; borrowed. `mailbox`: its address, in small letters. */
OracleMessage *oracle_message_new(const GByteArray *terms, IngestWordSplitter *splitter,
                                  const char *mailbox);
void oracle_message_free(OracleMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OracleMessage, oracle_message_free)

const IngestSummary *oracle_message_summary(const OracleMessage *message);
/* GArray of IngestTerm. */
const GArray *oracle_message_terms(const OracleMessage *message);

OracleAnswer oracle_answer(const SearchNode *node, const OracleMessage *message);
