/* The pack writer: group commit of whole deliveries into the active pack, stream packs for large
 * bodies, rollover, and what happens when a sync fails.
 *
 * vault_pack_writer_commit() blocks until the delivery's records, and the commit record that covers
 * them, are on stable storage. One of the waiting threads leads: it appends everything that waits,
 * then the commit record, then one fdatasync; all waiting threads return together. A failed write
 * or sync ends the pack at its last acknowledged offset: the waiting threads get IO or NO_SPACE,
 * and the next commit begins a new pack whose header names the old one and that offset. Never
 * promised: anything about records of a commit that failed (they may or may not be there; no later
 * commit record of that pack covers them). Threads: all functions are safe, but each stream pack
 * has one user. Source: docs/formats/pack.md.
 *
 * Errors of commit and stream: NO_SPACE (ENOSPC, EDQUOT), IO (any other failure of a call; nothing
 * of the delivery is acknowledged), TOO_LARGE (over VAULT_GROUP_RECORDS_MAX records or 1 GiB in one
 * delivery), CORRUPT (a record whose header is not what it claims), BUSY (the writer is closed).
 */
#pragma once

#include "vault/store/record.h"

#define VAULT_PACK_SIZE_DEFAULT (128u << 20)
#define VAULT_GROUP_RECORDS_MAX 65536

typedef struct VaultPackWriter VaultPackWriter;

/* Where a committed record lies. */
typedef struct {
    PackId pack_id;
    guint64 offset;
    guint64 len; /* header and ciphertext */
} VaultPlace;

/* One finished record on its way to a pack. */
typedef struct {
    GBytes *bytes;    /* header and ciphertext; NULL when it lies in a stream pack already */
    VaultPlace place; /* set by the commit, or by the stream */
    VaultRecordKind kind;
    RecordId record_id;
    VaultHash hash;       /* record hash */
    VaultLocator locator; /* what the catalog is told; never stored in clear */
} VaultRecord;
void vault_record_free(VaultRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultRecord, vault_record_free)

/* Called once for each durable group, in commit order, before any of its committers returns: all
 * records of its deliveries, those in stream packs included, with their places. */
typedef void (*VaultGroupCommitted)(GPtrArray *records, gpointer user);

typedef struct {
    const char *directory; /* VAULT/packs */
    VaultId vault_id;
    guint64 pack_size;       /* 0 = default */
    guint64 next_sequence;   /* one more than the highest pack seen */
    PackId predecessor;      /* zeros: none */
    guint64 predecessor_end; /* offset up to which that was acknowledged */
    VaultGroupCommitted committed;
    gpointer user;
} VaultPackWriterOptions;

/* Makes no file before the first commit. Removes the drafts that a crash left in the directory: the
 * caller holds the vault's writer lock. */
VaultPackWriter *vault_pack_writer_new(const VaultPackWriterOptions *options);
/* Waits for groups under way, writes the trailer of the active pack, syncs. */
gboolean vault_pack_writer_close(VaultPackWriter *writer, GError **error);
void vault_pack_writer_free(VaultPackWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultPackWriter, vault_pack_writer_free)

/* `records`: VaultRecord pointers of one delivery (or act), at least one of them with bytes; never
 * split over packs. Sets each place. When it fails, the stream packs that the delivery names are
 * removed as soon as no start-up could find the group that names them. */
gboolean vault_pack_writer_commit(VaultPackWriter *writer, GPtrArray *records, GError **error);

/* A stream pack: one large record sealed as it arrives. The header's room is left free and written
 * last; until then the file bears a draft's name. Freed before finish, or after a failed call, the
 * file is removed. The writer must outlive it only during begin. */
typedef struct VaultStreamPack VaultStreamPack;
VaultStreamPack *vault_stream_pack_begin(VaultPackWriter *writer, gsize header_len, GError **error);
gboolean vault_stream_pack_append(VaultStreamPack *stream, const guint8 *bytes, gsize len,
                                  GError **error);
/* Writes the header, syncs file and directory; sets the place. The header's length is that given to
 * begin, its ciphertext length what was appended (asserted). */
gboolean vault_stream_pack_finish(VaultStreamPack *stream, const guint8 *header, gsize header_len,
                                  VaultPlace *ret_place, GError **error);
void vault_stream_pack_free(VaultStreamPack *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultStreamPack, vault_stream_pack_free)
