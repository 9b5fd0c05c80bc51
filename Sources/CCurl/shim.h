#pragma once

// The few calls and numbers of libcurl that are used (libcurl-multi(3)), bound on first use by dlopen(3).
// Linking the library would load it, TLS, HTTP/2, LDAP, SSH and Kerberos into every start of every command.
// Its ABI (libcurl.so.4) has been stable since 2006; no header of it is needed to build.
// curl_multi_poll makes 7.66 the oldest that serves.

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

/// What curl_multi_info_read(3) tells.
struct curl_message {
    int kind;
    void *easy;
    union {
        void *whatever;
        int result;
    } data;
};

/// Bytes handed over by setopt (curl/easy.h, struct curl_blob).
struct curl_bytes {
    void *data;
    size_t count;
    unsigned int flags;
};

struct curl_slist;

typedef size_t (*curl_data_callback)(char *bytes, size_t size, size_t count, void *context);

/// The bound entry points. Never unloaded: handles keep using them.
struct curl_library {
    int (*global_init)(long flags);
    void *(*easy_init)(void);
    void (*easy_cleanup)(void *easy);
    void (*easy_reset)(void *easy);
    int (*easy_setopt)(void *easy, int option, ...);
    int (*easy_pause)(void *easy, int mask);
    const char *(*easy_strerror)(int code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free)(struct curl_slist *list);
    void *(*multi_init)(void);
    int (*multi_cleanup)(void *multi);
    int (*multi_add)(void *multi, void *easy);
    int (*multi_remove)(void *multi, void *easy);
    int (*multi_perform)(void *multi, int *running);
    int (*multi_poll)(void *multi, void *extra, unsigned int extra_count, int milliseconds, int *ready);
    struct curl_message *(*multi_info)(void *multi, int *left);
};

/// Binds the library. Returns NULL when all went well, else the reason (the loader's is valid until the thread's next
/// dlopen call).
static inline const char *curl_library_load(struct curl_library *library) {
    void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *reason = dlerror();
        return reason != NULL ? reason : "libcurl.so.4 cannot be loaded";
    }
    *(void **)&library->global_init = dlsym(handle, "curl_global_init");
    *(void **)&library->easy_init = dlsym(handle, "curl_easy_init");
    *(void **)&library->easy_cleanup = dlsym(handle, "curl_easy_cleanup");
    *(void **)&library->easy_reset = dlsym(handle, "curl_easy_reset");
    *(void **)&library->easy_setopt = dlsym(handle, "curl_easy_setopt");
    *(void **)&library->easy_pause = dlsym(handle, "curl_easy_pause");
    *(void **)&library->easy_strerror = dlsym(handle, "curl_easy_strerror");
    *(void **)&library->slist_append = dlsym(handle, "curl_slist_append");
    *(void **)&library->slist_free = dlsym(handle, "curl_slist_free_all");
    *(void **)&library->multi_init = dlsym(handle, "curl_multi_init");
    *(void **)&library->multi_cleanup = dlsym(handle, "curl_multi_cleanup");
    *(void **)&library->multi_add = dlsym(handle, "curl_multi_add_handle");
    *(void **)&library->multi_remove = dlsym(handle, "curl_multi_remove_handle");
    *(void **)&library->multi_perform = dlsym(handle, "curl_multi_perform");
    *(void **)&library->multi_poll = dlsym(handle, "curl_multi_poll");
    *(void **)&library->multi_info = dlsym(handle, "curl_multi_info_read");
    if (!library->global_init || !library->easy_init || !library->easy_cleanup || !library->easy_reset ||
        !library->easy_setopt || !library->easy_pause || !library->easy_strerror ||
        !library->slist_append || !library->slist_free || !library->multi_init || !library->multi_cleanup ||
        !library->multi_add || !library->multi_remove || !library->multi_perform || !library->multi_poll ||
        !library->multi_info) {
        return "libcurl.so.4 lacks an entry point that is needed (curl_multi_poll is of 7.66)";
    }
    // CURL_GLOBAL_ALL.
    if (library->global_init(3) != 0) return "libcurl cannot be initialised";
    return NULL;
}

// Numbers of curl/curl.h. An option's number says the type of its value: below 10000 long, then pointer, function,
// 64-bit number, bytes.
enum {
    curl_option_verify_peer = 64,
    curl_option_verify_host = 81,
    curl_option_no_body = 44,
    curl_option_upload = 46,
    curl_option_post = 47,
    curl_option_get = 80,
    curl_option_connect_seconds = 78,
    curl_option_http_version = 84,
    curl_option_buffer_size = 98,
    curl_option_no_signal = 99,
    curl_option_protocols = 181,
    curl_option_tcp_keepalive = 213,
    curl_option_path_as_is = 234,
    curl_option_suppress_connect_headers = 265,
    curl_option_upload_buffer_size = 280,
    curl_option_url = 10002,
    curl_option_error_buffer = 10010,
    curl_option_post_fields = 10015,
    curl_option_user_agent = 10018,
    curl_option_headers = 10023,
    curl_option_client_certificate = 10025,
    curl_option_method = 10036,
    curl_option_client_key = 10087,
    curl_option_no_proxy = 10177,
    curl_option_post_size = 30120,
    curl_option_upload_size = 30115,
};

enum {
    curl_code_unresolved_proxy = 5,
    curl_code_unresolved_host = 6,
    curl_code_unconnected = 7,
    curl_code_partial = 18,
    curl_code_timeout = 28,
    curl_code_tls_connect = 35,
    curl_code_nothing = 52,
    curl_code_send = 55,
    curl_code_receive = 56,
    curl_code_own_certificate = 58,
    curl_code_untrusted = 60,
    curl_code_rewind = 65,
    curl_code_bad_authority_file = 77,
};

/// CURL_WRITEFUNC_PAUSE and CURL_READFUNC_ABORT.
static const size_t curl_write_pause = 0x10000001;
static const size_t curl_read_abort = 0x10000000;

static inline int curl_set_number(const struct curl_library *library, void *easy, int option, long value) {
    return library->easy_setopt(easy, option, value);
}

static inline int curl_set_size(const struct curl_library *library, void *easy, int option, int64_t value) {
    return library->easy_setopt(easy, option, value);
}

/// curl copies the text, except that of curl_option_post_fields and the buffer for errors.
static inline int curl_set_text(const struct curl_library *library, void *easy, int option, const char *value) {
    return library->easy_setopt(easy, option, value);
}

static inline int curl_set_pointer(const struct curl_library *library, void *easy, int option, const void *value) {
    return library->easy_setopt(easy, option, value);
}

/// CURLOPT_CAINFO_BLOB with CURL_BLOB_COPY.
static inline int curl_set_authorities(
    const struct curl_library *library, void *easy, const void *bytes, size_t count) {
    struct curl_bytes blob = {(void *)bytes, count, 1};
    return library->easy_setopt(easy, 40309, &blob);
}

/// CURLOPT_WRITE-, HEADER- and READFUNCTION with one context for all.
static inline void curl_set_callbacks(
    const struct curl_library *library, void *easy, curl_data_callback body, curl_data_callback header,
    curl_data_callback upload, void *context) {
    library->easy_setopt(easy, 20011, body);
    library->easy_setopt(easy, 10001, context);
    library->easy_setopt(easy, 20079, header);
    library->easy_setopt(easy, 10029, context);
    library->easy_setopt(easy, 20012, upload);
    library->easy_setopt(easy, 10009, context);
}

static inline void *curl_new_easy(const struct curl_library *library) { return library->easy_init(); }
static inline void *curl_new_multi(const struct curl_library *library) { return library->multi_init(); }
static inline void curl_free_easy(const struct curl_library *library, void *easy) { library->easy_cleanup(easy); }
static inline void curl_free_multi(const struct curl_library *library, void *multi) { library->multi_cleanup(multi); }
static inline void curl_reset(const struct curl_library *library, void *easy) { library->easy_reset(easy); }

static inline struct curl_slist *curl_list_append(
    const struct curl_library *library, struct curl_slist *list, const char *text) {
    return library->slist_append(list, text);
}

static inline void curl_list_free(const struct curl_library *library, struct curl_slist *list) {
    library->slist_free(list);
}

static inline int curl_add(const struct curl_library *library, void *multi, void *easy) {
    return library->multi_add(multi, easy);
}

static inline int curl_remove(const struct curl_library *library, void *multi, void *easy) {
    return library->multi_remove(multi, easy);
}

/// Does what can be done at once. The answer is a CURLMcode.
static inline int curl_perform(const struct curl_library *library, void *multi) {
    int running = 0;
    return library->multi_perform(multi, &running);
}

/// Waits for the sockets.
static inline int curl_wait(const struct curl_library *library, void *multi, int milliseconds) {
    int ready = 0;
    return library->multi_poll(multi, NULL, 0, milliseconds, &ready);
}

/// Lets a paused transfer go on.
static inline int curl_resume(const struct curl_library *library, void *easy) { return library->easy_pause(easy, 0); }

/// How the handle's transfer ended (a CURLcode), or -1 while it has not.
static inline int curl_outcome(const struct curl_library *library, void *multi, void *easy) {
    int left = 0;
    struct curl_message *message;
    while ((message = library->multi_info(multi, &left)) != NULL) {
        // CURLMSG_DONE.
        if (message->kind == 1 && message->easy == easy) return message->data.result;
    }
    return -1;
}

static inline const char *curl_explain(const struct curl_library *library, int code) {
    return library->easy_strerror(code);
}
