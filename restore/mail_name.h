/* What names of mail files say: flags and dates of Maildir files, folders of a tree. Pure. */
#pragma once

#include <glib.h>

/* An archive may name its members as it likes; a longer folder is cut. */
#define MAIL_FOLDER_LEN_MAX 1024

typedef struct {
    gboolean has_date;
    guint64 received_s;
    char *keywords; /* NULL = none */
} MailMaildirName;
void mail_maildir_name_clear(MailMaildirName *name);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MailMaildirName, mail_maildir_name_clear)
/* "1700000000.M1P2.host,S=123:2,FS" */
void mail_maildir_name_parse(const char *file, MailMaildirName *ret_name);
/* Is it a message of a Maildir: PATH/cur/NAME or PATH/new/NAME, relative? */
gboolean mail_maildir_is_message(const char *path);

/* The folder that a file at this path, relative to what was given, belongs to; NULL = none.
 * Maildir: "INBOX" for the Maildir that was given or is called so, "Sent/2020" for ".Sent.2020" in
 * it. mbox: the path without ".mbox" and Mozilla's ".sbd"; "inbox" is INBOX. eml: the path of its
 * folder. Parts
 * "." and ".." are left out; what is not UTF-8 is replaced. */
char *mail_folder_of_maildir(const char *path);
char *mail_folder_of_mbox(const char *path);
char *mail_folder_of_eml(const char *path);
