/* What export.c asks of a format: the three backends (exporter_folder.c, exporter_mbox.c,
 * exporter_archive.c). A backend knows how messages become files; journal, manifest, hashes and
 * line ends are export.c's. Errors and order of calls: restore/export.h. */
#pragma once

#include "restore/export.h"

typedef struct {
    ExportFormat format;
    const char *path;
    gboolean is_folder; /* PATH is a folder, which exists */
    int fd;             /* single files: the draft, or standard output; borrowed */
    gboolean is_seekable;
    gboolean is_resumed;
} ExportTarget;

typedef struct ExportBackend {
    gpointer (*open)(const ExportTarget *target, GError **error);
    /* The file that the next message goes into, relative to PATH; new string. */
    char *(*file_name)(gpointer self, const ExportMessage *message);
    gboolean (*begin)(gpointer self, const ExportMessage *message, const char *file,
                      GError **error);
    gboolean (*write)(gpointer self, const guint8 *bytes, gsize len, GError **error);
    /* ret_offset: mbox, of the first byte after the postmark. */
    gboolean (*end)(gpointer self, guint64 *ret_offset, GError **error);
    gboolean (*abandon)(gpointer self, GError **error);
    /* Everything is written; `manifest_fd` holds the manifest for archives, else -1. */
    gboolean (*finish)(gpointer self, int manifest_fd, guint64 now_s, GError **error);
    void (*free)(gpointer self);
    gboolean can_abandon;
    gboolean has_offset;
} ExportBackend;

extern const ExportBackend export_folder_backend;
extern const ExportBackend export_mbox_backend;
extern const ExportBackend export_archive_backend;
