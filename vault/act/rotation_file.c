#include "vault/act/rotation_file.h"

const char vault_rotation_asked_type[] = "muniment-rotation/1";
const char vault_rotation_answered_type[] = "muniment-rotated/1";
static const char from_purpose[] = "rotation from";
static const char to_purpose[] = "rotation to";

#define MONTH_LINE_LEN_MAX (512 + 2 * VAULT_ADDRESS_LEN_MAX)
#define WRAP_LINE_LEN_MAX 256

static gboolean check_len(gsize len, GError **error)
{
    if (len <= VAULT_ROTATION_PART_LEN_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "a part of a rotation has at most %u bytes", VAULT_ROTATION_PART_LEN_MAX);
    return FALSE;
}

gsize vault_rotation_part_len(const char *text, gsize len, const char *type)
{
    g_autofree char *line = g_strdup_printf("\n%s\n", type);
    const char *found = len == 0 ? NULL : memmem(text, len, line, strlen(line));

    return found == NULL ? len : (gsize)(found - text) + 1;
}

gboolean vault_rotation_follows(const VaultRotationName *before, const VaultRotationName *name,
                                GError **error)
{
    gboolean is_next = before == NULL
                           ? name->part == 1
                           : !before->is_last && name->part == before->part + 1 &&
                                 VAULT_ID_EQUAL(name->vault_id, before->vault_id) &&
                                 name->created_s == before->created_s &&
                                 memcmp(&name->from, &before->from, sizeof name->from) == 0;

    if (is_next)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "part %u of the rotation is not the one that follows here: parts are missing, or "
                "are of several files",
                name->part);
    return FALSE;
}

gboolean vault_rotation_check_whole(const VaultRotationName *name, GError **error)
{
    if (name->is_last)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "the rotation ends after part %u, which is not its last: copy the file again",
                name->part);
    return FALSE;
}

/* ---- what both have ------------------------------------------------------------------------- */

static void append_master(GString *text, const char *name, const MasterPublic *master)
{
    g_string_append_printf(text, "%s: ", name);
    vault_text_append_hex(text, master->public_key.bytes, VAULT_KEY_LEN);
    g_string_append_c(text, ' ');
    vault_text_append_hex(text, master->verify_key.bytes, VAULT_KEY_LEN);
    g_string_append_c(text, '\n');
}

static gboolean take_master(VaultTextFile *file, const char *name, MasterPublic *ret_master,
                            GError **error)
{
    g_autofree char *value = vault_text_file_take(file, name, 4 * VAULT_KEY_LEN + 1, error);
    g_auto(GStrv) parts = value == NULL ? NULL : vault_text_file_split(file, value, 2, error);

    return parts != NULL &&
           vault_text_file_hex(file, name, parts[0], ret_master->public_key.bytes, VAULT_KEY_LEN,
                               error) &&
           vault_text_file_hex(file, name, parts[1], ret_master->verify_key.bytes, VAULT_KEY_LEN,
                               error);
}

static GString *begin_text(const char *type, const VaultRotationName *name)
{
    GString *text = g_string_new(type);

    g_string_append_c(text, '\n');
    vault_text_append_hex_line(text, "vault", name->vault_id.bytes, VAULT_ID_LEN);
    vault_text_append_time(text, "created", name->created_s);
    vault_text_append_number(text, "part", name->part);
    vault_text_append(text, "last", name->is_last ? "yes" : "no");
    append_master(text, "from", &name->from);
    return text;
}

static gboolean take_last(VaultTextFile *file, gboolean *ret_is_last, GError **error)
{
    g_autofree char *value = vault_text_file_take(file, "last", 3, error);

    if (value == NULL)
        return FALSE;
    *ret_is_last = g_str_equal(value, "yes");
    return *ret_is_last || g_str_equal(value, "no") ||
           vault_text_file_refuse(file, error, "\"last\" is yes or no");
}

static gboolean begin_part(VaultTextFile *file, const char *text, gsize len, const char *type,
                           VaultRotationName *ret_name, GError **error)
{
    if (!check_len(len, error) || !vault_text_file_begin(file, text, len, type, error) ||
        !vault_text_file_take_hex(file, "vault", ret_name->vault_id.bytes, VAULT_ID_LEN, error) ||
        !vault_text_file_take_time(file, "created", &ret_name->created_s, error) ||
        !vault_text_file_take_number(file, "part", VAULT_ROTATION_PARTS_MAX, &ret_name->part,
                                     error))
        return FALSE;
    if (ret_name->part == 0)
        return vault_text_file_refuse(file, error, "parts are numbered from 1");
    return take_last(file, &ret_name->is_last, error) &&
           take_master(file, "from", &ret_name->from, error);
}

static void append_sealed(GString *text, const VaultWrap *wrap)
{
    vault_text_append_hex(text, wrap->enc, sizeof wrap->enc);
    g_string_append_c(text, ' ');
    vault_text_append_hex(text, wrap->ciphertext, sizeof wrap->ciphertext);
}

/* Encapsulation and ciphertext of a wrap for this master. */
static gboolean parse_sealed(const VaultTextFile *file, char *const *parts,
                             const MasterPublic *master, VaultWrap *ret_wrap, GError **error)
{
    ret_wrap->kind = VAULT_WRAP_MASTER;
    ret_wrap->key_id = vault_master_key_id(master);
    return vault_text_file_hex(file, "encapsulation", parts[0], ret_wrap->enc, sizeof ret_wrap->enc,
                               error) &&
           vault_text_file_hex(file, "ciphertext", parts[1], ret_wrap->ciphertext,
                               sizeof ret_wrap->ciphertext, error);
}

/* ---- asked ---------------------------------------------------------------------------------- */

void vault_rotation_month_clear(VaultRotationMonth *month)
{
    g_clear_pointer(&month->address, g_free);
}

VaultRotationAsked *vault_rotation_asked_new(const VaultRotationName *name)
{
    VaultRotationAsked *asked = g_new0(VaultRotationAsked, 1);

    asked->name = *name;
    asked->months = g_array_new(FALSE, TRUE, sizeof(VaultRotationMonth));
    g_array_set_clear_func(asked->months, (GDestroyNotify)vault_rotation_month_clear);
    return asked;
}

void vault_rotation_asked_free(VaultRotationAsked *asked)
{
    if (asked == NULL)
        return;
    g_array_unref(asked->months);
    g_free(asked);
}

/* The address in hexadecimal: whatever a mail server called a mailbox has one form here. */
static void append_month(GString *text, const VaultRotationMonth *month)
{
    g_string_append_printf(text, "month: %s %06u ", VAULT_ID_TEXT(month->mailbox_id), month->month);
    vault_text_append_hex(text, month->keys.content.bytes, VAULT_KEY_LEN);
    g_string_append_c(text, ' ');
    vault_text_append_hex(text, month->keys.index.bytes, VAULT_KEY_LEN);
    g_string_append_c(text, ' ');
    append_sealed(text, &month->wrap);
    g_string_append_c(text, ' ');
    if (*month->address == '\0')
        g_string_append_c(text, '-');
    vault_text_append_hex(text, (const guint8 *)month->address, strlen(month->address));
    g_string_append_c(text, '\n');
}

char *vault_rotation_asked_format(const VaultRotationAsked *asked)
{
    GString *text = begin_text(vault_rotation_asked_type, &asked->name);

    vault_text_append_number(text, "months", asked->months->len);
    for (guint i = 0; i < asked->months->len; i++)
        append_month(text, &g_array_index(asked->months, VaultRotationMonth, i));
    return g_string_free(text, FALSE);
}

static char *parse_address(const VaultTextFile *file, const char *text, GError **error)
{
    gsize len = strlen(text) / 2;
    g_autofree char *address = g_malloc0(len + 1);

    if (g_str_equal(text, "-"))
        return g_strdup("");
    if (len > VAULT_ADDRESS_LEN_MAX ||
        !vault_text_file_hex(file, "address", text, (guint8 *)address, len, error) ||
        !g_utf8_validate_len(address, len, NULL)) {
        g_clear_error(error);
        vault_text_file_refuse(file, error, "an address in hexadecimal digits is wanted here");
        return NULL;
    }
    return g_steal_pointer(&address);
}

static gboolean parse_month(const VaultTextFile *file, char *const *parts, const MasterPublic *from,
                            VaultRotationMonth *ret_month, GError **error)
{
    ret_month->address = parse_address(file, parts[6], error);
    return ret_month->address != NULL &&
           vault_text_file_hex(file, "mailbox", parts[0], ret_month->mailbox_id.bytes, VAULT_ID_LEN,
                               error) &&
           vault_text_file_month(file, parts[1], &ret_month->month, error) &&
           vault_text_file_hex(file, "content", parts[2], ret_month->keys.content.bytes,
                               VAULT_KEY_LEN, error) &&
           vault_text_file_hex(file, "index", parts[3], ret_month->keys.index.bytes, VAULT_KEY_LEN,
                               error) &&
           parse_sealed(file, parts + 4, from, &ret_month->wrap, error);
}

static gboolean take_month(VaultTextFile *file, VaultRotationAsked *asked, GError **error)
{
    g_autofree char *value = vault_text_file_take(file, "month", MONTH_LINE_LEN_MAX, error);
    g_auto(GStrv) parts = value == NULL ? NULL : vault_text_file_split(file, value, 7, error);
    VaultRotationMonth *month;

    if (parts == NULL)
        return FALSE;
    g_array_set_size(asked->months, asked->months->len + 1);
    month = &g_array_index(asked->months, VaultRotationMonth, asked->months->len - 1);
    return parse_month(file, parts, &asked->name.from, month, error);
}

/* Each key id once; `known` borrows them. */
static gboolean note_month(const VaultTextFile *file, GHashTable *known, const MonthKeyId *id,
                           GError **error)
{
    return g_hash_table_add(known, (gpointer)id) ||
           vault_text_file_refuse(file, error, "month key %s stands here twice",
                                  VAULT_ID_TEXT(*id));
}

static gboolean take_months(VaultTextFile *file, VaultRotationAsked *asked, GError **error)
{
    MonthKeyId ids[VAULT_ROTATION_PART_MONTHS_MAX];
    g_autoptr(GHashTable) known = g_hash_table_new(vault_id_hash, vault_id_equal);
    guint32 count;

    if (!vault_text_file_take_number(file, "months", VAULT_ROTATION_PART_MONTHS_MAX, &count, error))
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        if (!take_month(file, asked, error))
            return FALSE;
        ids[i] =
            vault_month_key_id(&g_array_index(asked->months, VaultRotationMonth, i).keys.content);
        if (!note_month(file, known, &ids[i], error))
            return FALSE;
    }
    return TRUE;
}

VaultRotationAsked *vault_rotation_asked_parse(const char *text, gsize len, GError **error)
{
    VaultRotationName name = {.part = 0};
    g_autoptr(VaultRotationAsked) asked = NULL;
    VaultTextFile file;

    if (!begin_part(&file, text, len, vault_rotation_asked_type, &name, error))
        return NULL;
    asked = vault_rotation_asked_new(&name);
    if (!take_months(&file, asked, error) || !vault_text_file_finish(&file, error))
        return NULL;
    return g_steal_pointer(&asked);
}

/* ---- answered ------------------------------------------------------------------------------- */

VaultRotationAnswered *vault_rotation_answered_new(const VaultRotationName *name,
                                                   const MasterPublic *to)
{
    VaultRotationAnswered *answered = g_new0(VaultRotationAnswered, 1);

    answered->name = *name;
    answered->to = *to;
    answered->wraps = g_array_new(FALSE, TRUE, sizeof(VaultRotationWrap));
    return answered;
}

void vault_rotation_answered_free(VaultRotationAnswered *answered)
{
    if (answered == NULL)
        return;
    g_array_unref(answered->wraps);
    g_free(answered);
}

/* All that the new master signs. */
static GString *format_unsigned_part(const VaultRotationAnswered *answered)
{
    GString *text = begin_text(vault_rotation_answered_type, &answered->name);

    append_master(text, "to", &answered->to);
    vault_text_append_number(text, "wraps", answered->wraps->len);
    for (guint i = 0; i < answered->wraps->len; i++) {
        const VaultRotationWrap *wrap = &g_array_index(answered->wraps, VaultRotationWrap, i);

        g_string_append_printf(text, "wrap: %s ", VAULT_ID_TEXT(wrap->month_key_id));
        append_sealed(text, &wrap->wrap);
        g_string_append_c(text, '\n');
    }
    return text;
}

static void append_to_signature(GString *text, const VaultRotationAnswered *answered)
{
    if (answered->is_proved)
        vault_text_append_hex_line(text, "to-signature", answered->to_signature.bytes,
                                   VAULT_SIGNATURE_LEN);
    else
        vault_text_append(text, "to-signature", "none");
}

void vault_rotation_answered_sign(VaultRotationAnswered *answered, const MasterSigningKey *from,
                                  const MasterSigningKey *to)
{
    g_autoptr(GString) text = format_unsigned_part(answered);

    answered->is_proved = to != NULL;
    if (to != NULL)
        vault_master_sign(to, to_purpose, text->str, text->len, &answered->to_signature);
    append_to_signature(text, answered);
    vault_master_sign(from, from_purpose, text->str, text->len, &answered->from_signature);
}

char *vault_rotation_answered_format(const VaultRotationAnswered *answered)
{
    GString *text = format_unsigned_part(answered);

    append_to_signature(text, answered);
    vault_text_append_hex_line(text, "from-signature", answered->from_signature.bytes,
                               VAULT_SIGNATURE_LEN);
    return g_string_free(text, FALSE);
}

static gboolean take_wrap(VaultTextFile *file, VaultRotationAnswered *answered, GError **error)
{
    g_autofree char *value = vault_text_file_take(file, "wrap", WRAP_LINE_LEN_MAX, error);
    g_auto(GStrv) parts = value == NULL ? NULL : vault_text_file_split(file, value, 3, error);
    VaultRotationWrap wrap;

    if (parts == NULL ||
        !vault_text_file_hex(file, "month key", parts[0], wrap.month_key_id.bytes, VAULT_ID_LEN,
                             error) ||
        !parse_sealed(file, parts + 1, &answered->to, &wrap.wrap, error))
        return FALSE;
    g_array_append_val(answered->wraps, wrap);
    return TRUE;
}

static gboolean take_wraps(VaultTextFile *file, VaultRotationAnswered *answered, GError **error)
{
    g_autoptr(GHashTable) known = g_hash_table_new(vault_id_hash, vault_id_equal);
    MonthKeyId ids[VAULT_ROTATION_PART_MONTHS_MAX];
    guint32 count;

    if (!vault_text_file_take_number(file, "wraps", VAULT_ROTATION_PART_MONTHS_MAX, &count, error))
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        if (!take_wrap(file, answered, error))
            return FALSE;
        ids[i] = g_array_index(answered->wraps, VaultRotationWrap, i).month_key_id;
        if (!note_month(file, known, &ids[i], error))
            return FALSE;
    }
    return TRUE;
}

static gboolean take_to_signature(VaultTextFile *file, VaultRotationAnswered *answered,
                                  GError **error)
{
    g_autofree char *value =
        vault_text_file_take(file, "to-signature", 2 * VAULT_SIGNATURE_LEN, error);

    if (value == NULL)
        return FALSE;
    answered->is_proved = !g_str_equal(value, "none");
    return !answered->is_proved ||
           vault_text_file_hex(file, "to-signature", value, answered->to_signature.bytes,
                               VAULT_SIGNATURE_LEN, error);
}

/* The new master signs all before its signature, the old one that signature too. */
static gboolean take_signatures(VaultTextFile *file, VaultRotationAnswered *answered,
                                const char *text, GError **error)
{
    gsize to_len = (gsize)(file->next - text), from_len;

    if (!take_to_signature(file, answered, error))
        return FALSE;
    from_len = (gsize)(file->next - text);
    if (!vault_text_file_take_hex(file, "from-signature", answered->from_signature.bytes,
                                  VAULT_SIGNATURE_LEN, error) ||
        !vault_text_file_finish(file, error))
        return FALSE;
    if (vault_master_verify(&answered->name.from.verify_key, from_purpose, text, from_len,
                            &answered->from_signature) &&
        (!answered->is_proved || vault_master_verify(&answered->to.verify_key, to_purpose, text,
                                                     to_len, &answered->to_signature)))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "the part was changed after it was signed: a signature does not fit");
    return FALSE;
}

VaultRotationAnswered *vault_rotation_answered_parse(const char *text, gsize len, GError **error)
{
    VaultRotationName name = {.part = 0};
    MasterPublic to;
    g_autoptr(VaultRotationAnswered) answered = NULL;
    VaultTextFile file;

    if (!begin_part(&file, text, len, vault_rotation_answered_type, &name, error) ||
        !take_master(&file, "to", &to, error))
        return NULL;
    if (memcmp(&to.public_key, &name.from.public_key, VAULT_KEY_LEN) == 0 ||
        memcmp(&to.verify_key, &name.from.verify_key, VAULT_KEY_LEN) == 0) {
        vault_text_file_refuse(&file, error, "a master does not take its own place");
        return NULL;
    }
    answered = vault_rotation_answered_new(&name, &to);
    if (!take_wraps(&file, answered, error) || !take_signatures(&file, answered, text, error))
        return NULL;
    return g_steal_pointer(&answered);
}

char *vault_rotation_detail(const MasterPublic *from, const MasterPublic *to)
{
    KeyId from_id = vault_master_key_id(from), to_id = vault_master_key_id(to);

    return g_strdup_printf("replace master %s by %s", VAULT_ID_TEXT(from_id), VAULT_ID_TEXT(to_id));
}
