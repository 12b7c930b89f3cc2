#include "restore/share_prompt.h"

#include "restore/share_words.h"
#include "restore/terminal.h"

#include <string.h>

#define HOME_AND_CLEAR "\033[H\033[J"
#define DIM "\033[2m"
#define PLAIN "\033[0m"
#define BELL "\a"
#define COLUMNS 4
#define SCREEN_LEN_MAX 4096
#define MESSAGE_LEN_MAX 1000

static const char no_terminal[] = "there is no terminal to type shares on; use --share FILE";

typedef struct {
    RestoreTerminal *terminal;
    RestoreShareWords *words;
    char *title;
    char *message; /* of what happened before */
} Prompt;

static void prompt_clear(Prompt *prompt)
{
    vault_secret_free(prompt->words);
    g_free(prompt->title);
    g_free(prompt->message);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Prompt, prompt_clear)

/* ---- the screen ----------------------------------------------------------------------------- */

static void put_padding(GString *screen, gsize used)
{
    for (; used < VAULT_SLIP39_WORD_LEN_MAX; used++)
        g_string_append_c(screen, ' ');
}

/* Appended as it is: printing would format the word in memory that nobody wipes. */
static void put_word(GString *screen, const RestoreShareWords *words, guint at)
{
    const char *completion = restore_share_words_completion(words);
    const char *word = ".";

    g_string_append_printf(screen, "%3u ", at + 1);
    if (at == restore_share_words_next(words)) {
        g_string_append(screen, words->typed);
        g_string_append(screen, "_" DIM);
        word = completion != NULL ? completion + words->typed_len : "";
        g_string_append(screen, word);
        g_string_append(screen, PLAIN);
        put_padding(screen, words->typed_len + strlen(word));
        return;
    }
    if (words->is_there[at])
        word = vault_slip39_word(words->words[at]);
    g_string_append(screen, word);
    g_string_append_c(screen, ' ');
    put_padding(screen, strlen(word));
}

static gboolean show(Prompt *prompt, GError **error)
{
    /* Made once, large enough: growing would leave words behind in memory. */
    GString *screen = g_string_sized_new(SCREEN_LEN_MAX);
    gboolean is_shown;

    g_string_append_printf(screen,
                           HOME_AND_CLEAR "%s\r\n"
                                          "Four letters of a word are enough. Space ends a word, "
                                          "Backspace goes back, Ctrl-C gives up.\r\n\r\n",
                           prompt->title);
    for (guint at = 0; at < RESTORE_SHARE_WORDS; at++) {
        put_word(screen, prompt->words, at);
        g_string_append(screen, at % COLUMNS == COLUMNS - 1 ? "\r\n" : "  ");
    }
    if (prompt->message != NULL)
        g_string_append_printf(screen, "\r\n\r\n%.*s\r\n", MESSAGE_LEN_MAX, prompt->message);
    is_shown = restore_terminal_write(prompt->terminal, screen->str, error);
    vault_wipe(screen->str, screen->allocated_len);
    g_string_free(screen, TRUE);
    return is_shown;
}

static void set_message(Prompt *prompt, char *message)
{
    g_free(prompt->message);
    prompt->message = message;
}

/* ---- one share ------------------------------------------------------------------------------ */

static gboolean type_words(Prompt *prompt, GError **error)
{
    while (restore_share_words_next(prompt->words) < RESTORE_SHARE_WORDS) {
        char key;
        gboolean is_read;

        if (!show(prompt, error))
            return FALSE;
        is_read = restore_terminal_read_key(prompt->terminal, &key, error);
        if (is_read && restore_share_words_key(prompt->words, key) == RESTORE_SHARE_KEY_REFUSED)
            is_read = restore_terminal_write(prompt->terminal, BELL, error);
        vault_wipe(&key, sizeof key);
        if (!is_read)
            return FALSE;
    }
    return TRUE;
}

/* Until a share is right in itself. */
static gboolean type_share(Prompt *prompt, VaultShareSheet *ret_sheet, GError **error)
{
    restore_share_words_again(prompt->words, 0);
    for (;;) {
        g_autoptr(GError) wrong = NULL;
        guint suspect;

        vault_share_sheet_wipe(ret_sheet);
        if (!type_words(prompt, error))
            return FALSE;
        if (restore_share_words_finish(prompt->words, &ret_sheet->share, &suspect, &wrong)) {
            restore_share_words_again(prompt->words, 0);
            return TRUE;
        }
        restore_share_words_again(prompt->words, suspect);
        set_message(prompt, suspect > 0
                                ? g_strdup_printf("This share is not right yet: %s. Type that word "
                                                  "again (Backspace goes to the ones before).",
                                                  wrong->message)
                                : g_strdup_printf("This share is not right: %s. Type all of it "
                                                  "again.",
                                                  wrong->message));
    }
}

gboolean restore_share_prompt_one(VaultShareSheet *ret_sheet, GError **error)
{
    g_auto(RestoreTerminal) terminal = RESTORE_TERMINAL_CLOSED;
    g_auto(Prompt) prompt = {.terminal = &terminal, .title = g_strdup("The words of your share")};

    prompt.words = vault_secret_new(sizeof *prompt.words);
    return restore_terminal_open(&terminal, RESTORE_TERMINAL_KEYS, no_terminal, error) &&
           type_share(&prompt, ret_sheet, error);
}

/* ---- all shares ----------------------------------------------------------------------------- */

static char *title_of(const RestoreShares *shares)
{
    guint number = restore_shares_count(shares) + 1;
    gint missing = restore_shares_missing(shares);

    if (missing < 0)
        return g_strdup("The first share");
    if (restore_shares_count(shares) == 0)
        return g_strdup_printf("The first share of %d", missing);
    return g_strdup_printf("Share %u of the %u that are needed, all of set %u", number,
                           number + (guint)missing - 1, restore_shares_set(shares));
}

/* Takes the share, or says why not. */
static void offer(Prompt *prompt, RestoreShares *shares, const VaultShareSheet *sheet)
{
    guint number = sheet->share.member_index + 1u;
    g_autofree char *name = g_strdup_printf("entry %u", restore_shares_count(shares) + 1);
    g_autoptr(GError) refused = NULL;

    if (!restore_shares_add(shares, sheet, name, &refused)) {
        set_message(prompt, g_strdup_printf("Not taken: %s.", refused->message));
        return;
    }
    if (restore_shares_check(shares, &refused)) {
        set_message(prompt, g_strdup_printf("Share %u of set %u is right. Next: another keeper.",
                                            number, sheet->share.identifier));
        return;
    }
    restore_shares_drop_last(shares);
    set_message(prompt, g_strdup_printf("Not taken: %s.", refused->message));
}

gboolean restore_share_prompt_all(RestoreShares *shares, GError **error)
{
    g_auto(RestoreTerminal) terminal = RESTORE_TERMINAL_CLOSED;
    g_auto(Prompt) prompt = {.terminal = &terminal};

    prompt.words = vault_secret_new(sizeof *prompt.words);
    if (!restore_terminal_open(&terminal, RESTORE_TERMINAL_KEYS, no_terminal, error))
        return FALSE;
    while (restore_shares_missing(shares) != 0) {
        g_auto(VaultShareSheet) sheet = {.is_signed = FALSE};

        g_free(prompt.title);
        prompt.title = title_of(shares);
        if (!type_share(&prompt, &sheet, error))
            return FALSE;
        offer(&prompt, shares, &sheet);
    }
    return TRUE;
}
