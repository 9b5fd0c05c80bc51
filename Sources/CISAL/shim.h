#pragma once

// The few calls of ISA-L that are used (igzip_lib.h, "isal_inflate"), bound on first use by dlopen(3).
// The decoder's state is a structure whose places are part of the ABI of libisal.so.2; no header of it is needed to
// build. Whoever binds it has to try it on a known stream before trusting it.

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/// The start of the decoder's state.
struct isal_head {
    uint8_t *next_out;
    uint32_t avail_out;
    uint32_t total_out;
    uint8_t *next_in;
    uint64_t read_in;
    uint32_t avail_in;
    int32_t read_in_length;
};

enum {
    /// Behind the head and two tables of 18,912 and 2,208 bytes.
    isal_block_state_at = 40 + 18912 + 2208,
    isal_crc_flag_at = isal_block_state_at + 12,
    /// More than any release of this ABI has.
    isal_state_size = 1 << 18,
    isal_block_finish = 5,
    isal_gzip = 1,
};

/// The bound entry points; `is_loaded` is 0 where the library is missing.
struct isal_library {
    int is_loaded;
    void (*init)(void *state);
    void (*reset)(void *state);
    int (*inflate)(void *state);
};

static inline struct isal_library isal_library_load(void) {
    struct isal_library library = {0};
    void *handle = dlopen("libisal.so.2", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return library;
    *(void **)&library.init = dlsym(handle, "isal_inflate_init");
    *(void **)&library.reset = dlsym(handle, "isal_inflate_reset");
    *(void **)&library.inflate = dlsym(handle, "isal_inflate");
    library.is_loaded = library.init && library.reset && library.inflate;
    return library;
}

static inline void isal_expect_gzip(void *state) {
    const uint32_t flag = isal_gzip;
    memcpy((char *)state + isal_crc_flag_at, &flag, sizeof flag);
}

/// A decoder of gzip; NULL without memory. `free` ends it.
static inline void *isal_new(const struct isal_library *library) {
    void *state = calloc(1, isal_state_size);
    if (state == NULL) return NULL;
    library->init(state);
    isal_expect_gzip(state);
    return state;
}

static inline void isal_free(void *state) { free(state); }

/// Makes the decoder ready for the next member, keeping its input.
static inline void isal_reset(const struct isal_library *library, void *state) {
    library->reset(state);
    isal_expect_gzip(state);
}

static inline void isal_set_input(void *state, const void *bytes, uint32_t count) {
    ((struct isal_head *)state)->next_in = (uint8_t *)bytes;
    ((struct isal_head *)state)->avail_in = count;
}

static inline uint32_t isal_input_left(const void *state) { return ((const struct isal_head *)state)->avail_in; }

/// Passes over zeros at the start of the input.
static inline void isal_skip_zeros(void *state) {
    struct isal_head *head = (struct isal_head *)state;
    while (head->avail_in > 0 && *head->next_in == 0) {
        head->next_in++;
        head->avail_in--;
    }
}

static inline uint8_t isal_next_byte(const void *state) { return *((const struct isal_head *)state)->next_in; }

/// Inflates as much as there is input and room.
/// Gives the bytes written, or a code below 0 for a damaged stream.
static inline int64_t isal_run(const struct isal_library *library, void *state, void *bytes, uint32_t count) {
    struct isal_head *head = (struct isal_head *)state;
    head->next_out = (uint8_t *)bytes;
    head->avail_out = count;
    int status = library->inflate(state);
    if (status < 0) return status;
    return (int64_t)count - head->avail_out;
}

/// Whether a member has ended and its checksum was right.
static inline int isal_is_finished(const void *state) {
    int32_t block_state;
    memcpy(&block_state, (const char *)state + isal_block_state_at, sizeof block_state);
    return block_state == isal_block_finish;
}
