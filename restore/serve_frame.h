/* The frames of the serve protocol and what is in them: bytes and structs, both ways. Pure.
 *
 * A frame is a u32 length, a type, and that many bytes. Each request is answered by one frame, in
 * order: of the request's type with SERVE_ANSWER set, or SERVE_ERROR. Parse functions believe
 * nothing of the other side; what they give borrows the payload unless said. Errors: MALFORMED.
 * Source: docs/formats/serve.md.
 */
#pragma once

#include "restore/vault_view.h"

#define SERVE_VERSION 2
#define SERVE_VERSION_MIN 1
/* From which on there are terms and case keys. */
#define SERVE_VERSION_TERMS 2
#define SERVE_FRAME_HEADER_LEN 5
#define SERVE_READ_LEN_MAX (1u << 20)
#define SERVE_PAYLOAD_LEN_MAX (SERVE_READ_LEN_MAX + 1024)
#define SERVE_GRANT_PART_LEN_MAX (1u << 20)
#define SERVE_MASTERS_MAX 64
#define SERVE_TEXT_LEN_MAX 4096

typedef enum {
    SERVE_HELLO = 1,
    SERVE_GRANT = 2,
    SERVE_LIST = 3,
    SERVE_RELEASE = 4,
    SERVE_READ = 5,
    SERVE_LOG = 6,
    SERVE_MONTHS = 7,
    SERVE_PROVE = 8,
    SERVE_BATCHES = 9,
    SERVE_LIST_TERMS = 10,
    SERVE_RELEASE_TERMS = 11,
    SERVE_READ_TERMS = 12,
    SERVE_CASE_KEY = 13,
    SERVE_ANSWER = 0x80, /* or-ed to the type of the request */
    SERVE_ERROR = 0xff,
} ServeType;

typedef struct {
    guint8 type;
    guint32 len;
} ServeFrameHeader;
void serve_frame_header_format(const ServeFrameHeader *header, guint8 ret[SERVE_FRAME_HEADER_LEN]);
/* MALFORMED also when the payload would be over SERVE_PAYLOAD_LEN_MAX. */
gboolean serve_frame_header_parse(const guint8 bytes[SERVE_FRAME_HEADER_LEN],
                                  ServeFrameHeader *ret_header, GError **error);

/* ---- requests -------------------------------------------------------------------------------- */

void serve_hello_append(GByteArray *payload, guint16 version);
gboolean serve_hello_parse(const guint8 *payload, gsize len, guint16 *ret_version, GError **error);

typedef enum { SERVE_GRANT_MORE = 0, SERVE_GRANT_LAST = 1 } ServeGrantPart;
void serve_grant_append(GByteArray *payload, ServeGrantPart part, const guint8 *bytes, gsize len);
gboolean serve_grant_parse(const guint8 *payload, gsize len, ServeGrantPart *ret_part,
                           const guint8 **ret_bytes, gsize *ret_len, GError **error);

typedef struct {
    VaultViewFilter filter;
    VaultViewPosition position;
    guint16 max;
} ServeList;
void serve_list_append(GByteArray *payload, const ServeList *list);
gboolean serve_list_parse(const guint8 *payload, gsize len, ServeList *ret_list, GError **error);

typedef struct {
    VaultReaderPosition position;
    guint16 max; /* 1..VAULT_VIEW_MONTHS_COUNT_MAX */
} ServeMonths;
void serve_months_append(GByteArray *payload, const ServeMonths *months);
gboolean serve_months_parse(const guint8 *payload, gsize len, ServeMonths *ret_months,
                            GError **error);

/* `ids` of copies: 1..VAULT_VIEW_RELEASE_COUNT_MAX. */
void serve_release_append(GByteArray *payload, const RecordId *ids, gsize count);
gboolean serve_release_parse(const guint8 *payload, gsize len, const RecordId **ret_ids,
                             gsize *ret_count, GError **error);

typedef struct {
    VaultViewFilter filter;
    VaultTermsPosition position; /* is_anew does not travel this way */
    guint16 max;
} ServeListTerms;
void serve_list_terms_append(GByteArray *payload, const ServeListTerms *list);
gboolean serve_list_terms_parse(const guint8 *payload, gsize len, ServeListTerms *ret_list,
                                GError **error);
/* A release of terms is asked for as one of copies. `ids` of terms copies to be read:
 * 1..VAULT_VIEW_READ_COUNT_MAX. */
void serve_read_terms_append(GByteArray *payload, const RecordId *ids, gsize count);
gboolean serve_read_terms_parse(const guint8 *payload, gsize len, const RecordId **ret_ids,
                                gsize *ret_count, GError **error);

typedef struct {
    RecordId record_id;
    guint64 offset;
    guint32 len; /* 0..SERVE_READ_LEN_MAX */
} ServeRead;
void serve_read_append(GByteArray *payload, const ServeRead *read);
gboolean serve_read_parse(const guint8 *payload, gsize len, ServeRead *ret_read, GError **error);

/* `text` is UTF-8 without NUL; *ret_text is new. */
void serve_log_append(GByteArray *payload, VaultLoggedAct act, const char *text);
gboolean serve_log_parse(const guint8 *payload, gsize len, VaultLoggedAct *ret_act, char **ret_text,
                         GError **error);

/* The hash of the record that is to be proved. */
void serve_prove_append(GByteArray *payload, const VaultHash *record_hash);
gboolean serve_prove_parse(const guint8 *payload, gsize len, VaultHash *ret_hash, GError **error);

/* 0..PROOF_BATCHES_MAX, rising. None: are there proofs at all? */
void serve_batches_append(GByteArray *payload, const ProofBatchId *ids, gsize count);
gboolean serve_batches_parse(const guint8 *payload, gsize len,
                             ProofBatchId ret_ids[PROOF_BATCHES_MAX], gsize *ret_count,
                             GError **error);

/* ---- answers --------------------------------------------------------------------------------- */

/* The vault, its masters (MasterPublic), and a warning for the person who reads; "" = none. */
typedef struct {
    guint16 version; /* spoken from here on */
    VaultId vault_id;
    GArray *masters;
    char *warning;
} ServeHello;
void serve_hello_clear(ServeHello *hello);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ServeHello, serve_hello_clear)
void serve_hello_answer_append(GByteArray *payload, const ServeHello *hello);
/* UNSUPPORTED: the host speaks a version that is not known here. */
gboolean serve_hello_answer_parse(const guint8 *payload, gsize len, ServeHello *ret_hello,
                                  GError **error);

void serve_list_answer_append(GByteArray *payload, const GArray *page);
/* Appends to `page` (VaultCopyEntry); MALFORMED for more than `max`, or out of order. */
gboolean serve_list_answer_parse(const guint8 *payload, gsize len, const VaultViewPosition *after,
                                 gsize max, GArray *page, GError **error);

/* `page`: VaultTermsEntry. The position as the keeper left it. */
void serve_list_terms_answer_append(GByteArray *payload, const GArray *page,
                                    const VaultTermsPosition *position, gboolean is_more);
/* Appends to `page` and moves the position; MALFORMED for more than `max`, or where it does not go
 * forward. */
gboolean serve_list_terms_answer_parse(const guint8 *payload, gsize len, gsize max, GArray *page,
                                       VaultTermsPosition *position, gboolean *ret_is_more,
                                       GError **error);
/* As many of the records as there is room for, from the first on, at least one; none of a record
 * that could not be had. Returns how many it answers for. */
gsize serve_read_terms_answer_append(GByteArray *payload, GBytes *const *records, gsize count);
/* Fills ret_records from the first on; *ret_answered of 1..count. */
gboolean serve_read_terms_answer_parse(GBytes *payload, gsize count, GBytes **ret_records,
                                       gsize *ret_answered, GError **error);

/* `page`: VaultMonthKeys with one wrap each. */
void serve_months_answer_append(GByteArray *payload, const GPtrArray *page);
/* Appends to `page`; MALFORMED as for a list. The wraps are not opened here. */
gboolean serve_months_answer_parse(const guint8 *payload, gsize len,
                                   const VaultReaderPosition *after, gsize max, GPtrArray *page,
                                   GError **error);

/* The answer to a release is the sealed release itself (docs/formats/release.md). */

/* Length of the whole record; the bytes of the answer follow it: as many as there are from the
 * offset on, at most those asked for. */
#define SERVE_READ_ANSWER_PREFIX_LEN 8
gboolean serve_read_answer_parse(const guint8 *payload, gsize len, const ServeRead *read,
                                 guint64 *ret_record_len, GError **error);

/* is_in_log, batch, place and path of it; the rest of `ret_message` stays. */
void serve_prove_answer_append(GByteArray *payload, const ProofMessage *message);
gboolean serve_prove_answer_parse(const guint8 *payload, gsize len, ProofMessage *ret_message,
                                  GError **error);

/* The first of `batches` (ProofBatch), as many as there is room for. */
void serve_batches_answer_append(GByteArray *payload, GPtrArray *batches);
/* Appends to `batches` at least one and at most `count`, those of `ids`; none of none. */
gboolean serve_batches_answer_parse(const guint8 *payload, gsize len, const ProofBatchId *ids,
                                    gsize count, GPtrArray *batches, GError **error);

void serve_error_append(GByteArray *payload, const GError *failure);
/* Sets the error that the payload tells, or MALFORMED. Always FALSE. */
gboolean serve_error_set(const guint8 *payload, gsize len, GError **error);
