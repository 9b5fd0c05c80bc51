// The system call filters of a manifest's process.
#pragma once

#include <stdint.h>

// Larger mappings are counted against the limit before they are made, so that a crash after a refused one is never taken
// for something else; smaller ones can only fail near the limit.
#define COUNTED_MAPPING ((uint64_t)16 << 20)

// Installs the filter under which the plugin is loaded, since its constructors run then: files are opened for reading
// only, and no process, socket or privilege is made; 0, or -1 and errno.
int manifest_filter_install_loading(void);

// Installs the last filter: what it does not know becomes SIGSYS; 0, or -1 and errno.
int manifest_filter_install(void);

// A system call that the filter lets pass because of the address it is made from; only mmap and mremap. The kernel's
// answer, an error as a negative number.
long manifest_filter_trusted_call(long number, long a, long b, long c, long d, long e, long f);
