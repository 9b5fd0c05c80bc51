// Processes: pidfd, clone3, namespaces, wait statuses.
#pragma once

#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static inline int linux_pidfd_open(int pid, unsigned int flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
static inline int linux_pidfd_getfd(int pidfd, int number) { return (int)syscall(SYS_pidfd_getfd, pidfd, number, 0); }
static inline int linux_pidfd_send_signal(int fd, int signal_number) {
    return (int)syscall(SYS_pidfd_send_signal, fd, signal_number, (void *)0, 0);
}

/// Reaps the child behind a pidfd. Returns 1 with `code` and `status` (the CLD_ and si_status values), 0 when it still
/// runs, -1 on error.
static inline int linux_wait_pidfd(int fd, int options, int *code, int *status) {
    siginfo_t info;
    info.si_pid = 0;
    if (waitid((idtype_t)3 /* P_PIDFD */, (id_t)fd, &info, options) < 0) return -1;
    if (info.si_pid == 0) return 0;
    *code = info.si_code;
    *status = info.si_status;
    return 1;
}

/// `struct clone_args` (Linux 5.7 size), under our own name.
struct linux_clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
/// `clone3` without a new stack: returns twice, like fork. Only for single-threaded programs.
static inline long linux_clone3(struct linux_clone_args *arguments) {
    return syscall(SYS_clone3, arguments, sizeof *arguments);
}

static inline int linux_setns(int fd, int type) { return (int)syscall(SYS_setns, fd, type); }
static inline int linux_unshare(int flags) { return (int)syscall(SYS_unshare, flags); }
static inline int linux_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return prctl(option, a, b, c, d);
}
static inline int linux_ignore_signal(int number) { return signal(number, SIG_IGN) == SIG_ERR ? -1 : 0; }
static inline char **linux_environ(void) {
    extern char **environ;
    return environ;
}

/// Names the calling thread; the kernel keeps 15 bytes.
static inline void linux_set_thread_name(const char *name) { prctl(PR_SET_NAME, (unsigned long)name, 0, 0, 0); }

extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *);
static inline int linux_spawn_chdir(posix_spawn_file_actions_t *actions, const char *path) {
    return posix_spawn_file_actions_addchdir_np(actions, path);
}
