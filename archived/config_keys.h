/* The table of all keys: what each means, its default, its bounds, where its value goes. Parser,
 * template and (by a test) the manual page follow it. Private to archived/config*.c. */
#pragma once

#include "archived/config.h"

typedef enum {
    CONFIG_LIST,   /* ";" or "," between entries */
    CONFIG_TEXT,   /* empty = unset */
    CONFIG_PATH,   /* relative ones from the vault; empty = unset */
    CONFIG_CHOICE, /* index of the word */
    CONFIG_NUMBER,
    CONFIG_SIZE, /* bytes, with K, M, G or T */
} ConfigKind;

typedef struct {
    const char *group, *name;
    ConfigKind kind;
    gsize offset; /* in ArchivedConfig */
    const char *default_text;
    const char *words; /* CHOICE: "off|may|require" */
    guint64 min, max;  /* NUMBER, SIZE; 0 is always allowed when is_zero_allowed */
    gboolean is_zero_allowed;
    const char *help; /* lines without "# " */
} ConfigKey;

typedef struct {
    const char *name, *help;
} ConfigGroup;

#define CONFIG_KEY_COUNT 33
#define CONFIG_GROUP_COUNT 6
extern const ConfigKey config_keys[CONFIG_KEY_COUNT];
extern const ConfigGroup config_groups[CONFIG_GROUP_COUNT];

/* -1: there is none of this name. */
int config_key_find(const char *group, const char *name);
int config_group_find(const char *group);

/* Sets the key's value from text; MALFORMED with the remedy, and the old value kept. */
gboolean config_key_set(ArchivedConfig *config, const ConfigKey *key, const char *text,
                        GError **error);

/* Where each key was given, and where its group was opened; 0 = nowhere. */
typedef struct {
    guint keys[CONFIG_KEY_COUNT];
    guint groups[CONFIG_GROUP_COUNT];
} ConfigLines;

/* Cross checks that look at nothing but the values. */
void config_check_values(ArchivedConfig *config, const ConfigLines *lines,
                         ArchivedMistakes *mistakes);
/* Certificates, keys and groups of this machine. */
void config_check_system(const ArchivedConfig *config, const ConfigLines *lines,
                         ArchivedMistakes *mistakes);
