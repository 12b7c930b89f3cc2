/* archived.conf: read whole, checked whole, then never changed (a reload reads a new one).
 *
 * The vault is the folder that holds the file. Every mistake is reported, not only the first:
 * "FILE:LINE: what is wrong and what to do". Keys, defaults and help: archived/config_keys.c, from
 * which the template is made too; manual: archived.conf(5). Errors of load: NOT_FOUND, IO,
 * TOO_LARGE (over 1 MiB), MALFORMED (all mistakes, one a line). Threads: a loaded configuration is
 * only read; the reference count is atomic.
 */
#pragma once

#include "archived/config_address.h"
#include "archived/config_lines.h"
#include "ingest/lmtp.h"
#include "ingest/owners.h"

#define ARCHIVED_CONFIG_LEN_MAX (1u << 16)
#define ARCHIVED_CONNECTIONS_MAX 4096
#define ARCHIVED_RECIPIENTS_MAX 100000

/* What the daemon takes of memory= before deliveries: code, keyring, caches, one zstd context per
 * processor; and for each connection its read buffer, machine and touched stack. */
#define ARCHIVED_MEMORY_BASE (40u << 20)
#define ARCHIVED_MEMORY_PER_CONNECTION (128u << 10)
#define ARCHIVED_MEMORY_DELIVERIES_MIN (16u << 20)

typedef enum {
    ARCHIVED_LOG_ERROR,
    ARCHIVED_LOG_WARNING,
    ARCHIVED_LOG_NOTICE,
    ARCHIVED_LOG_INFO,
    ARCHIVED_LOG_DEBUG,
} ArchivedLogLevel;

typedef enum {
    ARCHIVED_LOG_AUTO, /* the journal when standard error goes there, else text */
    ARCHIVED_LOG_JOURNAL,
    ARCHIVED_LOG_TEXT,
} ArchivedLogFormat;

typedef struct {
    gatomicrefcount references;
    char *file_path;  /* absolute */
    char *vault_path; /* its folder */

    /* [lmtp] */
    GStrv listen_texts;
    GPtrArray *listen;                           /* ArchivedAddress */
    guint tls;                                   /* IngestTlsMode */
    char *certificate, *private_key, *client_ca; /* NULL = unset; absolute */
    GStrv allow_texts;
    GArray *allow;    /* ArchivedNetwork; empty = every peer */
    char *unix_group; /* "" = every user */
    char *host_name;  /* "" = the machine's */
    guint64 max_connections, connections_per_peer, recipients_per_message, idle_timeout_s;

    /* [mailboxes] */
    GStrv domains, archive_domains, aliases, domain_aliases;
    char *delimiter;
    guint local_case; /* 0 fold, 1 exact */
    guint64 new_mailboxes_per_hour;
    IngestOwnerRules *rules;

    /* [limits] */
    guint64 memory, message_len_max, disk_reserve;

    /* [search] */
    guint has_terms; /* FALSE: no terms are made of what comes in */
    guint64 text_len_max;
    guint extracts; /* FALSE: attached documents are not read */
    guint64 extract_s;

    /* [control] */
    char *status_group, *operate_group, *read_group; /* "" = only the owner */

    /* [log] */
    guint log_level;  /* ArchivedLogLevel */
    guint log_format; /* ArchivedLogFormat */
    guint64 log_key_days;
    char *witness_policy; /* NULL = unset; absolute */
} ArchivedConfig;

/* Pure: looks at nothing but the text. `file_path` is absolute (names, relative paths). Returns
 * NULL exactly when there are mistakes afterwards. */
ArchivedConfig *archived_config_parse(const char *text, gsize len, const char *file_path,
                                      ArchivedMistakes *mistakes);

typedef enum {
    ARCHIVED_CONFIG_VALUES, /* what a command needs: owner rules, limits */
    ARCHIVED_CONFIG_SYSTEM  /* also certificates, keys and groups of this machine */
} ArchivedConfigDepth;

ArchivedConfig *archived_config_load(const char *path, ArchivedConfigDepth depth, GError **error);
ArchivedConfig *archived_config_ref(ArchivedConfig *config);
void archived_config_unref(ArchivedConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchivedConfig, archived_config_unref)

/* Bytes that deliveries may hold together. */
guint64 archived_config_delivery_memory(const ArchivedConfig *config);

/* Whether a TCP peer may speak to us: allow= is empty or holds it. */
gboolean archived_config_allows(const ArchivedConfig *config, const guint8 peer[ARCHIVED_PEER_LEN]);
