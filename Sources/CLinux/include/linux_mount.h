// The mount system calls by descriptor (Linux 5.2 and later), called by number: no libc is needed to know them.
#pragma once

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

enum {
    LINUX_OPEN_TREE_CLONE = 1,
    LINUX_OPEN_TREE_CLOEXEC = O_CLOEXEC,
    LINUX_AT_RECURSIVE = 0x8000,
    LINUX_MOVE_MOUNT_F_EMPTY_PATH = 0x4,
    LINUX_MOVE_MOUNT_T_EMPTY_PATH = 0x40,
    LINUX_FSCONFIG_SET_FLAG = 0,
    LINUX_FSCONFIG_SET_STRING = 1,
    LINUX_FSCONFIG_SET_FD = 5,
    LINUX_FSCONFIG_CMD_CREATE = 6,
    LINUX_FSCONFIG_CMD_RECONFIGURE = 7,
};

/// `struct mount_attr` under our own name: kernel and libc headers both define theirs, and clash.
struct linux_mount_attr {
    uint64_t attr_set;
    uint64_t attr_clr;
    uint64_t propagation;
    uint64_t userns_fd;
};

static inline int linux_open_tree(int directory, const char *path, unsigned int flags) {
    return (int)syscall(SYS_open_tree, directory, path, flags);
}
static inline int linux_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned int flags) {
    return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}
static inline int linux_fsopen(const char *type, unsigned int flags) {
    return (int)syscall(SYS_fsopen, type, flags);
}
static inline int linux_fsconfig(int fd, unsigned int command, const char *key, const void *value, int extra) {
    return (int)syscall(SYS_fsconfig, fd, command, key, value, extra);
}
static inline int linux_fsmount(int fd, unsigned int flags, unsigned int attributes) {
    return (int)syscall(SYS_fsmount, fd, flags, attributes);
}
static inline int linux_mount_setattr(int directory, const char *path, unsigned int flags,
                                      struct linux_mount_attr *attributes) {
    return (int)syscall(SYS_mount_setattr, directory, path, flags, attributes, sizeof *attributes);
}
static inline int linux_pivot_root(const char *new_root, const char *put_old) {
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}
