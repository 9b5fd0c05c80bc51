// The kernel's interface as C headers: what Swift cannot import directly (variadic calls, function-like macros,
// system calls glibc 2.36 lacks), as inline functions. Every function keeps the C convention: -1 and errno.
//
// No feature macro (_GNU_SOURCE) may be defined here: Swift's Glibc module is built without it, and the two must agree
// on every structure. What glibc shows only under it is called by number or declared here.
#pragma once

#include "linux_syscalls.h"
#include "linux_mount.h"
#include "linux_process.h"
#include "linux_signal.h"
#include "linux_socket.h"
#include "linux_netlink.h"
#include "linux_device.h"
#include "linux_bpf.h"

// What other parts of the project keep beside these.
#if __has_include("init_syscalls.h")
#include "init_syscalls.h"
#endif
#if __has_include("init_shims.h")
#include "init_shims.h"
#endif
#if __has_include("dns_shims.h")
#include "dns_shims.h"
#endif
