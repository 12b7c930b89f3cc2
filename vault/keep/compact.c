/* Compaction: dead bytes leave the disk, whatever still lives is copied as it is.
 *
 *   plan -> for each pack that is due: what lives, into a draft
 *        -> draft full: logged -> named -> catalog -> the packs it replaces removed
 */
#include "vault/act/policy.h"
#include "vault/keep/compact_switch.h"

#include <unistd.h>

/* Room for trailer, lists, catalog and log, beside what is copied. */
#define SPACE_SLACK (8u << 20)

typedef struct {
    VaultKeep *keep;
    const VaultCompactOptions *options;
    VaultCompactResult *result;
    gint64 until_us;    /* 0: no end */
    VaultRepack repack; /* its liveness is owned */
    guint64 done_len, all_len;

    /* Of the draft. */
    VaultPackCompacted *draft; /* NULL: none */
    GPtrArray *sources;        /* VaultPackFile */
    guint64 catalogued_count;
    VaultRepackCounts counts;
} Compaction;

static void compaction_clear(Compaction *compaction)
{
    vault_pack_compacted_free(compaction->draft);
    g_clear_pointer(&compaction->repack.liveness, vault_liveness_free);
    g_clear_pointer(&compaction->sources, g_ptr_array_unref);
    g_clear_pointer(&compaction->counts.dropped, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Compaction, compaction_clear)

static void report_left(Compaction *compaction, const VaultPackFile *file, const char *reason)
{
    const VaultVerifyCallbacks *callbacks = compaction->options->callbacks;
    g_autofree char *text = g_strdup_printf("pack %s is left as it is: %s", file->name, reason);

    compaction->result->left_count++;
    if (callbacks != NULL && callbacks->finding != NULL)
        callbacks->finding(text, callbacks->user);
    else
        g_warning("%s", text);
}

static void progress(Compaction *compaction, const VaultPackFile *file)
{
    const VaultVerifyCallbacks *callbacks = compaction->options->callbacks;

    compaction->done_len += file->len;
    if (callbacks != NULL && callbacks->progress != NULL)
        callbacks->progress(compaction->done_len, compaction->all_len, callbacks->user);
}

/* ---- the plan ------------------------------------------------------------------------------- */

static gboolean read_rules(VaultKeep *keep, VaultCompactRules *ret_rules, GError **error)
{
    g_autofree char *text = vault_keep_policy(keep, error);
    g_autoptr(VaultPolicy) policy =
        text != NULL ? vault_policy_parse(text, strlen(text), error) : NULL;
    guint64 good_s, now_s = vault_clock_now_s(&keep->clock);

    if (policy == NULL)
        return FALSE;
    if (vault_clock_judge(&keep->clock, now_s, &good_s) == VAULT_CLOCK_UNSURE)
        now_s = 0;
    *ret_rules = (VaultCompactRules){.now_s = now_s, .removal_days = policy->physical_removal_days};
    return TRUE;
}

/* As the keyring is now: who copies afterwards asks it again. */
static GArray *plan_packs(VaultKeep *keep, GPtrArray *files, VaultCompactRules *ret_rules,
                          GError **error)
{
    g_autoptr(VaultLiveness) liveness = vault_liveness_new(keep->keyring);
    VaultCompactQuestion question = {.files = files,
                                     .catalog = keep->reading,
                                     .keyring = keep->keyring,
                                     .liveness = liveness,
                                     .locator_key = keep->locator_key};

    if (!read_rules(keep, &question.rules, error))
        return NULL;
    *ret_rules = question.rules;
    return vault_compact_plan(&question, error);
}

GArray *vault_keep_compact_plan(VaultKeep *keep, GError **error)
{
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(VaultCompactEntry));
    g_autoptr(GPtrArray) files = NULL;
    g_autoptr(GArray) packs = NULL;
    VaultCompactRules rules;

    vault_keep_catch_up(keep);
    files = vault_pack_files_list(keep->packs_path, &keep->id, keep->reading, error);
    if (files == NULL)
        return NULL;
    packs = plan_packs(keep, files, &rules, error);
    for (guint i = 0; packs != NULL && i < packs->len; i++) {
        const VaultCompactPack *pack = &g_array_index(packs, VaultCompactPack, i);
        VaultCompactEntry entry = {.pack_id = pack->file->header.pack_id,
                                   .file_len = pack->file->len,
                                   .live_len = pack->live_len,
                                   .dead_len = pack->dead_len,
                                   .is_due = vault_compact_is_due(pack, &rules)};

        if (pack->dead_len > 0)
            g_array_append_val(entries, entry);
    }
    return packs != NULL ? g_steal_pointer(&entries) : NULL;
}

/* ---- a draft that is full ------------------------------------------------------------------- */

/* Before it gets its name: from then on the packs that it replaces are removed, whatever happens.
 */
static gboolean log_compaction(Compaction *compaction, GError **error)
{
    const VaultPackHeader *header = vault_pack_compacted_header(compaction->draft);
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(
        text,
        "act: %s\nmade: %s\nrecords-kept: %" G_GUINT64_FORMAT
        "\nrecords-dropped: %u\nbytes-dropped: %" G_GUINT64_FORMAT "\nreplaced: %u\n",
        vault_logged_act_name(VAULT_LOGGED_COMPACTED), VAULT_ID_TEXT(header->pack_id),
        compaction->counts.kept_count, compaction->counts.dropped->len,
        compaction->counts.dropped_len, compaction->sources->len);
    for (guint i = 0; i < compaction->sources->len; i++) {
        const VaultPackFile *file = g_ptr_array_index(compaction->sources, i);

        g_string_append_printf(text, "pack: %s\n", VAULT_ID_TEXT(file->header.pack_id));
    }
    return vault_keep_log_act(compaction->keep, VAULT_LOGGED_COMPACTED, text->str, text->len,
                              error);
}

static gboolean switch_to_draft(Compaction *compaction, GError **error)
{
    const VaultPackHeader *header = vault_pack_compacted_header(compaction->draft);
    g_autofree char *path = vault_pack_compacted_path(compaction->draft);
    g_autoptr(GArray) replaced = vault_pack_replaced_read(path, header, error);
    VaultCompactSwitch change = {.path = path,
                                 .header = header,
                                 .replaced = replaced,
                                 .dropped = compaction->counts.dropped,
                                 .catalogued_count = compaction->catalogued_count};

    return replaced != NULL && vault_compact_switch(compaction->keep, &change, error) &&
           vault_compact_remove(compaction->keep, compaction->sources, error);
}

static void add_up(Compaction *compaction)
{
    VaultCompactResult *result = compaction->result;

    result->made_count++;
    result->replaced_count += compaction->sources->len;
    result->kept_count += compaction->counts.kept_count;
    result->kept_len += compaction->counts.kept_len;
    result->dropped_count += compaction->counts.dropped->len;
    result->dropped_len += compaction->counts.dropped_len;
}

static void begin_counting(Compaction *compaction)
{
    g_array_set_size(compaction->counts.dropped, 0);
    compaction->counts = (VaultRepackCounts){.dropped = compaction->counts.dropped};
    g_ptr_array_set_size(compaction->sources, 0);
    compaction->catalogued_count = 0;
}

static gboolean finish_draft(Compaction *compaction, GError **error)
{
    gboolean is_done = TRUE;

    if (compaction->sources->len > 0) {
        is_done = vault_pack_compacted_complete(compaction->draft, error) &&
                  log_compaction(compaction, error) &&
                  vault_pack_compacted_publish(compaction->draft, error) &&
                  switch_to_draft(compaction, error);
        if (is_done)
            add_up(compaction);
    }
    g_clear_pointer(&compaction->draft, vault_pack_compacted_free);
    begin_counting(compaction);
    return is_done;
}

/* ---- one pack ------------------------------------------------------------------------------- */

/* A pack that a failed sync ended has its trailer only from the next start on, which learns its end
 * from its successor: that one stays until then. */
static gboolean is_predecessor_closed(Compaction *compaction, GPtrArray *files,
                                      const VaultPackFile *file)
{
    for (guint i = 0; i < files->len; i++) {
        const VaultPackFile *before = g_ptr_array_index(files, i);
        g_autoptr(VaultPackScan) scan = NULL;

        if (!before->is_readable || before->header.type != VAULT_PACK_GROUPED ||
            !VAULT_ID_EQUAL(before->header.pack_id, file->header.predecessor))
            continue;
        scan = vault_pack_scan_open(before->path, &compaction->keep->id, VAULT_SCAN_HEADERS, NULL,
                                    NULL);
        /* Gone: it was compacted itself. */
        return scan == NULL ? access(before->path, F_OK) != 0 : vault_pack_scan_is_closed(scan);
    }
    return TRUE;
}

static gboolean check_space(Compaction *compaction, const VaultCompactPack *pack, GError **error)
{
    VaultKeep *keep = compaction->keep;
    guint64 free_bytes = vault_space_free_bytes(keep->space);
    guint64 needed = pack->live_len + keep->disk_reserve + SPACE_SLACK;

    if (free_bytes >= needed)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE,
                "compacting takes %" G_GUINT64_FORMAT
                " more bytes of disk for a while: make room, then run it again",
                needed - free_bytes);
    return FALSE;
}

/* Whether the pack goes into this draft: each goes into one, whole. */
static gboolean has_room(const Compaction *compaction, const VaultCompactPack *pack)
{
    return vault_pack_compacted_source_count(compaction->draft) == 0 ||
           vault_pack_compacted_len(compaction->draft) + pack->live_len <=
               compaction->keep->pack_size;
}

/* What died before the draft was begun is not in it: its header tells when that was. */
static gboolean begin_draft(Compaction *compaction, GError **error)
{
    VaultKeep *keep = compaction->keep;

    compaction->draft = vault_pack_compacted_begin(keep->packs_path, &keep->id, error);
    vault_liveness_free(compaction->repack.liveness);
    compaction->repack.liveness = vault_liveness_new(keep->keyring);
    return compaction->draft != NULL;
}

static gboolean prepare_draft(Compaction *compaction, const VaultCompactPack *pack, GError **error)
{
    if (compaction->draft != NULL &&
        (!has_room(compaction, pack) || !check_space(compaction, pack, NULL)) &&
        !finish_draft(compaction, error))
        return FALSE;
    if (!check_space(compaction, pack, error))
        return FALSE;
    return compaction->draft != NULL || begin_draft(compaction, error);
}

/* Once more with a new draft where the lists of this one are full. */
static gboolean repack(Compaction *compaction, const VaultCompactPack *pack, char **ret_left,
                       GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (vault_repack_source(&compaction->repack, pack->file, compaction->draft, &compaction->counts,
                            ret_left, &failure))
        return TRUE;
    if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_TOO_LARGE)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    return finish_draft(compaction, error) && prepare_draft(compaction, pack, error) &&
           vault_repack_source(&compaction->repack, pack->file, compaction->draft,
                               &compaction->counts, ret_left, error);
}

static gboolean take_pack(Compaction *compaction, GPtrArray *files, const VaultCompactPack *pack,
                          GError **error)
{
    g_autofree char *left = NULL;

    progress(compaction, pack->file);
    if (!is_predecessor_closed(compaction, files, pack->file)) {
        report_left(compaction, pack->file,
                    "the pack before it has no trailer yet: the next start writes it");
        return TRUE;
    }
    if (!prepare_draft(compaction, pack, error) || !repack(compaction, pack, &left, error))
        return FALSE;
    if (left != NULL) {
        report_left(compaction, pack->file, left);
        return TRUE;
    }
    g_ptr_array_add(compaction->sources, (gpointer)pack->file);
    compaction->catalogued_count += pack->record_count;
    return TRUE;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static gboolean is_time_up(const Compaction *compaction)
{
    return compaction->until_us != 0 && g_get_monotonic_time() >= compaction->until_us;
}

static gboolean check_stopped(const Compaction *compaction, GError **error)
{
    if (!g_atomic_int_get(&compaction->keep->is_compacting_stopped))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                        "the vault is being closed: run it again later");
    return FALSE;
}

static gboolean take_packs(Compaction *compaction, GPtrArray *files, GArray *packs, GError **error)
{
    for (guint i = 0; i < packs->len; i++) {
        if (!check_stopped(compaction, error))
            return FALSE;
        compaction->result->is_more = is_time_up(compaction);
        if (compaction->result->is_more)
            break;
        if (!take_pack(compaction, files, &g_array_index(packs, VaultCompactPack, i), error))
            return FALSE;
    }
    return finish_draft(compaction, error);
}

static void leave_due(Compaction *compaction, GArray *packs, const VaultCompactRules *rules)
{
    for (guint i = packs->len; i > 0; i--) {
        const VaultCompactPack *pack = &g_array_index(packs, VaultCompactPack, i - 1);

        if (vault_compact_is_due(pack, rules))
            compaction->all_len += pack->file->len;
        else
            g_array_remove_index(packs, i - 1);
    }
    compaction->result->due_count = packs->len;
}

/* The list first: what it has, the batch logs. So nothing is compacted that the archive log would
 * never learn of. */
static GPtrArray *list_packs(VaultKeep *keep, VaultEntryMark *ret_logged, GError **error)
{
    g_autoptr(GPtrArray) files = NULL;
    gboolean is_changed = TRUE;
    guint64 time_s;

    while (is_changed) {
        g_clear_pointer(&files, g_ptr_array_unref);
        if (!vault_catalog_feed_flush(keep->feed, error))
            return NULL;
        files = vault_pack_files_list(keep->packs_path, &keep->id, keep->reading, error);
        if (files == NULL || !vault_compact_finish(keep, files, &is_changed, error))
            return NULL;
    }
    if (!vault_keep_log_batch(keep, VAULT_BATCH_UNLESS_EMPTY, error) ||
        !vault_logs_last_mark(keep->logs, ret_logged, &time_s, error))
        return NULL;
    return g_steal_pointer(&files);
}

static gboolean compact(Compaction *compaction, GError **error)
{
    VaultKeep *keep = compaction->keep;
    g_autoptr(GPtrArray) files = NULL;
    g_autoptr(GArray) packs = NULL;
    VaultCompactRules rules;

    files = list_packs(keep, &compaction->repack.logged, error);
    if (files == NULL)
        return FALSE;
    packs = plan_packs(keep, files, &rules, error);
    if (packs == NULL)
        return FALSE;
    leave_due(compaction, packs, &rules);
    return take_packs(compaction, files, packs, error);
}

static gboolean compact_alone(VaultKeep *keep, const VaultCompactOptions *options,
                              VaultCompactResult *ret_result, GError **error)
{
    g_auto(VaultFd) lock = -1;
    g_auto(Compaction) compaction = {.keep = keep, .options = options, .result = ret_result};

    if (!vault_packs_lock(keep->packs_path, VAULT_PACKS_CHANGE, &lock, error))
        return FALSE;
    compaction.sources = g_ptr_array_new();
    compaction.counts.dropped = g_array_new(FALSE, FALSE, sizeof(VaultRepackDropped));
    compaction.repack = (VaultRepack){
        .vault_id = &keep->id, .locator_key = keep->locator_key, .catalog = keep->reading};
    if (options->seconds_max > 0)
        compaction.until_us =
            g_get_monotonic_time() + (gint64)options->seconds_max * G_USEC_PER_SEC;
    return compact(&compaction, error);
}

gboolean vault_keep_compact(VaultKeep *keep, const VaultCompactOptions *options,
                            VaultCompactResult *ret_result, GError **error)
{
    gboolean is_done;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    *ret_result = (VaultCompactResult){.due_count = 0};
    if (!g_atomic_int_compare_and_exchange(&keep->is_compacting, FALSE, TRUE)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                            "the packs are being compacted already");
        return FALSE;
    }
    is_done = compact_alone(keep, options, ret_result, error);
    g_atomic_int_set(&keep->is_compacting, FALSE);
    return is_done;
}

void vault_keep_stop_compacting(VaultKeep *keep)
{
    g_atomic_int_set(&keep->is_compacting_stopped, TRUE);
}
