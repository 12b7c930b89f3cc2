/* The index plane: terms copies open with key, slot and place alone, in any order, and a session
 * that seals keeps nothing that opens what it sealed. */
#include "tests/unit/crypto_world.h"

#include "vault/crypto/content.h"
#include "vault/crypto/index_session.h"

#include <sodium.h>

#define TEXT "terms of one message"
#define TEXT_LEN (sizeof(TEXT) - 1)
#define SEALED_LEN (TEXT_LEN + VAULT_INDEX_OVERHEAD_LEN)
#define COUNT 20

typedef struct {
    IndexSecretKey secret;
    IndexPublicKey public;
    VaultIndexContext context;
    VaultIndexSession sealing;
} World;

typedef struct {
    guint32 step;
    IndexSlot slot;
    VaultIndexRecord record;
    guint8 header[40];
    guint8 sealed[SEALED_LEN];
} Terms;

static void world_init(World *world)
{
    vault_random(world, sizeof *world);
    crypto_scalarmult_base(world->public.bytes, world->secret.bytes);
    assert_true(vault_index_session_begin(&world->public, &world->context, &world->sealing, NULL));
}

static VaultSpan header_of(const Terms *terms)
{
    return (VaultSpan){terms->header, sizeof terms->header};
}

static void seal_next(World *world, Terms *terms)
{
    IndexMessageKey key;
    VaultSpan header = header_of(terms);

    vault_random(terms, sizeof *terms);
    terms->record.slot = &terms->slot;
    assert_true(vault_index_session_next(&world->sealing, &terms->step, &key, NULL));
    vault_index_seal(&key, &terms->record, &header, TEXT, TEXT_LEN, terms->sealed);
    assert_true(sodium_is_zero(key.bytes, sizeof key.bytes)); /* it serves once */
}

static VaultIndexSession open_session(const World *world)
{
    VaultIndexSession session;

    assert_true(vault_index_session_open(&world->secret, &world->public, &world->context,
                                         world->sealing.enc, &session, NULL));
    return session;
}

static gboolean try_open(VaultIndexSession *session, const Terms *terms, GError **error)
{
    guint8 text[TEXT_LEN];
    VaultSpan header = header_of(terms);
    gboolean is_opened = vault_index_open(session, terms->step, &terms->record, &header,
                                          terms->sealed, sizeof terms->sealed, text, error);

    if (is_opened)
        assert_memory_equal(text, TEXT, TEXT_LEN);
    return is_opened;
}

static void terms_open_in_any_order(void **state)
{
    World world;
    Terms terms[COUNT];
    VaultIndexSession session;
    guint64 random = 1;

    world_init(&world);
    for (guint i = 0; i < COUNT; i++)
        seal_next(&world, &terms[i]);
    session = open_session(&world);
    for (guint i = 0; i < COUNT; i++)
        assert_true(try_open(&session, &terms[i], NULL));
    for (guint i = COUNT; i > 0; i--)
        assert_true(try_open(&session, &terms[i - 1], NULL));
    for (guint i = 0; i < 3 * COUNT; i++)
        assert_true(try_open(&session, &terms[next_random(&random) % COUNT], NULL));
}

static void assert_no_key(const World *world, const Terms *terms)
{
    VaultIndexSession session = open_session(world);
    g_autoptr(GError) error = NULL;

    assert_false(try_open(&session, terms, &error));
    assert_error(error, VAULT_ERROR_NO_KEY);
}

static void every_thing_it_is_bound_to_counts(void **state)
{
    World world, changed_world;
    Terms terms, changed;

    world_init(&world);
    seal_next(&world, &terms);
#define WITH(field)                                                                                \
    (changed = terms, changed.record.slot = &changed.slot, (field)++,                              \
     assert_no_key(&world, &changed))
    WITH(changed.step);
    WITH(changed.slot.bytes[0]);
    WITH(changed.record.record_id.bytes[15]);
    WITH(changed.record.salt[31]);
    WITH(changed.header[0]);
    WITH(changed.header[39]);
#define IN_WORLD(field) (changed_world = world, (field)++, assert_no_key(&changed_world, &terms))
    IN_WORLD(changed_world.context.vault_id.bytes[0]);
    IN_WORLD(changed_world.context.month_key_id.bytes[15]);
    IN_WORLD(changed_world.secret.bytes[1]);
    IN_WORLD(changed_world.public.bytes[0]);
    IN_WORLD(changed_world.sealing.enc[0]);
}

static void every_changed_or_missing_byte_is_found(void **state)
{
    World world;
    Terms terms;
    VaultSpan header;

    world_init(&world);
    seal_next(&world, &terms);
    header = header_of(&terms);
    for (gsize i = 0; i < SEALED_LEN; i++) {
        VaultIndexSession session = open_session(&world);
        guint8 text[TEXT_LEN];
        g_autoptr(GError) error = NULL;

        assert_false(vault_index_open(&session, terms.step, &terms.record, &header, terms.sealed, i,
                                      text, &error));
        assert_error(error, VAULT_ERROR_NO_KEY);
        terms.sealed[i] ^= 1;
        assert_no_key(&world, &terms);
        terms.sealed[i] ^= 1;
    }
}

/* The host has the sealing session, and all slots: that is not enough for what it sealed. */
static void a_sealing_session_opens_nothing_it_sealed(void **state)
{
    World world;
    Terms first, second;
    VaultIndexSession copy;

    world_init(&world);
    seal_next(&world, &first);
    seal_next(&world, &second);
    assert_true(sodium_is_zero(world.sealing.first.bytes, sizeof world.sealing.first.bytes));
    copy = world.sealing;
    assert_false(try_open(&copy, &second, NULL));
    copy = world.sealing;
    assert_false(try_open(&copy, &first, NULL));
}

static void a_session_ends_after_1024_records(void **state)
{
    World world;
    Terms last;
    VaultIndexSession session;
    IndexMessageKey key;
    guint32 step;
    g_autoptr(GError) seal_error = NULL;
    g_autoptr(GError) open_error = NULL;

    world_init(&world);
    for (guint i = 0; i < VAULT_INDEX_STEPS_MAX; i++)
        seal_next(&world, &last);
    assert_int_equal(last.step, 1023);
    assert_false(vault_index_session_next(&world.sealing, &step, &key, &seal_error));
    assert_error(seal_error, VAULT_ERROR_TOO_LARGE);
    session = open_session(&world);
    assert_true(try_open(&session, &last, NULL));
    last.step++;
    assert_false(try_open(&session, &last, &open_error));
    assert_error(open_error, VAULT_ERROR_TOO_LARGE);
}

static void keys_of_small_order_are_refused(void **state)
{
    static const IndexPublicKey zeros = {{0}};
    static const guint8 enc[VAULT_HPKE_ENC_LEN];
    World world;
    VaultIndexSession session;
    g_autoptr(GError) seal_error = NULL;
    g_autoptr(GError) open_error = NULL;

    world_init(&world);
    assert_false(vault_index_session_begin(&zeros, &world.context, &session, &seal_error));
    assert_error(seal_error, VAULT_ERROR_REFUSED);
    assert_false(vault_index_session_open(&world.secret, &world.public, &world.context, enc,
                                          &session, &open_error));
    assert_error(open_error, VAULT_ERROR_NO_KEY);
}

static void two_sessions_have_nothing_in_common(void **state)
{
    World world;
    VaultIndexSession other;

    world_init(&world);
    assert_true(vault_index_session_begin(&world.public, &world.context, &other, NULL));
    assert_memory_not_equal(world.sealing.enc, other.enc, sizeof other.enc);
    assert_memory_not_equal(&world.sealing.chain, &other.chain, sizeof other.chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_open_in_any_order),
        cmocka_unit_test(every_thing_it_is_bound_to_counts),
        cmocka_unit_test(every_changed_or_missing_byte_is_found),
        cmocka_unit_test(a_sealing_session_opens_nothing_it_sealed),
        cmocka_unit_test(a_session_ends_after_1024_records),
        cmocka_unit_test(keys_of_small_order_are_refused),
        cmocka_unit_test(two_sessions_have_nothing_in_common),
    };

    return run_crypto_tests(tests);
}
