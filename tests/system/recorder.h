/* What the files of the recorder share: the log, and which files are followed. */
#pragma once

#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* In front of a C library function. */
#define PRELOAD __attribute__((visibility("default"), used))

enum operation {
    OP_CREATE = 1,   /* path: a new, empty file */
    OP_FOUND = 2,    /* path: a file that was there before the recording */
    OP_WRITE = 3,    /* offset, data */
    OP_TRUNCATE = 4, /* offset = new size */
    OP_SYNC = 5,
    OP_SYNC_DIRECTORY = 6, /* path */
    OP_RENAME = 7,         /* old\0new */
    OP_LINK = 8,           /* path: one more name */
    OP_UNLINK = 9,         /* path */
    OP_MKDIR = 10,         /* path */
    OP_RMDIR = 11,         /* path */
    OP_SYNC_ALL = 12,
    OP_UNSUPPORTED = 13, /* text */
};

/* Held over each call and its record. */
extern pthread_mutex_t recorder_lock;

uint64_t recorder_now_ns(void);
void recorder_write(enum operation operation, uint32_t file, uint64_t offset, const void *bytes,
                    size_t len, uint64_t start);
void recorder_path(enum operation operation, uint32_t file, const char *path, uint64_t start);
void recorder_unsupported(const char *what);
int recorder_is_on(void);

/* The path of `name` below the root, or NULL. `at` is a directory descriptor or AT_FDCWD. */
const char *recorder_below_root(int at, const char *name, char storage[PATH_MAX]);

/* Number of a followed file; 0 when it is none. The latest use of an inode counts. */
uint32_t recorder_file(const struct stat *status);
uint32_t recorder_file_of_fd(int fd);
uint32_t recorder_follow(const struct stat *status);
