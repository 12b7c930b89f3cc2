/* A vault and a model of what lives in it, driven together; for test_engine_model.c. Functions
 * assert success. */
#pragma once

#include "tests/unit/erasure_world.h"
#include "vault/act/hold_file.h"
#include "vault/keep/internal.h"
#include "vault/keep/judge.h"
#include "vault/keep/release.h"
#include "vault/keep_terms.h"

#define DAY KEEP_FIXTURE_DAY_S
#define ADDRESSES 3 /* as an address: any */
#define HOLDS 4
#define ENGINE_DONE (-1)
#define ENGINE_DONE_OR_NOTHING (-2)

static const char *const engine_addresses[ADDRESSES] = {"anna@one.example", "bert@one.example",
                                                        "cora@two.example"};

typedef struct {
    VaultCopyEntry entry;
    guint address;
    guint64 received_s;
    gboolean is_alive;
} ModelCopy;

typedef struct {
    gboolean is_there;
    RowId id;
    guint address;
    guint64 from_s, to_s;
    gboolean is_of_message;
    RecordId message;
    guint64 removed_s; /* 0 = in force */
} ModelHold;

typedef struct {
    GRand *rand; /* borrowed */
    KeepFixture *fixture;
    guint64 now_s;
    guint step;
    GArray *copies; /* ModelCopy: all that ever were */
    ModelHold holds[HOLDS];
    guint min_days, max_days;
} Model;

static inline void engine_model_free(Model *model)
{
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S);
    keep_fixture_free(model->fixture);
    g_array_unref(model->copies);
    g_free(model);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Model, engine_model_free)

static inline guint below(Model *model, guint end)
{
    return (guint)g_rand_int_range(model->rand, 0, (gint32)end);
}

/* ---- what the engine is asked ---------------------------------------------------------------- */

/* Each request is another one. Takes it over. `expected`: an error's code, or one of the above. */
static inline void engine_do(Model *model, const char *operation, VaultRequestFile *request,
                             int expected)
{
    g_autoptr(GError) error = NULL;
    gboolean is_done;

    g_free(request->reason);
    request->reason = g_strdup_printf("step %u", model->step);
    is_done = erasure_do(model->fixture, operation, request, NULL, &error);
    if (is_done ? expected == ENGINE_DONE || expected == ENGINE_DONE_OR_NOTHING
                : error->code == expected || (expected == ENGINE_DONE_OR_NOTHING &&
                                              (error->code == VAULT_ERROR_NOT_FOUND ||
                                               error->code == VAULT_ERROR_REFUSED)))
        return;
    fail_msg("step %u, %s: expected %d, got %s", model->step, operation, expected,
             is_done ? "done" : error->message);
}

/* ---- mail ------------------------------------------------------------------------------------ */

static inline gboolean engine_note_copy(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    Model *model = user;
    ModelCopy copy = {.entry = *entry, .received_s = entry->received_s, .is_alive = TRUE};

    for (copy.address = 0; copy.address < ADDRESSES; copy.address++) {
        MailboxId id = keep_fixture_mailbox(model->fixture, engine_addresses[copy.address]);

        if (VAULT_ID_EQUAL(id, entry->mailbox_id))
            break;
    }
    assert_true(copy.address < ADDRESSES);
    g_array_append_val(model->copies, copy);
    return TRUE;
}

/* To one or to two, now or up to 100 days ago. */
static inline void engine_deliver(Model *model)
{
    guint first = below(model, ADDRESSES), count = 1 + below(model, 2);
    const char *const to[] = {engine_addresses[first],
                              count == 2 ? engine_addresses[(first + 1) % ADDRESSES] : NULL, NULL};
    guint64 received_s = model->now_s - (below(model, 2) == 0 ? 0 : below(model, 100) * DAY);
    g_autofree char *text = g_strdup_printf("message %u %u", model->step, below(model, G_MAXINT32));
    g_autoptr(GError) error = NULL;
    VaultCopyFilter filter = {.message_count = 1};
    guint before = model->copies->len;
    KeepDelivery delivery;

    if (!keep_fixture_deliver_at(model->fixture->keep, text, to, received_s, NULL, &delivery,
                                 &error))
        fail_msg("%s", error->message);
    filter.messages = &delivery.archive_id;
    assert_true(vault_keep_copies(model->fixture->keep, &filter, engine_note_copy, model, NULL));
    assert_int_equal(model->copies->len, before + count);
}

static inline ModelCopy *model_any_copy(Model *model)
{
    if (model->copies->len == 0)
        engine_deliver(model);
    return &g_array_index(model->copies, ModelCopy, below(model, model->copies->len));
}

/* ---- holds and rules ------------------------------------------------------------------------- */

static inline VaultHoldFile *engine_hold_file(const ModelHold *hold)
{
    VaultHoldFile *file = vault_hold_file_new();

    file->case_id = g_strdup("4711");
    file->reason = g_strdup("a suit");
    file->from_s = hold->from_s;
    file->to_s = hold->to_s;
    file->is_expected = TRUE;
    file->is_all = hold->address == ADDRESSES;
    if (!file->is_all)
        g_ptr_array_add(file->mailboxes, g_strdup(engine_addresses[hold->address]));
    if (hold->is_of_message)
        g_array_append_val(file->messages, hold->message);
    return file;
}

/* Of a message only while a copy of it lives: compaction may have removed it else. */
static inline void engine_add_hold(Model *model)
{
    ModelHold *hold = &model->holds[below(model, HOLDS)];
    const ModelCopy *copy = model_any_copy(model);
    guint64 first_s = model->now_s - 120 * DAY;
    g_autoptr(VaultHoldFile) file = NULL;
    g_autofree char *text = NULL;
    g_autofree char *answer = NULL;
    g_autofree char *id = NULL;
    g_autoptr(GError) error = NULL;

    if (hold->is_there && hold->removed_s == 0)
        return;
    if (hold->is_there && model->now_s < hold->removed_s + VAULT_HOLD_AFTERLIFE_S)
        return;
    *hold = (ModelHold){.is_there = TRUE,
                        .address = below(model, ADDRESSES + 1),
                        .from_s = first_s + below(model, 130) * DAY,
                        .is_of_message = copy->is_alive && below(model, 2) == 0,
                        .message = copy->entry.body_id};
    hold->to_s = hold->from_s + (1 + below(model, 60)) * DAY;
    file = engine_hold_file(hold);
    text = vault_hold_file_format(file, &error);
    if (text == NULL ||
        !vault_keep_operate(model->fixture->keep, "hold-add", text, strlen(text), &answer, &error))
        fail_msg("step %u: %s", model->step, error->message);
    assert_true(g_str_has_prefix(answer, "hold: "));
    id = g_strndup(answer + strlen("hold: "), VAULT_ID_HEX_LEN);
    assert_true(vault_id_parse(id, hold->id.bytes, NULL));
}

static inline void engine_remove_hold(Model *model)
{
    ModelHold *hold = &model->holds[below(model, HOLDS)];
    VaultRequestFile *request;

    if (!hold->is_there || hold->removed_s != 0)
        return;
    request = erasure_request(model->fixture, VAULT_ACT_HOLD_REMOVE, "");
    g_free(request->detail);
    request->detail = g_strdup_printf("hold %s of case 4711", VAULT_ID_TEXT(hold->id));
    engine_do(model, "hold-remove", request, ENGINE_DONE);
    hold->removed_s = model->now_s;
}

static inline void engine_set_rule(Model *model)
{
    VaultRequestFile *request = erasure_request(model->fixture, VAULT_ACT_RETENTION, "");

    model->min_days = below(model, 2) == 0 ? 0 : below(model, 20);
    model->max_days = below(model, 3) == 0 ? 0 : model->min_days + 20 + below(model, 60);
    g_free(request->detail);
    request->detail =
        g_strdup_printf("min %u max %u from receipt for default", model->min_days, model->max_days);
    engine_do(model, "retention-set", request, ENGINE_DONE);
}

/* ---- packs ----------------------------------------------------------------------------------- */

static inline void engine_compact(Model *model)
{
    VaultCompactOptions options = {.callbacks = NULL};
    VaultCompactResult result;
    g_autoptr(GError) error = NULL;

    if (!vault_keep_compact(model->fixture->keep, &options, &result, &error))
        fail_msg("step %u: %s", model->step, error->message);
}

static inline void engine_reopen(Model *model)
{
    if (below(model, 4) == 0)
        keep_fixture_crash(model->fixture);
    else
        keep_fixture_close(model->fixture);
    keep_fixture_open(model->fixture);
}

static inline Model *engine_model_new(GRand *rand)
{
    Model *model = g_new0(Model, 1);

    model->rand = rand;
    model->now_s = KEEP_FIXTURE_NOW_S;
    keep_fixture_set_now(model->now_s);
    model->fixture = keep_fixture_new();
    keep_fixture_close(model->fixture);
    model->fixture->options.pack_size = 8192;
    keep_fixture_open(model->fixture);
    model->copies = g_array_new(FALSE, FALSE, sizeof(ModelCopy));
    return model;
}

/* ---- what holds ------------------------------------------------------------------------------ */

static inline guint engine_alive_count(const Model *model)
{
    guint count = 0;

    for (guint i = 0; i < model->copies->len; i++)
        count += g_array_index(model->copies, ModelCopy, i).is_alive;
    return count;
}

/* What lives can be released and read; what was destroyed can not be released. */
static inline void engine_check_copy(const Model *model, const ModelCopy *copy)
{
    VaultKeep *keep = model->fixture->keep;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) record = NULL;
    g_autoptr(GBytes) body = NULL;
    VaultRelease release;
    gboolean is_released = vault_keep_release(keep, &copy->entry, 1, &release, &error);

    if (is_released != copy->is_alive)
        fail_msg("step %u: a copy that is %s was %s", model->step,
                 copy->is_alive ? "alive" : "destroyed", is_released ? "released" : error->message);
    if (!is_released) {
        assert_true(has_code(error, VAULT_ERROR_ERASED));
        return;
    }
    record = vault_keep_record(keep, &copy->entry.record_id, G_MAXUINT32, &error);
    body =
        record != NULL ? vault_keep_record(keep, &copy->entry.body_id, G_MAXUINT32, &error) : NULL;
    if (body == NULL)
        fail_msg("step %u: %s", model->step, error->message);
}

/* Each copy that lives is listed with its terms, whose record can be read; no other is. */
static inline void engine_check_terms(const Model *model)
{
    VaultKeep *keep = model->fixture->keep;
    const VaultCopyFilter all = {.months = NULL};
    VaultTermsPosition position = {.catalog_mark = 0};
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    gboolean is_more = FALSE;

    assert_true(vault_keep_terms(keep, &all, &position, G_MAXUINT, page, &is_more, NULL));
    assert_int_equal(page->len, engine_alive_count(model));
    for (guint i = 0; i < page->len; i++) {
        const VaultTermsEntry *entry = &g_array_index(page, VaultTermsEntry, i);
        g_autoptr(GBytes) record = vault_keep_record(keep, &entry->terms_id, G_MAXUINT32, NULL);

        if (record == NULL)
            fail_msg("step %u: a copy that is alive has no terms", model->step);
    }
}

/* All copies, or the last few and one of each older few. */
static inline void engine_check(Model *model, gboolean is_whole)
{
    guint stride = is_whole ? 1 : 16, first = below(model, stride);

    if (is_whole) {
        assert_int_equal(keep_fixture_copy_count(model->fixture->keep), engine_alive_count(model));
        engine_check_terms(model);
    }
    for (guint i = first; i < model->copies->len; i += stride)
        engine_check_copy(model, &g_array_index(model->copies, ModelCopy, i));
}
