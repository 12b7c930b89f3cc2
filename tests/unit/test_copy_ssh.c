/* Copies behind ssh whose other side does not come to an end: what runs is timeout(1), here one
 * that says at once that the time was up. */
#include "vault/base/file.h"
#include "vault/holder/copy_place.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    char *folder, *path;
} Programs;

static void programs_clear(Programs *programs)
{
    g_unlink(programs->path);
    g_rmdir(programs->folder);
    g_free(programs->folder);
    g_free(programs->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Programs, programs_clear)

/* In place of timeout(1), from here on. */
static Programs programs_with(const char *script)
{
    Programs programs = {.folder = g_dir_make_tmp("ssh-XXXXXX", NULL)};
    g_autofree char *path = g_strdup_printf("%s:%s", programs.folder, g_getenv("PATH"));

    programs.path = g_build_filename(programs.folder, "timeout", NULL);
    assert_true(
        vault_file_write(programs.path, script, strlen(script), 0700, VAULT_FILE_NEW, NULL));
    g_setenv("PATH", path, TRUE);
    return programs;
}

static const VaultCopyPlace place = {.kind = VAULT_COPY_SSH, .place = "ssh://host.example/copies"};

static void host_that_comes_to_no_end_is_given_up(void **state)
{
    g_auto(Programs) programs = programs_with("#!/bin/sh\nexit 124\n");
    g_auto(VaultCopyPlaceState) seen = {0};
    g_autoptr(GError) error = NULL;

    vault_copy_place_look(&place, &seen);
    assert_false(seen.is_here);
    assert_non_null(strstr(seen.reason, "does not come to an end"));
    assert_false(vault_copy_place_remove(&place, &error));
    assert_non_null(error);
}

/* What it is given is the limit, and then ssh. */
static void ssh_runs_within_a_limit(void **state)
{
    g_auto(Programs) programs = programs_with("#!/bin/sh\necho \"$1 $2 $3\" >&2\nexit 1\n");
    g_auto(VaultCopyPlaceState) seen = {0};

    vault_copy_place_look(&place, &seen);
    assert_non_null(strstr(seen.reason, "--kill-after=5 120 ssh"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_that_comes_to_no_end_is_given_up),
        cmocka_unit_test(ssh_runs_within_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
