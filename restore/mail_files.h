/* The files that hold mail to be imported: those given, those in folders given, and the members of
 * archives among them, each as a MailInput. Order, errors and callbacks: restore/mail_source.h.
 * Symbolic links are followed when given, not when found; what is no regular file is skipped, and
 * so is an archive within an archive. Threads: one user per object.
 */
#pragma once

#include "restore/mail_source.h"

typedef struct {
    MailInput *input;
    const char *path;     /* of the file, absolute */
    const char *member;   /* of an archive; NULL = the file itself */
    const char *relative; /* what its name says: below the folder given, or in the archive */
    gboolean is_given;    /* by its own name, not found in a folder or an archive */
} MailFile;

typedef struct MailFiles MailFiles;
MailFiles *mail_files_open(const MailSourceOptions *options, GError **error);
void mail_files_free(MailFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MailFiles, mail_files_free)

/* Borrowed until the next call; NULL at the end. */
const MailFile *mail_files_next(MailFiles *files);
/* For the operator: path, and the member in it. New string. */
char *mail_file_place(const MailFile *file);
guint64 mail_files_done_len(const MailFiles *files);
guint64 mail_files_all_len(const MailFiles *files);
