# Programs of the tsan build show GLib's locks to the sanitizer: see tests/tsan/glib_locks.c.
if(MUNIMENT_SANITIZE MATCHES "thread")
    add_library(glib-locks STATIC ${PROJECT_SOURCE_DIR}/tests/tsan/glib_locks.c)
    target_link_libraries(glib-locks PRIVATE PkgConfig::GLIB)
    foreach(function mutex_lock mutex_unlock mutex_clear rec_mutex_lock rec_mutex_unlock
            rec_mutex_clear cond_wait cond_wait_until once_impl once_init_enter once_init_leave)
        target_link_options(glib-locks INTERFACE -Wl,--wrap=g_${function})
    endforeach()
endif()
