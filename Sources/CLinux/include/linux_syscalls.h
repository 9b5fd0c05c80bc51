// File and memory system calls that are variadic in glibc or missing from it.
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static inline int linux_errno(void) { return errno; }
static inline void linux_set_errno(int value) { errno = value; }

extern const char *strerrorname_np(int);
extern const char *strerrordesc_np(int);

/// The symbolic name of an error number ("ENOENT"), or NULL.
static inline const char *linux_errno_name(int value) { return strerrorname_np(value); }
/// What an error number means, in English whatever the locale, or NULL.
static inline const char *linux_errno_text(int value) { return strerrordesc_np(value); }

static inline int linux_openat(int directory, const char *path, int flags, unsigned int mode) {
    return openat(directory, path, flags, mode);
}

/* With RESOLVE_IN_ROOT the kernel answers EAGAIN when any rename or mount of the host raced with a link or `..`
 * (openat2(2)): on a busy host that is often, and never what somebody wants to hear. */
static inline int linux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = flags;
    how.mode = mode;
    how.resolve = resolve;
    int found = -1;
    for (int tries = 0; tries < 4096; tries++) {
        found = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (found >= 0 || errno != EAGAIN) break;
    }
    return found;
}

static inline int linux_fcntl(int fd, int command, long argument) { return fcntl(fd, command, argument); }

static inline int linux_memfd_create(const char *name, unsigned int flags) {
    return (int)syscall(SYS_memfd_create, name, flags);
}
/// Forbids every later change of a memory file: write, shrink, grow, and the seals themselves.
static inline int linux_seal(int fd) {
    // F_ADD_SEALS with F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE.
    return fcntl(fd, 1033, 0x1 | 0x2 | 0x4 | 0x8);
}

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
static inline int linux_close_range(unsigned int first, unsigned int last, unsigned int flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}

/// Takes the write lock of the whole open file (`F_OFD_SETLK`); -1 with EAGAIN when another holds it.
static inline int linux_lock_file(int fd) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return fcntl(fd, 37 /* F_OFD_SETLK */, &lock);
}
/// Whether another open file has that lock (`F_OFD_GETLK`), taking none: 1, 0, or -1 on error.
static inline int linux_file_is_locked(int fd) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (fcntl(fd, 36 /* F_OFD_GETLK */, &lock) < 0) return -1;
    return lock.l_type != F_UNLCK;
}

/// Starts writing a range of a file to the disk without waiting (`SYNC_FILE_RANGE_WRITE`).
static inline int linux_start_writeback(int fd, int64_t offset, int64_t count) {
    return (int)syscall(SYS_sync_file_range, fd, offset, count, 2);
}
static inline int linux_syncfs(int fd) { return (int)syscall(SYS_syncfs, fd); }
static inline int linux_pipe(int ends[2], int flags) { return (int)syscall(SYS_pipe2, ends, flags); }
static inline long linux_copy_file_range(int from, int to, size_t size) {
    return syscall(SYS_copy_file_range, from, (void *)0, to, (void *)0, size, 0);
}
static inline int linux_statvfs(const char *path, struct statvfs *result) { return statvfs(path, result); }

/// `getdents64` into `buffer`; entries are `struct dirent64`.
static inline long linux_getdents(int fd, void *buffer, unsigned long size) {
    return syscall(SYS_getdents64, fd, buffer, size);
}

static inline int linux_renameat2(int from_directory, const char *from, int to_directory, const char *to,
                                  unsigned int flags) {
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
}

static inline int linux_statx(int directory, const char *path, int flags, unsigned int mask, struct statx *result) {
    return (int)syscall(SYS_statx, directory, path, flags, mask, result);
}

static inline long linux_getrandom(void *buffer, size_t size, unsigned int flags) {
    return syscall(SYS_getrandom, buffer, size, flags);
}

static inline int linux_isatty(int fd) { return isatty(fd); }
static inline int linux_mknod(int directory, const char *path, unsigned int mode, unsigned int major_number,
                              unsigned int minor_number) {
    return mknodat(directory, path, mode, makedev(major_number, minor_number));
}
