/* The commented archived.conf that `muniment init` writes: every key with what it does and its
 * default. The text parses to the defaults and the given domains (tests/unit/test_config.c). */
#pragma once

#include <glib.h>

/* `domains`: NULL-terminated; NULL or empty leaves domains= empty, which the daemon refuses with
 * the remedy. */
char *archived_config_template(const char *const *domains);
