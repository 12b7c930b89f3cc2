#include "restore/share_collection.h"

#include <string.h>

#define NAME_LEN_MAX 255

typedef struct {
    VaultShareSheet sheet;
    char name[NAME_LEN_MAX + 1];
} Entry;

struct RestoreShares {
    VaultShareRole role;
    gboolean is_expected;
    VaultShareSet expected;
    gsize count;
    Entry entries[RESTORE_SHARES_MAX];
};

RestoreShares *restore_shares_new(VaultShareRole role)
{
    RestoreShares *shares = vault_secret_new(sizeof *shares);

    shares->role = role;
    return shares;
}

void restore_shares_free(RestoreShares *shares)
{
    vault_secret_free(shares);
}

void restore_shares_expect_all(RestoreShares *shares, const VaultShareSet *set)
{
    shares->is_expected = TRUE;
    shares->expected = *set;
}

static VaultShareRole other_role(VaultShareRole role)
{
    return role == VAULT_SHARE_MASTER ? VAULT_SHARE_ESCROW : VAULT_SHARE_MASTER;
}

gboolean restore_share_take(VaultShareRole role, VaultShareSheet *sheet, GError **error)
{
    const RestoreKeyRole *other = restore_key_role(other_role(role));
    gboolean is_of_role =
        sheet->is_signed ? sheet->set.role == role : vault_share_is_of(&sheet->share, role);

    if (is_of_role) {
        sheet->set.role = role;
        return TRUE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                "this is a share of %s (see \"muniment %s\"), but one of %s is wanted",
                other->a_key, other->command, restore_key_role(role)->a_key);
    return FALSE;
}

gboolean restore_shares_add(RestoreShares *shares, const VaultShareSheet *sheet, const char *name,
                            GError **error)
{
    Entry *entry = &shares->entries[shares->count];

    if (shares->count == RESTORE_SHARES_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "more than %d shares are no set; leave out those of other sets",
                    RESTORE_SHARES_MAX);
        return FALSE;
    }
    entry->sheet = *sheet;
    if (!vault_share_check(&sheet->share, error) ||
        !restore_share_take(shares->role, &entry->sheet, error)) {
        vault_wipe(entry, sizeof *entry);
        g_prefix_error(error, "%s: ", name);
        return FALSE;
    }
    g_strlcpy(entry->name, name, sizeof entry->name);
    shares->count++;
    return TRUE;
}

void restore_shares_drop_last(RestoreShares *shares)
{
    g_assert(shares->count > 0);
    vault_wipe(&shares->entries[--shares->count], sizeof(Entry));
}

guint restore_shares_count(const RestoreShares *shares)
{
    return (guint)shares->count;
}

guint16 restore_shares_set(const RestoreShares *shares)
{
    return shares->count > 0 ? shares->entries[0].sheet.share.identifier : 0;
}

static guint needed(const RestoreShares *shares)
{
    if (shares->is_expected)
        return shares->expected.count;
    return shares->entries[0].sheet.share.member_threshold;
}

gint restore_shares_missing(const RestoreShares *shares)
{
    if (shares->count == 0 && !shares->is_expected)
        return -1;
    return MAX(0, (gint)needed(shares) - (gint)shares->count);
}

/* ---- naming --------------------------------------------------------------------------------- */

static char *name_of(const Entry *entry)
{
    return g_strdup_printf("share %u of set %u (%s)", entry->sheet.share.member_index + 1u,
                           entry->sheet.share.identifier, entry->name);
}

static char *names_of(const RestoreShares *shares)
{
    GString *names = g_string_new(NULL);

    for (gsize i = 0; i < shares->count; i++)
        g_string_append_printf(names, "%s%u (%s)", i > 0 ? ", " : "",
                               shares->entries[i].sheet.share.member_index + 1u,
                               shares->entries[i].name);
    return g_string_free(names, FALSE);
}

static gboolean set_no_key(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean set_no_key(GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NO_KEY, text);
    return FALSE;
}

/* ---- what belongs together ------------------------------------------------------------------ */

static gboolean is_same_pair(const MasterPublic *a, const MasterPublic *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static gboolean is_same_set(const Entry *a, const Entry *b)
{
    const VaultSlip39Share *one = &a->sheet.share, *other = &b->sheet.share;

    return one->identifier == other->identifier && one->is_extendable == other->is_extendable &&
           one->iteration_exponent == other->iteration_exponent &&
           one->member_threshold == other->member_threshold &&
           (!a->sheet.is_signed || !b->sheet.is_signed ||
            is_same_pair(&a->sheet.set.pair, &b->sheet.set.pair));
}

static gsize count_like(const RestoreShares *shares, const Entry *entry)
{
    gsize count = 0;

    for (gsize i = 0; i < shares->count; i++)
        count += is_same_set(&shares->entries[i], entry) ? 1 : 0;
    return count;
}

/* One of the set that most shares are of, the first of them where sets are equal. */
static const Entry *typical(const RestoreShares *shares)
{
    const Entry *best = &shares->entries[0];

    for (gsize i = 1; i < shares->count; i++) {
        if (count_like(shares, &shares->entries[i]) > count_like(shares, best))
            best = &shares->entries[i];
    }
    return best;
}

static gboolean set_mixed(const RestoreShares *shares, const Entry *stray, const Entry *like,
                          GError **error)
{
    g_autofree char *stray_name = name_of(stray), *like_name = name_of(like);
    const char *why = stray->sheet.share.identifier == like->sheet.share.identifier
                          ? " (the sets have one number by chance, but are two)"
                          : "";

    if (count_like(shares, stray) == count_like(shares, like))
        return set_no_key(error,
                          "%s and %s do not belong together%s: leave one of them out, and take "
                          "shares of one set only",
                          stray_name, like_name, why);
    return set_no_key(error,
                      "%s does not belong to the others%s: leave it out, and take another share of "
                      "set %u",
                      stray_name, why, like->sheet.share.identifier);
}

static gboolean is_of_expected(const RestoreShares *shares, const Entry *entry)
{
    return entry->sheet.share.identifier == shares->expected.identifier &&
           entry->sheet.share.member_threshold == shares->expected.threshold &&
           entry->sheet.share.member_index < shares->expected.count &&
           (!entry->sheet.is_signed ||
            is_same_pair(&entry->sheet.set.pair, &shares->expected.pair));
}

static gboolean check_sets(const RestoreShares *shares, GError **error)
{
    const Entry *like = typical(shares);

    for (gsize i = 0; i < shares->count; i++) {
        const Entry *entry = &shares->entries[i];
        g_autofree char *name = name_of(entry);

        if (shares->is_expected && !is_of_expected(shares, entry))
            return set_no_key(error, "%s is not of set %u, which is asked for: leave it out", name,
                              shares->expected.identifier);
        if (!shares->is_expected && !is_same_set(entry, like))
            return set_mixed(shares, entry, like, error);
    }
    return TRUE;
}

static gboolean check_pair(const Entry *earlier, const Entry *later, GError **error)
{
    const VaultSlip39Share *one = &earlier->sheet.share, *other = &later->sheet.share;
    g_autofree char *name = NULL;

    if (one->member_index != other->member_index)
        return TRUE;
    name = name_of(later);
    if (memcmp(one->value, other->value, one->value_len) == 0)
        return set_no_key(error,
                          "%s is the same as %s: a share counts once, take that of another keeper",
                          name, earlier->name);
    return set_no_key(
        error,
        "%s and %s say that they are the same share, but differ: one is not as it was "
        "made; leave both out, and take those of other keepers",
        name, earlier->name);
}

gboolean restore_shares_check(const RestoreShares *shares, GError **error)
{
    if (shares->count == 0)
        return TRUE;
    if (!check_sets(shares, error))
        return FALSE;
    for (gsize i = 0; i < shares->count; i++) {
        for (gsize j = 0; j < i; j++) {
            if (!check_pair(&shares->entries[j], &shares->entries[i], error))
                return FALSE;
        }
    }
    return TRUE;
}

/* ---- combining ------------------------------------------------------------------------------ */

static gboolean check_enough(const RestoreShares *shares, GError **error)
{
    g_autofree char *names = names_of(shares);
    gint missing = restore_shares_missing(shares);

    if (missing == 0)
        return TRUE;
    if (shares->count == 0)
        return set_no_key(error, "no share was given");
    return set_no_key(
        error, "%u share%s of set %u %s here: %s; %u are needed, so %d more of that set",
        (guint)shares->count, shares->count == 1 ? "" : "s", restore_shares_set(shares),
        shares->count == 1 ? "is" : "are", names, needed(shares), missing);
}

/* The first `threshold` shares but `without`, and `last` in the place of their last one where it is
 * not among them (-1: none in both). */
static gboolean combine_some(const RestoreShares *shares, gssize without, gssize last,
                             VaultMaster *ret_pair)
{
    VaultSlip39Share *some = vault_secret_new(VAULT_SLIP39_SHARES_MAX * sizeof *some);
    gsize threshold = shares->entries[0].sheet.share.member_threshold, count = 0;
    gboolean is_combined;

    for (gsize i = 0; i < shares->count && count < threshold; i++) {
        if ((gssize)i != without)
            some[count++] = shares->entries[i].sheet.share;
    }
    if (last >= 0)
        some[count - 1] = shares->entries[last].sheet.share;
    is_combined = vault_shares_combine(shares->role, some, count, ret_pair, NULL);
    vault_secret_free(some);
    return is_combined;
}

static gboolean set_altered(const RestoreShares *shares, const Entry *entry, GError **error)
{
    g_autofree char *name = name_of(entry);

    return set_no_key(error,
                      "%s is not as it was made, though the others combine without it: leave it "
                      "out, and have a new set made (\"muniment %s reshare\")",
                      name, restore_key_role(shares->role)->command);
}

/* The first ones do not combine. With a share to spare, leaving out the altered one helps. */
static gboolean set_not_combined(const RestoreShares *shares, GError **error)
{
    g_autofree char *names = names_of(shares);
    gsize threshold = shares->entries[0].sheet.share.member_threshold;

    for (gsize i = 0; i < threshold && shares->count > threshold; i++) {
        g_auto(VaultMaster) master = {0};

        if (combine_some(shares, (gssize)i, -1, &master))
            return set_altered(shares, &shares->entries[i], error);
    }
    return set_no_key(
        error,
        "the shares do not combine: of %s, at least one is not as it was made, or of "
        "another set with the same number; have each keeper run \"muniment %s "
        "check-share\", or replace one after the other by the share of another keeper",
        names, restore_key_role(shares->role)->command);
}

static gboolean check_spare(const RestoreShares *shares, const VaultMaster *pair, GError **error)
{
    gsize threshold = shares->entries[0].sheet.share.member_threshold;

    for (gsize i = threshold; i < shares->count; i++) {
        g_auto(VaultMaster) again = {0};

        if (!combine_some(shares, -1, (gssize)i, &again) ||
            !is_same_pair(&again.public, &pair->public))
            return set_altered(shares, &shares->entries[i], error);
    }
    return TRUE;
}

static gboolean set_other_pair(VaultShareRole role, const char *who, const VaultMaster *pair,
                               const MasterPublic *claimed, GError **error)
{
    g_autofree char *is = restore_key_title(role, &pair->public);
    g_autofree char *says = vault_share_fingerprint(role, claimed);

    return set_no_key(error, "the shares give %s, but %s is of %s", is, who, says);
}

static gboolean check_pairs(const RestoreShares *shares, const VaultMaster *pair, GError **error)
{
    for (gsize i = 0; i < shares->count; i++) {
        const Entry *entry = &shares->entries[i];
        g_autofree char *name = name_of(entry);

        if (entry->sheet.is_signed && !is_same_pair(&entry->sheet.set.pair, &pair->public))
            return set_other_pair(shares->role, name, pair, &entry->sheet.set.pair, error);
    }
    return !shares->is_expected || is_same_pair(&shares->expected.pair, &pair->public) ||
           set_other_pair(shares->role, "the set that is asked for", pair, &shares->expected.pair,
                          error);
}

gboolean restore_shares_combine(const RestoreShares *shares, VaultMaster *ret_pair, GError **error)
{
    if (!restore_shares_check(shares, error) || !check_enough(shares, error))
        return FALSE;
    if (!combine_some(shares, -1, -1, ret_pair))
        return set_not_combined(shares, error);
    if (check_spare(shares, ret_pair, error) && check_pairs(shares, ret_pair, error))
        return TRUE;
    vault_master_wipe(ret_pair);
    return FALSE;
}
