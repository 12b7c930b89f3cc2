/* The `muniment` command. */
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/crypto/keys.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const RestoreVerb verbs[] = {
    {"setup", "make all that one person needs: keys, vault, recovery sheet", restore_verb_setup},
    {"master", "make the offline master key that a vault is sealed to", restore_verb_master},
    {"init", "make a vault", restore_verb_init},
    {"identity", "make the key of a person who reads", restore_verb_identity},
    {"request", "ask for access: mailboxes, a period, a reason", restore_verb_request},
    {"approve", "put an SSH signature under a request or a policy draft", restore_verb_approve},
    {"grant", "answer a request with the keys it asks for (offline)", restore_verb_grant},
    {"reader", "add, list and remove standing readers", restore_verb_reader},
    {"policy", "show the rules of the vault, or put new ones in force", restore_verb_policy},
    {"drill", "ask the master for proof that it can still be used, take the answer up",
     restore_verb_drill},
    {"rotation", "put another master in the place of one", restore_verb_rotation},
    {"search", "find messages by their words", restore_verb_search},
    {"reindex", "write words of messages that were archived without", restore_verb_reindex},
    {"case", "list and close cases, whose indexes readers keep", restore_verb_case},
    {"restore", "get messages back as eml, mbox, Maildir, zip or tar.zst", restore_verb_restore},
    {"show", "preview messages", restore_verb_show},
    {"serve", "serve a vault to a reading command elsewhere", restore_verb_serve},
    {"import", "archive mbox, Maildir, .eml files and archives of those", restore_verb_import},
    {"mailbox", "list, show and close mailboxes, change addresses", restore_verb_mailbox},
    {"hold", "hold mail, so that it is not destroyed", restore_verb_hold},
    {"retention", "set how long mail is kept, show what is past that", restore_verb_retention},
    {"message", "show what the host knows of a message", restore_verb_message},
    {"erase", "destroy the keys of messages", restore_verb_erase},
    {"shred", "destroy the keys of a mailbox", restore_verb_shred},
    {"erasure", "show how far erasures came, give one up", restore_verb_erasure},
    {"clock", "say that the clock of this host is right", restore_verb_clock},
    {"status", "tell how the vault is", restore_verb_status},
    {"vaultkey", "where vault key and keyring are, and how they come back", restore_verb_vaultkey},
    {"verify", "check every stored record", restore_verb_verify},
    {"log", "list, verify, prove and stamp what was logged", restore_verb_log},
    {"check", "verify an export: no vault, no secret", restore_verb_check},
    {"witness", "cosign checkpoints of logs on other hosts", restore_verb_witness},
    {"backup", "copy what changed to a folder elsewhere", restore_verb_backup},
    {"recover", "make a vault of a backup and its vault key", restore_verb_recover},
    {"adopt", "take a vault over that was moved to this host", restore_verb_adopt},
    {"rebuild", "make the catalog anew from packs and keyring", restore_verb_rebuild},
    {"compact", "remove from the packs what nobody can open any more", restore_verb_compact},
};

/* Secrets pass through this process: no core file, no debugger of another process. */
static void keep_memory_private(void)
{
    struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* its leak check looks in from another process */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    umask(077);
}

/* Warnings of the libraries look like all else that a verb says. */
static GLogWriterOutput tell_warning(GLogLevelFlags level, const GLogField *fields, gsize count,
                                     gpointer user)
{
    for (gsize i = 0; i < count; i++) {
        if (level <= G_LOG_LEVEL_MESSAGE && g_str_equal(fields[i].key, "MESSAGE"))
            fprintf(stderr, "%s: %s\n", g_get_prgname() == NULL ? "muniment" : g_get_prgname(),
                    (const char *)fields[i].value);
    }
    return G_LOG_WRITER_HANDLED;
}

int main(int argc, char **argv)
{
    keep_memory_private();
    g_log_set_writer_func(tell_warning, NULL, NULL);
    /* Addresses and paths are UTF-8 also where no locale is set, as in cron. */
    if (setlocale(LC_ALL, "") == NULL || !g_str_equal(nl_langinfo(CODESET), "UTF-8"))
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    vault_crypto_init();
    if (argc == 2 && g_str_equal(argv[1], "--version")) {
        puts("muniment " MUNIMENT_VERSION);
        return RESTORE_EXIT_DONE;
    }
    return restore_verb_dispatch("muniment", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
