/* Inside vault/keep: the files of the packs folder and what their headers say. */
#pragma once

#include "vault/store/catalog.h"
#include "vault/store/pack_reader.h"

typedef struct {
    char *path;
    char *name; /* of the file, for findings */
    guint64 len;
    gboolean is_readable; /* the header parses and is of this vault */
    VaultPackHeader header;
    gboolean is_catalogued; /* the catalog has a row of it */
    VaultCatalogPack catalogued;
    gboolean has_successor; /* a later pack's header says where it ended */
    guint64 successor_end;
    gboolean lacks_predecessor; /* the header names a pack that is not there, nor was replaced */
    GArray *replaced;           /* PackId; of a compacted pack, NULL when its list is damaged */
    gboolean is_replaced; /* a compacted pack has what is left of it: none of its records count */
} VaultPackFile;

/* GPtrArray of VaultPackFile: grouped packs by sequence, stream packs, compacted packs; unreadable
 * ones last, their sequence taken from the name. `catalog` may be NULL. */
GPtrArray *vault_pack_files_list(const char *directory, const VaultId *vault_id,
                                 VaultCatalog *catalog, GError **error);
