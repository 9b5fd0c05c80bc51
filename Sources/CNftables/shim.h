#pragma once

// The few calls of libnftables(3) that are used, bound on first use by dlopen(3). Linking the library
// would load it, libnftnl, libmnl, libjansson and libgmp into every start of every command.
// Its ABI (libnftables.so.1) has been stable since nftables 0.9; no header of it is needed to build.

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nft_ctx;

/// The bound entry points. Never unloaded: contexts keep using them.
struct nftables_library {
    struct nft_ctx *(*context_new)(uint32_t flags);
    void (*context_free)(struct nft_ctx *context);
    int (*buffer_output)(struct nft_ctx *context);
    int (*buffer_error)(struct nft_ctx *context);
    const char *(*output_buffer)(struct nft_ctx *context);
    const char *(*error_buffer)(struct nft_ctx *context);
    void (*set_output_flags)(struct nft_ctx *context, unsigned int flags);
    int (*run_from_buffer)(struct nft_ctx *context, const char *commands);
};

/// Binds the library. Returns NULL when all went well, else the loader's explanation (valid until the
/// thread's next dlopen call).
static inline const char *nftables_library_load(struct nftables_library *library) {
    void *handle = dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *reason = dlerror();
        return reason != NULL ? reason : "libnftables.so.1 cannot be loaded";
    }
    *(void **)&library->context_new = dlsym(handle, "nft_ctx_new");
    *(void **)&library->context_free = dlsym(handle, "nft_ctx_free");
    *(void **)&library->buffer_output = dlsym(handle, "nft_ctx_buffer_output");
    *(void **)&library->buffer_error = dlsym(handle, "nft_ctx_buffer_error");
    *(void **)&library->output_buffer = dlsym(handle, "nft_ctx_get_output_buffer");
    *(void **)&library->error_buffer = dlsym(handle, "nft_ctx_get_error_buffer");
    *(void **)&library->set_output_flags = dlsym(handle, "nft_ctx_output_set_flags");
    *(void **)&library->run_from_buffer = dlsym(handle, "nft_run_cmd_from_buffer");
    if (!library->context_new || !library->context_free || !library->buffer_output || !library->buffer_error ||
        !library->output_buffer || !library->error_buffer || !library->set_output_flags || !library->run_from_buffer) {
        return "libnftables.so.1 lacks an entry point that is needed";
    }
    return NULL;
}

static inline struct nft_ctx *nftables_context_new(const struct nftables_library *library) {
    struct nft_ctx *context = library->context_new(0);
    if (context == NULL) return NULL;
    if (library->buffer_output(context) != 0 || library->buffer_error(context) != 0) {
        library->context_free(context);
        return NULL;
    }
    // NFT_CTX_OUTPUT_NUMERIC_PROTO: names of protocols are in /etc/protocols, which a bare Debian does not have.
    library->set_output_flags(context, 1 << 7);
    return context;
}

static inline void nftables_context_free(const struct nftables_library *library, struct nft_ctx *context) {
    library->context_free(context);
}

static inline int nftables_run(
    const struct nftables_library *library, struct nft_ctx *context, const char *commands) {
    return library->run_from_buffer(context, commands);
}

static inline const char *nftables_output(const struct nftables_library *library, struct nft_ctx *context) {
    return library->output_buffer(context);
}

static inline const char *nftables_error(const struct nftables_library *library, struct nft_ctx *context) {
    return library->error_buffer(context);
}
