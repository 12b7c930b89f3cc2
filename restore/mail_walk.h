/* Walking the paths given to an import: regular files in a fixed order. See restore/mail_files.h.
 */
#pragma once

#include "restore/mail_source.h"

typedef struct {
    char *path;     /* absolute */
    char *relative; /* to the folder given; the name alone for a file given */
    gboolean is_given;
    guint depth;
} MailWalkFile;
void mail_walk_file_free(MailWalkFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MailWalkFile, mail_walk_file_free)

typedef struct MailWalk MailWalk;
/* NOT_FOUND, IO: a path given is not there. */
MailWalk *mail_walk_begin(const MailSourceOptions *options, GError **error);
void mail_walk_free(MailWalk *walk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MailWalk, mail_walk_free)
/* The next file; NULL at the end. The caller frees it. */
MailWalkFile *mail_walk_next(MailWalk *walk);
