#include "vault/store/pack_stream.h"

#include "vault/base/file.h"
#include "vault/store/pack_file.h"

struct VaultStreamPack {
    VaultPackDraft draft;
    PackId pack_id;
    gsize header_len;
    guint64 end;        /* next byte to write */
    gboolean is_failed; /* a write or sync failed: nothing more is tried */
};

char *vault_stream_pack_path(const VaultPackWriter *writer, const PackId *pack_id)
{
    const VaultPackHeader header = {.type = VAULT_PACK_STREAM, .pack_id = *pack_id};
    g_autofree char *name = vault_pack_file_name(&header);

    return g_build_filename(vault_pack_writer_directory(writer), name, NULL);
}

void vault_stream_pack_free(VaultStreamPack *stream)
{
    if (stream == NULL)
        return;
    vault_pack_draft_clear(&stream->draft);
    g_free(stream);
}

/* Callers are promised IO or NO_SPACE, as from a commit. */
static gboolean fail(VaultStreamPack *stream, GError **error)
{
    stream->is_failed = TRUE;
    if (error != NULL && *error != NULL && (*error)->code != VAULT_ERROR_NO_SPACE)
        (*error)->code = VAULT_ERROR_IO;
    return FALSE;
}

VaultStreamPack *vault_stream_pack_begin(VaultPackWriter *writer, gsize header_len, GError **error)
{
    g_autoptr(VaultStreamPack) stream = g_new0(VaultStreamPack, 1);
    VaultPackHeader header = {.type = VAULT_PACK_STREAM,
                              .vault_id = *vault_pack_writer_vault_id(writer),
                              .created_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC)};

    g_assert(header_len > 0 && header_len <= VAULT_RECORD_HEADER_LEN_MAX);
    vault_random(header.pack_id.bytes, VAULT_ID_LEN);
    stream->pack_id = header.pack_id;
    stream->header_len = header_len;
    stream->end = VAULT_PACK_HEADER_LEN + header_len;
    if (!vault_pack_draft_create(&stream->draft, vault_pack_writer_directory(writer), &header,
                                 error)) {
        fail(stream, error);
        return NULL;
    }
    return g_steal_pointer(&stream);
}

static gboolean refuse_failed(const VaultStreamPack *stream, GError **error)
{
    if (!stream->is_failed)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO,
                        "a write to this stream pack failed before");
    return FALSE;
}

gboolean vault_stream_pack_append(VaultStreamPack *stream, const guint8 *bytes, gsize len,
                                  GError **error)
{
    if (!refuse_failed(stream, error))
        return FALSE;
    if (!vault_file_pwrite_all(stream->draft.fd, bytes, len, stream->end, stream->draft.draft_path,
                               error))
        return fail(stream, error);
    stream->end += len;
    return TRUE;
}

gboolean vault_stream_pack_finish(VaultStreamPack *stream, const guint8 *header, gsize header_len,
                                  VaultPlace *ret_place, GError **error)
{
    VaultRecordHeader parsed;

    if (!refuse_failed(stream, error))
        return FALSE;
    g_assert(header_len == stream->header_len && !stream->draft.is_published);
    if (!vault_record_header_parse(header, header_len, &parsed, error))
        return FALSE;
    g_assert(VAULT_PACK_HEADER_LEN + header_len + parsed.ciphertext_len == stream->end);
    if (!vault_file_pwrite_all(stream->draft.fd, header, header_len, VAULT_PACK_HEADER_LEN,
                               stream->draft.draft_path, error) ||
        !vault_pack_draft_publish(&stream->draft, error))
        return fail(stream, error);
    *ret_place = (VaultPlace){.pack_id = stream->pack_id,
                              .offset = VAULT_PACK_HEADER_LEN,
                              .len = stream->end - VAULT_PACK_HEADER_LEN};
    return TRUE;
}
