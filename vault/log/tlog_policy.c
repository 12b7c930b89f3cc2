#include "vault/log/tlog_policy.h"

#include "vault/base/file.h"
#include "vault/log/text.h"

#define QUORUM_NONE "none"

typedef struct {
    VaultNoteKey *key;
    char *url; /* NULL: none */
} Log;

/* A witness (key) or a group (members): both are named in one space, each after what it names. */
typedef struct {
    char *name;
    VaultNoteKey *key; /* NULL: a group */
    char *url;
    guint threshold;
    GArray *members; /* guint: places in `parties` */
    gboolean is_member;
} Party;

struct VaultTlogPolicy {
    GPtrArray *logs;
    GPtrArray *parties;
    gboolean has_quorum;
    Party *quorum; /* NULL: none is asked for */
};

static void log_free(Log *log)
{
    vault_note_key_free(log->key);
    g_free(log->url);
    g_free(log);
}

static void party_free(Party *party)
{
    g_free(party->name);
    vault_note_key_free(party->key);
    g_free(party->url);
    g_array_unref(party->members);
    g_free(party);
}

void vault_tlog_policy_free(VaultTlogPolicy *policy)
{
    if (policy == NULL)
        return;
    g_ptr_array_unref(policy->logs);
    g_ptr_array_unref(policy->parties);
    g_free(policy);
}

static VaultTlogPolicy *policy_new(void)
{
    VaultTlogPolicy *policy = g_new0(VaultTlogPolicy, 1);

    policy->logs = g_ptr_array_new_with_free_func((GDestroyNotify)log_free);
    policy->parties = g_ptr_array_new_with_free_func((GDestroyNotify)party_free);
    return policy;
}

static Party *find_party(const VaultTlogPolicy *policy, const char *name, guint *ret_place)
{
    for (guint i = 0; i < policy->parties->len; i++) {
        Party *party = g_ptr_array_index(policy->parties, i);

        if (strcmp(party->name, name) != 0)
            continue;
        if (ret_place != NULL)
            *ret_place = i;
        return party;
    }
    return NULL;
}

/* ---- parsing: one function for each kind of line --------------------------------------------- */

typedef struct {
    VaultTlogPolicy *policy;
    char **words; /* words[0] is the kind of line */
    guint count;
} Line;

static gboolean refuse(GError **error, const char *why)
{
    return log_text_malformed(error, "policy", why);
}

static VaultNoteKey *parse_key(const char *vkey, VaultNoteKeyType type, GError **error)
{
    g_autoptr(VaultNoteKey) key = vault_note_key_parse(vkey, error);

    if (key != NULL && key->type != type) {
        refuse(error,
               "a log's key signs notes, a witness's cosigns: this key is of the other type");
        return NULL;
    }
    return g_steal_pointer(&key);
}

static gboolean is_same_public_key(const VaultNoteKey *a, const VaultNoteKey *b)
{
    return memcmp(a->public_key, b->public_key, VAULT_KEY_LEN) == 0;
}

static gboolean parse_log(Line *line, GError **error)
{
    GPtrArray *logs = line->policy->logs;
    g_autoptr(VaultNoteKey) key = NULL;
    Log *log;

    if (line->count < 2 || line->count > 3)
        return refuse(error, "log wants a key and at most a URL");
    key = parse_key(line->words[1], VAULT_NOTE_ED25519, error);
    if (key == NULL)
        return FALSE;
    /* One key signs for the logs of several epochs, under the origin of each. */
    for (guint i = 0; i < logs->len; i++) {
        const VaultNoteKey *other = ((Log *)g_ptr_array_index(logs, i))->key;

        if (is_same_public_key(other, key) && strcmp(other->name, key->name) == 0)
            return refuse(error, "the same key of one log twice");
    }
    log = g_new0(Log, 1);
    log->key = g_steal_pointer(&key);
    log->url = g_strdup(line->words[2]);
    g_ptr_array_add(logs, log);
    return TRUE;
}

static Party *add_party(Line *line, GError **error)
{
    const char *name = line->words[1];
    Party *party;

    if (strcmp(name, QUORUM_NONE) == 0 || find_party(line->policy, name, NULL) != NULL) {
        refuse(error, "a name twice, or \"none\" as a name");
        return NULL;
    }
    party = g_new0(Party, 1);
    party->name = g_strdup(name);
    party->members = g_array_new(FALSE, FALSE, sizeof(guint));
    g_ptr_array_add(line->policy->parties, party);
    return party;
}

static gboolean parse_witness(Line *line, GError **error)
{
    GPtrArray *parties = line->policy->parties;
    g_autoptr(VaultNoteKey) key = NULL;
    Party *party;

    if (line->count < 3 || line->count > 4)
        return refuse(error, "witness wants a name, a key and at most a URL");
    key = parse_key(line->words[2], VAULT_NOTE_COSIGNATURE, error);
    if (key == NULL)
        return FALSE;
    for (guint i = 0; i < parties->len; i++) {
        const Party *other = g_ptr_array_index(parties, i);

        if (other->key != NULL && is_same_public_key(other->key, key))
            return refuse(error, "the same key twice");
    }
    party = add_party(line, error);
    if (party == NULL)
        return FALSE;
    party->key = g_steal_pointer(&key);
    party->url = g_strdup(line->words[3]);
    return TRUE;
}

static gboolean parse_threshold(const char *word, guint count, guint *ret_threshold)
{
    guint64 number = 0;

    if (strcmp(word, "any") == 0)
        number = 1;
    else if (strcmp(word, "all") == 0)
        number = count;
    else if (!log_text_decimal(word, strlen(word), &number) || number < 1 || number > count)
        return FALSE;
    *ret_threshold = (guint)number;
    return TRUE;
}

static gboolean parse_group(Line *line, GError **error)
{
    guint threshold = 0, own_place;
    Party *group;

    if (line->count < 4)
        return refuse(error, "group wants a name, a number and members");
    if (!parse_threshold(line->words[2], line->count - 3, &threshold))
        return refuse(error, "a group's number is all, any, or from 1 to its members");
    group = add_party(line, error);
    if (group == NULL)
        return FALSE;
    group->threshold = threshold;
    own_place = line->policy->parties->len - 1;
    for (guint i = 3; i < line->count; i++) {
        guint place = 0;
        Party *member = find_party(line->policy, line->words[i], &place);

        if (member == NULL || place == own_place)
            return refuse(error, "a member that no line before names");
        if (member->is_member)
            return refuse(error, "a member of two groups, or twice of one");
        member->is_member = TRUE;
        g_array_append_val(group->members, place);
    }
    return TRUE;
}

static gboolean parse_quorum(Line *line, GError **error)
{
    if (line->count != 2 || line->policy->has_quorum)
        return refuse(error, "quorum wants a name, and there is one");
    line->policy->has_quorum = TRUE;
    if (strcmp(line->words[1], QUORUM_NONE) == 0)
        return TRUE;
    line->policy->quorum = find_party(line->policy, line->words[1], NULL);
    if (line->policy->quorum == NULL)
        return refuse(error, "a quorum that no line before names");
    return TRUE;
}

static const struct {
    const char *word;
    gboolean (*parse)(Line *line, GError **error);
} kinds[] = {{"log", parse_log},
             {"witness", parse_witness},
             {"group", parse_group},
             {"quorum", parse_quorum}};

static gboolean parse_words(Line *line, GError **error)
{
    const VaultTlogPolicy *policy = line->policy;
    gsize kind = 0;

    while (kind < G_N_ELEMENTS(kinds) && strcmp(line->words[0], kinds[kind].word) != 0)
        kind++;
    if (kind == G_N_ELEMENTS(kinds))
        return refuse(error, "neither log, witness, group nor quorum");
    if (!kinds[kind].parse(line, error))
        return FALSE;
    if (policy->logs->len + policy->parties->len > VAULT_TLOG_POLICY_LINES_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "policy: more than %d logs, witnesses and groups", VAULT_TLOG_POLICY_LINES_MAX);
        return FALSE;
    }
    return TRUE;
}

static gboolean has_only_text(const char *line, gsize len)
{
    for (gsize i = 0; i < len; i++) {
        if (g_ascii_iscntrl(line[i]) && line[i] != '\t')
            return FALSE;
    }
    return TRUE;
}

static gboolean parse_line(VaultTlogPolicy *policy, const char *text, gsize len, GError **error)
{
    g_autofree char *copy = g_strndup(text, len);
    g_auto(GStrv) split = NULL;
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    Line line = {.policy = policy};

    if (!has_only_text(text, len))
        return refuse(error, "a control character");
    split = g_strsplit_set(copy, " \t", -1);
    for (char **word = split; *word != NULL; word++) {
        if (**word != '\0')
            g_ptr_array_add(words, *word);
    }
    if (words->len == 0 || ((const char *)g_ptr_array_index(words, 0))[0] == '#')
        return TRUE;
    line.count = words->len;
    g_ptr_array_add(words, NULL);
    line.words = (char **)words->pdata;
    return parse_words(&line, error);
}

VaultTlogPolicy *vault_tlog_policy_parse(const char *text, gsize len, GError **error)
{
    g_autoptr(VaultTlogPolicy) policy = policy_new();
    LogText rest = {text, len};

    if (len > VAULT_TLOG_POLICY_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "policy: longer than %d bytes",
                    VAULT_TLOG_POLICY_LEN_MAX);
        return NULL;
    }
    for (guint number = 1; rest.left > 0; number++) {
        const char *line = NULL;
        gsize line_len = 0;

        if (!log_text_line(&rest, &line, &line_len)) {
            refuse(error, "the last line does not end");
            return NULL;
        }
        if (!parse_line(policy, line, line_len, error)) {
            g_prefix_error(error, "line %u of the ", number);
            return NULL;
        }
    }
    if (!policy->has_quorum) {
        refuse(error, "no quorum line");
        return NULL;
    }
    return g_steal_pointer(&policy);
}

VaultTlogPolicy *vault_tlog_policy_load(const char *path, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_TLOG_POLICY_LEN_MAX, error);
    g_autoptr(VaultTlogPolicy) policy = NULL;

    if (text == NULL)
        return NULL;
    policy = vault_tlog_policy_parse(g_bytes_get_data(text, NULL), g_bytes_get_size(text), error);
    if (policy == NULL)
        g_prefix_error(error, "%s: ", path);
    return g_steal_pointer(&policy);
}

GArray *vault_tlog_policy_witnesses(const VaultTlogPolicy *policy)
{
    GArray *witnesses = g_array_new(FALSE, FALSE, sizeof(VaultTlogWitness));

    for (guint i = 0; i < policy->parties->len; i++) {
        const Party *party = g_ptr_array_index(policy->parties, i);
        const VaultTlogWitness witness = {
            .name = party->name, .key = party->key, .url = party->url};

        if (party->key != NULL)
            g_array_append_val(witnesses, witness);
    }
    return witnesses;
}

/* ---- formatting ----------------------------------------------------------------------------- */

static void format_key(GString *text, const VaultNoteKey *key, const char *url)
{
    g_autofree char *vkey = vault_note_key_format(key);

    g_string_append(text, vkey);
    if (url != NULL)
        g_string_append_printf(text, " %s", url);
    g_string_append_c(text, '\n');
}

static void format_group(GString *text, const VaultTlogPolicy *policy, const Party *group)
{
    g_string_append_printf(text, "group %s %u", group->name, group->threshold);
    for (guint i = 0; i < group->members->len; i++) {
        guint place = g_array_index(group->members, guint, i);
        const Party *member = g_ptr_array_index(policy->parties, place);

        g_string_append_printf(text, " %s", member->name);
    }
    g_string_append_c(text, '\n');
}

char *vault_tlog_policy_format(const VaultTlogPolicy *policy)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < policy->logs->len; i++) {
        const Log *log = g_ptr_array_index(policy->logs, i);

        g_string_append(text, "log ");
        format_key(text, log->key, log->url);
    }
    for (guint i = 0; i < policy->parties->len; i++) {
        const Party *party = g_ptr_array_index(policy->parties, i);

        if (party->key == NULL) {
            format_group(text, policy, party);
        } else {
            g_string_append_printf(text, "witness %s ", party->name);
            format_key(text, party->key, party->url);
        }
    }
    g_string_append_printf(text, "quorum %s\n",
                           policy->quorum != NULL ? policy->quorum->name : QUORUM_NONE);
    return g_string_free(text, FALSE);
}

/* ---- checking ------------------------------------------------------------------------------- */

/* Whether `key` signed; FALSE with `error` set when its signature is false. */
static gboolean has_signed(const VaultNote *note, const VaultNoteKey *key, gboolean *ret_signed,
                           GError **error)
{
    g_autoptr(GError) failure = NULL;

    *ret_signed = vault_note_verify(note, key, NULL, &failure);
    if (*ret_signed || g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_KEY))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean is_logs(const VaultTlogPolicy *policy, const VaultNote *note, const char *origin,
                        GError **error)
{
    gboolean is_found = FALSE;

    for (guint i = 0; i < policy->logs->len; i++) {
        const Log *log = g_ptr_array_index(policy->logs, i);
        gboolean is_signed = FALSE;

        if (!has_signed(note, log->key, &is_signed, error))
            return FALSE;
        /* A listed log may not speak for another. */
        is_found = is_found || (is_signed && strcmp(log->key->name, origin) == 0);
    }
    if (!is_found)
        g_set_error(
            error, VAULT_ERROR, VAULT_ERROR_REFUSED,
            "checkpoint of %s: not signed by a log of the policy; \"muniment log checkpoint "
            "--vkey\" prints the keys of a vault's logs",
            origin);
    return is_found;
}

/* Members stand before their groups, so one pass settles all. */
gboolean vault_tlog_policy_meets_quorum(const VaultTlogPolicy *policy, const VaultNote *note,
                                        GError **error)
{
    g_autofree gboolean *witnessed = g_new0(gboolean, policy->parties->len + 1);
    guint quorum_place = 0;

    for (guint i = 0; i < policy->parties->len; i++) {
        const Party *party = g_ptr_array_index(policy->parties, i);
        guint count = 0;

        if (party->key != NULL) {
            if (!has_signed(note, party->key, &witnessed[i], error))
                return FALSE;
            continue;
        }
        for (guint j = 0; j < party->members->len; j++)
            count += witnessed[g_array_index(party->members, guint, j)] ? 1 : 0;
        witnessed[i] = count >= party->threshold;
    }
    if (policy->quorum == NULL)
        return TRUE;
    if (find_party(policy, policy->quorum->name, &quorum_place) != NULL && witnessed[quorum_place])
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "checkpoint: too few witnesses cosigned it for the policy's quorum \"%s\"",
                policy->quorum->name);
    return FALSE;
}

VaultCheckpoint *vault_tlog_policy_check(const VaultTlogPolicy *policy, const VaultNote *note,
                                         GError **error)
{
    g_autoptr(VaultCheckpoint) checkpoint =
        vault_checkpoint_parse(note->text, strlen(note->text), error);

    if (checkpoint == NULL || !is_logs(policy, note, checkpoint->origin, error) ||
        !vault_tlog_policy_meets_quorum(policy, note, error))
        return NULL;
    return g_steal_pointer(&checkpoint);
}
