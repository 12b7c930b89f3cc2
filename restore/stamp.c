#include "restore/stamp.h"

#include "vault/base/error.h"

#include <openssl/err.h>
#include <openssl/ts.h>
#include <openssl/x509_vfy.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TS_REQ, TS_REQ_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TS_RESP, TS_RESP_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TS_MSG_IMPRINT, TS_MSG_IMPRINT_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TS_VERIFY_CTX, TS_VERIFY_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_ALGOR, X509_ALGOR_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE, X509_STORE_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ASN1_INTEGER, ASN1_INTEGER_free)

#define NONCE_LEN 8

static gboolean set_malformed(const char *what, GError **error)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "time stamp: %s%s%s", what,
                reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
    ERR_clear_error();
    return FALSE;
}

/* ---- queries --------------------------------------------------------------------------------- */

static TS_MSG_IMPRINT *imprint_new(const VaultHash *hash)
{
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    g_autoptr(X509_ALGOR) algorithm = X509_ALGOR_new();

    g_assert(imprint != NULL && algorithm != NULL);
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL);
    g_assert(TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1);
    g_assert(TS_MSG_IMPRINT_set_msg(imprint, (unsigned char *)hash->bytes, VAULT_HASH_LEN) == 1);
    return imprint;
}

static ASN1_INTEGER *nonce_new(void)
{
    guint8 bytes[NONCE_LEN];
    guint64 number;
    ASN1_INTEGER *nonce = ASN1_INTEGER_new();

    vault_random(bytes, sizeof bytes);
    memcpy(&number, bytes, sizeof number);
    g_assert(nonce != NULL && ASN1_INTEGER_set_uint64(nonce, number) == 1);
    return nonce;
}

GBytes *stamp_query_new(const VaultHash *hash)
{
    g_autoptr(TS_REQ) request = TS_REQ_new();
    g_autoptr(TS_MSG_IMPRINT) imprint = imprint_new(hash);
    g_autoptr(ASN1_INTEGER) nonce = nonce_new();
    unsigned char *der = NULL;
    GBytes *query;
    int len;

    g_assert(request != NULL && TS_REQ_set_version(request, 1) == 1);
    g_assert(TS_REQ_set_msg_imprint(request, imprint) == 1);
    g_assert(TS_REQ_set_nonce(request, nonce) == 1);
    g_assert(TS_REQ_set_cert_req(request, 1) == 1);
    len = i2d_TS_REQ(request, &der);
    g_assert(len > 0);
    query = g_bytes_new(der, (gsize)len);
    OPENSSL_free(der);
    return query;
}

/* ---- responses ------------------------------------------------------------------------------- */

/* Of a response that was granted. */
static TS_RESP *parse(GBytes *response, GError **error)
{
    gsize len = 0;
    const unsigned char *at = g_bytes_get_data(response, &len);
    g_autoptr(TS_RESP) parsed = len > STAMP_LEN_MAX ? NULL : d2i_TS_RESP(NULL, &at, (long)len);
    const ASN1_INTEGER *status;

    if (parsed == NULL || at != (const unsigned char *)g_bytes_get_data(response, NULL) + len) {
        set_malformed("this is no response of a time-stamping authority", error);
        return NULL;
    }
    status = TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(parsed));
    if (ASN1_INTEGER_get(status) > TS_STATUS_GRANTED_WITH_MODS ||
        TS_RESP_get_tst_info(parsed) == NULL) {
        set_malformed("the authority refused", error);
        return NULL;
    }
    return g_steal_pointer(&parsed);
}

static gboolean read_time(const ASN1_GENERALIZEDTIME *time, guint64 *ret_time_s)
{
    struct tm parts = {0};
    g_autoptr(GDateTime) date = NULL;

    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1)
        return FALSE;
    date = g_date_time_new_utc(parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                               parts.tm_min, parts.tm_sec);
    if (date == NULL || g_date_time_to_unix(date) < 0)
        return FALSE;
    *ret_time_s = (guint64)g_date_time_to_unix(date);
    return TRUE;
}

static gboolean read_imprint(TS_TST_INFO *info, VaultHash *ret_imprint, GError **error)
{
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
    const ASN1_OBJECT *algorithm = NULL;
    const ASN1_OCTET_STRING *hash = TS_MSG_IMPRINT_get_msg(imprint);

    X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    if (OBJ_obj2nid(algorithm) != NID_sha256 || ASN1_STRING_length(hash) != VAULT_HASH_LEN) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                            "time stamp: of another hash than SHA-256");
        return FALSE;
    }
    memcpy(ret_imprint->bytes, ASN1_STRING_get0_data(hash), VAULT_HASH_LEN);
    return TRUE;
}

static gboolean read_parsed(TS_RESP *parsed, Stamp *ret_stamp, GError **error)
{
    TS_TST_INFO *info = TS_RESP_get_tst_info(parsed);

    if (!read_imprint(info, &ret_stamp->imprint, error))
        return FALSE;
    return read_time(TS_TST_INFO_get_time(info), &ret_stamp->time_s) ||
           set_malformed("its time is none", error);
}

gboolean stamp_read(GBytes *response, Stamp *ret_stamp, GError **error)
{
    g_autoptr(TS_RESP) parsed = parse(response, error);

    return parsed != NULL && read_parsed(parsed, ret_stamp, error);
}

gboolean stamp_answers(GBytes *response, GBytes *query, GError **error)
{
    gsize len = 0;
    const unsigned char *at = g_bytes_get_data(query, &len);
    g_autoptr(TS_REQ) request = d2i_TS_REQ(NULL, &at, (long)len);
    g_autoptr(TS_RESP) parsed = parse(response, error);
    g_autoptr(TS_VERIFY_CTX) context = NULL;

    if (parsed == NULL)
        return FALSE;
    context = request == NULL ? NULL : TS_REQ_to_TS_VERIFY_CTX(request, NULL);
    if (context == NULL)
        return set_malformed("this is no query", error);
    /* Whose certificate is believed is asked elsewhere. */
    TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_NONCE);
    return TS_RESP_verify_response(context, parsed) == 1 ||
           set_malformed("the response is to another query", error);
}

static X509_STORE *open_store(const char *ca_path, guint64 time_s, GError **error)
{
    g_autoptr(X509_STORE) store = X509_STORE_new();

    g_assert(store != NULL);
    if (X509_STORE_load_file(store, ca_path) != 1) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "%s: no certificates in PEM could be read there", ca_path);
        ERR_clear_error();
        return NULL;
    }
    /* A stamp outlives the certificate of its authority. */
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)time_s);
    return g_steal_pointer(&store);
}

gboolean stamp_verify(GBytes *response, const VaultHash *imprint, const char *ca_path,
                      GError **error)
{
    g_autoptr(TS_RESP) parsed = parse(response, error);
    g_autoptr(TS_VERIFY_CTX) context = TS_VERIFY_CTX_new();
    g_autoptr(X509_STORE) store = NULL;
    Stamp stamp;

    if (parsed == NULL || !read_parsed(parsed, &stamp, error))
        return FALSE;
    if (memcmp(&stamp.imprint, imprint, sizeof *imprint) != 0)
        return set_malformed("it is of other bytes than this checkpoint", error);
    store = open_store(ca_path, stamp.time_s, error);
    if (store == NULL)
        return FALSE;
    g_assert(context != NULL);
    TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_SIGNATURE);
    TS_VERIFY_CTX_set_store(context, g_steal_pointer(&store));
    return TS_RESP_verify_response(context, parsed) == 1 ||
           set_malformed("it is not signed by an authority of these certificates", error);
}
