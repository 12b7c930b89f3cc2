/* Opening terms: record -> index session, step and slot -> the terms, or the terms body that holds
 * them. Many thousands a second are opened, so what they need is kept: sessions, zstd's context,
 * buffers. */
#include "vault/open/reader.h"

#include "vault/base/bytes.h"
#include "vault/crypto/terms_content.h"
#include "vault/crypto/value.h"

#include <zstd.h>

/* Header and ciphertext of the longest. */
#define TERMS_RECORD_LEN_MAX                                                                       \
    (VAULT_RECORD_HEADER_LEN_MAX + VAULT_TERMS_CONTENT_LEN_MAX + VAULT_INDEX_OVERHEAD_LEN)

typedef struct {
    MonthKeyId month_key_id;
    guint8 enc[VAULT_HPKE_ENC_LEN];
} SessionName;

typedef struct {
    SessionName name;
    VaultIndexSession session;
} Session;

struct VaultTermsOpener {
    VaultReader *reader;
    GHashTable *sessions; /* SessionName in the session -> Session */
    Session *last;        /* the one used last, or NULL */
    ZSTD_DCtx *zstd;
    GByteArray *terms; /* of the last message; wiped before it grows */
    guint8 plaintext[VAULT_TERMS_CONTENT_LEN_MAX];
    gsize plaintext_len; /* of what has to be wiped */
};

static void session_free(gpointer session)
{
    vault_wipe(session, sizeof(Session));
    g_free(session);
}

static guint session_hash(gconstpointer name)
{
    return vault_id_hash(((const SessionName *)name)->enc);
}

static gboolean session_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(SessionName)) == 0;
}

VaultTermsOpener *vault_terms_opener_new(VaultReader *reader)
{
    VaultTermsOpener *opener = g_new0(VaultTermsOpener, 1);

    /* Names are hashed and compared as bytes: no padding. */
    G_STATIC_ASSERT(sizeof(SessionName) == VAULT_ID_LEN + VAULT_HPKE_ENC_LEN);
    G_STATIC_ASSERT(G_STRUCT_OFFSET(Session, name) == 0);

    opener->reader = reader;
    opener->sessions = g_hash_table_new_full(session_hash, session_equal, NULL, session_free);
    opener->zstd = vault_unpacker_new_zstd();
    opener->terms = g_byte_array_new();
    return opener;
}

void vault_terms_opener_free(VaultTermsOpener *opener)
{
    if (opener == NULL)
        return;
    g_hash_table_unref(opener->sessions);
    ZSTD_freeDCtx(opener->zstd);
    vault_value_free(opener->terms);
    vault_wipe(opener, sizeof *opener);
    g_free(opener);
}

/* ---- sessions -------------------------------------------------------------------------------- */

/* Of a host that names a new one for each message not many are kept. */
static void make_room(VaultTermsOpener *opener)
{
    if (g_hash_table_size(opener->sessions) < VAULT_TERMS_SESSIONS_MAX)
        return;
    opener->last = NULL;
    g_hash_table_remove_all(opener->sessions);
}

static Session *open_session(VaultTermsOpener *opener, const SessionName *name, GError **error)
{
    const ReaderKey *key = g_hash_table_lookup(opener->reader->keys_by_id, &name->month_key_id);
    VaultIndexContext context = {opener->reader->vault_id, name->month_key_id};
    IndexPublicKey public_key;
    Session *session;

    make_room(opener);
    session = g_new0(Session, 1);
    session->name = *name;
    vault_index_public_key(&key->granted.index, &public_key);
    if (!vault_index_session_open(&key->granted.index, &public_key, &context, name->enc,
                                  &session->session, error)) {
        session_free(session);
        return NULL;
    }
    g_hash_table_insert(opener->sessions, &session->name, session);
    return session;
}

static VaultIndexSession *session_of(VaultTermsOpener *opener, const VaultOpenTermsEntry *entry,
                                     const VaultReleasedTerms *released, GError **error)
{
    SessionName name = {.month_key_id = entry->month_key_id};

    memcpy(name.enc, released->enc, sizeof name.enc);
    if (opener->last == NULL || !session_equal(&opener->last->name, &name))
        opener->last = g_hash_table_lookup(opener->sessions, &name);
    if (opener->last == NULL)
        opener->last = open_session(opener, &name, error);
    return opener->last == NULL ? NULL : &opener->last->session;
}

/* ---- the terms copy -------------------------------------------------------------------------- */

static gboolean set_corrupt(GError **error, const char *what)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, what);
    return FALSE;
}

/* The tag finds every change; the CRC only tells damage from a wrong place, so it is asked last. */
static gboolean tell_damage(const VaultRecordHeader *header, const guint8 *ciphertext,
                            GError **error)
{
    if (vault_crc32c(0, ciphertext, header->ciphertext_len) == header->ciphertext_crc)
        return FALSE;
    g_clear_error(error);
    return set_corrupt(error, "its record is damaged");
}

static gboolean decrypt(VaultTermsOpener *opener, const VaultOpenTermsEntry *entry,
                        const VaultReleasedTerms *released, GBytes *bytes, GError **error)
{
    gsize len;
    const guint8 *record = g_bytes_get_data(bytes, &len);
    VaultIndexRecord place = {.slot = &released->slot, .record_id = entry->terms_id};
    VaultIndexSession *session;
    VaultRecordHeader header;
    VaultSpan clear = {.bytes = record};

    if (!vault_reader_parse_header(record, len, len, VAULT_RECORD_TERMS_COPY, &entry->terms_id,
                                   &header, error))
        return FALSE;
    if (header.ciphertext_len < VAULT_INDEX_OVERHEAD_LEN ||
        header.ciphertext_len > sizeof opener->plaintext + VAULT_INDEX_OVERHEAD_LEN)
        return set_corrupt(error, "its record is cut short, or longer than any");
    session = session_of(opener, entry, released, error);
    if (session == NULL)
        return FALSE;
    memcpy(place.salt, header.by_kind, sizeof place.salt);
    clear.len = header.header_len - VAULT_RECORD_CRC_LEN;
    opener->plaintext_len = header.ciphertext_len - VAULT_INDEX_OVERHEAD_LEN;
    return vault_index_open(session, released->step, &place, &clear, record + header.header_len,
                            header.ciphertext_len, opener->plaintext, error) ||
           tell_damage(&header, record + header.header_len, error);
}

/* ---- the terms ------------------------------------------------------------------------------- */

static void set_terms_len(VaultTermsOpener *opener, gsize len)
{
    /* A growing array leaves its bytes behind. */
    if (opener->terms->len > 0)
        vault_wipe(opener->terms->data, opener->terms->len);
    g_byte_array_set_size(opener->terms, (guint)len);
}

/* Never more than the authenticated length, in one frame that is all of it. */
static gboolean unpack_inline(VaultTermsOpener *opener, const VaultTermsContent *content,
                              GError **error)
{
    gsize len;

    if (content->compression == VAULT_COMPRESSION_STORED) {
        set_terms_len(opener, content->frame_len);
        if (content->frame_len > 0)
            memcpy(opener->terms->data, content->frame, content->frame_len);
        return TRUE;
    }
    if (ZSTD_findFrameCompressedSize(content->frame, content->frame_len) != content->frame_len)
        return set_corrupt(error, "its frame has not the length that it says");
    set_terms_len(opener, content->terms_len);
    len = ZSTD_decompressDCtx(opener->zstd, opener->terms->data, content->terms_len, content->frame,
                              content->frame_len);
    return len == content->terms_len ||
           set_corrupt(error, "its frame does not give as much as it says");
}

static gboolean collect(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    g_byte_array_append(user, bytes, (guint)len);
    return TRUE;
}

/* Sized before: appending never grows it, for the unpacker gives no more than the length. */
static gboolean unpack_body(VaultTermsOpener *opener, const VaultTermsContent *content,
                            const VaultRecordSource *records, GError **error)
{
    set_terms_len(opener, content->body.message_len);
    g_byte_array_set_size(opener->terms, 0);
    return vault_reader_open_terms_body(opener->reader, &content->body, records, collect,
                                        opener->terms, error);
}

static gboolean unpack(VaultTermsOpener *opener, const VaultOpenTermsEntry *entry,
                       const VaultRecordSource *records, GError **error)
{
    g_auto(VaultTermsContent) content = {.is_inline = FALSE};

    if (!vault_terms_content_parse(opener->plaintext, opener->plaintext_len, &content, error))
        return FALSE;
    if (!VAULT_ID_EQUAL(content.message_body_id, entry->body_id))
        return set_corrupt(error, "its words are of another message than it is listed for");
    return content.is_inline ? unpack_inline(opener, &content, error)
                             : unpack_body(opener, &content, records, error);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static gboolean check_given(VaultReader *reader, const VaultOpenTermsEntry *entry,
                            const VaultReleasedTerms *released, GError **error)
{
    const VaultOpenEntry asked = {.record_id = entry->terms_id,
                                  .body_id = entry->body_id,
                                  .mailbox_id = entry->mailbox_id,
                                  .month_key_id = entry->month_key_id,
                                  .leaf = entry->leaf,
                                  .received_s = entry->received_s,
                                  .flags = entry->flags};

    if (!vault_reader_covers_half(reader, &asked, VAULT_GRANT_INDEX, error))
        return FALSE;
    if (released->state == VAULT_RELEASE_GIVEN)
        return TRUE;
    g_set_error(error, VAULT_ERROR,
                released->state == VAULT_RELEASE_ERASED ? VAULT_ERROR_ERASED
                                                        : VAULT_ERROR_NOT_FOUND,
                "terms copy %s %s", VAULT_ID_TEXT(entry->terms_id),
                released->state == VAULT_RELEASE_ERASED ? "was erased" : "is not there");
    return FALSE;
}

static gboolean open_terms(VaultTermsOpener *opener, const VaultOpenTermsEntry *entry,
                           const VaultReleasedTerms *released, const VaultRecordSource *records,
                           GError **error)
{
    g_autoptr(GBytes) bytes =
        records->fetch(records->user, &entry->terms_id, TERMS_RECORD_LEN_MAX, error);
    gboolean is_open;

    if (bytes == NULL)
        return FALSE;
    opener->plaintext_len = 0;
    is_open =
        decrypt(opener, entry, released, bytes, error) && unpack(opener, entry, records, error);
    vault_wipe(opener->plaintext, opener->plaintext_len);
    return is_open;
}

gboolean vault_terms_opener_open(VaultTermsOpener *opener, const VaultOpenTermsEntry *entry,
                                 const VaultReleasedTerms *released,
                                 const VaultRecordSource *records, const guint8 **ret_terms,
                                 gsize *ret_len, GError **error)
{
    if (!check_given(opener->reader, entry, released, error))
        return FALSE;
    if (!open_terms(opener, entry, released, records, error)) {
        g_prefix_error(error, "words of message %s: ", VAULT_ID_TEXT(entry->body_id));
        return FALSE;
    }
    *ret_terms = opener->terms->data;
    *ret_len = opener->terms->len;
    return TRUE;
}
