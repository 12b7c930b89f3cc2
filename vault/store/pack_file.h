/* One pack file being written: made under a draft name, given its real one when its header is
 * durable, appended to group by group, ended with a trailer. Internal to vault/store: the pack
 * writer adds the waiting, the rollover and what happens after a failure.
 *
 * After any failed call the file is only to be freed: its acknowledged end stays true, and what
 * lies behind it is never acknowledged. No call is retried on its descriptor. Errors: as errno
 * says. Threads: one user at a time. Source: docs/formats/pack.md.
 */
#pragma once

#include "vault/store/pack_format.h"

/* A file in VAULT/packs that removes itself unless it was published under its real name. */
typedef struct {
    char *directory;
    char *path; /* real name */
    char *draft_path;
    int fd;
    gboolean is_published;
} VaultPackDraft;

/* Makes the draft and writes the pack header into it. */
gboolean vault_pack_draft_create(VaultPackDraft *draft, const char *directory,
                                 const VaultPackHeader *header, GError **error);
/* Syncs the file, gives it its real name, syncs the directory. */
gboolean vault_pack_draft_publish(VaultPackDraft *draft, GError **error);
/* Closes the descriptor; removes the file unless it was published. Fine on zeros with fd -1. */
void vault_pack_draft_clear(VaultPackDraft *draft);

typedef struct VaultPackFile VaultPackFile;

VaultPackFile *vault_pack_file_create(const char *directory, const VaultPackHeader *header,
                                      GError **error);
/* `records`: VaultRecord pointers with bytes, at most VAULT_GROUP_RECORDS_MAX. They and a commit
 * record are on stable storage when it returns TRUE; only then are their places set. */
gboolean vault_pack_file_append_group(VaultPackFile *file, GPtrArray *records, GError **error);
/* Writes and syncs the trailer. A failure harms nothing that was acknowledged. */
gboolean vault_pack_file_end(VaultPackFile *file, GError **error);
void vault_pack_file_free(VaultPackFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultPackFile, vault_pack_file_free)

const PackId *vault_pack_file_id(const VaultPackFile *file);
/* Offset up to which everything is acknowledged. */
guint64 vault_pack_file_acknowledged_end(const VaultPackFile *file);
gsize vault_pack_file_record_count(const VaultPackFile *file);
