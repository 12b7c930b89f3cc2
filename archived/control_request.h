/* The texts that clients send to the control sockets, parsed. Pure.
 *
 * Errors: MALFORMED, UNSUPPORTED (no such request), REFUSED (not on this socket). */
#pragma once

#include "archived/control_client.h"
#include "vault/crypto/hash.h"

typedef enum {
    ARCHIVED_REQUEST_STATUS,
    ARCHIVED_REQUEST_FLUSH,
    ARCHIVED_REQUEST_RELOAD,
    ARCHIVED_REQUEST_ROTATE_KEYS_AHEAD,
    ARCHIVED_REQUEST_IMPORT,
    ARCHIVED_REQUEST_RELEASE,
    ARCHIVED_REQUEST_TERMS,
    ARCHIVED_REQUEST_RESTORE_BEGUN,
    ARCHIVED_REQUEST_RESTORE_DONE,
    ARCHIVED_REQUEST_OPERATE,
} ArchivedRequest;

/* One line: the request's name; after import a space and the import's id, 32 hexadecimal digits;
 * after operate a space and the name of an act, lower-case letters, digits and hyphens. */
gboolean archived_request_parse(const char *line, ArchivedDuty duty, ArchivedRequest *ret_request,
                                GError **error);

/* The id in a line that archived_request_parse() took; FALSE: there is none. */
gboolean archived_request_import_id(const char *line, RowId *ret_id);

/* The name of the act, in the line; borrowed. */
const char *archived_request_operation(const char *line);

/* The header of an imported message. */
typedef struct {
    GStrv owners;
    char *sender, *source, *folder, *keywords; /* sender and source never NULL */
    guint64 received_s;
    guint32 flags;
    gboolean has_position;
    VaultHash position;
} ArchivedImportHeader;

/* JSON object of `len` bytes. MALFORMED: not JSON, a field of the wrong type, unknown, too long or
 * absent; a time before 1970 or after now_s and two days. */
gboolean archived_import_header_parse(const char *json, gsize len, guint64 now_s,
                                      ArchivedImportHeader *ret_header, GError **error);
void archived_import_header_clear(ArchivedImportHeader *header);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ArchivedImportHeader, archived_import_header_clear)
