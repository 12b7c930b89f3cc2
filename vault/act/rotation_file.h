/* Rotation: what is wrapped to a master, on its way to that master and back to the vault, wrapped
 * to the one that takes its place.
 *
 *   asked     months of the vault with their wraps for the old master
 *   answered  a wrap of each for the new one, signed by the old master, and by the new one where it
 *             was at hand
 *
 * A file of either kind is a row of parts, each a whole text of bounded size that is read and
 * believed alone: so a vault of any size passes through little memory. A parsed part is well-formed
 * and its signatures are by the keys in it; whether those are the vault's is the vault's to judge.
 * Pure. Errors: MALFORMED, UNSUPPORTED (a later version), TOO_LARGE.
 * Source: docs/formats/rotation.md.
 */
#pragma once

#include "vault/act/text_file.h"
#include "vault/crypto/key_files.h"

#define VAULT_ROTATION_PART_LEN_MAX (1u << 20)
#define VAULT_ROTATION_PART_MONTHS_MAX 512
#define VAULT_ROTATION_PARTS_MAX 1000000

/* The first lines of a part, without LF. */
extern const char vault_rotation_asked_type[], vault_rotation_answered_type[];

/* How many bytes come before the next line that begins a part of this type, not counting the first
 * line; `len` where there is none. */
gsize vault_rotation_part_len(const char *text, gsize len, const char *type);

/* What a part has in common with the part that answers it. */
typedef struct {
    VaultId vault_id;
    guint64 created_s; /* by the vault's clock */
    guint32 part;      /* from 1 */
    gboolean is_last;
    MasterPublic from; /* the old master */
} VaultRotationName;

/* MALFORMED unless `name` is that of the part after `before` in one file; NULL: of the first. */
gboolean vault_rotation_follows(const VaultRotationName *before, const VaultRotationName *name,
                                GError **error);

/* MALFORMED unless it is the last part, after which a file ends. */
gboolean vault_rotation_check_whole(const VaultRotationName *name, GError **error);

/* A month as it is asked for. The wrap is for the old master. */
typedef struct {
    MailboxId mailbox_id;
    VaultMonth month;
    char *address; /* when the key was made; "" for unassigned */
    MonthPublicKeys keys;
    VaultWrap wrap;
} VaultRotationMonth;
void vault_rotation_month_clear(VaultRotationMonth *month);

typedef struct {
    VaultRotationName name;
    GArray *months; /* VaultRotationMonth, each once, at most VAULT_ROTATION_PART_MONTHS_MAX */
} VaultRotationAsked;
VaultRotationAsked *vault_rotation_asked_new(const VaultRotationName *name);
void vault_rotation_asked_free(VaultRotationAsked *asked);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultRotationAsked, vault_rotation_asked_free)
char *vault_rotation_asked_format(const VaultRotationAsked *asked);
VaultRotationAsked *vault_rotation_asked_parse(const char *text, gsize len, GError **error);

typedef struct {
    MonthKeyId month_key_id;
    VaultWrap wrap; /* for the new master */
} VaultRotationWrap;

typedef struct {
    VaultRotationName name;
    MasterPublic to;    /* the new master; not the old one */
    GArray *wraps;      /* VaultRotationWrap, each month once */
    gboolean is_proved; /* the new master signed too: it can be used */
    VaultSignature to_signature;
    VaultSignature from_signature;
} VaultRotationAnswered;
VaultRotationAnswered *vault_rotation_answered_new(const VaultRotationName *name,
                                                   const MasterPublic *to);
void vault_rotation_answered_free(VaultRotationAnswered *answered);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultRotationAnswered, vault_rotation_answered_free)
/* `to` NULL: the new master is not at hand. */
void vault_rotation_answered_sign(VaultRotationAnswered *answered, const MasterSigningKey *from,
                                  const MasterSigningKey *to);
char *vault_rotation_answered_format(const VaultRotationAnswered *answered);
/* MALFORMED also when a signature is not that of the key in the part. */
VaultRotationAnswered *vault_rotation_answered_parse(const char *text, gsize len, GError **error);

/* "replace master <key id> by <key id>": what a request says whose approvals are to count. */
char *vault_rotation_detail(const MasterPublic *from, const MasterPublic *to);
