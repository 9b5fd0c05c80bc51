#pragma once

// crypt_ra(3) of libxcrypt, which is Debian's libcrypt.so.1, bound on first use by dlopen(3): the registry server alone
// needs it. The call takes its own working memory, so any number of threads may hash at once.

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/// The bound entry point; NULL where the library is missing. Never unloaded.
struct crypt_library {
    char *(*crypt)(const char *phrase, const char *setting, void **data, int *size);
};

static inline struct crypt_library crypt_library_load(void) {
    struct crypt_library library = {0};
    void *handle = dlopen("libcrypt.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle != NULL) *(void **)&library.crypt = dlsym(handle, "crypt_ra");
    return library;
}

/// Hashes a phrase as a setting says, into a buffer; 0, or -1 where the setting is none or the hash does not fit.
static inline int crypt_hash(
    const struct crypt_library *library, const char *phrase, const char *setting, char *buffer, size_t size) {
    void *data = NULL;
    int length = 0;
    const char *hash = library->crypt(phrase, setting, &data, &length);
    // A failure is NULL or a token that begins with an asterisk: crypt(3).
    int good = hash != NULL && hash[0] != '*' && strlen(hash) < size;
    if (good) strcpy(buffer, hash);
    if (data != NULL) {
        memset(data, 0, (size_t)length);
        free(data);
    }
    return good ? 0 : -1;
}
