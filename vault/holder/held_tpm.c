#include "vault/holder/held_tpm.h"

#include "vault/holder/tpm_record.h"

#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#define PREFIX "tpm:"
/* The range of the owner; the slots of a vault begin at a multiple of their number. */
#define HANDLE_FIRST 0x01800000u
#define HANDLE_MASK 0x003ffffcu
#define SLOTS_COUNT 4

#define NONE ESYS_TR_NONE, ESYS_TR_NONE
#define NO_SESSIONS ESYS_TR_NONE, NONE

static const TPMA_NV attributes =
    TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_NO_DA;

/* tpm2-tss tells standard error of whatever fails, and of a disconnected TPM each time; it looks at
 * the environment once. Before there are threads, as the environment is theirs, too. */
__attribute__((constructor)) static void silence_tss(void)
{
    g_setenv("TSS2_LOG", "all+none", FALSE);
}

/* ---- one TPM -------------------------------------------------------------------------------- */

typedef struct {
    ESYS_TR index; /* ESYS_TR_NONE: there is none */
    gboolean is_ours;
    gboolean is_written; /* else the key is not there */
    VaultKey key;
} Slot;

typedef struct {
    const char *place;
    const VaultId *vault_id;
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    Slot slots[SLOTS_COUNT];
} Tpm;

static void tpm_close(Tpm *tpm)
{
    if (tpm->esys != NULL)
        Esys_Finalize(&tpm->esys);
    if (tpm->tcti != NULL)
        Tss2_TctiLdr_Finalize(&tpm->tcti);
    vault_wipe(tpm->slots, sizeof tpm->slots);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tpm, tpm_close)

static gboolean set_error(const Tpm *tpm, VaultErrorCode code, const char *what, GError **error)
{
    g_set_error(error, VAULT_ERROR, code, "%s: %s", tpm->place, what);
    return FALSE;
}

/* Without which handle, parameter or session it was. */
static TSS2_RC kind_of(TSS2_RC answer)
{
    return (answer & TPM2_RC_FMT1) != 0 ? answer & (TPM2_RC_FMT1 | 0x3f) : answer;
}

static gboolean succeeds(const Tpm *tpm, TSS2_RC answer, const char *what, GError **error)
{
    switch (kind_of(answer)) {
    case TSS2_RC_SUCCESS:
        return TRUE;
    case TPM2_RC_NV_SPACE:
        return set_error(tpm, VAULT_ERROR_NO_SPACE,
                         "no NV memory is left in the TPM: free an index (tpm2_nvundefine)", error);
    case TPM2_RC_BAD_AUTH:
    case TPM2_RC_AUTH_FAIL:
    case TPM2_RC_LOCKOUT:
        return set_error(tpm, VAULT_ERROR_REFUSED,
                         "the TPM wants a password of its owner, or is locked: take it away "
                         "(tpm2_changeauth -c owner), or keep the vault key elsewhere",
                         error);
    default:
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "%s: the TPM could not %s (0x%x)",
                    tpm->place, what, answer);
        return FALSE;
    }
}

static TPM2_HANDLE handle_of(const Tpm *tpm, guint slot)
{
    const guint8 *id = tpm->vault_id->bytes;
    guint32 number = (guint32)id[0] << 24 | (guint32)id[1] << 16 | (guint32)id[2] << 8 | id[3];

    return HANDLE_FIRST | (number & HANDLE_MASK) | slot;
}

gboolean held_tpm_place_check(const char *place, GError **error)
{
    static const char *const tctis[] = {PREFIX "device:", PREFIX "swtpm:"};

    for (gsize i = 0; i < G_N_ELEMENTS(tctis); i++) {
        if (g_str_has_prefix(place, tctis[i]))
            return TRUE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "%s is no place of a TPM: give tpm:device:/dev/tpmrm0, or "
                "tpm:swtpm:host=127.0.0.1,port=2321",
                place);
    return FALSE;
}

static gboolean tpm_open(Tpm *tpm, GError **error)
{
    if (!held_tpm_place_check(tpm->place, error))
        return FALSE;
    if (Tss2_TctiLdr_Initialize(tpm->place + strlen(PREFIX), &tpm->tcti) == TSS2_RC_SUCCESS &&
        Esys_Initialize(&tpm->esys, tpm->tcti, NULL) == TSS2_RC_SUCCESS)
        return TRUE;
    return set_error(tpm, VAULT_ERROR_NOT_FOUND,
                     "no TPM answers there: is it switched on, and may this user use it?", error);
}

/* ---- looking at the slots ------------------------------------------------------------------- */

static gboolean read_index(const Tpm *tpm, ESYS_TR index, guint8 ret_bytes[TPM_RECORD_LEN],
                           GError **error)
{
    TPM2B_MAX_NV_BUFFER *content = NULL;
    TSS2_RC answer =
        Esys_NV_Read(tpm->esys, index, index, ESYS_TR_PASSWORD, NONE, TPM_RECORD_LEN, 0, &content);
    gboolean is_whole;

    if (!succeeds(tpm, answer, "read a key", error))
        return FALSE;
    is_whole = content->size == TPM_RECORD_LEN;
    if (is_whole)
        memcpy(ret_bytes, content->buffer, TPM_RECORD_LEN);
    vault_wipe(content, sizeof *content);
    Esys_Free(content);
    return is_whole || set_error(tpm, VAULT_ERROR_IO, "the TPM gave half a key", error);
}

/* An index of another form is somebody else's. */
static gboolean look_at_index(const Tpm *tpm, Slot *slot, GError **error)
{
    TPM2B_NV_PUBLIC *public = NULL;
    TSS2_RC answer = Esys_NV_ReadPublic(tpm->esys, slot->index, NO_SESSIONS, &public, NULL);

    if (!succeeds(tpm, answer, "tell of an index", error))
        return FALSE;
    slot->is_ours = public->nvPublic.dataSize == TPM_RECORD_LEN &&
                    (public->nvPublic.attributes & ~TPMA_NV_WRITTEN) == attributes;
    slot->is_written = (public->nvPublic.attributes & TPMA_NV_WRITTEN) != 0;
    Esys_Free(public);
    return TRUE;
}

static gboolean look_at_slot(const Tpm *tpm, Slot *slot, GError **error)
{
    guint8 bytes[TPM_RECORD_LEN];
    VaultId vault_id;

    if (!look_at_index(tpm, slot, error))
        return FALSE;
    if (!slot->is_ours || !slot->is_written)
        return TRUE;
    if (!read_index(tpm, slot->index, bytes, error))
        return FALSE;
    slot->is_ours = tpm_record_parse(bytes, sizeof bytes, &vault_id, &slot->key, NULL) &&
                    VAULT_ID_EQUAL(vault_id, *tpm->vault_id);
    vault_wipe(bytes, sizeof bytes);
    return TRUE;
}

static gboolean open_slot(const Tpm *tpm, TPM2_HANDLE handle, Slot *slot, GError **error)
{
    TSS2_RC answer = Esys_TR_FromTPMPublic(tpm->esys, handle, NO_SESSIONS, &slot->index);

    return succeeds(tpm, answer, "find an index", error) && look_at_slot(tpm, slot, error);
}

/* By the TPM's list: asking for each would tell "there is none" from other errors less well. */
static gboolean look_at_slots(Tpm *tpm, GError **error)
{
    TPM2_HANDLE first = handle_of(tpm, 0);
    TPMS_CAPABILITY_DATA *found = NULL;
    TPML_HANDLE list;
    TPMI_YES_NO has_more;
    TSS2_RC answer = Esys_GetCapability(tpm->esys, NO_SESSIONS, TPM2_CAP_HANDLES, first,
                                        SLOTS_COUNT, &has_more, &found);

    for (guint i = 0; i < SLOTS_COUNT; i++)
        tpm->slots[i] = (Slot){.index = ESYS_TR_NONE};
    if (!succeeds(tpm, answer, "list its indices", error))
        return FALSE;
    list = found->data.handles;
    Esys_Free(found);
    for (guint i = 0; i < list.count && i < SLOTS_COUNT; i++) {
        guint32 slot = list.handle[i] - first;

        if (list.handle[i] >= first && slot < SLOTS_COUNT &&
            !open_slot(tpm, list.handle[i], &tpm->slots[slot], error))
            return FALSE;
    }
    return TRUE;
}

static gboolean begin(Tpm *tpm, GError **error)
{
    return tpm_open(tpm, error) && look_at_slots(tpm, error);
}

static gboolean has_key(const Slot *slot)
{
    return slot->index != ESYS_TR_NONE && slot->is_ours && slot->is_written;
}

/* ---- loading -------------------------------------------------------------------------------- */

static int compare_generations(const void *a, const void *b)
{
    const VaultKey *one = a, *other = b;

    return (one->generation > other->generation) - (one->generation < other->generation);
}

static gboolean check_loaded(const Tpm *tpm, const VaultKey *keys, gsize count, GError **error)
{
    if (count == 0)
        return set_error(
            tpm, VAULT_ERROR_NOT_FOUND,
            "the TPM there has no key of this vault: it is another one, or was cleared", error);
    for (gsize i = 1; i < count; i++) {
        if (keys[i].generation == keys[i - 1].generation)
            return set_error(tpm, VAULT_ERROR_CORRUPT, "two vault keys have one generation", error);
    }
    return count <= VAULT_KEY_GENERATIONS_MAX ||
           set_error(tpm, VAULT_ERROR_CORRUPT, "there are more vault keys than there can be",
                     error);
}

gboolean held_tpm_load(const char *place, const VaultId *vault_id,
                       VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX], gsize *ret_count,
                       GError **error)
{
    g_auto(Tpm) tpm = {.place = place, .vault_id = vault_id};
    VaultKey keys[SLOTS_COUNT];
    gsize count = 0;
    gboolean is_loaded;

    if (!begin(&tpm, error))
        return FALSE;
    for (guint i = 0; i < SLOTS_COUNT; i++) {
        if (has_key(&tpm.slots[i]))
            keys[count++] = tpm.slots[i].key;
    }
    qsort(keys, count, sizeof *keys, compare_generations);
    is_loaded = check_loaded(&tpm, keys, count, error);
    if (is_loaded) {
        memcpy(ret_keys, keys, count * sizeof *keys);
        *ret_count = count;
    }
    vault_wipe(keys, sizeof keys);
    return is_loaded;
}

/* ---- storing -------------------------------------------------------------------------------- */

static gboolean undefine(Tpm *tpm, guint slot, GError **error)
{
    TSS2_RC answer = Esys_NV_UndefineSpace(tpm->esys, ESYS_TR_RH_OWNER, tpm->slots[slot].index,
                                           ESYS_TR_PASSWORD, NONE);

    if (!succeeds(tpm, answer, "destroy a key", error))
        return FALSE;
    vault_wipe(&tpm->slots[slot], sizeof tpm->slots[slot]);
    tpm->slots[slot].index = ESYS_TR_NONE;
    return TRUE;
}

static gboolean define(Tpm *tpm, guint slot, GError **error)
{
    const TPM2B_AUTH no_password = {.size = 0};
    const TPM2B_NV_PUBLIC public = {.nvPublic = {.nvIndex = handle_of(tpm, slot),
                                                 .nameAlg = TPM2_ALG_SHA256,
                                                 .attributes = attributes,
                                                 .dataSize = TPM_RECORD_LEN}};
    TSS2_RC answer = Esys_NV_DefineSpace(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, NONE,
                                         &no_password, &public, &tpm->slots[slot].index);

    return succeeds(tpm, answer, "make an index", error);
}

static gboolean write_index(const Tpm *tpm, ESYS_TR index, const guint8 bytes[TPM_RECORD_LEN],
                            GError **error)
{
    TPM2B_MAX_NV_BUFFER content = {.size = TPM_RECORD_LEN};
    guint8 read[TPM_RECORD_LEN];
    gboolean is_same;
    TSS2_RC answer;

    memcpy(content.buffer, bytes, TPM_RECORD_LEN);
    answer = Esys_NV_Write(tpm->esys, index, index, ESYS_TR_PASSWORD, NONE, &content, 0);
    vault_wipe(&content, sizeof content);
    if (!succeeds(tpm, answer, "write a key", error) || !read_index(tpm, index, read, error))
        return FALSE;
    is_same = memcmp(read, bytes, TPM_RECORD_LEN) == 0;
    vault_wipe(read, sizeof read);
    return is_same || set_error(tpm, VAULT_ERROR_CORRUPT, "is not what was written to it", error);
}

/* A free slot, or one of ours that a crash left before it was written. */
static gboolean free_slot(Tpm *tpm, guint *ret_slot, GError **error)
{
    for (guint i = 0; i < SLOTS_COUNT; i++) {
        Slot *slot = &tpm->slots[i];

        if (slot->index != ESYS_TR_NONE && slot->is_ours && !slot->is_written &&
            !undefine(tpm, i, error))
            return FALSE;
        if (slot->index != ESYS_TR_NONE)
            continue;
        *ret_slot = i;
        return TRUE;
    }
    return set_error(tpm, VAULT_ERROR_NO_SPACE,
                     "the places of this vault's keys are taken by something else", error);
}

static gboolean add_key(Tpm *tpm, const VaultKey *key, GError **error)
{
    guint8 bytes[TPM_RECORD_LEN];
    gboolean is_written;
    guint slot = 0;

    if (!free_slot(tpm, &slot, error) || !define(tpm, slot, error))
        return FALSE;
    tpm_record_format(tpm->vault_id, key, bytes);
    is_written = write_index(tpm, tpm->slots[slot].index, bytes, error);
    vault_wipe(bytes, sizeof bytes);
    if (is_written) {
        tpm->slots[slot].is_ours = tpm->slots[slot].is_written = TRUE;
        tpm->slots[slot].key = *key;
        return TRUE;
    }
    (void)undefine(tpm, slot, NULL);
    return FALSE;
}

static gboolean is_same_key(const Tpm *tpm, const VaultKey *a, const VaultKey *b)
{
    VaultKeyDigest one = vault_key_digest(tpm->vault_id, a);
    VaultKeyDigest other = vault_key_digest(tpm->vault_id, b);

    return vault_key_digest_equal(&one, &other);
}

static gboolean is_there(const Tpm *tpm, const VaultKey *key)
{
    for (guint i = 0; i < SLOTS_COUNT; i++) {
        if (has_key(&tpm->slots[i]) && is_same_key(tpm, &tpm->slots[i].key, key))
            return TRUE;
    }
    return FALSE;
}

typedef gboolean (*MustGo)(const Tpm *tpm, const Slot *slot, const VaultKey *keys, gsize count);

static gboolean is_replaced(const Tpm *tpm, const Slot *slot, const VaultKey *keys, gsize count)
{
    for (gsize i = 0; has_key(slot) && i < count; i++) {
        if (slot->key.generation == keys[i].generation)
            return !is_same_key(tpm, &slot->key, &keys[i]);
    }
    return FALSE;
}

static gboolean is_unwanted(const Tpm *tpm, const Slot *slot, const VaultKey *keys, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        if (has_key(slot) && is_same_key(tpm, &slot->key, &keys[i]))
            return FALSE;
    }
    return slot->index != ESYS_TR_NONE && slot->is_ours;
}

static gboolean undefine_those(Tpm *tpm, MustGo must_go, const VaultKey *keys, gsize count,
                               GError **error)
{
    for (guint i = 0; i < SLOTS_COUNT; i++) {
        if (must_go(tpm, &tpm->slots[i], keys, count) && !undefine(tpm, i, error))
            return FALSE;
    }
    return TRUE;
}

/* By the TPM's own list once more. */
static gboolean check_stored(Tpm *tpm, const VaultKey *keys, gsize count, GError **error)
{
    gsize left = 0;

    if (!look_at_slots(tpm, error))
        return FALSE;
    for (guint i = 0; i < SLOTS_COUNT; i++)
        left += has_key(&tpm->slots[i]) ? 1 : 0;
    for (gsize i = 0; i < count; i++) {
        if (!is_there(tpm, &keys[i]))
            return set_error(tpm, VAULT_ERROR_CORRUPT, "is not what was written to it", error);
    }
    return left == count ||
           set_error(tpm, VAULT_ERROR_CORRUPT, "a destroyed key is still there", error);
}

static gboolean has_any(const Tpm *tpm)
{
    for (guint i = 0; i < SLOTS_COUNT; i++) {
        if (has_key(&tpm->slots[i]))
            return TRUE;
    }
    return FALSE;
}

gboolean held_tpm_store(const char *place, const VaultId *vault_id, const VaultKey *keys,
                        gsize count, HeldTpmExisting existing, GError **error)
{
    g_auto(Tpm) tpm = {.place = place, .vault_id = vault_id};

    if (!begin(&tpm, error))
        return FALSE;
    if (existing == HELD_TPM_NEW && has_any(&tpm))
        return set_error(&tpm, VAULT_ERROR_BUSY,
                         "the TPM has a key of this vault already, of another generation: "
                         "undefine it there first (tpm2_nvundefine)",
                         error);
    if (!undefine_those(&tpm, is_replaced, keys, count, error))
        return FALSE;
    for (gsize i = 0; i < count; i++) {
        if (!is_there(&tpm, &keys[i]) && !add_key(&tpm, &keys[i], error))
            return FALSE;
    }
    return undefine_those(&tpm, is_unwanted, keys, count, error) &&
           check_stored(&tpm, keys, count, error);
}
