#pragma once

// The few calls of libzstd that are used (zstd.h, "Streaming decompression"), bound on first use by dlopen(3).
// Its ABI (libzstd.so.1) is stable since 1.4; no header of it is needed to build.

#include <dlfcn.h>
#include <stddef.h>

struct ZSTD_DCtx_s;
struct ZSTD_CCtx_s;

struct zstd_input {
    const void *bytes;
    size_t size;
    size_t position;
};

struct zstd_output {
    void *bytes;
    size_t size;
    size_t position;
};

/// The bound entry points; `is_loaded` is 0 where the library is missing.
struct zstd_library {
    int is_loaded;
    struct ZSTD_DCtx_s *(*new_context)(void);
    size_t (*free_context)(struct ZSTD_DCtx_s *context);
    size_t (*set_parameter)(struct ZSTD_DCtx_s *context, int parameter, int value);
    size_t (*decompress)(struct ZSTD_DCtx_s *context, struct zstd_output *output, struct zstd_input *input);
    unsigned (*is_error)(size_t code);
    const char *(*error_name)(size_t code);
};

static inline struct zstd_library zstd_library_load(void) {
    struct zstd_library library = {0};
    void *handle = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return library;
    *(void **)&library.new_context = dlsym(handle, "ZSTD_createDCtx");
    *(void **)&library.free_context = dlsym(handle, "ZSTD_freeDCtx");
    *(void **)&library.set_parameter = dlsym(handle, "ZSTD_DCtx_setParameter");
    *(void **)&library.decompress = dlsym(handle, "ZSTD_decompressStream");
    *(void **)&library.is_error = dlsym(handle, "ZSTD_isError");
    *(void **)&library.error_name = dlsym(handle, "ZSTD_getErrorName");
    library.is_loaded = library.new_context && library.free_context && library.set_parameter && library.decompress &&
                        library.is_error && library.error_name;
    return library;
}

/// A decoder whose window is at most 2^window_log bytes; NULL without memory.
static inline struct ZSTD_DCtx_s *zstd_new(const struct zstd_library *library, int window_log) {
    const int window_log_max = 100;
    struct ZSTD_DCtx_s *context = library->new_context();
    if (context != NULL && library->is_error(library->set_parameter(context, window_log_max, window_log))) {
        library->free_context(context);
        return NULL;
    }
    return context;
}

static inline void zstd_free(const struct zstd_library *library, struct ZSTD_DCtx_s *context) {
    library->free_context(context);
}

/// Gives 0 at the end of a frame, a hint above 0 inside of one, or an error code.
static inline size_t zstd_decompress(
    const struct zstd_library *library, struct ZSTD_DCtx_s *context, struct zstd_output *output,
    struct zstd_input *input) {
    return library->decompress(context, output, input);
}

/// Why a call failed; NULL when it did not.
static inline const char *zstd_error(const struct zstd_library *library, size_t code) {
    return library->is_error(code) ? library->error_name(code) : NULL;
}

/// The entry points of the encoder; `is_loaded` is 0 where the library is missing.
struct zstd_encoder {
    int is_loaded;
    struct ZSTD_CCtx_s *(*new_context)(void);
    size_t (*free_context)(struct ZSTD_CCtx_s *context);
    size_t (*set_parameter)(struct ZSTD_CCtx_s *context, int parameter, int value);
    size_t (*compress)(
        struct ZSTD_CCtx_s *context, struct zstd_output *output, struct zstd_input *input, int directive);
    unsigned (*is_error)(size_t code);
    const char *(*error_name)(size_t code);
};

static inline struct zstd_encoder zstd_encoder_load(void) {
    struct zstd_encoder library = {0};
    void *handle = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return library;
    *(void **)&library.new_context = dlsym(handle, "ZSTD_createCCtx");
    *(void **)&library.free_context = dlsym(handle, "ZSTD_freeCCtx");
    *(void **)&library.set_parameter = dlsym(handle, "ZSTD_CCtx_setParameter");
    *(void **)&library.compress = dlsym(handle, "ZSTD_compressStream2");
    *(void **)&library.is_error = dlsym(handle, "ZSTD_isError");
    *(void **)&library.error_name = dlsym(handle, "ZSTD_getErrorName");
    library.is_loaded = library.new_context && library.free_context && library.set_parameter && library.compress &&
                        library.is_error && library.error_name;
    return library;
}

/// An encoder of a level, of which 0 is the library's own; NULL without memory.
static inline struct ZSTD_CCtx_s *zstd_new_encoder(const struct zstd_encoder *library, int level) {
    const int compression_level = 100;
    struct ZSTD_CCtx_s *context = library->new_context();
    if (context != NULL && library->is_error(library->set_parameter(context, compression_level, level))) {
        library->free_context(context);
        return NULL;
    }
    return context;
}

static inline void zstd_free_encoder(const struct zstd_encoder *library, struct ZSTD_CCtx_s *context) {
    library->free_context(context);
}

/// Goes on, or with `ends` ends the frame; gives what is left to write, or an error code.
static inline size_t zstd_compress(
    const struct zstd_encoder *library, struct ZSTD_CCtx_s *context, struct zstd_output *output,
    struct zstd_input *input, int ends) {
    return library->compress(context, output, input, ends ? 2 /* ZSTD_e_end */ : 0 /* ZSTD_e_continue */);
}

static inline const char *zstd_encoder_error(const struct zstd_encoder *library, size_t code) {
    return library->is_error(code) ? library->error_name(code) : NULL;
}
