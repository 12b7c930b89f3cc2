#include "vault/act/drill_file.h"

static const char challenge_type[] = "muniment-drill/1";
static const char result_type[] = "muniment-drill-result/1";
static const char sign_purpose[] = "drill";

void vault_drill_challenge_free(VaultDrillChallenge *challenge)
{
    if (challenge == NULL)
        return;
    g_array_unref(challenge->wraps);
    g_free(challenge);
}

static gboolean check_len(gsize len, GError **error)
{
    if (len <= VAULT_DRILL_LEN_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "the file of a drill has at most %d bytes", VAULT_DRILL_LEN_MAX);
    return FALSE;
}

/* ---- name ----------------------------------------------------------------------------------- */

static void append_name(GString *text, const VaultDrillName *name)
{
    vault_text_append_hex_line(text, "vault", name->vault_id.bytes, VAULT_ID_LEN);
    vault_text_append_time(text, "created", name->created_s);
    vault_text_append_hex_line(text, "canary", name->canary.bytes, VAULT_ID_LEN);
    vault_text_append_hex_line(text, "seal", name->seal.bytes, VAULT_HASH_LEN);
}

static gboolean take_name(VaultTextFile *file, VaultDrillName *name, GError **error)
{
    return vault_text_file_take_hex(file, "vault", name->vault_id.bytes, VAULT_ID_LEN, error) &&
           vault_text_file_take_time(file, "created", &name->created_s, error) &&
           vault_text_file_take_hex(file, "canary", name->canary.bytes, VAULT_ID_LEN, error) &&
           vault_text_file_take_hex(file, "seal", name->seal.bytes, VAULT_HASH_LEN, error);
}

/* ---- challenge ------------------------------------------------------------------------------ */

VaultMonthIdentity vault_drill_canary_identity(const VaultDrillName *name)
{
    return (VaultMonthIdentity){.vault_id = name->vault_id,
                                .mailbox_id = name->canary,
                                .address = "",
                                .month = vault_month_of_time(name->created_s)};
}

VaultDrillChallenge *vault_drill_challenge_new(const VaultId *vault_id, guint64 created_s,
                                               const MasterPublic *masters, gsize count,
                                               GError **error)
{
    g_autoptr(VaultDrillChallenge) challenge = g_new0(VaultDrillChallenge, 1);
    g_autofree VaultWrapRecipient *recipients = g_new0(VaultWrapRecipient, count);
    VaultMonthIdentity identity;

    challenge->name.vault_id = *vault_id;
    challenge->name.created_s = created_s;
    vault_random(challenge->name.canary.bytes, VAULT_ID_LEN);
    challenge->wraps = g_array_new(FALSE, TRUE, sizeof(VaultWrap));
    g_array_set_size(challenge->wraps, (guint)count);
    for (gsize i = 0; i < count; i++) {
        recipients[i].kind = VAULT_WRAP_MASTER;
        recipients[i].key_id = vault_master_key_id(&masters[i]);
        memcpy(recipients[i].public_key, masters[i].public_key.bytes, VAULT_KEY_LEN);
    }
    identity = vault_drill_canary_identity(&challenge->name);
    if (!vault_month_create(&identity, recipients, count, &challenge->keys,
                            (VaultWrap *)(gpointer)challenge->wraps->data, error))
        return NULL;
    return g_steal_pointer(&challenge);
}

char *vault_drill_challenge_format(const VaultDrillChallenge *challenge)
{
    GString *text = g_string_new(challenge_type);

    g_string_append_c(text, '\n');
    append_name(text, &challenge->name);
    vault_text_append_hex_line(text, "content", challenge->keys.content.bytes, VAULT_KEY_LEN);
    vault_text_append_hex_line(text, "index", challenge->keys.index.bytes, VAULT_KEY_LEN);
    vault_text_append_number(text, "wraps", challenge->wraps->len);
    for (guint i = 0; i < challenge->wraps->len; i++)
        vault_wrap_append(text, &g_array_index(challenge->wraps, VaultWrap, i));
    return g_string_free(text, FALSE);
}

static gboolean take_wraps(VaultTextFile *file, GArray *wraps, GError **error)
{
    guint32 count = 0;

    if (!vault_text_file_take_number(file, "wraps", VAULT_WRAPS_MAX, &count, error))
        return FALSE;
    if (count == 0)
        return vault_text_file_refuse(file, error, "a challenge without a wrap is none");
    while (wraps->len < count) {
        if (!vault_wrap_take(file, wraps, error))
            return FALSE;
    }
    return TRUE;
}

VaultDrillChallenge *vault_drill_challenge_parse(const char *text, gsize len, GError **error)
{
    g_autoptr(VaultDrillChallenge) challenge = g_new0(VaultDrillChallenge, 1);
    VaultTextFile file;

    challenge->wraps = g_array_new(FALSE, FALSE, sizeof(VaultWrap));
    if (!check_len(len, error) || !vault_text_file_begin(&file, text, len, challenge_type, error) ||
        !take_name(&file, &challenge->name, error) ||
        !vault_text_file_take_hex(&file, "content", challenge->keys.content.bytes, VAULT_KEY_LEN,
                                  error) ||
        !vault_text_file_take_hex(&file, "index", challenge->keys.index.bytes, VAULT_KEY_LEN,
                                  error) ||
        !take_wraps(&file, challenge->wraps, error) || !vault_text_file_finish(&file, error))
        return NULL;
    return g_steal_pointer(&challenge);
}

/* ---- result --------------------------------------------------------------------------------- */

/* All lines before the signature. */
static GString *format_signed_part(const VaultDrillResult *result)
{
    GString *text = g_string_new(result_type);

    g_string_append_c(text, '\n');
    append_name(text, &result->name);
    vault_text_append_hex_line(text, "master", result->verify_key.bytes, VAULT_KEY_LEN);
    return text;
}

void vault_drill_result_sign(const VaultDrillName *name, const MasterSigningKey *signing_key,
                             const MasterVerifyKey *verify_key, VaultDrillResult *ret_result)
{
    g_autoptr(GString) text = NULL;

    *ret_result = (VaultDrillResult){.name = *name, .verify_key = *verify_key};
    text = format_signed_part(ret_result);
    vault_master_sign(signing_key, sign_purpose, text->str, text->len, &ret_result->signature);
}

char *vault_drill_result_format(const VaultDrillResult *result)
{
    GString *text = format_signed_part(result);

    vault_text_append_hex_line(text, "signature", result->signature.bytes, VAULT_SIGNATURE_LEN);
    return g_string_free(text, FALSE);
}

gboolean vault_drill_result_parse(const char *text, gsize len, VaultDrillResult *ret_result,
                                  GError **error)
{
    VaultTextFile file;
    gsize signed_len;

    *ret_result = (VaultDrillResult){.name = {.created_s = 0}};
    if (!check_len(len, error) || !vault_text_file_begin(&file, text, len, result_type, error) ||
        !take_name(&file, &ret_result->name, error) ||
        !vault_text_file_take_hex(&file, "master", ret_result->verify_key.bytes, VAULT_KEY_LEN,
                                  error))
        return FALSE;
    signed_len = (gsize)(file.next - text);
    if (!vault_text_file_take_hex(&file, "signature", ret_result->signature.bytes,
                                  VAULT_SIGNATURE_LEN, error) ||
        !vault_text_file_finish(&file, error))
        return FALSE;
    if (vault_master_verify(&ret_result->verify_key, sign_purpose, text, signed_len,
                            &ret_result->signature))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "the result was changed after it was signed: its signature does not fit");
    return FALSE;
}
