/* Names that somebody may have meant. */
#include "restore/near_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *near(const char *name, const char *const *names, guint max)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_autoptr(GPtrArray) found = NULL;

    for (; *names != NULL; names++)
        g_ptr_array_add(all, (gpointer)*names);
    found = restore_near_names(name, all, max);
    g_ptr_array_add(found, NULL);
    return g_strjoinv(" ", (char **)found->pdata);
}

static void names_within_two_edits_are_near(void **state)
{
    static const struct {
        const char *typed, *name;
        gboolean is_near;
    } cases[] = {
        {"anna@x", "anna@x", TRUE},   {"anna@x", "ana@x", TRUE},      {"anna@x", "hanna@x", TRUE},
        {"anna@x", "anan@x", TRUE},   {"anna@x", "bnnb@x", TRUE},     {"anna@x", "bnbb@x", FALSE},
        {"anna@x", "annaab@x", TRUE}, {"anna@x", "annaabc@x", FALSE}, {"anna@x", "na@x", TRUE},
        {"anna@x", "n@x", FALSE},     {"müller@x", "muller@x", TRUE}, {"", "ab", TRUE},
        {"", "abc", FALSE},           {"naan@x", "anna@x", TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *const names[] = {cases[i].name, NULL};
        g_autofree char *found = near(cases[i].typed, names, 5);

        if ((*found != '\0') != cases[i].is_near)
            fail_msg("%s, %s", cases[i].typed, cases[i].name);
    }
}

static void nearest_come_first_and_not_all(void **state)
{
    static const char *const names[] = {"annxx@x", "bnna@x", "anna@x", "bert@x", NULL};
    g_autofree char *all = near("anna@x", names, 5);
    g_autofree char *two = near("anna@x", names, 2);

    assert_string_equal(all, "anna@x bnna@x annxx@x");
    assert_string_equal(two, "anna@x bnna@x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_within_two_edits_are_near),
        cmocka_unit_test(nearest_come_first_and_not_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
