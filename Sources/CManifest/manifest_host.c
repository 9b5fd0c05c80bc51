#define _GNU_SOURCE
#include "manifest_filter.h"
#include "manifest_host.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define CONTEXT_ARGUMENT(context, n) ((uint64_t)(context)->uc_mcontext.gregs[argument_register[n]])
#define CONTEXT_RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
static const int argument_register[6] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
#else
#define CONTEXT_ARGUMENT(context, n) ((uint64_t)(context)->uc_mcontext.regs[n])
#define CONTEXT_RESULT(context) ((context)->uc_mcontext.regs[0])
#endif

static int result_fd = -1;
static int statm_fd = -1;
static uint64_t memory_limit;
static char alternate_stack[32768];
static volatile sig_atomic_t reported_call;
static char reported_name[64];

// MARK: Reports

static void write_all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0) {
            if (errno == EINTR) continue;
            return;
        }
        bytes += written;
        count -= (size_t)written;
    }
}

int manifest_host_begin(int fd) {
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 200);
    if (moved < 0) return -1;
    close(fd);
    result_fd = moved;
    statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    return 0;
}

char **manifest_host_arguments(int *count) {
    static char text[16384];
    static char *arguments[16];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (length <= 0) return NULL;
    *count = 0;
    for (char *next = text; next < text + length && *count < 15; next += strlen(next) + 1) arguments[(*count)++] = next;
    return arguments;
}

void manifest_host_report(const char *kind, const char *detail) {
    char line[4400];
    size_t length = 0;
    line[length++] = 'R';
    line[length++] = ' ';
    for (size_t i = 0; kind[i] && length < 100; i++) line[length++] = kind[i];
    line[length++] = ' ';
    for (size_t i = 0; detail[i] && length < sizeof line - 2; i++) {
        line[length++] = detail[i] == '\n' ? ' ' : detail[i];
    }
    line[length++] = '\n';
    write_all(result_fd, line, length);
}

void manifest_host_document(const uint8_t *bytes, long count) {
    if (count < 0) return;
    write_all(result_fd, "D", 1);
    write_all(result_fd, (const char *)bytes, (size_t)count);
    write_all(result_fd, "\n", 1);
}

_Noreturn void manifest_host_exit(int code) {
    fflush(NULL);
    _exit(code);
}

static void format_number(char *out, uint64_t value) {
    char digits[24];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (int i = 0; i < count; i++) out[i] = digits[count - 1 - i];
    out[count] = 0;
}

// MARK: Memory

// The size of the address space now, or 0 when unknown.
static uint64_t address_space(void) {
    char text[64];
    ssize_t count = statm_fd < 0 ? -1 : pread(statm_fd, text, sizeof text - 1, 0);
    uint64_t pages = 0;
    for (ssize_t i = 0; i < count && text[i] >= '0' && text[i] <= '9'; i++) pages = pages * 10 + (uint64_t)(text[i] - '0');
    return pages * 4096;
}

static _Noreturn void report_memory(void) {
    char limit[24];
    format_number(limit, memory_limit);
    manifest_host_report("memory", limit);
    _exit(MANIFEST_EXIT_MEMORY);
}

// MARK: Signals

struct call_name {
    int number;
    const char *name;
    int path_argument;  // -1: none
};

#define NAMED(name, path) {SYS_##name, #name, path}
static const struct call_name call_names[] = {
#ifdef SYS_open
    NAMED(open, 0), NAMED(creat, 0), NAMED(stat, 0), NAMED(lstat, 0), NAMED(access, 0), NAMED(readlink, 0),
    NAMED(mkdir, 0), NAMED(rmdir, 0), NAMED(unlink, 0), NAMED(rename, 0), NAMED(symlink, 1), NAMED(link, 1),
    NAMED(chmod, 0), NAMED(chown, 0), NAMED(mknod, 0), NAMED(fork, -1), NAMED(vfork, -1), NAMED(pipe, -1),
    NAMED(epoll_create, -1), NAMED(eventfd, -1), NAMED(inotify_init, -1), NAMED(getdents, -1), NAMED(alarm, -1),
#endif
    NAMED(openat, 1), NAMED(openat2, 1), NAMED(statx, 1), NAMED(newfstatat, 1), NAMED(faccessat, 1),
    NAMED(faccessat2, 1), NAMED(readlinkat, 1), NAMED(mkdirat, 1), NAMED(unlinkat, 1), NAMED(renameat, 1),
    NAMED(renameat2, 1), NAMED(symlinkat, 2), NAMED(linkat, 1), NAMED(fchmodat, 1), NAMED(fchownat, 1),
    NAMED(mknodat, 1), NAMED(truncate, 0), NAMED(statfs, 0), NAMED(chdir, 0), NAMED(chroot, 0), NAMED(mount, 1),
    NAMED(umount2, 0), NAMED(execve, 0), NAMED(execveat, 1), NAMED(getcwd, -1), NAMED(socket, -1),
    NAMED(socketpair, -1), NAMED(connect, -1), NAMED(bind, -1), NAMED(listen, -1), NAMED(accept4, -1),
    NAMED(sendto, -1), NAMED(recvfrom, -1), NAMED(clone, -1), NAMED(clone3, -1), NAMED(unshare, -1),
    NAMED(setns, -1), NAMED(ptrace, -1), NAMED(process_vm_readv, -1), NAMED(process_vm_writev, -1), NAMED(kill, -1),
    NAMED(tkill, -1), NAMED(tgkill, -1), NAMED(pidfd_open, -1), NAMED(pidfd_send_signal, -1), NAMED(bpf, -1),
    NAMED(io_uring_setup, -1), NAMED(memfd_create, -1), NAMED(epoll_create1, -1), NAMED(eventfd2, -1),
    NAMED(timerfd_create, -1), NAMED(inotify_init1, -1), NAMED(pipe2, -1), NAMED(dup, -1), NAMED(ftruncate, -1),
    NAMED(setuid, -1), NAMED(setgid, -1), NAMED(setrlimit, -1), NAMED(prlimit64, -1), NAMED(prctl, -1),
    NAMED(seccomp, -1), NAMED(getdents64, -1), NAMED(wait4, -1), NAMED(waitid, -1), NAMED(fcntl, -1), NAMED(ioctl, -1),
};

static void report_call(int number, const ucontext_t *context) {
    int path_argument = -1;
    char detail[4200];
    strcpy(reported_name, "call ");
    format_number(reported_name + 5, (uint64_t)number);
    for (size_t i = 0; i < sizeof call_names / sizeof *call_names; i++) {
        if (call_names[i].number == number) {
            strcpy(reported_name, call_names[i].name);
            path_argument = call_names[i].path_argument;
        }
    }
    strcpy(detail, reported_name);
    if (path_argument >= 0) {
        // A wrong pointer faults here; the handler of that fault then reports the call without its path.
        reported_call = 1;
        const char *path = (const char *)CONTEXT_ARGUMENT(context, path_argument);
        size_t length = strlen(detail);
        detail[length++] = ' ';
        for (size_t i = 0; i < 4096 && path && path[i]; i++) detail[length++] = path[i];
        detail[length] = 0;
    }
    manifest_host_report("syscall", detail);
    _exit(MANIFEST_EXIT_SYSCALL);
}

static void on_forbidden_call(int signal, siginfo_t *info, void *raw) {
    (void)signal;
    ucontext_t *context = raw;
    int number = info->si_syscall;
    int saved = errno;
    if (number == SYS_mmap || number == SYS_mremap) {
        uint64_t wanted = CONTEXT_ARGUMENT(context, number == SYS_mmap ? 1 : 2);
        uint64_t existing = number == SYS_mmap ? 0 : CONTEXT_ARGUMENT(context, 1);
        uint64_t growth = wanted > existing ? wanted - existing : 0;
        uint64_t used = address_space();
        if (growth > memory_limit || used + growth > memory_limit) report_memory();
        CONTEXT_RESULT(context) = manifest_filter_trusted_call(
            number, (long)CONTEXT_ARGUMENT(context, 0), (long)CONTEXT_ARGUMENT(context, 1),
            (long)CONTEXT_ARGUMENT(context, 2), (long)CONTEXT_ARGUMENT(context, 3),
            (long)CONTEXT_ARGUMENT(context, 4), (long)CONTEXT_ARGUMENT(context, 5));
        errno = saved;
        return;
    }
    report_call(number, context);
}

static void on_fatal_signal(int signal) {
    if (reported_call) {
        manifest_host_report("syscall", reported_name);
        _exit(MANIFEST_EXIT_SYSCALL);
    }
    if (address_space() + 2 * COUNTED_MAPPING > memory_limit) report_memory();
    char number[24];
    format_number(number, (uint64_t)signal);
    manifest_host_report("signal", number);
    _exit(MANIFEST_EXIT_CRASH);
}

static void on_time_limit(int signal) {
    manifest_host_report("time", signal == SIGXCPU ? "cpu" : "wall");
    _exit(MANIFEST_EXIT_TIME);
}

static int handle(int signal, void (*plain)(int), void (*full)(int, siginfo_t *, void *)) {
    struct sigaction action = {0};
    sigset_t set;
    if (full) {
        action.sa_sigaction = full;
        action.sa_flags = SA_SIGINFO;
    } else {
        action.sa_handler = plain;
    }
    // Nested, so that a fault inside a handler still reaches its own handler.
    action.sa_flags |= SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    if (sigaction(signal, &action, NULL) < 0) return -1;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int install_handlers(void) {
    static const int fatal[] = {SIGILL, SIGTRAP, SIGSEGV, SIGABRT, SIGFPE, SIGBUS};
    stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
    if (sigaltstack(&stack, NULL) < 0) return -1;
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
        if (handle(fatal[i], on_fatal_signal, NULL) < 0) return -1;
    }
    if (handle(SIGALRM, on_time_limit, NULL) < 0 || handle(SIGXCPU, on_time_limit, NULL) < 0) return -1;
    return handle(SIGSYS, NULL, on_forbidden_call);
}

// MARK: Limits

static int set_limits(uint64_t memory_bytes, uint64_t milliseconds) {
    struct rlimit memory = {memory_bytes, memory_bytes};
    struct rlimit none = {0, 0};
    uint64_t seconds = milliseconds / 1000 + 1;
    struct rlimit cpu = {seconds, seconds + 2};
    struct itimerval timer = {{0, 0}, {(time_t)(milliseconds / 1000), (suseconds_t)(milliseconds % 1000 * 1000)}};
    memory_limit = memory_bytes;
    if (setrlimit(RLIMIT_AS, &memory) < 0 || setrlimit(RLIMIT_CORE, &none) < 0) return -1;
    if (setrlimit(RLIMIT_CPU, &cpu) < 0) return -1;
    return setitimer(ITIMER_REAL, &timer, NULL);
}

int manifest_host_confine_loading(uint64_t memory_bytes, uint64_t milliseconds) {
    if (set_limits(memory_bytes, milliseconds) < 0 || install_handlers() < 0) return -1;
    return manifest_filter_install_loading();
}

int manifest_host_confine(void) { return manifest_filter_install(); }

// MARK: Loading

uint8_t *manifest_host_read_input(long *count) {
    size_t room = 65536, total = 0;
    uint8_t *bytes = malloc(room);
    while (bytes) {
        ssize_t got = read(0, bytes + total, room - total);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) break;
        total += (size_t)got;
        if (got == 0) {
            *count = (long)total;
            return bytes;
        }
        if (total == room) {
            room *= 2;
            uint8_t *larger = room > ((size_t)64 << 20) ? NULL : realloc(bytes, room);
            if (!larger) break;
            bytes = larger;
        }
    }
    free(bytes);
    return NULL;
}

void *manifest_host_load(const char *path, const char **error) {
    void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    *error = library ? "" : dlerror();
    return library;
}

manifest_begin_function manifest_host_find_begin(void *library) {
    return (manifest_begin_function)dlsym(library, "stackctl_manifest_begin");
}

manifest_main_function manifest_host_find_main(void *library) {
    return (manifest_main_function)dlsym(library, "main");
}
