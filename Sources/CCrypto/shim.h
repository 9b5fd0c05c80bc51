#pragma once

// The few calls of OpenSSL's libcrypto that are used (EVP_DigestInit(3)), bound on first use by dlopen(3).
// Linking the library would bind its 4,000 symbols in every start of every command.
// Its ABI (libcrypto.so.3) is stable for all of OpenSSL 3; no header of it is needed to build.

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct evp_md_ctx_st;
struct evp_md_st;

/// The bound entry points. Never unloaded: hashes keep using them.
struct crypto_library {
    struct evp_md_ctx_st *(*context_new)(void);
    void (*context_free)(struct evp_md_ctx_st *context);
    const struct evp_md_st *(*sha256)(void);
    const struct evp_md_st *(*sha512)(void);
    int (*init)(struct evp_md_ctx_st *context, const struct evp_md_st *type, void *engine);
    int (*update)(struct evp_md_ctx_st *context, const void *bytes, size_t count);
    int (*final)(struct evp_md_ctx_st *context, unsigned char *digest, unsigned int *count);
};

/// Binds the library. Where it is missing the process ends as it would had it been linked: ld.so(8)
/// ends a program without its libraries with a sentence and the code 127.
static inline struct crypto_library crypto_library_load(void) {
    struct crypto_library library = {0};
    void *handle = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (handle != NULL) {
        *(void **)&library.context_new = dlsym(handle, "EVP_MD_CTX_new");
        *(void **)&library.context_free = dlsym(handle, "EVP_MD_CTX_free");
        *(void **)&library.sha256 = dlsym(handle, "EVP_sha256");
        *(void **)&library.sha512 = dlsym(handle, "EVP_sha512");
        *(void **)&library.init = dlsym(handle, "EVP_DigestInit_ex");
        *(void **)&library.update = dlsym(handle, "EVP_DigestUpdate");
        *(void **)&library.final = dlsym(handle, "EVP_DigestFinal_ex");
    }
    if (!library.context_new || !library.context_free || !library.sha256 || !library.sha512 || !library.init ||
        !library.update || !library.final) {
        const char *reason = dlerror();
        fprintf(stderr, "error: OpenSSL's libcrypto cannot be loaded: %s\nhint: apt-get install libssl3\n",
                reason != NULL ? reason : "it lacks an entry point that is needed");
        _Exit(127);
    }
    return library;
}

static inline struct evp_md_ctx_st *crypto_hash_new(
    const struct crypto_library *library, const struct evp_md_st *algorithm) {
    struct evp_md_ctx_st *context = library->context_new();
    if (context == NULL || library->init(context, algorithm, NULL) != 1) {
        fprintf(stderr, "error: OpenSSL cannot start a hash: no memory\n");
        abort();
    }
    return context;
}

static inline struct evp_md_ctx_st *crypto_sha256_new(const struct crypto_library *library) {
    return crypto_hash_new(library, library->sha256());
}

static inline struct evp_md_ctx_st *crypto_sha512_new(const struct crypto_library *library) {
    return crypto_hash_new(library, library->sha512());
}

static inline void crypto_free(const struct crypto_library *library, struct evp_md_ctx_st *context) {
    library->context_free(context);
}

static inline void crypto_update(
    const struct crypto_library *library, struct evp_md_ctx_st *context, const void *bytes, size_t count) {
    library->update(context, bytes, count);
}

static inline void crypto_final(
    const struct crypto_library *library, struct evp_md_ctx_st *context, unsigned char *digest) {
    library->final(context, digest, NULL);
}

struct evp_cipher_ctx_st;
struct evp_cipher_st;

/// What AES-256-GCM needs (EVP_EncryptInit(3)); bound apart, since few commands seal anything.
struct cipher_library {
    struct evp_cipher_ctx_st *(*context_new)(void);
    void (*context_free)(struct evp_cipher_ctx_st *context);
    const struct evp_cipher_st *(*aes_256_gcm)(void);
    int (*init)(struct evp_cipher_ctx_st *context, const struct evp_cipher_st *type, void *engine,
                const unsigned char *key, const unsigned char *nonce, int encrypts);
    int (*update)(struct evp_cipher_ctx_st *context, unsigned char *out, int *count, const unsigned char *in, int size);
    int (*final)(struct evp_cipher_ctx_st *context, unsigned char *out, int *count);
    int (*control)(struct evp_cipher_ctx_st *context, int type, int argument, void *pointer);
};

/// Binds the library; every entry point is null where it is missing.
static inline struct cipher_library cipher_library_load(void) {
    struct cipher_library library = {0};
    void *handle = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return library;
    *(void **)&library.context_new = dlsym(handle, "EVP_CIPHER_CTX_new");
    *(void **)&library.context_free = dlsym(handle, "EVP_CIPHER_CTX_free");
    *(void **)&library.aes_256_gcm = dlsym(handle, "EVP_aes_256_gcm");
    *(void **)&library.init = dlsym(handle, "EVP_CipherInit_ex");
    *(void **)&library.update = dlsym(handle, "EVP_CipherUpdate");
    *(void **)&library.final = dlsym(handle, "EVP_CipherFinal_ex");
    *(void **)&library.control = dlsym(handle, "EVP_CIPHER_CTX_ctrl");
    return library;
}

/// Encrypts or decrypts with AES-256-GCM under a nonce of 12 bytes: `size` bytes from `in` to `out`.
///
/// Encrypting, the tag of 16 bytes is written; decrypting, it is checked.
///
/// Returns 1 if all went well; 0 for a wrong tag too.
static inline int cipher_aes_256_gcm(
    const struct cipher_library *library, int encrypts, const unsigned char *key, const unsigned char *nonce,
    const unsigned char *in, unsigned char *out, size_t size, unsigned char *tag) {
    enum { get_tag = 0x10, set_tag = 0x11 };
    if (!library->context_new || !library->context_free || !library->aes_256_gcm || !library->init ||
        !library->update || !library->final || !library->control || size > 0x7FFFFFFF)
        return 0;
    struct evp_cipher_ctx_st *context = library->context_new();
    if (context == NULL) return 0;
    int count = 0, rest = 0;
    unsigned char nothing[16];
    int good = library->init(context, library->aes_256_gcm(), NULL, key, nonce, encrypts) == 1;
    if (good && !encrypts) good = library->control(context, set_tag, 16, tag) == 1;
    if (good && size > 0) good = library->update(context, out, &count, in, (int)size) == 1 && (size_t)count == size;
    if (good) good = library->final(context, nothing, &rest) == 1 && rest == 0;
    if (good && encrypts) good = library->control(context, get_tag, 16, tag) == 1;
    library->context_free(context);
    return good;
}

/// Takes whole stripes of 32 bytes into the four lanes of an XXH64 (xxHash specification 0.1.1).
///
/// In C, so that it is fast in a build without an optimizer too: it reads every byte of every layer.
static inline void xxh64_absorb(uint64_t lanes[4], const void *bytes, size_t stripes) {
    const uint64_t prime1 = 0x9E3779B185EBCA87ULL, prime2 = 0xC2B2AE3D27D4EB4FULL;
    const unsigned char *place = (const unsigned char *)bytes;
    uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
    for (; stripes > 0; stripes--, place += 32) {
        uint64_t words[4];
        __builtin_memcpy(words, place, 32);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        for (int i = 0; i < 4; i++) words[i] = __builtin_bswap64(words[i]);
#endif
        a += words[0] * prime2;
        a = ((a << 31) | (a >> 33)) * prime1;
        b += words[1] * prime2;
        b = ((b << 31) | (b >> 33)) * prime1;
        c += words[2] * prime2;
        c = ((c << 31) | (c >> 33)) * prime1;
        d += words[3] * prime2;
        d = ((d << 31) | (d >> 33)) * prime1;
    }
    lanes[0] = a;
    lanes[1] = b;
    lanes[2] = c;
    lanes[3] = d;
}
