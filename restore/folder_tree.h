/* Folders with all that is in them. Links are never followed. Errors: IO, NO_SPACE. Threads: any,
 * each its own tree.
 */
#pragma once

#include <glib.h>

/* A file in the tree, or a folder after what is in it. `relative` is the path below `root`. */
typedef enum { FOLDER_TREE_FILE, FOLDER_TREE_FOLDER } FolderTreeKind;
typedef gboolean (*FolderTreeVisit)(const char *relative, FolderTreeKind kind, gpointer user,
                                    GError **error);
/* A root that is not there is an empty one. */
gboolean folder_tree_visit(const char *root, FolderTreeVisit visit, gpointer user, GError **error);
/* The root, too. */
gboolean folder_tree_remove(const char *root, GError **error);
/* The folder that `path` lies in, and those above it. */
gboolean folder_tree_make_parent(const char *path, GError **error);
