#include "vault/crypto/slip39_sheet.h"

#include "vault/crypto/escrow.h"
#include "vault/crypto/key_text.h"

#include <string.h>

#define SEED_LEN 32
#define SEED_WORDS 33
#define ROW_WORDS 3
/* Half a minute on a slow machine; ours have 1 or 2. */
#define ITERATION_EXPONENT_MAX 8

/* Words have no other place for it: by the exponent they say what they are of. */
typedef struct {
    const char *type_share, *type_set;
    const char *purpose;
    guint8 iteration_exponent;
} Role;

static const Role roles[] = {
    [VAULT_SHARE_MASTER] = {"muniment-share", "muniment-share-set", "share", 1},
    [VAULT_SHARE_ESCROW] = {"muniment-escrow-share", "muniment-escrow-share-set", "escrow share",
                            2},
};

char *vault_share_fingerprint(VaultShareRole role, const MasterPublic *pair)
{
    VaultEscrowPublic escrow = {.pair = *pair};

    return role == VAULT_SHARE_MASTER ? vault_master_fingerprint(pair)
                                      : vault_escrow_fingerprint(&escrow);
}

/* ---- a key in shares ------------------------------------------------------------------------ */

static guint16 draw_identifier(gint not_identifier)
{
    guint16 identifier;

    do {
        vault_random(&identifier, sizeof identifier);
        identifier &= 0x7fff;
    } while (identifier == not_identifier);
    return identifier;
}

static void sign(VaultShareSheet *sheet, const MasterSigningKey *key)
{
    char *text;

    sheet->is_signed = TRUE;
    text = vault_share_sheet_format(sheet);
    vault_master_sign(key, roles[sheet->set.role].purpose, text,
                      (gsize)(strstr(text, "signature: ") - text), &sheet->signature);
    vault_key_text_free(text);
}

gboolean vault_shares_split(const VaultMaster *pair, gint not_identifier, VaultShareSet *set,
                            VaultShareSheet *ret_sheets, GError **error)
{
    g_auto(VaultSlip39Secret) seed = {.len = SEED_LEN};
    VaultSlip39Share *shares = vault_secret_new(VAULT_SLIP39_SHARES_MAX * sizeof(VaultSlip39Share));
    VaultSlip39Split split = {.identifier = draw_identifier(not_identifier),
                              .iteration_exponent = roles[set->role].iteration_exponent,
                              .threshold = set->threshold,
                              .count = set->count};
    gboolean is_split;

    memcpy(seed.bytes, pair->seed, SEED_LEN);
    set->identifier = split.identifier;
    set->pair = pair->public;
    is_split = vault_slip39_split(&seed, &split, shares, error);
    for (guint i = 0; is_split && i < set->count; i++) {
        ret_sheets[i].share = shares[i];
        ret_sheets[i].set = *set;
        sign(&ret_sheets[i], &pair->signing_key);
    }
    vault_secret_free(shares);
    return is_split;
}

gboolean vault_share_check(const VaultSlip39Share *share, GError **error)
{
    if (share->value_len == SEED_LEN && share->group_count == 1 && share->group_index == 0 &&
        share->iteration_exponent <= ITERATION_EXPONENT_MAX)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                        "the words are a share, but not one of a key of muniment");
    return FALSE;
}

gboolean vault_share_is_of(const VaultSlip39Share *share, VaultShareRole role)
{
    for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
        if (i != role && share->iteration_exponent == roles[i].iteration_exponent)
            return FALSE;
    }
    return TRUE;
}

static void from_seed(VaultShareRole role, const guint8 seed[SEED_LEN], VaultMaster *ret_pair)
{
    g_auto(VaultEscrow) escrow = {0};

    if (role == VAULT_SHARE_MASTER) {
        vault_master_from_seed(seed, ret_pair);
        return;
    }
    vault_escrow_from_seed(seed, &escrow);
    *ret_pair = escrow.pair;
}

gboolean vault_shares_combine(VaultShareRole role, const VaultSlip39Share *shares, gsize count,
                              VaultMaster *ret_pair, GError **error)
{
    g_auto(VaultSlip39Secret) seed = {0};

    for (gsize i = 0; i < count; i++) {
        if (!vault_share_check(&shares[i], error))
            return FALSE;
    }
    if (!vault_slip39_combine(shares, count, NULL, &seed, error))
        return FALSE;
    from_seed(role, seed.bytes, ret_pair);
    return TRUE;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void put_number(GString *text, const char *name, guint number)
{
    g_autofree char *value = g_strdup_printf("%u", number);

    key_text_put(text, name, value);
}

static void put_set(GString *text, const VaultShareSet *set)
{
    put_number(text, "shares", set->count);
    put_number(text, "threshold", set->threshold);
    put_number(text, "set", set->identifier);
    key_text_put(text, "made", set->made);
}

static void put_pair(GString *text, const VaultShareSet *set)
{
    g_autofree char *fingerprint = vault_share_fingerprint(set->role, &set->pair);

    key_text_put(text, "fingerprint", fingerprint);
    key_text_put_hex(text, "public-key", set->pair.public_key.bytes, VAULT_KEY_LEN);
    key_text_put_hex(text, "verify-key", set->pair.verify_key.bytes, VAULT_KEY_LEN);
}

/* Rows of three words, with the number of the first where rows have names. */
static void put_words(GString *text, const VaultSlip39Share *share, gboolean is_named)
{
    g_auto(VaultSlip39Words) words;

    vault_slip39_share_format(share, &words);
    for (gsize i = 0; i < words.count; i++) {
        if (i % ROW_WORDS == 0 && is_named)
            g_string_append_printf(text, "words-%" G_GSIZE_FORMAT ": ", i + 1);
        g_string_append(text, vault_slip39_word(words.words[i]));
        g_string_append_c(text,
                          (i % ROW_WORDS == ROW_WORDS - 1 || i == words.count - 1) ? '\n' : ' ');
    }
}

char *vault_share_sheet_format(const VaultShareSheet *sheet)
{
    GString *text = key_text_new(roles[sheet->set.role].type_share);

    if (!sheet->is_signed) {
        g_string_set_size(text, 0);
        put_words(text, &sheet->share, FALSE);
        return g_string_free(text, FALSE);
    }
    put_number(text, "share", sheet->share.member_index + 1u);
    put_set(text, &sheet->set);
    put_words(text, &sheet->share, TRUE);
    put_pair(text, &sheet->set);
    key_text_put_hex(text, "signature", sheet->signature.bytes, VAULT_SIGNATURE_LEN);
    return g_string_free(text, FALSE);
}

char *vault_share_set_format(const VaultShareSet *set)
{
    GString *text = key_text_new(roles[set->role].type_set);

    put_set(text, set);
    put_pair(text, set);
    return g_string_free(text, FALSE);
}

/* ---- reading -------------------------------------------------------------------------------- */

static gboolean set_malformed(const char *what, GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, what);
    return FALSE;
}

static gboolean is_date(const char *value, gsize len)
{
    if (len != VAULT_SHARE_DATE_LEN)
        return FALSE;
    for (gsize i = 0; i < len; i++) {
        if (i == 4 || i == 7 ? value[i] != '-' : !g_ascii_isdigit(value[i]))
            return FALSE;
    }
    return TRUE;
}

static gboolean parse_set(KeyTextReader *reader, VaultShareSet *ret_set, GError **error)
{
    guint32 identifier;
    const char *made;
    gsize len;

    if (!key_text_u32(reader, "shares", &ret_set->count, error) ||
        !key_text_u32(reader, "threshold", &ret_set->threshold, error) ||
        !key_text_u32(reader, "set", &identifier, error) ||
        !key_text_line(reader, "made", &made, &len, error))
        return FALSE;
    if (ret_set->count > VAULT_SLIP39_SHARES_MAX || ret_set->threshold < 1 ||
        ret_set->threshold > ret_set->count || identifier > 0x7fff || !is_date(made, len))
        return set_malformed("no such set of shares is possible", error);
    ret_set->identifier = (guint16)identifier;
    memcpy(ret_set->made, made, len);
    ret_set->made[len] = '\0';
    return TRUE;
}

static gboolean parse_pair(KeyTextReader *reader, VaultShareSet *set, GError **error)
{
    g_autofree char *fingerprint = NULL;
    const char *value;
    gsize len;

    if (!key_text_line(reader, "fingerprint", &value, &len, error) ||
        !key_text_public_key(reader, "public-key", set->pair.public_key.bytes, error) ||
        !key_text_hex(reader, "verify-key", set->pair.verify_key.bytes, VAULT_KEY_LEN, error))
        return FALSE;
    fingerprint = vault_share_fingerprint(set->role, &set->pair);
    if (len == strlen(fingerprint) && memcmp(value, fingerprint, len) == 0)
        return TRUE;
    return set_malformed("the fingerprint is not the one of the public keys", error);
}

/* Adds the words of [text, end), between spaces of any kind. */
static gboolean parse_words(const char *text, const char *end, VaultSlip39Words *words,
                            GError **error)
{
    for (const char *next = text; next < end;) {
        const char *word = next;

        if (g_ascii_isspace(*next)) {
            next++;
            continue;
        }
        while (next < end && !g_ascii_isspace(*next))
            next++;
        if (words->count == VAULT_SLIP39_WORDS_MAX)
            return set_malformed("there are more words than a share can have", error);
        if (vault_slip39_word_parse(word, (gsize)(next - word), &words->words[words->count++]))
            continue;
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "word %" G_GSIZE_FORMAT " is not on the list of words", words->count);
        return FALSE;
    }
    return TRUE;
}

static gboolean parse_share(const VaultSlip39Words *words, VaultSlip39Share *ret_share,
                            GError **error)
{
    return vault_slip39_share_parse(words, ret_share, NULL, error) &&
           vault_share_check(ret_share, error);
}

static gboolean parse_rows(KeyTextReader *reader, VaultSlip39Share *ret_share, GError **error)
{
    g_auto(VaultSlip39Words) words = {0};

    while (words.count < SEED_WORDS) {
        char name[16];
        const char *value;
        gsize len, count = words.count;

        g_snprintf(name, sizeof name, "words-%" G_GSIZE_FORMAT, count + 1);
        if (!key_text_line(reader, name, &value, &len, error) ||
            !parse_words(value, value + len, &words, error))
            return FALSE;
        if (words.count != count + ROW_WORDS) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "line \"%s\" needs %d words",
                        name, ROW_WORDS);
            return FALSE;
        }
    }
    return parse_share(&words, ret_share, error);
}

/* After its last line a sheet has lines for people only. */
static gboolean check_rest(const char *rest, GError **error)
{
    for (const char *line = rest; *line != '\0'; line = strchrnul(line, '\n')) {
        line += *line == '\n';
        if (*line != '\0' && *line != '#' && *line != '\n')
            return set_malformed("after the signature of the sheet there is more that does not "
                                 "begin with #",
                                 error);
    }
    return TRUE;
}

static gboolean check_sheet(const VaultShareSheet *sheet, guint32 number, const char *text,
                            gsize signed_len, GError **error)
{
    const VaultSlip39Share *share = &sheet->share;

    if (!vault_master_verify(&sheet->set.pair.verify_key, roles[sheet->set.role].purpose, text,
                             signed_len, &sheet->signature))
        return set_malformed("the sheet was changed: its signature does not fit (the words may "
                             "still be right: enter them by hand)",
                             error);
    if (number != share->member_index + 1u || sheet->set.threshold != share->member_threshold ||
        sheet->set.identifier != share->identifier || number > sheet->set.count ||
        !vault_share_is_of(share, sheet->set.role))
        return set_malformed("the words of the sheet are of another share than it says", error);
    return TRUE;
}

/* The types differ before their versions do; what is none of them is refused as a master's. */
static VaultShareRole role_of(const char *text, const char *escrow_type)
{
    gboolean is_escrow = g_str_has_prefix(text, escrow_type) && text[strlen(escrow_type)] == '/';

    return is_escrow ? VAULT_SHARE_ESCROW : VAULT_SHARE_MASTER;
}

static gboolean parse_signed(const char *text, VaultShareSheet *ret_sheet, GError **error)
{
    KeyTextReader reader;
    guint32 number;
    const char *signature;

    ret_sheet->is_signed = TRUE;
    ret_sheet->set.role = role_of(text, roles[VAULT_SHARE_ESCROW].type_share);
    if (!key_text_begin(&reader, text, roles[ret_sheet->set.role].type_share, error) ||
        !key_text_u32(&reader, "share", &number, error) ||
        !parse_set(&reader, &ret_sheet->set, error) ||
        !parse_rows(&reader, &ret_sheet->share, error) ||
        !parse_pair(&reader, &ret_sheet->set, error))
        return FALSE;
    signature = reader.next;
    return key_text_hex(&reader, "signature", ret_sheet->signature.bytes, VAULT_SIGNATURE_LEN,
                        error) &&
           check_rest(reader.next, error) &&
           check_sheet(ret_sheet, number, text, (gsize)(signature - text), error);
}

/* Words alone, in lines of any length; lines that begin with # are for people. */
static gboolean parse_plain(const char *text, VaultSlip39Share *ret_share, GError **error)
{
    g_auto(VaultSlip39Words) words = {0};

    for (const char *line = text; *line != '\0';) {
        const char *end = strchrnul(line, '\n');

        if (*line != '#' && !parse_words(line, end, &words, error))
            return FALSE;
        line = *end == '\n' ? end + 1 : end;
    }
    return parse_share(&words, ret_share, error);
}

gboolean vault_share_sheet_parse(const char *text, VaultShareSheet *ret_sheet, GError **error)
{
    vault_share_sheet_wipe(ret_sheet);
    if (strnlen(text, VAULT_KEY_FILE_LEN_MAX + 1) > VAULT_KEY_FILE_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "a share has at most %d bytes",
                    VAULT_KEY_FILE_LEN_MAX);
        return FALSE;
    }
    if (g_str_has_prefix(text, "muniment-"))
        return parse_signed(text, ret_sheet, error);
    return parse_plain(text, &ret_sheet->share, error);
}

gboolean vault_share_set_parse(const char *text, VaultShareSet *ret_set, GError **error)
{
    KeyTextReader reader;

    ret_set->role = role_of(text, roles[VAULT_SHARE_ESCROW].type_set);
    return key_text_begin(&reader, text, roles[ret_set->role].type_set, error) &&
           parse_set(&reader, ret_set, error) && parse_pair(&reader, ret_set, error) &&
           key_text_end(&reader, error);
}
