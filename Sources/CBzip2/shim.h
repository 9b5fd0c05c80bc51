#pragma once

// The few calls of libbz2 that are used (bzlib.h, "Low-level interface"), bound on first use by dlopen(3).
// Its ABI (libbz2.so.1.0) is stable since 2000; no header of it is needed to build.

#include <dlfcn.h>
#include <stdlib.h>

/// bz_stream of bzlib.h.
struct bzip2_stream {
    char *next_in;
    unsigned int avail_in;
    unsigned int total_in_low, total_in_high;
    char *next_out;
    unsigned int avail_out;
    unsigned int total_out_low, total_out_high;
    void *state;
    void *(*allocate)(void *, int, int);
    void (*release)(void *, void *);
    void *opaque;
};

/// The bound entry points; `is_loaded` is 0 where the library is missing.
struct bzip2_library {
    int is_loaded;
    int (*begin)(struct bzip2_stream *stream, int verbosity, int small);
    int (*decompress)(struct bzip2_stream *stream);
    int (*end)(struct bzip2_stream *stream);
};

static const int bzip2_ok = 0;
static const int bzip2_stream_end = 4;

static inline struct bzip2_library bzip2_library_load(void) {
    struct bzip2_library library = {0};
    void *handle = dlopen("libbz2.so.1.0", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return library;
    *(void **)&library.begin = dlsym(handle, "BZ2_bzDecompressInit");
    *(void **)&library.decompress = dlsym(handle, "BZ2_bzDecompress");
    *(void **)&library.end = dlsym(handle, "BZ2_bzDecompressEnd");
    library.is_loaded = library.begin && library.decompress && library.end;
    return library;
}

/// A decoder; NULL without memory.
static inline struct bzip2_stream *bzip2_new(const struct bzip2_library *library) {
    struct bzip2_stream *stream = calloc(1, sizeof *stream);
    if (stream != NULL && library->begin(stream, 0, 0) != bzip2_ok) {
        free(stream);
        return NULL;
    }
    return stream;
}

static inline void bzip2_free(const struct bzip2_library *library, struct bzip2_stream *stream) {
    if (stream == NULL) return;
    library->end(stream);
    free(stream);
}

/// Decompresses, and says how many bytes it took and gave; bzip2_ok, bzip2_stream_end or an error.
static inline int bzip2_decompress(
    const struct bzip2_library *library, struct bzip2_stream *stream, const void *input, unsigned int input_size,
    unsigned int *taken, void *output, unsigned int output_size, unsigned int *given) {
    stream->next_in = (char *)input;
    stream->avail_in = input_size;
    stream->next_out = output;
    stream->avail_out = output_size;
    int answer = library->decompress(stream);
    *taken = input_size - stream->avail_in;
    *given = output_size - stream->avail_out;
    return answer;
}
