#include "vault/act/grant_file.h"

#include "vault/act/text_file.h"
#include "vault/crypto/key_files.h"

static const char grant_type[] = "muniment-grant/1";
static const char sign_purpose[] = "grant";

/* The longest line of a request is an approval inside its policy, or of its own. */
#define REQUEST_LINE_LEN_MAX (VAULT_REQUEST_POLICY_LINE_LEN_MAX + 64)

static const char *const halves_names[] = {
    [VAULT_GRANT_CONTENT] = "content", [VAULT_GRANT_INDEX] = "index", [VAULT_GRANT_BOTH] = "both"};

VaultGrantFile *vault_grant_file_new(const char *request_text, gsize len, GError **error)
{
    g_autoptr(VaultRequestFile) request = vault_request_file_parse(request_text, len, error);
    VaultGrantFile *grant;

    if (request == NULL)
        return NULL;
    if (!vault_act_is_granted(request->act)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "a grant is to search or to read, and its request is to %s",
                    vault_act_name(request->act));
        return NULL;
    }
    grant = g_new0(VaultGrantFile, 1);
    grant->request = g_steal_pointer(&request);
    grant->request_text = g_strndup(request_text, len);
    grant->request_len = len;
    vault_request_file_hash(request_text, len, &grant->request_hash);
    grant->keys = g_array_new(FALSE, FALSE, sizeof(VaultGrantKey));
    return grant;
}

void vault_grant_file_free(VaultGrantFile *grant)
{
    if (grant == NULL)
        return;
    vault_request_file_free(grant->request);
    g_free(grant->request_text);
    g_array_unref(grant->keys);
    g_free(grant);
}

guint8 vault_grant_halves(VaultAct act)
{
    return act == VAULT_ACT_SEARCH ? VAULT_GRANT_INDEX : VAULT_GRANT_BOTH;
}

gboolean vault_grant_file_is_standing(const VaultGrantFile *grant)
{
    return grant->request->act == VAULT_ACT_STANDING_READ;
}

gboolean vault_grant_file_has_mailbox(const VaultGrantFile *grant, const MailboxId *mailbox_id)
{
    if (vault_grant_file_is_standing(grant))
        return grant->request->mailboxes->len == 0 ||
               vault_request_names_mailbox(grant->request, mailbox_id);
    for (guint i = 0; i < grant->keys->len; i++) {
        if (VAULT_ID_EQUAL(g_array_index(grant->keys, VaultGrantKey, i).mailbox_id, *mailbox_id))
            return TRUE;
    }
    return FALSE;
}

guint vault_grant_file_mailbox_count(const VaultGrantFile *grant)
{
    const VaultGrantKey *keys = (const VaultGrantKey *)(gpointer)grant->keys->data;
    guint count = 0;

    if (vault_grant_file_is_standing(grant))
        return grant->request->mailboxes->len;
    for (guint i = 0; i < grant->keys->len; i++)
        count += i == 0 || !VAULT_ID_EQUAL(keys[i].mailbox_id, keys[i - 1].mailbox_id);
    return count;
}

gsize vault_grant_sealed_len(guint8 halves)
{
    gsize count = halves == VAULT_GRANT_BOTH ? 2 : 1;

    return VAULT_GRANT_SEALED_LEN_MAX - (2 - count) * VAULT_KEY_LEN;
}

/* ---- formatting ----------------------------------------------------------------------------- */

static void append_key(GString *text, const VaultGrantKey *key)
{
    g_string_append_printf(text, "key: %s ", VAULT_ID_TEXT(key->mailbox_id));
    g_string_append_printf(text, "%06u %s %s ", key->month, VAULT_ID_TEXT(key->month_key_id),
                           halves_names[key->halves]);
    vault_text_append_hex(text, key->sealed, key->sealed_len);
    g_string_append_c(text, '\n');
}

static void append_request(GString *text, const VaultGrantFile *grant)
{
    const char *end = grant->request_text + grant->request_len;
    guint32 count = 0;

    for (const char *at = grant->request_text; at < end; at++)
        count += *at == '\n';
    vault_text_append_number(text, "request-lines", count);
    for (const char *at = grant->request_text; at < end;) {
        const char *lf = memchr(at, '\n', (gsize)(end - at));

        g_string_append(text, "request: ");
        g_string_append_len(text, at, lf + 1 - at);
        at = lf + 1;
    }
}

/* What is signed: all lines before the signature. */
static GString *format_signed_part(const VaultGrantFile *grant)
{
    GString *text = g_string_new("muniment-grant/1\n");

    vault_text_append_time(text, "created", grant->created_s);
    append_request(text, grant);
    vault_text_append_number(text, "keys", grant->keys->len);
    for (guint i = 0; i < grant->keys->len; i++)
        append_key(text, &g_array_index(grant->keys, VaultGrantKey, i));
    vault_text_append_hex_line(text, "master", grant->verify_key.bytes, VAULT_KEY_LEN);
    return text;
}

char *vault_grant_file_format(const VaultGrantFile *grant)
{
    g_autoptr(GString) text = format_signed_part(grant);

    vault_text_append_hex_line(text, "signature", grant->signature.bytes, VAULT_SIGNATURE_LEN);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

void vault_grant_file_sign(VaultGrantFile *grant, const MasterSigningKey *signing_key,
                           const MasterVerifyKey *verify_key)
{
    g_autoptr(GString) text = NULL;

    grant->verify_key = *verify_key;
    text = format_signed_part(grant);
    vault_master_sign(signing_key, sign_purpose, text->str, text->len, &grant->signature);
}

gboolean vault_grant_file_verify(const VaultGrantFile *grant, const VaultId *vault_id,
                                 const MasterPublic *masters, gsize master_count, GError **error)
{
    if (!VAULT_ID_EQUAL(grant->request->vault_id, *vault_id)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "the grant is for another vault (%s), not for this one",
                    VAULT_ID_TEXT(grant->request->vault_id));
        return FALSE;
    }
    /* The signature itself was checked when the grant was parsed. */
    for (gsize i = 0; i < master_count; i++) {
        if (memcmp(masters[i].verify_key.bytes, grant->verify_key.bytes, VAULT_KEY_LEN) == 0)
            return TRUE;
    }
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "the grant is not signed by an active master of this vault (one that was "
                        "retired counts no more): make a new request and have it granted anew");
    return FALSE;
}

/* ---- parsing -------------------------------------------------------------------------------- */

static gboolean parse_key(VaultTextFile *file, VaultGrantKey *ret_key, GError **error)
{
    g_autofree char *value = vault_text_file_take(file, "key", 512, error);
    g_auto(GStrv) parts = NULL;

    *ret_key = (VaultGrantKey){0};
    if (value == NULL || (parts = vault_text_file_split(file, value, 5, error)) == NULL ||
        !vault_text_file_hex(file, "key", parts[0], ret_key->mailbox_id.bytes, VAULT_ID_LEN,
                             error) ||
        !vault_text_file_month(file, parts[1], &ret_key->month, error) ||
        !vault_text_file_hex(file, "key", parts[2], ret_key->month_key_id.bytes, VAULT_ID_LEN,
                             error))
        return FALSE;
    for (guint8 halves = VAULT_GRANT_CONTENT; halves <= VAULT_GRANT_BOTH; halves++) {
        if (g_str_equal(parts[3], halves_names[halves]))
            ret_key->halves = halves;
    }
    if (ret_key->halves == 0)
        return vault_text_file_refuse(file, error, "a key is content, index or both");
    ret_key->sealed_len = (guint8)vault_grant_sealed_len(ret_key->halves);
    return vault_text_file_hex(file, "key", parts[4], ret_key->sealed, ret_key->sealed_len, error);
}

static int compare_ids(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

/* A key is of a month of the request, which the period touches, and of the halves that the act is
 * granted: a grant gives nothing that its request does not ask for. Both go by mailbox id and
 * month: one walk (`at_mailbox`, `at_month`) finds each key's month. */
typedef struct {
    const VaultRequestFile *request;
    guint at_mailbox, at_month;
} RequestWalk;

static const VaultRequestMonth *walk_to(RequestWalk *walk, const VaultGrantKey *key)
{
    for (; walk->at_mailbox < walk->request->mailboxes->len; walk->at_mailbox++) {
        const VaultRequestMailbox *mailbox =
            g_ptr_array_index(walk->request->mailboxes, walk->at_mailbox);
        int order = compare_ids(mailbox->id.bytes, key->mailbox_id.bytes);

        while (order == 0 && walk->at_month < mailbox->months->len) {
            const VaultRequestMonth *month = g_ptr_array_index(mailbox->months, walk->at_month);

            if (month->month > key->month)
                return NULL;
            walk->at_month++;
            if (month->month == key->month)
                return month;
        }
        if (order > 0)
            return NULL;
        walk->at_month = 0;
    }
    return NULL;
}

static gboolean parse_keys(VaultTextFile *file, VaultGrantFile *grant, GError **error)
{
    RequestWalk walk = {.request = grant->request};
    guint32 count;

    if (!vault_text_file_take_number(file, "keys", VAULT_GRANT_KEYS_MAX, &count, error))
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        const VaultRequestMonth *month;
        MonthKeyId id;
        VaultGrantKey key;

        if (!parse_key(file, &key, error))
            return FALSE;
        month = walk_to(&walk, &key);
        if (month == NULL || !vault_request_month_overlaps(grant->request, month->month))
            return vault_text_file_refuse(file, error,
                                          "the key is not in order, or of a month "
                                          "that the request does not ask for");
        id = vault_month_key_id(&month->keys.content);
        if (!VAULT_ID_EQUAL(id, key.month_key_id))
            return vault_text_file_refuse(file, error, "the key is another than the request's");
        if (key.halves != vault_grant_halves(grant->request->act))
            return vault_text_file_refuse(file, error, "the key's halves are not the act's");
        g_array_append_val(grant->keys, key);
    }
    return TRUE;
}

/* Takes the request's lines, and makes the grant of it. */
static VaultGrantFile *parse_request(VaultTextFile *file, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) mistake = NULL;
    VaultGrantFile *grant;
    guint32 count;

    if (!vault_text_file_take_number(file, "request-lines", G_MAXUINT32, &count, error))
        return NULL;
    for (guint32 i = 0; i < count; i++) {
        g_autofree char *line = vault_text_file_take(file, "request", REQUEST_LINE_LEN_MAX, error);

        if (line == NULL)
            return NULL;
        g_string_append(text, line);
        g_string_append_c(text, '\n');
    }
    grant = vault_grant_file_new(text->str, text->len, &mistake);
    if (grant == NULL)
        g_propagate_prefixed_error(error, g_steal_pointer(&mistake),
                                   "%s, the request in it: ", file->type);
    return grant;
}

/* `text` up to the signature's line is what was signed. */
static gboolean parse_signature(VaultTextFile *file, VaultGrantFile *grant, const char *text,
                                gsize *ret_signed_len, GError **error)
{
    if (!vault_text_file_take_hex(file, "master", grant->verify_key.bytes, VAULT_KEY_LEN, error))
        return FALSE;
    *ret_signed_len = (gsize)(file->next - text);
    return vault_text_file_take_hex(file, "signature", grant->signature.bytes, VAULT_SIGNATURE_LEN,
                                    error) &&
           vault_text_file_finish(file, error);
}

VaultGrantFile *vault_grant_file_parse_form(const char *text, gsize len, gsize *ret_signed_len,
                                            GError **error)
{
    g_autoptr(VaultGrantFile) grant = NULL;
    guint64 created_s;
    VaultTextFile file;

    if (len > VAULT_GRANT_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "a grant has at most %u bytes",
                    VAULT_GRANT_LEN_MAX);
        return NULL;
    }
    if (!vault_text_file_begin(&file, text, len, grant_type, error) ||
        !vault_text_file_take_time(&file, "created", &created_s, error) ||
        (grant = parse_request(&file, error)) == NULL)
        return NULL;
    grant->created_s = created_s;
    if (!parse_keys(&file, grant, error) ||
        !parse_signature(&file, grant, text, ret_signed_len, error))
        return NULL;
    return g_steal_pointer(&grant);
}

VaultGrantFile *vault_grant_file_parse(const char *text, gsize len, GError **error)
{
    gsize signed_len;
    g_autoptr(VaultGrantFile) grant = vault_grant_file_parse_form(text, len, &signed_len, error);

    if (grant == NULL)
        return NULL;
    if (vault_master_verify(&grant->verify_key, sign_purpose, text, signed_len, &grant->signature))
        return g_steal_pointer(&grant);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "the grant is damaged: its signature does not fit; fetch it again from "
                        "where it was made");
    return NULL;
}
