/* The commented archived.conf that `muniment init` writes: every key with what it does and its
 * default. The text parses to the defaults and the given domains (tests/unit/test_config.c). */
#pragma once

#include <glib.h>

/* `domains`: NULL-terminated, may be NULL or empty (then the key is left commented and the file is
 * complete but for it). */
char *archived_config_template(const char *const *domains);
