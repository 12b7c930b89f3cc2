/* Mailbox-months: the wrap list, and that each thing a wrap is bound to counts. */
#include "tests/unit/crypto_world.h"

#include "vault/crypto/content.h"
#include "vault/crypto/hpke.h"
#include "vault/crypto/key_files.h"
#include "vault/crypto/month_internal.h"

#include <sodium.h>

typedef struct {
    VaultMonthIdentity identity;
    VaultMaster master;
    VaultIdentity reader;
    VaultWrapRecipient recipients[VAULT_WRAPS_MAX + 1];
    MonthPublicKeys keys;
    VaultWrap wraps[VAULT_WRAPS_MAX + 1];
} World;

static void set_reader(World *world, VaultWrapRecipient *recipient)
{
    *recipient = (VaultWrapRecipient){.kind = VAULT_WRAP_STANDING_READER,
                                      .key_id = vault_reader_key_id(&world->reader.public_key)};
    memcpy(recipient->public_key, world->reader.public_key.bytes, VAULT_KEY_LEN);
}

/* A month wrapped to a master and a standing reader. */
static World *world_new(void)
{
    World *world = g_new0(World, 1);

    vault_master_create(&world->master);
    assert_true(vault_identity_create("Ada", &world->reader, NULL));
    vault_random(&world->identity.vault_id, VAULT_ID_LEN);
    vault_random(&world->identity.mailbox_id, VAULT_ID_LEN);
    world->identity.address = "a@example.org";
    world->identity.month = 202611;
    world->recipients[0] = (VaultWrapRecipient){
        .kind = VAULT_WRAP_MASTER, .key_id = vault_master_key_id(&world->master.public)};
    memcpy(world->recipients[0].public_key, world->master.public.public_key.bytes, VAULT_KEY_LEN);
    for (gsize i = 1; i < G_N_ELEMENTS(world->recipients); i++)
        set_reader(world, &world->recipients[i]);
    assert_true(vault_month_create(&world->identity, world->recipients, 2, &world->keys,
                                   world->wraps, NULL));
    return world;
}

static gboolean unwrap_as_master(const World *world, ContentSecretKey *ret_content,
                                 IndexSecretKey *ret_index, GError **error)
{
    return vault_month_unwrap(&world->identity, &world->keys, &world->wraps[0],
                              world->master.secret_key.bytes, world->master.public.public_key.bytes,
                              ret_content, ret_index, error);
}

static void every_recipient_gets_the_same_keys(void **state)
{
    g_autofree World *world = world_new();
    ContentSecretKey content, reader_content;
    IndexSecretKey index, reader_index;
    ContentPublicKey public_content;
    guint8 public_index[VAULT_KEY_LEN];

    assert_true(unwrap_as_master(world, &content, &index, NULL));
    assert_true(vault_month_unwrap(&world->identity, &world->keys, &world->wraps[1],
                                   world->reader.secret_key.bytes, world->reader.public_key.bytes,
                                   &reader_content, &reader_index, NULL));
    assert_memory_equal(&content, &reader_content, sizeof content);
    assert_memory_equal(&index, &reader_index, sizeof index);
    assert_memory_not_equal(&content, &index, sizeof content);
    vault_content_public_key(&content, &public_content);
    assert_memory_equal(&public_content, &world->keys.content, sizeof public_content);
    crypto_scalarmult_base(public_index, index.bytes);
    assert_memory_equal(public_index, &world->keys.index, sizeof public_index);
    assert_int_equal(world->wraps[0].kind, VAULT_WRAP_MASTER);
    assert_int_equal(world->wraps[1].kind, VAULT_WRAP_STANDING_READER);
    assert_memory_not_equal(world->wraps[0].enc, world->wraps[1].enc, 32);
}

static void two_months_have_nothing_in_common(void **state)
{
    g_autofree World *world = world_new();
    MonthPublicKeys other;
    VaultWrap wrap;

    assert_true(vault_month_create(&world->identity, world->recipients, 1, &other, &wrap, NULL));
    assert_memory_not_equal(&other.content, &world->keys.content, VAULT_KEY_LEN);
    assert_memory_not_equal(&other.index, &world->keys.index, VAULT_KEY_LEN);
    assert_memory_not_equal(wrap.ciphertext, world->wraps[0].ciphertext, sizeof wrap.ciphertext);
}

/* What a request says of a wrap is believed only when the wrap opens under it. */
static void each_thing_a_wrap_is_bound_to_counts(void **state)
{
    g_autofree World *world = world_new();
    World changed;
    ContentSecretKey content;
    IndexSecretKey index;

#define WITH(change)                                                                               \
    do {                                                                                           \
        g_autoptr(GError) error = NULL;                                                            \
                                                                                                   \
        changed = *world;                                                                          \
        change;                                                                                    \
        assert_false(unwrap_as_master(&changed, &content, &index, &error));                        \
        assert_error(error, VAULT_ERROR_NO_KEY);                                                   \
    } while (0)
    WITH(changed.identity.vault_id.bytes[0] ^= 1);
    WITH(changed.identity.mailbox_id.bytes[15] ^= 1);
    WITH(changed.identity.address = "a@example.orh");
    WITH(changed.identity.address = "a@example.or");
    WITH(changed.identity.address = "");
    WITH(changed.identity.month = 202612);
    WITH(changed.keys.content.bytes[0] ^= 1);
    WITH(changed.keys.index.bytes[31] ^= 1);
    WITH(changed.wraps[0].key_id.bytes[0] ^= 1);
    WITH(changed.wraps[0].kind = VAULT_WRAP_STANDING_READER);
    WITH(changed.wraps[0].kind = 0);
    WITH(changed.wraps[0].enc[0] ^= 1);
    WITH(memset(changed.wraps[0].enc, 0, 32));
    for (gsize i = 0; i < sizeof changed.wraps[0].ciphertext; i++)
        WITH(changed.wraps[0].ciphertext[i] ^= 1);
    WITH(changed.wraps[0] = world->wraps[1]);
    WITH(vault_master_create(&changed.master));
    assert_true(unwrap_as_master(world, &content, &index, NULL));
}

static gboolean rewrap(const World *world, const VaultWrapRecipient *recipient, VaultWrap *ret_wrap,
                       GError **error)
{
    return vault_month_rewrap(&world->identity, &world->keys, &world->wraps[0],
                              world->master.secret_key.bytes, world->master.public.public_key.bytes,
                              recipient, ret_wrap, error);
}

static VaultWrapRecipient recipient_of(const VaultMaster *master)
{
    VaultWrapRecipient recipient = {.kind = VAULT_WRAP_MASTER,
                                    .key_id = vault_master_key_id(&master->public)};

    memcpy(recipient.public_key, master->public.public_key.bytes, VAULT_KEY_LEN);
    return recipient;
}

static void a_month_wrapped_again_opens_under_the_other_key_alone(void **state)
{
    g_autofree World *world = world_new();
    g_auto(VaultMaster) next = {0};
    VaultWrapRecipient recipient;
    VaultWrap wrap;
    ContentSecretKey content, next_content;
    IndexSecretKey index, next_index;

    vault_master_create(&next);
    recipient = recipient_of(&next);
    assert_true(rewrap(world, &recipient, &wrap, NULL));
    assert_true(unwrap_as_master(world, &content, &index, NULL));
    assert_true(vault_month_unwrap(&world->identity, &world->keys, &wrap, next.secret_key.bytes,
                                   next.public.public_key.bytes, &next_content, &next_index, NULL));
    assert_memory_equal(&content, &next_content, sizeof content);
    assert_memory_equal(&index, &next_index, sizeof index);
    world->wraps[0] = wrap;
    assert_false(unwrap_as_master(world, &content, &index, NULL));
}

static void a_wrap_that_is_not_the_months_is_not_wrapped_again(void **state)
{
    g_autofree World *world = world_new();
    VaultWrapRecipient recipient = world->recipients[1];
    VaultWrap wrap;

#define NOT_AGAIN(change, code)                                                                    \
    do {                                                                                           \
        World changed = *world;                                                                    \
        g_autoptr(GError) error = NULL;                                                            \
                                                                                                   \
        change;                                                                                    \
        assert_false(rewrap(&changed, &recipient, &wrap, &error));                                 \
        assert_error(error, code);                                                                 \
    } while (0)
    NOT_AGAIN(changed.identity.month = 202612, VAULT_ERROR_NO_KEY);
    NOT_AGAIN(changed.identity.address = "b@example.org", VAULT_ERROR_NO_KEY);
    NOT_AGAIN(changed.keys.index.bytes[0] ^= 1, VAULT_ERROR_NO_KEY);
    NOT_AGAIN(changed.wraps[0] = world->wraps[1], VAULT_ERROR_NO_KEY);
    NOT_AGAIN(recipient.key_id.bytes[0] ^= 1, VAULT_ERROR_REFUSED);
}

/* A host that wraps one seed and names the public keys of another would have mail sealed to a key
 * that nobody was granted: such a wrap opens, and is refused all the same. */
static void the_public_keys_must_be_those_of_the_seed(void **state)
{
    static const VaultSpan no_aad = {"", 0};
    g_autofree World *world = world_new();
    g_autoptr(GByteArray) info =
        vault_month_wrap_info(&world->identity, &world->keys, &world->recipients[0].key_id);
    VaultHpkeParameters parameters = {.info = span_of(info)};
    g_auto(VaultHpkeContext) sealer = {.key = {0}};
    VaultWrap *wrap = &world->wraps[0];
    MonthSeed other_seed;
    ContentSecretKey content;
    IndexSecretKey index;
    g_autoptr(GError) error = NULL;

    vault_random(&other_seed, sizeof other_seed);
    assert_true(vault_hpke_setup_sender(world->recipients[0].public_key, &parameters, wrap->enc,
                                        &sealer, NULL));
    vault_hpke_seal(&sealer, &no_aad, other_seed.bytes, sizeof other_seed, wrap->ciphertext);
    assert_false(unwrap_as_master(world, &content, &index, &error));
    assert_error(error, VAULT_ERROR_NO_KEY);
    assert_non_null(strstr(error->message, "public keys"));
}

static void one_to_64_recipients_are_possible(void **state)
{
    static const struct {
        gsize count;
        gboolean is_good;
    } cases[] = {{0, FALSE}, {1, TRUE}, {VAULT_WRAPS_MAX, TRUE}, {VAULT_WRAPS_MAX + 1, FALSE}};
    g_autofree World *world = world_new();

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        assert_int_equal(vault_month_create(&world->identity, world->recipients, cases[i].count,
                                            &world->keys, world->wraps, &error),
                         cases[i].is_good);
        if (!cases[i].is_good)
            assert_error(error, VAULT_ERROR_REFUSED);
    }
}

static void a_recipient_that_does_not_fit_is_refused(void **state)
{
    g_autofree World *world = world_new();

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        VaultWrapRecipient recipients[2] = {world->recipients[0], world->recipients[1]};           \
        g_autoptr(GError) error = NULL;                                                            \
                                                                                                   \
        change;                                                                                    \
        assert_false(vault_month_create(&world->identity, recipients, 2, &world->keys,             \
                                        world->wraps, &error));                                    \
        assert_error(error, VAULT_ERROR_REFUSED);                                                  \
    } while (0)
    REFUSED(recipients[1].key_id.bytes[0] ^= 1);
    REFUSED(recipients[1].public_key[0] ^= 1);
    REFUSED(recipients[1].kind = VAULT_WRAP_MASTER);
    REFUSED(recipients[0].kind = VAULT_WRAP_STANDING_READER);
    REFUSED(recipients[1].kind = (VaultWrapKind)3);
    /* Of small order, and its id the right one for it. */
    REFUSED((memset(recipients[1].public_key, 0, VAULT_KEY_LEN),
             recipients[1].key_id = vault_key_id(VAULT_ROLE_READER, recipients[1].public_key)));
}

static void an_address_over_512_bytes_is_too_large(void **state)
{
    g_autofree World *world = world_new();
    g_autofree char *most = g_strnfill(VAULT_ADDRESS_LEN_MAX, 'a');
    g_autofree char *more = g_strnfill(VAULT_ADDRESS_LEN_MAX + 1, 'a');
    ContentSecretKey content;
    IndexSecretKey index;
    g_autoptr(GError) create_error = NULL;
    g_autoptr(GError) unwrap_error = NULL;

    world->identity.address = most;
    assert_true(vault_month_create(&world->identity, world->recipients, 2, &world->keys,
                                   world->wraps, NULL));
    assert_true(unwrap_as_master(world, &content, &index, NULL));
    world->identity.address = more;
    assert_false(vault_month_create(&world->identity, world->recipients, 2, &world->keys,
                                    world->wraps, &create_error));
    assert_error(create_error, VAULT_ERROR_TOO_LARGE);
    assert_false(unwrap_as_master(world, &content, &index, &unwrap_error));
    assert_error(unwrap_error, VAULT_ERROR_TOO_LARGE);
}

/* ---- the calendar --------------------------------------------------------------------------- */

static void months_follow_one_another(void **state)
{
    guint64 start = 0;

    assert_int_equal(vault_month_start(VAULT_MONTH_MIN), 0);
    for (VaultMonth month = VAULT_MONTH_MIN; month < VAULT_MONTH_MAX;) {
        VaultMonth next = vault_month_next(month);
        guint64 end = vault_month_start(next);

        assert_true(vault_month_is_valid(next) && next > month);
        assert_true(end - start >= 28 * 86400 && end - start <= 31 * 86400);
        assert_int_equal(vault_month_of_time(start), month);
        assert_int_equal(vault_month_of_time(end - 1), month);
        month = next;
        start = end;
    }
}

static void known_dates_lie_in_their_months(void **state)
{
    assert_int_equal(vault_month_start(202611), 1793491200);
    assert_int_equal(vault_month_of_time(1795512600), 202611);
    assert_int_equal(vault_month_of_time(1709251199), 202402); /* 29 February */
    assert_int_equal(vault_month_of_time(1709251200), 202403);
    assert_int_equal(vault_month_of_time(G_MAXUINT64), VAULT_MONTH_MAX);
    assert_int_equal(vault_month_next(202612), 202701);
}

static void what_is_no_month_is_known_as_such(void **state)
{
    static const VaultMonth none[] = {0,      1,      196912, 197000,  197013,
                                      202600, 202613, 202699, 1000001, G_MAXUINT32};

    for (gsize i = 0; i < G_N_ELEMENTS(none); i++)
        assert_false(vault_month_is_valid(none[i]));
    assert_true(vault_month_is_valid(VAULT_MONTH_MIN));
    assert_true(vault_month_is_valid(VAULT_MONTH_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recipient_gets_the_same_keys),
        cmocka_unit_test(two_months_have_nothing_in_common),
        cmocka_unit_test(each_thing_a_wrap_is_bound_to_counts),
        cmocka_unit_test(a_month_wrapped_again_opens_under_the_other_key_alone),
        cmocka_unit_test(a_wrap_that_is_not_the_months_is_not_wrapped_again),
        cmocka_unit_test(the_public_keys_must_be_those_of_the_seed),
        cmocka_unit_test(one_to_64_recipients_are_possible),
        cmocka_unit_test(a_recipient_that_does_not_fit_is_refused),
        cmocka_unit_test(an_address_over_512_bytes_is_too_large),
        cmocka_unit_test(months_follow_one_another),
        cmocka_unit_test(known_dates_lie_in_their_months),
        cmocka_unit_test(what_is_no_month_is_known_as_such),
    };

    return run_crypto_tests(tests);
}
