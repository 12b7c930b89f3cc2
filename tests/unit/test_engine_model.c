/* Random sequences drive the whole engine: mail comes, is erased, shredded, expires, is held and
 * let go, packs are compacted, the vault is closed and opened. Beside it runs a small model, which
 * knows of each copy whether it lives. What is held is never destroyed, what may not be destroyed
 * is refused, what lives can be released, and what was destroyed never again. */
#include "tests/unit/engine_world.h"

#define SEQUENCES 40
#define STEPS 250
#define SEED 4712
#define MEMORY_DISK "/dev/shm"

/* ---- what may be destroyed, as the model sees it --------------------------------------------- */

static gboolean covers(const ModelHold *hold, const ModelCopy *copy)
{
    return (hold->address == ADDRESSES || hold->address == copy->address) &&
           copy->received_s >= hold->from_s && copy->received_s < hold->to_s &&
           (!hold->is_of_message || VAULT_ID_EQUAL(hold->message, copy->entry.body_id));
}

static gboolean is_in_the_way(const Model *model, const ModelHold *hold)
{
    return hold->is_there &&
           (hold->removed_s == 0 || model->now_s < hold->removed_s + VAULT_HOLD_AFTERLIFE_S);
}

static gboolean is_held(const Model *model, const ModelCopy *copy)
{
    for (guint i = 0; i < HOLDS; i++) {
        if (is_in_the_way(model, &model->holds[i]) && covers(&model->holds[i], copy))
            return TRUE;
    }
    return FALSE;
}

static gboolean is_kept_until(const Model *model, guint64 received_s)
{
    return model->min_days > 0 && model->now_s < received_s + model->min_days * DAY;
}

static gboolean is_past_maximum(const Model *model, const ModelCopy *copy)
{
    return model->max_days > 0 && copy->received_s + model->max_days * DAY <= model->now_s;
}

/* All that a mailbox got or may get in [from, to). */
static gboolean is_span_held(const Model *model, guint address, guint64 from_s, guint64 to_s)
{
    for (guint i = 0; i < HOLDS; i++) {
        const ModelHold *hold = &model->holds[i];

        if (!is_in_the_way(model, hold) || hold->from_s >= to_s || hold->to_s <= from_s ||
            (hold->address != ADDRESSES && hold->address != address))
            continue;
        if (!hold->is_of_message)
            return TRUE;
        for (guint k = 0; k < model->copies->len; k++) {
            const ModelCopy *copy = &g_array_index(model->copies, ModelCopy, k);

            if (copy->is_alive && copy->address == address && copy->received_s >= from_s &&
                copy->received_s < to_s && covers(hold, copy))
                return TRUE;
        }
    }
    return FALSE;
}

/* ---- erasing --------------------------------------------------------------------------------- */

typedef struct {
    guint free_count, held_count, kept_count;
} Judged;

static gboolean is_meant(const ModelCopy *copy, const RecordId *message, guint address)
{
    return copy->is_alive && VAULT_ID_EQUAL(copy->entry.body_id, *message) &&
           (address == ADDRESSES || copy->address == address);
}

static Judged judge_message(const Model *model, const RecordId *message, guint address)
{
    Judged judged = {0};

    for (guint i = 0; i < model->copies->len; i++) {
        const ModelCopy *copy = &g_array_index(model->copies, ModelCopy, i);

        if (!is_meant(copy, message, address))
            continue;
        if (is_held(model, copy))
            judged.held_count++;
        else if (is_kept_until(model, copy->received_s))
            judged.kept_count++;
        else
            judged.free_count++;
    }
    return judged;
}

static void erase(Model *model)
{
    const ModelCopy *any = model_any_copy(model);
    guint address = below(model, 2) == 0 ? ADDRESSES : any->address;
    gboolean skips_held = below(model, 2) == 0;
    RecordId message = any->entry.body_id;
    Judged judged = judge_message(model, &message, address);
    gboolean is_refused = judged.kept_count > 0 || (!skips_held && judged.held_count > 0);
    VaultRequestFile *request = erasure_of_message(
        model->fixture, &message, engine_addresses[any->address],
        address == ADDRESSES ? (skips_held ? "everywhere skip-held" : "everywhere")
                             : (skips_held ? "mailboxes skip-held" : "mailboxes"));

    engine_do(model, "erasure", request,
              is_refused               ? VAULT_ERROR_REFUSED
              : judged.free_count == 0 ? VAULT_ERROR_NOT_FOUND
                                       : ENGINE_DONE);
    for (guint i = 0; !is_refused && i < model->copies->len; i++) {
        ModelCopy *copy = &g_array_index(model->copies, ModelCopy, i);

        if (is_meant(copy, &message, address) && !is_held(model, copy))
            copy->is_alive = FALSE;
    }
}

/* ---- shredding ------------------------------------------------------------------------------- */

/* All or nothing: one month in the way ends it. */
static gboolean may_shred(const Model *model, guint address, const GPtrArray *months)
{
    for (guint i = 0; i < months->len; i++) {
        VaultMonth month = ((const VaultMonthKeys *)g_ptr_array_index(months, i))->month;
        guint64 from_s = vault_month_start(month),
                to_s = vault_month_start(vault_month_next(month));

        if (is_span_held(model, address, from_s, to_s) || is_kept_until(model, to_s - 1))
            return FALSE;
    }
    return TRUE;
}

static void forget_months(Model *model, const GPtrArray *months)
{
    for (guint i = 0; i < months->len; i++) {
        const VaultMonthKeys *month = g_ptr_array_index(months, i);

        for (guint k = 0; k < model->copies->len; k++) {
            ModelCopy *copy = &g_array_index(model->copies, ModelCopy, k);

            if (VAULT_ID_EQUAL(copy->entry.month_key_id, month->month_key_id))
                copy->is_alive = FALSE;
        }
    }
}

static void shred(Model *model)
{
    const ModelCopy *any = model_any_copy(model);
    gboolean is_whole = below(model, 3) == 0;
    MailboxId id = keep_fixture_mailbox(model->fixture, engine_addresses[any->address]);
    VaultMonth month = vault_month_of_time(any->received_s);
    VaultRequestFile *request =
        erasure_request(model->fixture, VAULT_ACT_SHRED, is_whole ? "mailbox" : "months");
    g_autoptr(GPtrArray) months = NULL;
    gboolean is_free;

    erasure_add_mailbox(model->fixture, request, engine_addresses[any->address]);
    if (!is_whole) {
        request->from_s = vault_month_start(month);
        request->to_s = vault_month_start(vault_month_next(month));
    }
    months = vault_keep_months(model->fixture->keep, &id, 1, request->from_s, request->to_s, NULL);
    assert_non_null(months);
    is_free = may_shred(model, any->address, months);
    engine_do(model, "erasure", request,
              !is_free           ? VAULT_ERROR_REFUSED
              : months->len == 0 ? VAULT_ERROR_NOT_FOUND
                                 : ENGINE_DONE);
    if (is_free)
        forget_months(model, months);
}

/* ---- retention ------------------------------------------------------------------------------- */

/* Months without a copy may go beside, which makes it done; else it is NOT_FOUND where nothing is
 * past its maximum, REFUSED where all of that is held. */
static void run_retention(Model *model)
{
    gboolean has_any = FALSE;

    for (guint i = 0; i < model->copies->len; i++) {
        ModelCopy *copy = &g_array_index(model->copies, ModelCopy, i);

        if (!copy->is_alive || !is_past_maximum(model, copy) || is_held(model, copy) ||
            is_kept_until(model, copy->received_s))
            continue;
        copy->is_alive = FALSE;
        has_any = TRUE;
    }
    engine_do(model, "retention-run", erasure_request(model->fixture, VAULT_ACT_RETENTION, "run"),
              has_any ? ENGINE_DONE : ENGINE_DONE_OR_NOTHING);
}

/* ---- sequences ------------------------------------------------------------------------------- */

static void pass_time(Model *model)
{
    model->now_s += 1 + below(model, 12) * DAY;
    keep_fixture_set_now(model->now_s);
}

static void step(Model *model)
{
    static void (*const commands[])(Model * model) = {
        engine_deliver,  engine_deliver, engine_deliver, erase,           erase,
        erase,           shred,          run_retention,  engine_add_hold, engine_remove_hold,
        engine_set_rule, pass_time,      pass_time,      engine_compact,  engine_reopen};

    model->step++;
    commands[below(model, G_N_ELEMENTS(commands))](model);
    engine_check(model, below(model, 8) == 0);
}

static void held_is_never_destroyed_and_destroyed_never_opens_again(void **state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(SEED);
    guint destroyed = 0, alive = 0;

    for (guint i = 0; i < SEQUENCES; i++) {
        g_autoptr(Model) model = engine_model_new(rand);

        for (guint k = 0; k < STEPS; k++)
            step(model);
        engine_reopen(model);
        engine_check(model, TRUE);
        destroyed += model->copies->len - engine_alive_count(model);
        alive += engine_alive_count(model);
    }
    /* It is no test unless much lives and much is destroyed. */
    print_message("%u steps: %u copies destroyed, %u alive\n", SEQUENCES * STEPS, destroyed, alive);
    assert_true(destroyed > SEQUENCES * 10 && alive > SEQUENCES * 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_is_never_destroyed_and_destroyed_never_opens_again),
    };

    /* What is durable is another test's: here each step would wait for a disk. */
    if (g_file_test(MEMORY_DISK, G_FILE_TEST_IS_DIR))
        g_setenv("TMPDIR", MEMORY_DISK, TRUE);
    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
