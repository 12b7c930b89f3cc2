#include "vault/keep/drill.h"

#include "vault/act/drill_file.h"
#include "vault/base/bytes.h"
#include "vault/keep/internal.h"

#define DAY_S 86400

/* ---- when ----------------------------------------------------------------------------------- */

typedef struct {
    guint64 last_s, due_s;
    gboolean is_any;
} Oldest;

static gboolean note_oldest(const RowId *row_id, const GByteArray *value, gpointer user,
                            GError **error)
{
    Oldest *oldest = user;
    VaultMasterValue master;
    guint64 due_s;

    if (!vault_master_value_parse(value->data, value->len, &master, error))
        return FALSE;
    if (master.state != VAULT_MASTER_ACTIVE)
        return TRUE;
    due_s = MAX(master.drilled_s, master.added_s) + VAULT_DRILL_DAYS * DAY_S;
    oldest->last_s = oldest->is_any ? MIN(oldest->last_s, master.drilled_s) : master.drilled_s;
    oldest->due_s = oldest->is_any ? MIN(oldest->due_s, due_s) : due_s;
    oldest->is_any = TRUE;
    return TRUE;
}

gboolean vault_drills_status(VaultKeyring *keyring, guint64 *ret_last_s, guint64 *ret_due_s,
                             GError **error)
{
    Oldest oldest = {0};

    if (!vault_keyring_each(keyring, VAULT_KEYRING_MASTERS, note_oldest, &oldest, error))
        return FALSE;
    *ret_last_s = oldest.last_s;
    *ret_due_s = oldest.due_s;
    return TRUE;
}

/* ---- challenge ------------------------------------------------------------------------------ */

/* A secret that all of the vault's processes have and nobody else says whose challenge it is, so
 * that none has to be kept. The label makes it a key of its own. */
static void make_seal(const VaultKeep *keep, const VaultDrillName *name, VaultHash *ret_seal)
{
    static const char label[] = "muniment drill";
    guint8 info[sizeof label + VAULT_ID_LEN + 8 + VAULT_ID_LEN];
    const VaultSpan salt = {NULL, 0}, ikm = {keep->locator_key->bytes, VAULT_KEY_LEN};
    const VaultSpan span = {info, sizeof info};
    guint8 *next = info;

    memcpy(next, label, sizeof label);
    next += sizeof label;
    memcpy(next, name->vault_id.bytes, VAULT_ID_LEN);
    next += VAULT_ID_LEN;
    vault_bytes_put_u64(next, name->created_s);
    memcpy(next + 8, name->canary.bytes, VAULT_ID_LEN);
    vault_hkdf(&salt, &ikm, &span, ret_seal->bytes, VAULT_HASH_LEN);
}

char *vault_keep_drill_challenge(VaultKeep *keep, GError **error)
{
    g_autoptr(GArray) masters = vault_keep_masters(keep, error);
    g_autoptr(VaultDrillChallenge) challenge = NULL;

    if (masters == NULL)
        return NULL;
    challenge = vault_drill_challenge_new(&keep->id, vault_clock_now_s(&keep->clock),
                                          (const MasterPublic *)(gpointer)masters->data,
                                          masters->len, error);
    if (challenge == NULL)
        return NULL;
    make_seal(keep, &challenge->name, &challenge->name.seal);
    return vault_drill_challenge_format(challenge);
}

/* ---- result --------------------------------------------------------------------------------- */

typedef struct {
    const VaultDrillResult *result;
    RowId row_id;
    VaultMasterValue master;
    gboolean is_found;
} Drilled;

static gboolean find_master(const RowId *row_id, const GByteArray *value, gpointer user,
                            GError **error)
{
    Drilled *drilled = user;
    VaultMasterValue master;

    if (!vault_master_value_parse(value->data, value->len, &master, error))
        return FALSE;
    if (master.state != VAULT_MASTER_ACTIVE ||
        memcmp(&master.master.verify_key, &drilled->result->verify_key, VAULT_KEY_LEN) != 0)
        return TRUE;
    drilled->row_id = *row_id;
    drilled->master = master;
    drilled->is_found = TRUE;
    return TRUE;
}

static gboolean refuse(GError **error, const char *why)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "the result of the drill: %s", why);
    return FALSE;
}

static gboolean judge(VaultKeep *keep, VaultKeyring *keyring, Drilled *drilled, GError **error)
{
    const VaultDrillName *name = &drilled->result->name;
    VaultHash seal;

    make_seal(keep, name, &seal);
    if (!VAULT_ID_EQUAL(name->vault_id, keep->id) || !vault_hash_equal(&seal, &name->seal))
        return refuse(error, "this vault never made such a challenge");
    if (!vault_keyring_each(keyring, VAULT_KEYRING_MASTERS, find_master, drilled, error))
        return FALSE;
    if (!drilled->is_found)
        return refuse(error, "it is not signed by an active master of this vault");
    if (name->created_s > vault_clock_now_s(&keep->clock))
        return refuse(error, "its challenge is of a time to come: is the clock right?");
    if (name->created_s <= drilled->master.drilled_s)
        return refuse(error, "it, or a later one, was taken up before");
    return TRUE;
}

typedef struct {
    VaultKeep *keep;
    Drilled *drilled;
} DrillJob;

/* Asked again where it is written: another may have been taken up since. */
static gboolean put_drilled(VaultKeyring *keyring, gpointer user, GError **error)
{
    const DrillJob *job = user;
    Drilled *drilled = job->drilled;
    g_autoptr(GByteArray) value = NULL;

    drilled->is_found = FALSE;
    if (!judge(job->keep, keyring, drilled, error))
        return FALSE;
    drilled->master.drilled_s = drilled->result->name.created_s;
    value = vault_master_value_format(&drilled->master);
    return vault_keyring_put(keyring, VAULT_KEYRING_MASTERS, &drilled->row_id, value, error);
}

static gboolean log_drill(VaultKeep *keep, const Drilled *drilled, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    KeyId key_id = vault_master_key_id(&drilled->master.master);

    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_MASTER_DRILLED));
    vault_text_append_hex_line(payload, "master", key_id.bytes, VAULT_ID_LEN);
    vault_text_append_hex_line(payload, "canary", drilled->result->name.canary.bytes, VAULT_ID_LEN);
    vault_text_append_time(payload, "challenged", drilled->result->name.created_s);
    return vault_keep_log_act(keep, VAULT_LOGGED_MASTER_DRILLED, payload->str, payload->len, error);
}

gboolean vault_keep_take_drill(VaultKeep *keep, const char *text, gsize len, GError **error)
{
    VaultDrillResult result;
    Drilled drilled = {.result = &result};
    DrillJob job = {keep, &drilled};

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    return vault_drill_result_parse(text, len, &result, error) &&
           judge(keep, keep->keyring, &drilled, error) && log_drill(keep, &drilled, error) &&
           vault_keyring_batch_run(keep->batch, put_drilled, &job, error);
}
