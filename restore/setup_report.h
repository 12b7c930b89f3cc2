/* What "muniment setup" says at its end, to standard output: what was made, what to carry off the
 * host, what comes next. Errors: IO. Threads: the main thread only.
 */
#pragma once

#include "restore/setup_files.h"

/* `reader_public`: the file that --for names. */
gboolean setup_report(const SetupFiles *files, const RestoreNewVault *vault,
                      const MasterPublic *master, const char *reader_public, GError **error);
gboolean setup_report_json(const SetupFiles *files, const RestoreNewVault *vault,
                           const MasterPublic *master, const char *reader_public, GError **error);
