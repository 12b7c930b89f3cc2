/* How far the index of a case has come: what it keeps for us between two scans. Pure. */
#pragma once

#include "restore/restore_scope.h"

typedef struct {
    gboolean has_content; /* of the grant that it was made under */
    guint64 coverage;     /* of the last scan */
    VaultTermsPosition list;
    guint64 read_count, without_count, failed_count;
    guint64 unread_count;     /* could not be read, then: nothing was wrong with them */
    guint32 newest_without_s; /* when the last of those without was received */
} CasePosition;

/* NULL, or of another version: zeros, and the list begins anew. */
void case_position_parse(GBytes *bytes, CasePosition *ret_position);
GByteArray *case_position_format(const CasePosition *position);
/* What a scan lists: a hash of the filter and of the months that there are keys of. */
guint64 case_position_coverage(const RestoreScope *scope);
/* Can something be had now that an earlier scan went past? */
gboolean case_position_has_more(const CasePosition *position, guint64 coverage,
                                gboolean has_content);
