/* Acts that an operator asks of the writer, by name: one table, so that a daemon and a command do
 * the same. Each judges and logs by itself. */
#include "vault/act/drill_file.h"
#include "vault/act/grant_file.h"
#include "vault/act/hold_file.h"
#include "vault/act/mailbox_change.h"
#include "vault/act/policy.h"
#include "vault/act/text_file.h"
#include "vault/keep/backup.h"
#include "vault/keep/cases.h"
#include "vault/keep/clock_confirm.h"
#include "vault/keep/custody_acts.h"
#include "vault/keep/erasure.h"
#include "vault/keep/holds.h"
#include "vault/keep/internal.h"
#include "vault/keep/mailbox_life.h"
#include "vault/keep/retention.h"

/* `answer` takes "name: value" lines, where there is anything to say. */
typedef gboolean (*OperateFunction)(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                    GError **error);

static gboolean set_policy(VaultKeep *keep, const char *text, gsize len, GString *answer,
                           GError **error)
{
    return vault_keep_set_policy(keep, text, len, keep->verify_approval, keep->verify_user, error);
}

static gboolean revoke_grant(VaultKeep *keep, const char *text, gsize len, GString *answer,
                             GError **error)
{
    return vault_keep_revoke_grant(keep, text, len, error);
}

static gboolean take_drill(VaultKeep *keep, const char *text, gsize len, GString *answer,
                           GError **error)
{
    return vault_keep_take_drill(keep, text, len, error);
}

static gboolean erase(VaultKeep *keep, const char *text, gsize len, GString *answer, GError **error)
{
    return vault_erasure_run(keep, VAULT_ERASURE_DO, text, len, answer, error);
}

static gboolean preview_erasure(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                GError **error)
{
    return vault_erasure_run(keep, VAULT_ERASURE_PREVIEW, text, len, answer, error);
}

static gboolean cancel_erasure(VaultKeep *keep, const char *text, gsize len, GString *answer,
                               GError **error)
{
    return vault_erasure_cancel(keep, text, len, error);
}

static gboolean advance_erasures(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                 GError **error)
{
    return vault_keep_advance_erasures(keep, error);
}

/* Answers with the key of each log, as trust policies have it. */
static gboolean rotate_log_key(VaultKeep *keep, const char *text, gsize len, GString *answer,
                               GError **error)
{
    static const char *const names[VAULT_LOGS_COUNT] = {
        [VAULT_LOG_ARCHIVE] = "archive", [VAULT_LOG_CONTROL] = "control"};

    if (!vault_keep_rotate_log_key(keep, error))
        return FALSE;
    for (gsize i = 0; i < VAULT_LOGS_COUNT; i++) {
        g_autoptr(GPtrArray) keys =
            vault_keep_log_keys(keep, (VaultLogKind)i, VAULT_KEEP_EPOCH_NOW, error);
        g_autofree char *vkey = keys == NULL ? NULL : vault_note_key_format(keys->pdata[0]);

        if (vkey == NULL)
            return FALSE;
        vault_text_append(answer, names[i], vkey);
    }
    return TRUE;
}

static gboolean put_cosigned(VaultKeep *keep, const char *text, gsize len, GString *answer,
                             GError **error)
{
    return vault_keep_put_cosigned(keep, text, len, error);
}

static gboolean add_reader(VaultKeep *keep, const char *text, gsize len, GString *answer,
                           GError **error)
{
    RowId id;

    if (!vault_keep_add_reader(keep, text, len, &id, error))
        return FALSE;
    vault_text_append(answer, "reader", VAULT_ID_TEXT(id));
    return TRUE;
}

#define REMOVE_PREFIX "reader: "
#define REMOVE_LEN (sizeof REMOVE_PREFIX - 1 + VAULT_ID_HEX_LEN + 1)

/* "reader: ID" and LF. */
static gboolean remove_reader(VaultKeep *keep, const char *text, gsize len, GString *answer,
                              GError **error)
{
    g_autofree char *digits = NULL;
    RowId id;

    if (len != REMOVE_LEN || memcmp(text, REMOVE_PREFIX, sizeof REMOVE_PREFIX - 1) != 0 ||
        text[len - 1] != '\n') {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                            "a reader is removed by one line, reader: ID");
        return FALSE;
    }
    digits = g_strndup(text + sizeof REMOVE_PREFIX - 1, VAULT_ID_HEX_LEN);
    return vault_id_parse(digits, id.bytes, error) && vault_keep_remove_reader(keep, &id, error);
}

static gboolean finish_rotation(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                GError **error)
{
    return vault_keep_finish_rotation(keep, answer, error);
}

static gboolean compact(VaultKeep *keep, const char *text, gsize len, GString *answer,
                        GError **error)
{
    VaultCompactOptions options = {.callbacks = NULL};
    VaultCompactResult result;
    VaultTextFile file;

    if (!vault_text_file_begin(&file, text, len, VAULT_COMPACT_TEXT_TYPE, error) ||
        !vault_text_file_take_number(&file, "seconds", VAULT_COMPACT_SECONDS_MAX,
                                     &options.seconds_max, error) ||
        !vault_text_file_finish(&file, error) ||
        !vault_keep_compact(keep, &options, &result, error))
        return FALSE;
    vault_compact_result_format(&result, answer);
    return TRUE;
}

static const struct {
    const char *name;
    gsize text_len_max;
    OperateFunction run;
} operations[] = {
    {"policy-set", VAULT_POLICY_LEN_MAX, set_policy},
    {"grant-revoke", VAULT_GRANT_LEN_MAX, revoke_grant},
    {"drill-take", VAULT_DRILL_LEN_MAX, take_drill},
    {"erasure", VAULT_ERASURE_TEXT_LEN_MAX, erase},
    {"erasure-preview", VAULT_ERASURE_TEXT_LEN_MAX, preview_erasure},
    {"erasure-cancel", 256, cancel_erasure},
    {"erasure-advance", 0, advance_erasures},
    {"vaultkey-roll", VAULT_ERASURE_TEXT_LEN_MAX, vault_erasure_roll},
    {"holder-add", VAULT_CUSTODY_ACT_LEN_MAX, vault_custody_act_holder_add},
    {"holder-remove", VAULT_CUSTODY_ACT_LEN_MAX, vault_custody_act_holder_remove},
    {"copy-add", VAULT_CUSTODY_ACT_LEN_MAX, vault_custody_act_copy_add},
    {"copy-remove", VAULT_CUSTODY_ACT_LEN_MAX, vault_custody_act_copy_remove},
    {"custody-update", VAULT_CUSTODY_ACT_LEN_MAX, vault_custody_act_update},
    {"copy-declare", VAULT_CUSTODY_ACT_LEN_MAX, vault_custody_act_declare},
    {"log-key-rotate", 0, rotate_log_key},
    {"log-cosigned", VAULT_NOTE_LEN_MAX, put_cosigned},
    {"backup-begin", 0, vault_backup_act_begin},
    {"backup-made", VAULT_BACKUP_TEXT_LEN_MAX, vault_backup_act_made},
    {"recovery-drilled", 0, vault_backup_act_drilled},
    {"clock-confirm", 256, vault_clock_confirm},
    {"hold-add", VAULT_HOLD_FILE_LEN_MAX, vault_holds_add},
    {"hold-remove", VAULT_REQUEST_LEN_MAX, vault_holds_remove},
    {"retention-set", VAULT_REQUEST_LEN_MAX, vault_retention_set},
    {"retention-run", VAULT_REQUEST_LEN_MAX, vault_retention_run},
    {"mailbox-close", VAULT_MAILBOX_CHANGE_LEN_MAX, vault_mailbox_life_close},
    {"address-add", VAULT_MAILBOX_CHANGE_LEN_MAX, vault_mailbox_life_add_address},
    {"address-remove", VAULT_MAILBOX_CHANGE_LEN_MAX, vault_mailbox_life_remove_address},
    {"compact", VAULT_COMPACT_TEXT_LEN_MAX, compact},
    {"case-close", VAULT_CASE_CLOSE_LEN_MAX, vault_cases_close},
    {"reader-add", VAULT_GRANT_LEN_MAX, add_reader},
    {"reader-remove", REMOVE_LEN, remove_reader},
    {"rotation-take", VAULT_ROTATION_TAKE_LEN_MAX, vault_keep_take_rotation},
    {"rotation-finish", 0, finish_rotation},
};

static gboolean check_text(gsize i, const char *text, gsize len, GError **error)
{
    if (len > operations[i].text_len_max) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "what %s is asked with has more than %" G_GSIZE_FORMAT " bytes",
                    operations[i].name, operations[i].text_len_max);
        return FALSE;
    }
    if (len > 0 && memchr(text, '\0', len) != NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                    "what %s is asked with holds a NUL byte", operations[i].name);
        return FALSE;
    }
    return TRUE;
}

gboolean vault_keep_operate(VaultKeep *keep, const char *name, const char *text, gsize len,
                            char **ret_answer, GError **error)
{
    g_autoptr(GString) answer = g_string_new(NULL);

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    for (gsize i = 0; i < G_N_ELEMENTS(operations); i++) {
        if (strcmp(operations[i].name, name) != 0)
            continue;
        if (!check_text(i, text, len, error) || !operations[i].run(keep, text, len, answer, error))
            return FALSE;
        if (ret_answer != NULL)
            *ret_answer = g_string_free(g_steal_pointer(&answer), FALSE);
        return TRUE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                "%s is not known here: is the daemon of an older version?", name);
    return FALSE;
}
