// What stack-init needs beyond linux_*.h: credentials, capabilities, seccomp, signals and terminals of a process that is
// about to be someone else's. Raw system calls: glibc's set*id functions broadcast to threads that are not there.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// Constants that glibc shows only with GNU extensions, or as macros Swift cannot import.
#define INIT_O_PATH 0x200000
#define INIT_AT_FDCWD (-100)
#define INIT_AT_EMPTY_PATH 0x1000
#define INIT_MS_REC 0x4000
#define INIT_MNT_DETACH 2
#define INIT_CLONE_NEWUSER 0x10000000
#define INIT_CLONE_PIDFD 0x1000
#define INIT_PROC_MAGIC 0x9fa0
#define INIT_PR_SET_PDEATHSIG 1
#define INIT_PR_SET_DUMPABLE 4
#define INIT_PR_SET_NAME 15
#define INIT_PR_SET_CHILD_SUBREAPER 36
#define INIT_PR_SET_NO_NEW_PRIVS 38
#define INIT_MOUNT_ATTR_RDONLY 1

/// The type and device number of what a descriptor refers to: enough to know that /dev/null is /dev/null.
struct init_file_kind {
    uint32_t mode;
    uint32_t major_number;
    uint32_t minor_number;
    uint64_t device;
    uint64_t inode;
    int64_t size;
};
static inline int init_file_kind(int fd, struct init_file_kind *kind) {
    struct stat status;
    if (fstat(fd, &status) < 0) return -1;
    kind->mode = status.st_mode;
    kind->major_number = gnu_dev_major(status.st_rdev);
    kind->minor_number = gnu_dev_minor(status.st_rdev);
    kind->device = status.st_dev;
    kind->inode = status.st_ino;
    kind->size = status.st_size;
    return 0;
}
static inline int64_t init_file_system_magic(int fd) {
    struct statfs status;
    if (fstatfs(fd, &status) < 0) return -1;
    return (int64_t)status.f_type;
}
static inline int init_mount(const char *source, const char *target, const char *type, unsigned long flags,
                             const char *data) {
    return mount(source, target, type, flags, data);
}
static inline int init_mkdirat(int directory, const char *path, uint32_t mode) { return mkdirat(directory, path, mode); }

static inline int init_set_groups(size_t count, const uint32_t *groups) {
    return (int)syscall(SYS_setgroups, count, groups);
}
static inline int init_set_gid(uint32_t gid) { return (int)syscall(SYS_setresgid, gid, gid, gid); }
static inline int init_set_uid(uint32_t uid) { return (int)syscall(SYS_setresuid, uid, uid, uid); }

/// Sets the permitted and effective sets; the inheritable set becomes empty, and with it the ambient set.
static inline int init_set_capabilities(uint64_t set) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    memset(data, 0, sizeof data);
    data[0].permitted = data[0].effective = (uint32_t)set;
    data[1].permitted = data[1].effective = (uint32_t)(set >> 32);
    return (int)syscall(SYS_capset, &header, data);
}
static inline uint64_t init_permitted_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    memset(data, 0, sizeof data);
    if (syscall(SYS_capget, &header, data) < 0) return 0;
    return data[0].permitted | (uint64_t)data[1].permitted << 32;
}
/// 1 when the bounding set has the capability, 0 when not, -1 when the kernel does not know it.
static inline int init_bounding_has(uint32_t capability) { return prctl(PR_CAPBSET_READ, capability, 0, 0, 0); }
static inline int init_bounding_drop(uint32_t capability) { return prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); }

static inline int init_seccomp(const void *instructions, uint16_t count) {
    struct sock_fprog program = {count, (struct sock_filter *)instructions};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
static inline int init_set_limit(uint32_t resource, uint64_t soft, uint64_t hard) {
    struct rlimit limit = {soft, hard};
    return setrlimit((int)resource, &limit);
}

/// Default dispositions and an empty mask, as a new program expects them.
static inline void init_reset_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < 65; number++) {
        if (number != SIGKILL && number != SIGSTOP && number != 32 && number != 33) sigaction(number, &action, 0);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, 0);
}
static inline void init_ignore_signal(int number) { signal(number, SIG_IGN); }
/// Blocks SIGTERM alone and returns a descriptor that reports it.
static inline int init_termination_descriptor(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_SETMASK, &set, 0);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
/// Blocks every signal; `init_next_signal` then takes them one by one.
static inline void init_block_signals(void) {
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, 0);
}
static inline int init_next_signal(void) {
    sigset_t set;
    siginfo_t information;
    sigfillset(&set);
    return sigwaitinfo(&set, &information);
}
static inline int init_kill(int pid, int number) { return kill(pid, number); }
static inline int init_fork(void) { return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }

/// A child in a user namespace of its own.
static inline int init_fork_user_namespace(void) {
    return (int)syscall(SYS_clone, INIT_CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
}
/// Does nothing until a signal ends the process.
static inline _Noreturn void init_sleep_for_ever(void) {
    for (;;) pause();
}

/// Waits for one child; the peak resident memory is in KiB.
static inline int init_wait(int pid, int *status, int options, int64_t *peak) {
    struct rusage usage;
    memset(&usage, 0, sizeof usage);
    int result = (int)syscall(SYS_wait4, pid, status, options, &usage);
    if (peak) *peak = usage.ru_maxrss;
    return result;
}
/// The exit code as a shell has it: 128 + n for signal n.
static inline int init_exit_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
static inline int init_exit_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

static inline int init_execve(const char *path, char *const *arguments, char *const *environment) {
    return execve(path, arguments, environment);
}
static inline _Noreturn void init_exit(int code) { _exit(code); }

static inline int init_terminal_peer(int master) {
    int unlocked = 0;
    if (ioctl(master, TIOCSPTLCK, &unlocked) < 0) return -1;
    return ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}
static inline int init_set_controlling_terminal(int fd) { return ioctl(fd, TIOCSCTTY, 0); }
static inline int init_set_terminal_size(int fd, uint16_t rows, uint16_t columns) {
    struct winsize size = {rows, columns, 0, 0};
    return ioctl(fd, TIOCSWINSZ, &size);
}

static inline int64_t init_wall_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
static inline int64_t init_monotonic_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
static inline int init_pipe(int *reading, int *writing) {
    int ends[2];
    if (syscall(SYS_pipe2, ends, O_CLOEXEC) < 0) return -1;
    *reading = ends[0];
    *writing = ends[1];
    return 0;
}
static inline int init_set_pipe_size(int fd, int size) { return fcntl(fd, 1031 /* F_SETPIPE_SZ */, size); }
static inline int init_socket_pair(int *first, int *second) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -1;
    *first = ends[0];
    *second = ends[1];
    return 0;
}
/// Whether the other end of a socket is gone.
static inline int init_is_hung_up(int fd) {
    struct pollfd record = {fd, 0, 0};
    return poll(&record, 1, 0) == 1 && (record.revents & POLLHUP) != 0;
}
static inline int init_set_nonblocking(int fd) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }
static inline int init_set_close_on_exec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC); }
static inline int init_accept(int listener) {
    return (int)syscall(SYS_accept4, listener, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
static inline int init_unix_socket(void) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }
/// Sends a first segment from one end of a connection that is no more to the other, by the kernel's `struct
/// inet_diag_sockid`: it answers with where it is, which this side's kernel takes for an error, and says so.
static inline void init_knock(int family, const uint8_t *id) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return;
    int one = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in6 ends6[2];
    struct sockaddr_in ends[2];
    memset(ends6, 0, sizeof ends6);
    memset(ends, 0, sizeof ends);
    for (int end = 0; end < 2; end++) {
        ends6[end].sin6_family = AF_INET6;
        ends[end].sin_family = AF_INET;
        memcpy(&ends6[end].sin6_port, id + 2 * end, 2);
        memcpy(&ends[end].sin_port, id + 2 * end, 2);
        memcpy(&ends6[end].sin6_addr, id + 4 + 16 * end, 16);
        memcpy(&ends[end].sin_addr, id + 4 + 16 * end, 4);
        memcpy(&ends6[end].sin6_scope_id, id + 36, 4);
    }
    const struct sockaddr *addresses[2] = {(const struct sockaddr *)&ends[0], (const struct sockaddr *)&ends[1]};
    socklen_t size = sizeof ends[0];
    if (family == AF_INET6) {
        addresses[0] = (const struct sockaddr *)&ends6[0];
        addresses[1] = (const struct sockaddr *)&ends6[1];
        size = sizeof ends6[0];
    }
    if (bind(fd, addresses[0], size) == 0) (void)connect(fd, addresses[1], size);
    close(fd);
}
static inline int init_listen(int fd) { return listen(fd, 64); }
static inline int init_poll(struct pollfd *descriptors, size_t count, int timeout) {
    return poll(descriptors, (nfds_t)count, timeout);
}
/// getcwd(2) itself: the length with its NUL, and "(unreachable)" in front of what is outside the root.
static inline long init_getcwd(char *buffer, size_t size) { return syscall(SYS_getcwd, buffer, size); }
