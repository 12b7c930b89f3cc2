/* Inside vault/keep: grants judged, and slots, for whoever may have them.
 *
 *   release.c            judges, inside the gate; the two ways out of the vault
 *   release_slots.c      content slots of copies
 *   release_terms.c      index slots and places of terms copies
 *   release_looking.c    what those two share: is it covered, is it there, and the log
 *
 * What gives slots here neither judges nor logs by itself: vault_keep_release_by_grant() and
 * vault_keep_release_terms_by_grant() do, the only ways out of the vault. */
#pragma once

#include "vault/keep/internal.h"

/* Is a grant good now? `standing`: VaultHash of requests whose standing grants count as taken up;
 * NULL: those of the readers that the vault has. REFUSED, and the text's errors. */
VaultJudgedGrant *vault_release_judge(VaultKeep *keep, const char *text, gsize len,
                                      const GArray *standing, GError **error);

/* What is given by a grant: called inside the gate, while the grant is good. NULL: the error. */
typedef GBytes *(*VaultReleaseGive)(VaultKeep *keep, const VaultJudgedGrant *judged, gpointer user,
                                    GError **error);
/* Judges the grant, and gives. NULL: REFUSED, the text's errors, and those of `give`. */
GBytes *vault_release_under_grant(VaultKeep *keep, const char *grant_text, gsize len,
                                  VaultReleaseGive give, gpointer user, GError **error);
/* The lines with which the payload of any act begins that happens under a grant. */
void vault_release_append_grant(GString *text, VaultLoggedAct act, const VaultJudgedGrant *judged);

/* ---- release_looking.c ----------------------------------------------------------------------- */

/* One release under way. */
typedef struct {
    VaultKeep *keep;
    const VaultJudgedGrant *judged;
    GHashTable *months; /* MonthKeyId -> VaultMonthValue: trees opened for one call */
    GArray *ids;        /* RecordId of what is given */
    GString *lines;     /* of the payload */
} VaultReleasing;
/* `judged` may be NULL where only months are wanted. */
VaultReleasing vault_releasing(VaultKeep *keep, const VaultJudgedGrant *judged);
void vault_releasing_clear(VaultReleasing *releasing); /* wipes the trees */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VaultReleasing, vault_releasing_clear)

/* The month, kept in `months`. ERASED: it was dropped. NOT_FOUND: the keyring never heard of it. */
VaultMonthValue *vault_releasing_month(VaultReleasing *releasing, const RecordId *record_id,
                                       const MonthKeyId *month_key_id, GError **error);

/* What is asked for, as the catalog has it. */
typedef struct {
    RecordId record_id, body_id;
    MonthKeyId month_key_id;
    guint32 leaf;
    guint64 received_s;
    VaultGrantHalves half;
    const char *line; /* the name of its line in the payload */
} VaultReleaseWanted;
/* Mailbox-month, half, second and id against the grant's scope; then whether it lives. GIVEN: it is
 * among `ids` and `lines` from here on. REFUSED: not covered. */
gboolean vault_releasing_judge(VaultReleasing *releasing, const VaultReleaseWanted *wanted,
                               VaultReleaseState *ret_state, GError **error);
/* What became of something that cannot be given is part of the answer; all else is a failure. Takes
 * the error over. */
gboolean vault_releasing_take_failure(GError *failure, VaultReleaseState *ret_state,
                                      GError **error);
/* RELEASE or SEARCH, with `ids`: durable. *ret_index is VAULT_RELEASE_NOT_LOGGED when none is
 * given. `count_name`: of the payload's line with their number. */
gboolean vault_releasing_log(VaultReleasing *releasing, VaultLoggedAct act, const char *count_name,
                             guint64 *ret_index, GError **error);

/* ---- release_slots.c, release_terms.c ---------------------------------------------------------
 */

typedef struct {
    const RecordId *ids;
    gsize count;
} VaultReleaseList;
/* Both are VaultReleaseGive, for a VaultReleaseList. */
GBytes *vault_release_give_slots(VaultKeep *keep, const VaultJudgedGrant *judged, gpointer list,
                                 GError **error);
GBytes *vault_release_give_terms(VaultKeep *keep, const VaultJudgedGrant *judged, gpointer list,
                                 GError **error);

typedef struct {
    RecordId record_id;
    MonthKeyId month_key_id;
    guint32 leaf;
    ContentSlot slot;
} VaultRelease;
VAULT_DECLARE_WIPE(VaultRelease, vault_release)
/* The content slots of copies that exist now. ERASED for punctured leaves and tombstoned months. */
gboolean vault_keep_release(VaultKeep *keep, const VaultCopyEntry *entries, gsize count,
                            VaultRelease *ret_releases, GError **error);
