/* A new reader's two files: NAME.key, which stays with its person, and NAME.pub.
 * Errors: BUSY (one of them is there: nothing is overwritten), MALFORMED (the person's name), IO,
 * NO_SPACE, NOT_FOUND; a failure leaves neither. Threads: the main thread only.
 */
#pragma once

#include <glib.h>

typedef struct {
    char *secret, *public; /* paths */
    char *name;            /* of the person */
} RestoreIdentityFiles;
void restore_identity_files_clear(RestoreIdentityFiles *files);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreIdentityFiles, restore_identity_files_clear)

/* A path that ends in .key, with a name before that. */
gboolean restore_identity_files_is_name(const char *secret_path);
/* `name` NULL: NAME of the path. */
gboolean restore_identity_files_create(const char *secret_path, const char *name,
                                       RestoreIdentityFiles *ret_files, GError **error);
