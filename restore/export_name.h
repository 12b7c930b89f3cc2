/* File names of an export, from names that mail chose: always relative, never "..", hidden, empty
 * or longer than a file system takes. Letters, digits and "@.+-_" stay; every other byte, and a dot
 * in front, is "%XX"; a component over EXPORT_NAME_LEN_MAX bytes is cut and ends in "~" and the
 * first half of its SHA-256. So two different names never make one file. Pure.
 */
#pragma once

#include <glib.h>

#define EXPORT_NAME_LEN_MAX 160

/* One component of a path. */
char *export_name_component(const char *name);
/* "<mailbox>/<YYYY-MM>/<id>.eml" */
char *export_name_eml(const char *mailbox, guint64 received_s, const char *id);
/* "<mailbox>.mbox" */
char *export_name_mbox(const char *mailbox);
/* "<mailbox>" or, for a folder, "<mailbox>/.<Folder>.<Sub>" (Maildir++); INBOX is the root. */
char *export_name_maildir(const char *mailbox, const char *folder);
/* "<received>.<id>.muniment,S=<len>:2,<flags>": flags of IMAP keywords, in order of the alphabet.
 */
char *export_name_maildir_file(guint64 received_s, const char *id, guint64 len,
                               const char *keywords);
