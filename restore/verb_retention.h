/* The verb of "muniment retention" that has a file of its own. */
#pragma once

int restore_verb_retention_run(int argc, char **argv);
