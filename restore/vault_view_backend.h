/* Inside of restore/vault_view.h: what an implementation gives. Not for others. */
#pragma once

#include "restore/remote_link.h"
#include "restore/vault_view.h"

typedef struct {
    gboolean (*present)(gpointer self, GBytes *grant, GError **error);
    gboolean (*list)(gpointer self, const VaultViewFilter *filter, VaultViewPosition *position,
                     gsize max, GArray *page, GError **error);
    /* The next months, as vault_keep_reader_months(). */
    gboolean (*months)(gpointer self, VaultReaderPosition *position, gsize max, GPtrArray *page,
                       GError **error);
    gboolean (*find_mailbox)(gpointer self, const char *name, MailboxId *ret_id, GError **error);
    VaultViewAnswer (*has_message)(gpointer self, const RecordId *archive_id);
    const VaultId *(*id)(gpointer self);
    GArray *(*masters)(gpointer self, GError **error);
    void (*free)(gpointer self);
    GBytes *(*release)(gpointer self, const RecordId *copies, gsize count, GError **error);
    gboolean (*log)(gpointer self, VaultLoggedAct act, const char *text, GError **error);
    gboolean (*proofs)(gpointer self, ProofSource *ret_proofs, GError **error);
    gboolean (*close)(gpointer self, GError **error);
    gboolean (*list_terms)(gpointer self, const VaultViewFilter *filter,
                           VaultTermsPosition *position, gsize max, GArray *page,
                           gboolean *ret_is_more, GError **error);
    GBytes *(*release_terms)(gpointer self, const RecordId *terms_copies, gsize count,
                             GError **error);
    gboolean (*read_terms)(gpointer self, const RecordId *terms_copies, gsize count,
                           GBytes **ret_records, GError **error);
    GBytes *(*case_key)(gpointer self, GError **error);
    /* NULL: this vault is not of this host. */
    gboolean (*add_terms)(gpointer self, const void *batch, gsize len, VaultTermsAdded *ret_added,
                          GError **error);
    VaultRecordSource records; /* `user` is the implementation */
} VaultViewBackend;

/* One page of vault_view_months(), at most VAULT_VIEW_MONTHS_COUNT_MAX. */
gboolean vault_view_months_page(VaultView *view, VaultReaderPosition *position, gsize max,
                                GPtrArray *page, GError **error);

/* Takes `self` over. */
VaultView *vault_view_new(const VaultViewBackend *backend, gpointer self);

/* restore/remote_view.c: `address` begins with "ssh://". */
VaultView *remote_view_open(const char *address, const VaultViewOptions *options,
                            char **ret_warning, GError **error);
/* Over a connection to a session of restore/serve.h, which it takes over. */
VaultView *remote_view_of_link(RemoteLink *link, char **ret_warning, GError **error);
