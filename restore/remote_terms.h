/* Terms of a vault behind ssh, over restore/remote_link.h: what remote_view.c asks for. `version`:
 * spoken with the host. Threads: safe. Errors: those of the link and of the host; UNSUPPORTED where
 * the host speaks a version without terms. */
#pragma once

#include "restore/remote_link.h"

gboolean remote_terms_list(RemoteLink *link, guint16 version, const ServeListTerms *list,
                           VaultTermsPosition *position, GArray *page, gboolean *ret_is_more,
                           GError **error);
GBytes *remote_terms_release(RemoteLink *link, guint16 version, const RecordId *terms_copies,
                             gsize count, GError **error);
gboolean remote_terms_read(RemoteLink *link, guint16 version, const RecordId *terms_copies,
                           gsize count, GBytes **ret_records, GError **error);
GBytes *remote_case_key(RemoteLink *link, guint16 version, GError **error);
