#define _GNU_SOURCE
#include "manifest_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define HOST_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define HOST_AUDIT_ARCH AUDIT_ARCH_AARCH64
#else
#error "the manifest filter knows x86-64 and arm64"
#endif

// The address behind the trusted call's instruction, which is what the filter sees.
extern char manifest_filter_trusted_return[];
#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".globl manifest_filter_trusted_call\n"
    ".type manifest_filter_trusted_call, @function\n"
    "manifest_filter_trusted_call:\n"
    "  movq %rdi, %rax\n"
    "  movq %rsi, %rdi\n"
    "  movq %rdx, %rsi\n"
    "  movq %rcx, %rdx\n"
    "  movq %r8, %r10\n"
    "  movq %r9, %r8\n"
    "  movq 8(%rsp), %r9\n"
    "  syscall\n"
    ".globl manifest_filter_trusted_return\n"
    ".hidden manifest_filter_trusted_return\n"
    "manifest_filter_trusted_return:\n"
    "  ret\n"
    ".size manifest_filter_trusted_call, . - manifest_filter_trusted_call\n");
#else
__asm__(
    ".text\n"
    ".globl manifest_filter_trusted_call\n"
    ".type manifest_filter_trusted_call, %function\n"
    "manifest_filter_trusted_call:\n"
    "  mov x8, x0\n"
    "  mov x0, x1\n"
    "  mov x1, x2\n"
    "  mov x2, x3\n"
    "  mov x3, x4\n"
    "  mov x4, x5\n"
    "  mov x5, x6\n"
    "  svc #0\n"
    ".globl manifest_filter_trusted_return\n"
    ".hidden manifest_filter_trusted_return\n"
    "manifest_filter_trusted_return:\n"
    "  ret\n"
    ".size manifest_filter_trusted_call, . - manifest_filter_trusted_call\n");
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define LOAD_AT(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), yes, no)
#define IF_GREATER_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)(value), yes, no)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(action))
#define ARGUMENT_LOW(n) ((uint32_t)offsetof(struct seccomp_data, args) + 8 * (n))
#define ARGUMENT_HIGH(n) (ARGUMENT_LOW(n) + 4)

// What the Swift runtime and the C library need to compute and to print; none of it reaches outside the process.
static const int allowed_calls[] = {
    SYS_read, SYS_write, SYS_writev, SYS_readv, SYS_pread64, SYS_close, SYS_fstat, SYS_lseek, SYS_munmap,
    SYS_mprotect, SYS_brk, SYS_madvise, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_futex,
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getrandom, SYS_exit,
    SYS_exit_group, SYS_sched_yield, SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_sched_getaffinity, SYS_set_robust_list, SYS_rt_sigaction, SYS_uname, SYS_membarrier, SYS_restart_syscall,
#ifdef SYS_time
    SYS_time,
#endif
#ifdef SYS_rseq
    SYS_rseq,
#endif
};

// What dlopen, the constructors of the Swift libraries and the installation of the last filter need besides.
static const int loading_calls[] = {
    SYS_mmap, SYS_mremap, SYS_newfstatat, SYS_faccessat, SYS_readlinkat, SYS_getcwd, SYS_fcntl, SYS_prctl,
    SYS_prlimit64, SYS_sysinfo, SYS_ioctl, SYS_get_mempolicy,
#ifdef SYS_open
    SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_arch_prctl,
#endif
};

// Calls that fail without a report, since the C library tries them and goes on.
static const struct { int number; int error; } refused_calls[] = {
    {SYS_ioctl, ENOTTY}, {SYS_prctl, EINVAL}, {SYS_prlimit64, EPERM}, {SYS_sysinfo, EPERM},
    {SYS_get_mempolicy, ENOSYS},
};

struct program {
    struct sock_filter code[256];
    unsigned short count;
};

static void emit(struct program *program, struct sock_filter instruction) {
    if (program->count < 256) program->code[program->count++] = instruction;
}

#define EMIT(...) emit(program, (struct sock_filter)__VA_ARGS__)

static void emit_header(struct program *program) {
    uint64_t trusted = (uint64_t)(uintptr_t)manifest_filter_trusted_return;
    EMIT(LOAD(arch));
    EMIT(IF_EQUAL(HOST_AUDIT_ARCH, 1, 0));
    EMIT(RETURN(SECCOMP_RET_KILL_PROCESS));
    EMIT(LOAD_AT(offsetof(struct seccomp_data, instruction_pointer)));
    EMIT(IF_EQUAL((uint32_t)trusted, 0, 6));
    EMIT(LOAD_AT(offsetof(struct seccomp_data, instruction_pointer) + 4));
    EMIT(IF_EQUAL((uint32_t)(trusted >> 32), 0, 4));
    EMIT(LOAD(nr));
    EMIT(IF_EQUAL(SYS_mmap, 1, 0));
    EMIT(IF_EQUAL(SYS_mremap, 0, 1));
    EMIT(RETURN(SECCOMP_RET_ALLOW));
    EMIT(LOAD(nr));
#if defined(__x86_64__)
    EMIT(IF_GREATER_EQUAL(0x40000000, 0, 1));  // the x32 interface has its own numbers
    EMIT(RETURN(SECCOMP_RET_KILL_PROCESS));
#endif
}

// mmap and mremap up to the counted size pass; larger ones go to the handler.
static void emit_mapping(struct program *program, int number, int length_argument) {
    EMIT(IF_EQUAL(number, 0, 6));
    EMIT(LOAD_AT(ARGUMENT_HIGH(length_argument)));
    EMIT(IF_EQUAL(0, 0, 3));
    EMIT(LOAD_AT(ARGUMENT_LOW(length_argument)));
    EMIT(IF_GREATER_EQUAL(COUNTED_MAPPING, 1, 0));
    EMIT(RETURN(SECCOMP_RET_ALLOW));
    EMIT(RETURN(SECCOMP_RET_TRAP));
}

// A signal to this process only: abort() and raise() need it.
static void emit_own_signal(struct program *program, int number) {
    EMIT(IF_EQUAL(number, 0, 4));
    EMIT(LOAD_AT(ARGUMENT_LOW(0)));
    EMIT(IF_EQUAL(getpid(), 0, 1));
    EMIT(RETURN(SECCOMP_RET_ALLOW));
    EMIT(RETURN(SECCOMP_RET_TRAP));
}

static void emit_allowed(struct program *program, const int *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        EMIT(IF_EQUAL(calls[i], 0, 1));
        EMIT(RETURN(SECCOMP_RET_ALLOW));
    }
}

// `value` in the low half of an argument under a mask, or SIGSYS.
static void emit_masked(struct program *program, int number, int argument, uint32_t mask, uint32_t value) {
    EMIT(IF_EQUAL(number, 0, 5));
    EMIT(LOAD_AT(ARGUMENT_LOW(argument)));
    EMIT(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    EMIT(IF_EQUAL(value, 0, 1));
    EMIT(RETURN(SECCOMP_RET_ALLOW));
    EMIT(RETURN(SECCOMP_RET_TRAP));
}

static int install(const struct program *program) {
    if (program->count >= 256) {
        errno = E2BIG;
        return -1;
    }
    struct sock_fprog handed = {.len = program->count, .filter = (struct sock_filter *)program->code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &handed, 0, 0);
}

int manifest_filter_install_loading(void) {
    struct program storage = {.count = 0};
    struct program *program = &storage;
    emit_header(program);
    emit_allowed(program, allowed_calls, sizeof allowed_calls / sizeof *allowed_calls);
    emit_allowed(program, loading_calls, sizeof loading_calls / sizeof *loading_calls);
    emit_own_signal(program, SYS_tgkill);
    emit_masked(program, SYS_openat, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
#ifdef SYS_open
    emit_masked(program, SYS_open, 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
#endif
    EMIT(RETURN(SECCOMP_RET_TRAP));
    return install(program);
}

int manifest_filter_install(void) {
    struct program storage = {.count = 0};
    struct program *program = &storage;
    emit_header(program);
    emit_allowed(program, allowed_calls, sizeof allowed_calls / sizeof *allowed_calls);
    for (size_t i = 0; i < sizeof refused_calls / sizeof *refused_calls; i++) {
        EMIT(IF_EQUAL(refused_calls[i].number, 0, 1));
        EMIT(RETURN(SECCOMP_RET_ERRNO | (refused_calls[i].error & SECCOMP_RET_DATA)));
    }
    emit_mapping(program, SYS_mmap, 1);
    emit_mapping(program, SYS_mremap, 2);
    emit_own_signal(program, SYS_tgkill);
    // fdopen asks how its descriptor was opened.
    EMIT(IF_EQUAL(SYS_fcntl, 0, 4));
    EMIT(LOAD_AT(ARGUMENT_LOW(1)));
    EMIT(IF_EQUAL(F_GETFL, 0, 1));
    EMIT(RETURN(SECCOMP_RET_ALLOW));
    EMIT(RETURN(SECCOMP_RET_TRAP));
    // fstat is newfstatat with an empty path in recent C libraries.
    EMIT(IF_EQUAL(SYS_newfstatat, 0, 3));
    EMIT(LOAD_AT(ARGUMENT_LOW(3)));
    EMIT(IF_EQUAL(AT_EMPTY_PATH, 0, 1));
    EMIT(RETURN(SECCOMP_RET_ALLOW));
    EMIT(RETURN(SECCOMP_RET_TRAP));
    return install(program);
}
