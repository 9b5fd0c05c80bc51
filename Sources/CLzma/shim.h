#pragma once

// The few calls of liblzma that are used (lzma/base.h, lzma/container.h), bound on first use by dlopen(3).
// Its ABI (liblzma.so.5) is stable since 5.0; no header of it is needed to build.

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

/// lzma_stream of lzma/base.h.
struct lzma_flow {
    const uint8_t *next_in;
    size_t avail_in;
    uint64_t total_in;
    uint8_t *next_out;
    size_t avail_out;
    uint64_t total_out;
    const void *allocator;
    void *internal;
    void *reserved_pointers[4];
    uint64_t reserved_numbers[2];
    size_t reserved_sizes[2];
    int reserved_kinds[2];
};

/// The bound entry points; `is_loaded` is 0 where the library is missing.
struct lzma_library {
    int is_loaded;
    int (*decoder)(struct lzma_flow *stream, uint64_t memory, uint32_t flags);
    int (*code)(struct lzma_flow *stream, int action);
    void (*end)(struct lzma_flow *stream);
};

static const int lzma_ok = 0;
static const int lzma_stream_end = 1;
static const int lzma_memory_limit = 6;
/// LZMA_BUF_ERROR: nothing could be done, for lack of input or room.
static const int lzma_no_progress = 10;

static inline struct lzma_library lzma_library_load(void) {
    struct lzma_library library = {0};
    void *handle = dlopen("liblzma.so.5", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return library;
    *(void **)&library.decoder = dlsym(handle, "lzma_stream_decoder");
    *(void **)&library.code = dlsym(handle, "lzma_code");
    *(void **)&library.end = dlsym(handle, "lzma_end");
    library.is_loaded = library.decoder && library.code && library.end;
    return library;
}

/// A decoder of one stream or several, which uses at most so many bytes of memory; NULL without them.
static inline struct lzma_flow *lzma_new(const struct lzma_library *library, uint64_t memory) {
    const uint32_t concatenated = 0x08;
    struct lzma_flow *stream = calloc(1, sizeof *stream);
    if (stream != NULL && library->decoder(stream, memory, concatenated) != lzma_ok) {
        free(stream);
        return NULL;
    }
    return stream;
}

static inline void lzma_free(const struct lzma_library *library, struct lzma_flow *stream) {
    library->end(stream);
    free(stream);
}

/// Decompresses, and says how many bytes it took and gave; `ends` when no more input comes.
static inline int lzma_decompress(
    const struct lzma_library *library, struct lzma_flow *stream, const void *input, size_t input_size, size_t *taken,
    void *output, size_t output_size, size_t *given, int ends) {
    stream->next_in = input;
    stream->avail_in = input_size;
    stream->next_out = output;
    stream->avail_out = output_size;
    int answer = library->code(stream, ends ? 3 /* LZMA_FINISH */ : 0 /* LZMA_RUN */);
    *taken = input_size - stream->avail_in;
    *given = output_size - stream->avail_out;
    return answer;
}
