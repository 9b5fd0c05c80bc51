// The confinement of a manifest inside `stack-manifest`: reports, fatal signals, limits, and the last system call filter.
//
// A report is one line on the result descriptor: "R kind detail". The document is "D" and the JSON to the end.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Exit codes of `stack-manifest`; what happened is in the report.
enum {
    MANIFEST_EXIT_USAGE = 110,    // wrong arguments
    MANIFEST_EXIT_LOAD = 111,     // the plugin could not be loaded
    MANIFEST_EXIT_SYSCALL = 112,  // the manifest made a forbidden system call
    MANIFEST_EXIT_MEMORY = 113,   // the memory limit was reached
    MANIFEST_EXIT_TIME = 114,     // the time limit was reached
    MANIFEST_EXIT_CRASH = 115,    // a fatal signal
};

// Moves the result descriptor out of the manifest's sight; 0, or -1 and errno.
int manifest_host_begin(int result_fd);

// The process's arguments, at most 15, from procfs: Embedded Swift has no CommandLine. NULL on failure.
char **manifest_host_arguments(int *count);

// Writes a report line; async-signal-safe.
void manifest_host_report(const char *kind, const char *detail);

// Writes the document after its mark; called once, by the plugin's sink.
void manifest_host_document(const uint8_t *bytes, long count);

// Reads standard input to its end into memory that is never freed; NULL and errno on failure.
uint8_t *manifest_host_read_input(long *count);

// Sets the limits (address space in bytes, time in milliseconds), the handlers of fatal signals, and the filter for
// loading, in this order; 0, or -1 and errno. Files can only be read afterwards.
int manifest_host_confine_loading(uint64_t memory_bytes, uint64_t milliseconds);

// Installs the last filter; 0, or -1 and errno. Nothing can be opened afterwards.
int manifest_host_confine(void);

// dlopen of everything at once; NULL, and the reason is in *error.
void *manifest_host_load(const char *path, const char **error);

// The types of the two functions the loader calls.
typedef void (*manifest_sink)(const uint8_t *bytes, long count);
typedef void (*manifest_begin_function)(const uint8_t *inputs, long count, manifest_sink sink);
typedef int (*manifest_main_function)(int count, char **arguments);

// dlsym by type; NULL when absent.
manifest_begin_function manifest_host_find_begin(void *library);
manifest_main_function manifest_host_find_main(void *library);

// Flushes the C library's streams and ends at once, without the library's exit handlers.
_Noreturn void manifest_host_exit(int code);
