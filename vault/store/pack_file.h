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

/* A draft, made whole before it gets its name: a compacted pack. Nothing of it is acknowledged, or
 * on stable storage, before vault_pack_file_publish() returns TRUE. */
VaultPackFile *vault_pack_file_begin(const char *directory, const VaultPackHeader *header,
                                     GError **error);
/* As vault_pack_file_append_group(), without the sync. */
gboolean vault_pack_file_draft_group(VaultPackFile *file, GPtrArray *records, GError **error);
/* Groups behind the mark were never written. */
typedef struct {
    guint64 end; /* vault_pack_file_acknowledged_end() */
    gsize record_count;
} VaultPackMark;
gboolean vault_pack_file_cut(VaultPackFile *file, const VaultPackMark *mark, GError **error);
/* The list of what it replaces, the trailer, and the header that tells of both. */
gboolean vault_pack_file_complete(VaultPackFile *file, const VaultPackHeader *header,
                                  const GByteArray *list, GError **error);
gboolean vault_pack_file_publish(VaultPackFile *file, GError **error);

/* A grouped pack: with its name and without a group. */
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
