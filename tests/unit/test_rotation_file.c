/* The files of a rotation: each part has one form and one meaning, is signed as it stands, and a
 * master answers only what opens as the part says. */
#include "tests/unit/rotation_world.h"

#include "restore/rotation_parts.h"
#include "vault/base/file.h"

#include <unistd.h>

#define assert_code(error, expected)                                                               \
    do {                                                                                           \
        assert_non_null(error);                                                                    \
        assert_int_equal((error)->code, (expected));                                               \
    } while (0)

static void assert_asked_refused(const char *text, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultRotationAsked) asked = vault_rotation_asked_parse(text, strlen(text), &error);

    if (asked != NULL)
        fail_msg("taken: %s", text);
    assert_code(error, (int)code);
}

static void assert_answered_refused(const char *text, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultRotationAnswered) answered =
        vault_rotation_answered_parse(text, strlen(text), &error);

    if (answered != NULL)
        fail_msg("taken: %s", text);
    assert_code(error, (int)code);
}

/* The first `old` of the text is `new`. */
static char *changed(const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);

    assert_non_null(at);
    return g_strdup_printf("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

/* ---- form ----------------------------------------------------------------------------------- */

static void part_comes_back_with_the_same_bytes(void **state)
{
    g_autoptr(RotationWorld) world = rotation_world_new();
    g_autofree char *text = vault_rotation_asked_format(world->asked);
    g_autoptr(VaultRotationAsked) asked = vault_rotation_asked_parse(text, strlen(text), NULL);
    g_autofree char *again = NULL;
    g_autofree char *answer = rotation_world_answer_text(world);
    g_autoptr(VaultRotationAnswered) answered =
        vault_rotation_answered_parse(answer, strlen(answer), NULL);
    g_autofree char *answer_again = NULL;

    assert_non_null(asked);
    again = vault_rotation_asked_format(asked);
    assert_string_equal(text, again);
    assert_string_equal(g_array_index(asked->months, VaultRotationMonth, 1).address,
                        "b\xc3\xbc@example.org");
    assert_string_equal(g_array_index(asked->months, VaultRotationMonth, 2).address, "");
    assert_non_null(answered);
    assert_true(answered->is_proved);
    answer_again = vault_rotation_answered_format(answered);
    assert_string_equal(answer, answer_again);
}

static void asked_part_in_another_form_is_refused(void **state)
{
    static const struct {
        const char *old, *new;
        VaultErrorCode code;
    } cases[] = {
        {"muniment-rotation/1", "muniment-rotation/2", VAULT_ERROR_UNSUPPORTED},
        {"muniment-rotation/1", "muniment-rotated/1", VAULT_ERROR_MALFORMED},
        {"part: 1", "part: 0", VAULT_ERROR_MALFORMED},
        {"part: 1", "part: 01", VAULT_ERROR_MALFORMED},
        {"part: 1", "part: 1000001", VAULT_ERROR_MALFORMED},
        {"last: yes", "last: maybe", VAULT_ERROR_MALFORMED},
        {"last: yes\n", "", VAULT_ERROR_MALFORMED},
        {"months: 3", "months: 2", VAULT_ERROR_MALFORMED},
        {"months: 3", "months: 4", VAULT_ERROR_MALFORMED},
        {"months: 3", "months: 513", VAULT_ERROR_MALFORMED},
        {" 202610 ", " 202613 ", VAULT_ERROR_MALFORMED},
        {" 202610 ", " 20261 ", VAULT_ERROR_MALFORMED},
        {" 202610 ", "  202610 ", VAULT_ERROR_MALFORMED},
        {" 616c696365", " 616c696300", VAULT_ERROR_MALFORMED}, /* a NUL */
        {" 616c696365", " ff6c696365", VAULT_ERROR_MALFORMED}, /* no UTF-8 */
        {" 616c696365", " 616C696365", VAULT_ERROR_MALFORMED},
        {" 616c696365", " 616c69636", VAULT_ERROR_MALFORMED},
    };
    g_autoptr(RotationWorld) world = rotation_world_new();
    g_autofree char *text = vault_rotation_asked_format(world->asked);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *wrong = changed(text, cases[i].old, cases[i].new);

        assert_asked_refused(wrong, cases[i].code);
    }
    for (gsize len = 0; len < strlen(text); len++) {
        g_autofree char *cut = g_strndup(text, len);

        assert_asked_refused(cut, VAULT_ERROR_MALFORMED);
    }
}

static void month_that_stands_twice_is_refused(void **state)
{
    g_autoptr(RotationWorld) world = rotation_world_new();
    VaultRotationMonth again = *rotation_world_month(world, 0);
    g_autoptr(VaultRotationAnswered) answered = rotation_world_answer(world);
    VaultRotationWrap wrap = g_array_index(answered->wraps, VaultRotationWrap, 2);
    g_autofree char *text = NULL;
    g_autofree char *answer = NULL;

    again.address = g_strdup(again.address);
    g_array_append_val(world->asked->months, again);
    text = vault_rotation_asked_format(world->asked);
    assert_asked_refused(text, VAULT_ERROR_MALFORMED);
    g_array_append_val(answered->wraps, wrap);
    vault_rotation_answered_sign(answered, &world->from.signing_key, NULL);
    answer = vault_rotation_answered_format(answered);
    assert_answered_refused(answer, VAULT_ERROR_MALFORMED);
}

static void part_holds_512_months_and_a_mebibyte_and_no_more(void **state)
{
    g_autoptr(RotationWorld) world = rotation_world_new();
    g_autofree char *long_address = g_strnfill(VAULT_ADDRESS_LEN_MAX, 'a');
    g_autofree char *text = NULL;
    g_autofree char *over = g_strnfill(VAULT_ROTATION_PART_LEN_MAX + 1, 'x');
    g_autoptr(VaultRotationAsked) asked = NULL;

    while (world->asked->months->len < VAULT_ROTATION_PART_MONTHS_MAX)
        rotation_world_add_month(world, long_address, 202611);
    text = vault_rotation_asked_format(world->asked);
    asked = vault_rotation_asked_parse(text, strlen(text), NULL);
    assert_non_null(asked);
    rotation_world_add_month(world, "", 202611);
    g_free(text);
    text = vault_rotation_asked_format(world->asked);
    assert_asked_refused(text, VAULT_ERROR_MALFORMED);
    assert_asked_refused(over, VAULT_ERROR_TOO_LARGE);
    assert_answered_refused(over, VAULT_ERROR_TOO_LARGE);
    over[VAULT_ROTATION_PART_LEN_MAX] = '\0';
    assert_asked_refused(over, VAULT_ERROR_MALFORMED);
}

/* ---- signatures ----------------------------------------------------------------------------- */

static void answer_that_was_changed_anywhere_is_refused(void **state)
{
    g_autoptr(RotationWorld) world = rotation_world_new();
    g_autofree char *text = rotation_world_answer_text(world);
    gsize len = strlen(text);

    for (gsize i = 0; i < len; i++) {
        g_autoptr(VaultRotationAnswered) answered = NULL;

        text[i] ^= 1;
        answered = vault_rotation_answered_parse(text, len, NULL);
        if (answered != NULL)
            fail_msg("byte %zu may be changed", i);
        text[i] ^= 1;
    }
    for (gsize cut = 0; cut < len; cut++) {
        g_autofree char *part = g_strndup(text, cut);

        assert_answered_refused(part, VAULT_ERROR_MALFORMED);
    }
}

static void signature_of_another_is_none(void **state)
{
    g_autoptr(RotationWorld) world = rotation_world_new();
    g_autoptr(VaultRotationAnswered) answered = rotation_world_answer(world);
    g_autofree char *by_new = NULL;
    g_autofree char *by_old = NULL;
    g_autofree char *good = vault_rotation_answered_format(answered);
    g_autofree char *later = changed(good, "muniment-rotated/1", "muniment-rotated/2");

    vault_rotation_answered_sign(answered, &world->to.signing_key, &world->to.signing_key);
    by_new = vault_rotation_answered_format(answered);
    assert_answered_refused(by_new, VAULT_ERROR_MALFORMED);
    vault_rotation_answered_sign(answered, &world->from.signing_key, &world->from.signing_key);
    by_old = vault_rotation_answered_format(answered);
    assert_answered_refused(by_old, VAULT_ERROR_MALFORMED);
    assert_answered_refused(later, VAULT_ERROR_UNSUPPORTED);
}

static void master_does_not_take_its_own_place(void **state)
{
    g_autoptr(RotationWorld) world = rotation_world_new();
    g_autoptr(VaultRotationAnswered) answered = rotation_world_answer(world);
    MasterPublic half = world->to.public;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    half.public_key = world->from.public.public_key;
    assert_null(vault_rotation_answer(world->asked, &world->from, &half, NULL, &error));
    assert_code(error, VAULT_ERROR_REFUSED);
    answered->to.verify_key = world->from.public.verify_key;
    vault_rotation_answered_sign(answered, &world->from.signing_key, NULL);
    text = vault_rotation_answered_format(answered);
    assert_answered_refused(text, VAULT_ERROR_MALFORMED);
}

/* ---- answering ------------------------------------------------------------------------------ */

static void answer_opens_under_the_new_master(void **state)
{
    g_autoptr(RotationWorld) world = rotation_world_new();
    g_autoptr(VaultRotationAnswered) answered = rotation_world_answer(world);

    assert_int_equal(answered->wraps->len, 3);
    for (guint i = 0; i < 3; i++) {
        const VaultRotationMonth *month = rotation_world_month(world, i);
        const VaultRotationWrap *wrap = &g_array_index(answered->wraps, VaultRotationWrap, i);
        VaultMonthIdentity identity = {.vault_id = world->asked->name.vault_id,
                                       .mailbox_id = month->mailbox_id,
                                       .address = month->address,
                                       .month = month->month};
        MonthKeyId id = vault_month_key_id(&month->keys.content);
        ContentSecretKey content;
        IndexSecretKey index;

        assert_true(VAULT_ID_EQUAL(wrap->month_key_id, id));
        assert_true(vault_month_unwrap(&identity, &month->keys, &wrap->wrap,
                                       world->to.secret_key.bytes,
                                       world->to.public.public_key.bytes, &content, &index, NULL));
    }
}

/* The machine where the masters are may be bad: which call of vault_month_rewrap() gives another
 * ciphertext, 0: none. */
static guint damaged_call;

gboolean __real_vault_month_rewrap(const VaultMonthIdentity *, const MonthPublicKeys *,
                                   const VaultWrap *, const guint8[VAULT_KEY_LEN],
                                   const guint8[VAULT_KEY_LEN], const VaultWrapRecipient *,
                                   VaultWrap *, GError **);
gboolean __wrap_vault_month_rewrap(const VaultMonthIdentity *, const MonthPublicKeys *,
                                   const VaultWrap *, const guint8[VAULT_KEY_LEN],
                                   const guint8[VAULT_KEY_LEN], const VaultWrapRecipient *,
                                   VaultWrap *, GError **);
gboolean __wrap_vault_month_rewrap(const VaultMonthIdentity *identity, const MonthPublicKeys *keys,
                                   const VaultWrap *wrap, const guint8 own_secret[VAULT_KEY_LEN],
                                   const guint8 own_public[VAULT_KEY_LEN],
                                   const VaultWrapRecipient *recipient, VaultWrap *ret_wrap,
                                   GError **error)
{
    gboolean is_wrapped = __real_vault_month_rewrap(identity, keys, wrap, own_secret, own_public,
                                                    recipient, ret_wrap, error);

    if (damaged_call > 0 && --damaged_call == 0)
        ret_wrap->ciphertext[0] ^= 1;
    return is_wrapped;
}

/* Once the old master is retired, nothing else opens the month. */
static void new_master_signs_nothing_that_it_cannot_open(void **state)
{
    g_autoptr(RotationWorld) world = rotation_world_new();

    for (guint call = 1; call <= 3; call++) {
        g_autoptr(GError) error = NULL;

        damaged_call = call;
        assert_null(vault_rotation_answer(world->asked, &world->from, &world->to.public, &world->to,
                                          &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_KEY));
    }
}

static void wrap_that_is_not_what_the_part_says_is_not_answered(void **state)
{
    for (guint field = 0; field < 6; field++) {
        g_autoptr(RotationWorld) world = rotation_world_new();
        VaultRotationMonth *month = rotation_world_month(world, 1);
        g_autoptr(GError) error = NULL;

        world->asked->name.vault_id.bytes[0] ^= field == 0;
        month->mailbox_id.bytes[3] ^= field == 1;
        month->month += field == 2;
        month->address[0] ^= field == 3;
        month->keys.index.bytes[0] ^= field == 4;
        month->wrap.ciphertext[0] ^= field == 5;
        assert_null(
            vault_rotation_answer(world->asked, &world->from, &world->to.public, NULL, &error));
        assert_code(error, VAULT_ERROR_REFUSED);
    }
}

static void wrong_masters_do_not_answer(void **state)
{
    g_autoptr(RotationWorld) world = rotation_world_new();
    g_autoptr(GError) error = NULL, other = NULL, none = NULL;
    MasterPublic small_order = world->to.public;

    assert_null(vault_rotation_answer(world->asked, &world->to, &world->from.public, NULL, &error));
    assert_code(error, VAULT_ERROR_NO_KEY);
    assert_null(
        vault_rotation_answer(world->asked, &world->from, &world->to.public, &world->from, &other));
    assert_code(other, VAULT_ERROR_NO_KEY);
    memset(small_order.public_key.bytes, 0, VAULT_KEY_LEN);
    assert_null(vault_rotation_answer(world->asked, &world->from, &small_order, NULL, &none));
    assert_code(none, VAULT_ERROR_REFUSED);
}

/* ---- parts of a file ------------------------------------------------------------------------ */

static void parts_follow_one_another(void **state)
{
    VaultRotationName first = {.part = 1, .created_s = 7}, next = {.part = 2, .created_s = 7};
    VaultRotationName wrong[6];
    VaultRotationName last = {.part = 1, .is_last = TRUE, .created_s = 7};
    g_autoptr(GError) error = NULL;

    assert_true(vault_rotation_follows(NULL, &first, NULL));
    assert_true(vault_rotation_follows(&first, &next, NULL));
    assert_true(vault_rotation_check_whole(&last, NULL));
    assert_false(vault_rotation_check_whole(&first, &error));
    assert_code(error, VAULT_ERROR_MALFORMED);
    for (guint i = 0; i < 4; i++)
        wrong[i] = next;
    wrong[0].part = 3;
    wrong[1].created_s++;
    wrong[2].vault_id.bytes[0]++;
    wrong[3].from.verify_key.bytes[0]++;
    for (guint i = 0; i < 4; i++)
        assert_false(vault_rotation_follows(&first, &wrong[i], NULL));
    assert_false(vault_rotation_follows(NULL, &next, NULL));
    assert_false(vault_rotation_follows(&last, &next, NULL));
}

static char *written(const char *text, gsize len)
{
    char *path = g_build_filename(g_get_tmp_dir(), "rotation-XXXXXX", NULL);
    int fd = g_mkstemp(path);

    assert_true(fd >= 0);
    assert_true(vault_file_write_all(fd, text, len, path, NULL));
    close(fd);
    return path;
}

static void file_is_read_part_by_part(void **state)
{
    g_autoptr(RotationWorld) world = rotation_world_new();
    g_autoptr(GString) text = g_string_new(NULL);
    gsize lens[3], len = 0;
    g_autofree char *path = NULL;
    g_autoptr(RotationParts) parts = NULL;
    const char *part;

    for (guint i = 0; i < 3; i++) {
        g_autofree char *one = NULL;

        world->asked->name.part = i + 1;
        while (i == 1 && world->asked->months->len < 400) /* longer than one read */
            rotation_world_add_month(world, "x@example.org", 202611);
        one = vault_rotation_asked_format(world->asked);
        lens[i] = strlen(one);
        g_string_append(text, one);
    }
    path = written(text->str, text->len);
    parts = rotation_parts_open(path, vault_rotation_asked_type, NULL);
    for (gsize i = 0, at = 0; i < 3; at += lens[i++]) {
        part = rotation_parts_next(parts, &len, NULL);
        assert_non_null(part);
        assert_int_equal(len, lens[i]);
        assert_memory_equal(part, text->str + at, len);
    }
    assert_null(rotation_parts_next(parts, &len, NULL));
    unlink(path);
}

static void file_without_an_end_of_a_part_is_too_large(void **state)
{
    g_autofree char *endless = g_strnfill(3 * VAULT_ROTATION_PART_LEN_MAX, 'x');
    g_autofree char *path = written(endless, strlen(endless));
    g_autofree char *empty = written("", 0);
    g_autoptr(RotationParts) parts = rotation_parts_open(path, vault_rotation_asked_type, NULL);
    g_autoptr(RotationParts) none = rotation_parts_open(empty, vault_rotation_asked_type, NULL);
    g_autoptr(GError) error = NULL, missing = NULL;
    gsize len;

    assert_null(rotation_parts_next(parts, &len, &error));
    assert_code(error, VAULT_ERROR_TOO_LARGE);
    assert_string_equal(rotation_parts_next(none, &len, NULL), "");
    assert_null(rotation_parts_next(none, &len, NULL));
    unlink(path);
    unlink(empty);
    assert_null(rotation_parts_open(path, vault_rotation_asked_type, &missing));
    assert_code(missing, VAULT_ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(part_comes_back_with_the_same_bytes),
        cmocka_unit_test(asked_part_in_another_form_is_refused),
        cmocka_unit_test(month_that_stands_twice_is_refused),
        cmocka_unit_test(part_holds_512_months_and_a_mebibyte_and_no_more),
        cmocka_unit_test(answer_that_was_changed_anywhere_is_refused),
        cmocka_unit_test(signature_of_another_is_none),
        cmocka_unit_test(master_does_not_take_its_own_place),
        cmocka_unit_test(answer_opens_under_the_new_master),
        cmocka_unit_test(new_master_signs_nothing_that_it_cannot_open),
        cmocka_unit_test(wrap_that_is_not_what_the_part_says_is_not_answered),
        cmocka_unit_test(wrong_masters_do_not_answer),
        cmocka_unit_test(parts_follow_one_another),
        cmocka_unit_test(file_is_read_part_by_part),
        cmocka_unit_test(file_without_an_end_of_a_part_is_too_large),
    };

    vault_crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
