/* GLib's locks, made visible to the thread sanitizer: linked into programs of the tsan build only.
 *
 * GLib is not instrumented and makes its locks from futexes, so the sanitizer would see none of
 * them and call everything that they guard a race. The linker sends calls of the project's own code
 * here
 * (--wrap), which tells the sanitizer and calls GLib. What GLib locks within itself stays unseen:
 * its slices, which pass memory between threads, have to be off (G_SLICE=always-malloc).
 */
#include <glib.h>
#include <sanitizer/tsan_interface.h>

void __real_g_mutex_lock(GMutex *mutex);
void __real_g_mutex_unlock(GMutex *mutex);
void __real_g_mutex_clear(GMutex *mutex);
void __real_g_rec_mutex_lock(GRecMutex *mutex);
void __real_g_rec_mutex_unlock(GRecMutex *mutex);
void __real_g_rec_mutex_clear(GRecMutex *mutex);
void __real_g_cond_wait(GCond *cond, GMutex *mutex);
gboolean __real_g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_us);
gpointer __real_g_once_impl(GOnce *once, GThreadFunc function, gpointer user);
gboolean __real_g_once_init_enter(volatile void *location);
void __real_g_once_init_leave(volatile void *location, gsize result);
gboolean __wrap_g_once_init_enter(volatile void *location);
void __wrap_g_once_init_leave(volatile void *location, gsize result);

void __wrap_g_mutex_lock(GMutex *mutex);
void __wrap_g_mutex_unlock(GMutex *mutex);
void __wrap_g_mutex_clear(GMutex *mutex);
void __wrap_g_rec_mutex_lock(GRecMutex *mutex);
void __wrap_g_rec_mutex_unlock(GRecMutex *mutex);
void __wrap_g_rec_mutex_clear(GRecMutex *mutex);
void __wrap_g_cond_wait(GCond *cond, GMutex *mutex);
gboolean __wrap_g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_us);
gpointer __wrap_g_once_impl(GOnce *once, GThreadFunc function, gpointer user);

static void released(void *lock, unsigned flags)
{
    __tsan_mutex_pre_unlock(lock, flags);
    __tsan_mutex_post_unlock(lock, flags);
}

void __wrap_g_mutex_lock(GMutex *mutex)
{
    __tsan_mutex_pre_lock(mutex, 0);
    __real_g_mutex_lock(mutex);
    __tsan_mutex_post_lock(mutex, 0, 0);
}

void __wrap_g_mutex_unlock(GMutex *mutex)
{
    released(mutex, 0);
    __real_g_mutex_unlock(mutex);
}

void __wrap_g_mutex_clear(GMutex *mutex)
{
    __tsan_mutex_destroy(mutex, 0);
    __real_g_mutex_clear(mutex);
}

void __wrap_g_rec_mutex_lock(GRecMutex *mutex)
{
    __tsan_mutex_pre_lock(mutex, __tsan_mutex_write_reentrant);
    __real_g_rec_mutex_lock(mutex);
    __tsan_mutex_post_lock(mutex, __tsan_mutex_write_reentrant, 0);
}

void __wrap_g_rec_mutex_unlock(GRecMutex *mutex)
{
    released(mutex, __tsan_mutex_write_reentrant);
    __real_g_rec_mutex_unlock(mutex);
}

void __wrap_g_rec_mutex_clear(GRecMutex *mutex)
{
    __tsan_mutex_destroy(mutex, 0);
    __real_g_rec_mutex_clear(mutex);
}

void __wrap_g_cond_wait(GCond *cond, GMutex *mutex)
{
    released(mutex, 0);
    __real_g_cond_wait(cond, mutex);
    __tsan_mutex_pre_lock(mutex, 0);
    __tsan_mutex_post_lock(mutex, 0, 0);
}

gboolean __wrap_g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_us)
{
    gboolean is_signalled;

    released(mutex, 0);
    is_signalled = __real_g_cond_wait_until(cond, mutex, end_us);
    __tsan_mutex_pre_lock(mutex, 0);
    __tsan_mutex_post_lock(mutex, 0, 0);
    return is_signalled;
}

gpointer __wrap_g_once_impl(GOnce *once, GThreadFunc function, gpointer user)
{
    gpointer result = __real_g_once_impl(once, function, user);

    /* Whoever comes later has seen what the one that ran it wrote. */
    __tsan_acquire(once);
    __tsan_release(once);
    return result;
}

/* Those of the macros that end in the library: what comes later by the inline way reads the location
 * with an acquire that the sanitizer sees. */
gboolean __wrap_g_once_init_enter(volatile void *location)
{
    gboolean is_first = __real_g_once_init_enter(location);

    if (!is_first)
        __tsan_acquire((void *)location);
    return is_first;
}

void __wrap_g_once_init_leave(volatile void *location, gsize result)
{
    __tsan_release((void *)location);
    __real_g_once_init_leave(location, result);
}
