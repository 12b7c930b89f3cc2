#include "restore/remote_terms.h"

static gboolean check_version(guint16 version, GError **error)
{
    if (version >= SERVE_VERSION_TERMS)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                "muniment on the vault's host is of a version that cannot search (it speaks "
                "version %u of the protocol): install this version there, or search on that host",
                version);
    return FALSE;
}

gboolean remote_terms_list(RemoteLink *link, guint16 version, const ServeListTerms *list,
                           VaultTermsPosition *position, GArray *page, gboolean *ret_is_more,
                           GError **error)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GBytes) answer = NULL;

    if (!check_version(version, error))
        return FALSE;
    serve_list_terms_append(payload, list);
    answer = remote_link_call(link, SERVE_LIST_TERMS, payload, error);
    return answer != NULL &&
           serve_list_terms_answer_parse(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer),
                                         list->max, page, position, ret_is_more, error);
}

GBytes *remote_terms_release(RemoteLink *link, guint16 version, const RecordId *terms_copies,
                             gsize count, GError **error)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    if (!check_version(version, error))
        return NULL;
    serve_release_append(payload, terms_copies, count);
    return remote_link_call(link, SERVE_RELEASE_TERMS, payload, error);
}

/* The host answers for as many as one answer has room for. */
gboolean remote_terms_read(RemoteLink *link, guint16 version, const RecordId *terms_copies,
                           gsize count, GBytes **ret_records, GError **error)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    gsize answered;

    if (!check_version(version, error))
        return FALSE;
    for (gsize at = 0; at < count; at += answered) {
        g_autoptr(GBytes) answer = NULL;

        g_byte_array_set_size(payload, 0);
        serve_read_terms_append(payload, terms_copies + at, count - at);
        answer = remote_link_call(link, SERVE_READ_TERMS, payload, error);
        if (answer == NULL ||
            !serve_read_terms_answer_parse(answer, count - at, ret_records + at, &answered, error))
            return FALSE;
    }
    return TRUE;
}

GBytes *remote_case_key(RemoteLink *link, guint16 version, GError **error)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    return check_version(version, error) ? remote_link_call(link, SERVE_CASE_KEY, payload, error)
                                         : NULL;
}
