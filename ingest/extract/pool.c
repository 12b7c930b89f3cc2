#include "ingest/extract/pool.h"

#include "ingest/extract/helper_process.h"

#include <string.h>
#include <unistd.h>

static const char not_found[] = "muniment-extract is not there: install it again, under "
                                "libexec/muniment or beside this program";
static const char no_sandbox[] = "this kernel offers no seccomp filters, and muniment-extract does "
                                 "not run without: set [search] extract=no, or use another kernel";
static const char no_start[] = "muniment-extract cannot be started: run it by hand to see why";

struct IngestExtractPool {
    IngestExtractor extractor;
    char *program; /* NULL: not found */
    guint helper_count_max, documents_per_helper;
    gint64 time_us;

    GMutex lock;
    GCond is_free;
    GQueue idle;         /* IngestHelper */
    guint live_count;    /* idle, busy or starting */
    gint64 pause_end_us; /* no start before it */
    IngestExtractStatus status;
};

/* ---- helpers --------------------------------------------------------------------------------- */

/* One that is idle and well, or NULL with *ret_may_start: the caller has the place of a new one.
 * Neither: there is none until the deadline. */
static IngestHelper *wait_for_place(IngestExtractPool *pool, gint64 deadline_us,
                                    gboolean *ret_may_start)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pool->lock);

    *ret_may_start = FALSE;
    for (;;) {
        IngestHelper *helper = g_queue_pop_head(&pool->idle);

        if (helper != NULL && ingest_helper_is_idle(helper))
            return helper;
        if (helper != NULL) {
            ingest_helper_stop(helper);
            pool->live_count--;
        } else if (pool->pause_end_us > g_get_monotonic_time()) {
            return NULL;
        } else if (pool->live_count < pool->helper_count_max) {
            pool->live_count++;
            *ret_may_start = TRUE;
            return NULL;
        } else if (!g_cond_wait_until(&pool->is_free, &pool->lock, deadline_us)) {
            return NULL;
        }
    }
}

static void give_up_place(IngestExtractPool *pool)
{
    pool->live_count--;
    g_cond_signal(&pool->is_free);
}

static const char *problem_of(IngestHelperState state)
{
    switch (state) {
    case INGEST_HELPER_NO_SANDBOX:
        return no_sandbox;
    case INGEST_HELPER_BROKEN:
    case INGEST_HELPER_TIMED_OUT:
        return no_start;
    case INGEST_HELPER_GOOD:
        return NULL;
    }
    g_assert_not_reached();
}

static IngestHelper *start(IngestExtractPool *pool, gint64 deadline_us)
{
    IngestHelperState state;
    IngestHelper *helper = ingest_helper_start(pool->program, deadline_us, &state);
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pool->lock);

    pool->status.problem = problem_of(state);
    if (helper != NULL) {
        pool->status.helper_count++;
        return helper;
    }
    /* Late is perhaps only that most of the time was gone when the place was free. */
    if (state != INGEST_HELPER_TIMED_OUT)
        pool->pause_end_us = g_get_monotonic_time() + INGEST_EXTRACT_PAUSE_MS * 1000;
    give_up_place(pool);
    return NULL;
}

static IngestHelper *take_helper(IngestExtractPool *pool, gint64 deadline_us)
{
    gboolean may_start;
    IngestHelper *helper = wait_for_place(pool, deadline_us, &may_start);

    return may_start ? start(pool, deadline_us) : helper;
}

static void give_back(IngestExtractPool *pool, IngestHelper *helper, gboolean is_good)
{
    gboolean is_kept = is_good && ingest_helper_document_count(helper) < pool->documents_per_helper;

    if (!is_kept)
        ingest_helper_stop(helper);
    g_mutex_lock(&pool->lock);
    if (is_kept) {
        g_queue_push_head(&pool->idle, helper);
        g_cond_signal(&pool->is_free);
    } else {
        give_up_place(pool);
    }
    g_mutex_unlock(&pool->lock);
}

/* ---- one document ---------------------------------------------------------------------------- */

/* First bytes of what has no text. */
static gboolean is_opaque(const IngestDocument *document)
{
    static const struct {
        const char *magic;
        gsize len, at;
    } magics[] = {{"\x89PNG", 4, 0},
                  {"\xff\xd8\xff", 3, 0},
                  {"GIF8", 4, 0},
                  {"RIFF", 4, 0},
                  {"II*\0", 4, 0},
                  {"MM\0*", 4, 0},
                  {"ftyp", 4, 4},
                  {"ID3", 3, 0},
                  {"OggS", 4, 0},
                  {"\x1a\x45\xdf\xa3", 4, 0},
                  {"\x7f"
                   "ELF",
                   4, 0},
                  {"wOF", 3, 0}};

    for (gsize i = 0; i < G_N_ELEMENTS(magics); i++) {
        if (document->len >= magics[i].at + magics[i].len &&
            memcmp((const guint8 *)document->bytes + magics[i].at, magics[i].magic,
                   magics[i].len) == 0)
            return TRUE;
    }
    return FALSE;
}

/* TIMED_OUT also while all helpers are busy for too long. */
static IngestHelperState ask(IngestExtractPool *pool, const IngestDocument *document,
                             gint64 deadline_us, IngestTextSink sink, gpointer sink_user,
                             IngestExtractOutcome *ret_outcome)
{
    gboolean is_over = g_get_monotonic_time() >= deadline_us;
    IngestHelper *helper = pool->program == NULL || is_over ? NULL : take_helper(pool, deadline_us);
    IngestHelperState state;

    if (helper == NULL)
        return g_get_monotonic_time() >= deadline_us ? INGEST_HELPER_TIMED_OUT
                                                     : INGEST_HELPER_BROKEN;
    state = ingest_helper_exchange(helper, document, deadline_us, sink, sink_user, ret_outcome);
    give_back(pool, helper, state == INGEST_HELPER_GOOD);
    return state;
}

static void count(IngestExtractPool *pool, IngestExtractOutcome outcome, gboolean is_late)
{
    IngestExtractStatus *status = &pool->status;
    guint64 *counts[] = {
        [INGEST_EXTRACT_TEXT] = NULL,
        [INGEST_EXTRACT_CUT] = &status->cut_count,
        [INGEST_EXTRACT_ENCRYPTED] = &status->encrypted_count,
        [INGEST_EXTRACT_UNKNOWN] = &status->unknown_count,
        [INGEST_EXTRACT_UNREAD] = &status->unread_count,
        [INGEST_EXTRACT_MALFORMED] = &status->malformed_count,
        [INGEST_EXTRACT_FAILED] = is_late ? &status->timed_out_count : &status->failed_count,
    };
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pool->lock);

    status->document_count++;
    if (counts[outcome] != NULL)
        (*counts[outcome])++;
}

static gint64 time_left(const IngestExtractPool *pool, const IngestDocument *document)
{
    gint64 taken_us = document->taken_us == NULL ? 0 : (gint64)*document->taken_us;

    return MIN(pool->time_us, pool->time_us * INGEST_EXTRACT_MESSAGE_TIMES - taken_us);
}

static IngestExtractOutcome extract(IngestExtractor *self, const IngestDocument *document,
                                    IngestTextSink sink, gpointer sink_user)
{
    IngestExtractPool *pool = self->user;
    gint64 begin_us = g_get_monotonic_time();
    IngestExtractOutcome outcome = INGEST_EXTRACT_FAILED;
    IngestHelperState state = INGEST_HELPER_GOOD;

    if (is_opaque(document))
        outcome = INGEST_EXTRACT_UNKNOWN;
    else if (document->len > EXTRACT_DOCUMENT_LEN_MAX)
        outcome = INGEST_EXTRACT_CUT;
    else
        state =
            ask(pool, document, begin_us + time_left(pool, document), sink, sink_user, &outcome);
    if (state != INGEST_HELPER_GOOD)
        outcome = INGEST_EXTRACT_FAILED;
    count(pool, outcome, state == INGEST_HELPER_TIMED_OUT);
    if (document->taken_us != NULL)
        *document->taken_us += (guint64)(g_get_monotonic_time() - begin_us);
    return outcome;
}

/* ---- the pool -------------------------------------------------------------------------------- */

char *ingest_extract_program_find(void)
{
    static const char *const places[] = {"muniment-extract", "../libexec/muniment/muniment-extract",
                                         "../ingest/extract/helper/muniment-extract"};
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = self == NULL ? NULL : g_path_get_dirname(self);

    for (gsize i = 0; folder != NULL && i < G_N_ELEMENTS(places); i++) {
        g_autofree char *program = g_build_filename(folder, places[i], NULL);

        if (access(program, X_OK) == 0)
            return g_steal_pointer(&program);
    }
    return NULL;
}

IngestExtractPool *ingest_extract_pool_new(const IngestExtractPoolOptions *options)
{
    IngestExtractPool *pool = g_new0(IngestExtractPool, 1);
    guint time_ms = options->time_ms > 0 ? options->time_ms : INGEST_EXTRACT_TIME_MS_DEFAULT;

    pool->extractor = (IngestExtractor){.extract = extract, .user = pool};
    pool->program =
        options->program != NULL ? g_strdup(options->program) : ingest_extract_program_find();
    pool->helper_count_max =
        options->helper_count_max > 0 ? options->helper_count_max : g_get_num_processors();
    pool->documents_per_helper = options->documents_per_helper > 0
                                     ? options->documents_per_helper
                                     : INGEST_EXTRACT_DOCUMENTS_PER_HELPER;
    pool->time_us = (gint64)time_ms * 1000;
    pool->status.problem = pool->program == NULL ? not_found : NULL;
    g_mutex_init(&pool->lock);
    g_cond_init(&pool->is_free);
    g_queue_init(&pool->idle);
    return pool;
}

static void stop_helper(gpointer helper)
{
    ingest_helper_stop(helper);
}

void ingest_extract_pool_free(IngestExtractPool *pool)
{
    if (pool == NULL)
        return;
    g_queue_clear_full(&pool->idle, stop_helper);
    g_cond_clear(&pool->is_free);
    g_mutex_clear(&pool->lock);
    g_free(pool->program);
    g_free(pool);
}

IngestExtractor *ingest_extract_pool_extractor(IngestExtractPool *pool)
{
    return &pool->extractor;
}

void ingest_extract_pool_status(IngestExtractPool *pool, IngestExtractStatus *ret_status)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pool->lock);

    *ret_status = pool->status;
}
