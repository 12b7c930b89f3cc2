#include "vault/act/grant_file.h"

#include "vault/act/text_file.h"
#include "vault/crypto/key_files.h"

static const char grant_type[] = "muniment-grant/1";
static const char sign_purpose[] = "grant";

static const char *const halves_names[] = {
    [VAULT_GRANT_CONTENT] = "content", [VAULT_GRANT_INDEX] = "index", [VAULT_GRANT_BOTH] = "both"};

void vault_grant_mailbox_free(VaultGrantMailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    g_free(mailbox->address);
    g_free(mailbox);
}

VaultGrantFile *vault_grant_file_new(void)
{
    VaultGrantFile *grant = g_new0(VaultGrantFile, 1);

    grant->messages = g_array_new(FALSE, FALSE, sizeof(RecordId));
    grant->mailboxes = g_ptr_array_new_with_free_func((GDestroyNotify)vault_grant_mailbox_free);
    grant->keys = g_array_new(FALSE, FALSE, sizeof(VaultGrantKey));
    return grant;
}

void vault_grant_file_free(VaultGrantFile *grant)
{
    if (grant == NULL)
        return;
    g_free(grant->case_id);
    g_free(grant->reader_name);
    g_array_unref(grant->messages);
    g_ptr_array_unref(grant->mailboxes);
    g_array_unref(grant->keys);
    g_free(grant);
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

/* What is signed: all lines before the signature. */
static GString *format_signed_part(const VaultGrantFile *grant)
{
    GString *text = g_string_new("muniment-grant/1\n");

    vault_text_append(text, "act", vault_act_name(grant->act));
    vault_text_append_hex_line(text, "vault", grant->vault_id.bytes, VAULT_ID_LEN);
    vault_text_append_hex_line(text, "request", grant->request_hash.bytes, VAULT_HASH_LEN);
    vault_text_append(text, "case", grant->case_id);
    vault_text_append_time(text, "created", grant->created_s);
    vault_text_append_time(text, "expires", grant->expires_s);
    vault_text_append_time(text, "from", grant->from_s);
    vault_text_append_time(text, "to", grant->to_s);
    vault_text_append(text, "reader", grant->reader_name);
    vault_text_append_hex_line(text, "reader-key", grant->reader_key.bytes, VAULT_KEY_LEN);
    vault_text_append_number(text, "policy-serial", grant->policy_serial);
    vault_text_append_messages(text, grant->messages);
    vault_text_append_number(text, "mailboxes", grant->mailboxes->len);
    for (guint i = 0; i < grant->mailboxes->len; i++) {
        const VaultGrantMailbox *mailbox = g_ptr_array_index(grant->mailboxes, i);

        g_string_append_printf(text, "mailbox: %s %s\n", VAULT_ID_TEXT(mailbox->id),
                               vault_text_of_address(mailbox->address));
    }
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
    if (!VAULT_ID_EQUAL(grant->vault_id, *vault_id)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "the grant is for another vault (%s), not for this one",
                    VAULT_ID_TEXT(grant->vault_id));
        return FALSE;
    }
    /* The signature itself was checked when the grant was parsed. */
    for (gsize i = 0; i < master_count; i++) {
        if (memcmp(masters[i].verify_key.bytes, grant->verify_key.bytes, VAULT_KEY_LEN) == 0)
            return TRUE;
    }
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "the grant is not signed by a master of this vault");
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

static int compare_keys(const VaultGrantKey *a, const VaultGrantKey *b)
{
    int order = memcmp(a->mailbox_id.bytes, b->mailbox_id.bytes, VAULT_ID_LEN);

    if (order != 0)
        return order;
    return a->month < b->month ? -1 : a->month > b->month;
}

/* Both lists are in order of mailbox id: one walk finds each key's mailbox. */
static gboolean parse_keys(VaultTextFile *file, VaultGrantFile *grant, GError **error)
{
    guint32 count;
    guint mailbox_index = 0;

    if (!vault_text_file_take_number(file, "keys", VAULT_GRANT_KEYS_MAX, &count, error))
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        VaultGrantKey key;

        if (!parse_key(file, &key, error))
            return FALSE;
        if (i > 0 && compare_keys(&g_array_index(grant->keys, VaultGrantKey, i - 1), &key) >= 0)
            return vault_text_file_refuse(file, error, "the keys are not in order");
        while (mailbox_index < grant->mailboxes->len) {
            const VaultGrantMailbox *mailbox = g_ptr_array_index(grant->mailboxes, mailbox_index);

            if (VAULT_ID_EQUAL(mailbox->id, key.mailbox_id))
                break;
            mailbox_index++;
        }
        if (mailbox_index == grant->mailboxes->len)
            return vault_text_file_refuse(file, error, "the key is of a mailbox that is not named");
        g_array_append_val(grant->keys, key);
    }
    return TRUE;
}

static gboolean parse_mailboxes(VaultTextFile *file, VaultGrantFile *grant, GError **error)
{
    guint32 count;

    if (!vault_text_file_take_number(file, "mailboxes", VAULT_REQUEST_MAILBOXES_MAX, &count, error))
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        g_autofree char *value = vault_text_file_take(
            file, "mailbox", VAULT_ID_HEX_LEN + 1 + VAULT_ADDRESS_LEN_MAX, error);
        g_auto(GStrv) parts = NULL;
        VaultGrantMailbox *mailbox;

        if (value == NULL || (parts = vault_text_file_split(file, value, 2, error)) == NULL)
            return FALSE;
        mailbox = g_new0(VaultGrantMailbox, 1);
        g_ptr_array_add(grant->mailboxes, mailbox);
        mailbox->address = vault_text_file_address(file, parts[1], error);
        if (mailbox->address == NULL ||
            !vault_text_file_hex(file, "mailbox", parts[0], mailbox->id.bytes, VAULT_ID_LEN, error))
            return FALSE;
        if (i > 0 &&
            memcmp(mailbox->id.bytes,
                   ((VaultGrantMailbox *)g_ptr_array_index(grant->mailboxes, i - 1))->id.bytes,
                   VAULT_ID_LEN) <= 0)
            return vault_text_file_refuse(file, error, "the mailboxes are not in order of id");
    }
    return TRUE;
}

static gboolean parse_head(VaultTextFile *file, VaultGrantFile *grant, GError **error)
{
    g_autofree char *act = vault_text_file_take(file, "act", 16, error);

    if (act == NULL)
        return FALSE;
    if (!vault_act_parse(act, &grant->act) ||
        (grant->act != VAULT_ACT_SEARCH && grant->act != VAULT_ACT_READ))
        return vault_text_file_refuse(file, error, "a grant is to search or to read");
    return vault_text_file_take_hex(file, "vault", grant->vault_id.bytes, VAULT_ID_LEN, error) &&
           vault_text_file_take_hex(file, "request", grant->request_hash.bytes, VAULT_HASH_LEN,
                                    error) &&
           (grant->case_id = vault_text_file_take_text(file, "case", VAULT_REQUEST_CASE_LEN_MAX,
                                                       error)) != NULL &&
           vault_text_file_take_time(file, "created", &grant->created_s, error) &&
           vault_text_file_take_time(file, "expires", &grant->expires_s, error) &&
           vault_text_file_take_period(file, &grant->from_s, &grant->to_s, error) &&
           (grant->reader_name = vault_text_file_take_text(
                file, "reader", VAULT_REQUEST_READER_LEN_MAX, error)) != NULL &&
           vault_text_file_take_hex(file, "reader-key", grant->reader_key.bytes, VAULT_KEY_LEN,
                                    error) &&
           vault_text_file_take_number(file, "policy-serial", G_MAXUINT32, &grant->policy_serial,
                                       error);
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
    g_autoptr(VaultGrantFile) grant = vault_grant_file_new();
    VaultTextFile file;

    if (len > VAULT_GRANT_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "a grant has at most %u bytes",
                    VAULT_GRANT_LEN_MAX);
        return NULL;
    }
    if (!vault_text_file_begin(&file, text, len, grant_type, error) ||
        !parse_head(&file, grant, error) ||
        !vault_text_file_take_messages(&file, VAULT_REQUEST_MESSAGES_MAX, grant->messages, error) ||
        !parse_mailboxes(&file, grant, error) || !parse_keys(&file, grant, error) ||
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
