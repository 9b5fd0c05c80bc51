#pragma once

// The calls and numbers of OpenSSL's libssl that are used (ssl(7)), bound on first use by dlopen(3).
// Linking the library would bind its and libcrypto's 5,000 symbols in every start of every command.
// Its ABI (libssl.so.3) is stable for all of OpenSSL 3; no header of it is needed to build.

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

struct asn1_string_st;
struct bio_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;
struct x509_name_st;
struct x509_store_st;
struct x509_verify_param_st;

typedef int (*tls_password_callback)(char *buffer, int size, int writing, void *context);
typedef int (*tls_protocol_callback)(
    struct ssl_st *ssl, const unsigned char **chosen, unsigned char *chosen_count, const unsigned char *offered,
    unsigned int offered_count, void *context);

/// Each call by its name in OpenSSL: answer, name, arguments. Those of libcrypto come with libssl.
#define TLS_CALLS(CALL)                                                                                               \
    CALL(const void *, TLS_server_method, (void))                                                                     \
    CALL(const void *, TLS_client_method, (void))                                                                     \
    CALL(struct ssl_ctx_st *, SSL_CTX_new, (const void *method))                                                      \
    CALL(void, SSL_CTX_free, (struct ssl_ctx_st *context))                                                            \
    CALL(long, SSL_CTX_ctrl, (struct ssl_ctx_st *context, int command, long number, void *pointer))                   \
    CALL(int, SSL_CTX_set_num_tickets, (struct ssl_ctx_st *context, size_t count))                                    \
    CALL(uint64_t, SSL_CTX_set_options, (struct ssl_ctx_st *context, uint64_t options))                               \
    CALL(int, SSL_CTX_set_cipher_list, (struct ssl_ctx_st *context, const char *list))                                \
    CALL(int, SSL_CTX_set_alpn_protos, (struct ssl_ctx_st *context, const unsigned char *list, unsigned int count))   \
    CALL(void, SSL_CTX_set_alpn_select_cb,                                                                            \
         (struct ssl_ctx_st *context, tls_protocol_callback callback, void *argument))                                \
    CALL(void, SSL_CTX_set_verify, (struct ssl_ctx_st *context, int mode, void *callback))                            \
    CALL(int, SSL_CTX_use_certificate, (struct ssl_ctx_st *context, struct x509_st *certificate))                     \
    CALL(int, SSL_CTX_use_PrivateKey, (struct ssl_ctx_st *context, struct evp_pkey_st *key))                          \
    CALL(int, SSL_CTX_add_client_CA, (struct ssl_ctx_st *context, struct x509_st *certificate))                       \
    CALL(int, SSL_CTX_set_default_verify_paths, (struct ssl_ctx_st *context))                                         \
    CALL(struct x509_store_st *, SSL_CTX_get_cert_store, (const struct ssl_ctx_st *context))                          \
    CALL(int, X509_STORE_add_cert, (struct x509_store_st *store, struct x509_st *certificate))                        \
    CALL(struct ssl_st *, SSL_new, (struct ssl_ctx_st *context))                                                      \
    CALL(void, SSL_free, (struct ssl_st *ssl))                                                                        \
    CALL(long, SSL_ctrl, (struct ssl_st *ssl, int command, long number, void *pointer))                               \
    CALL(void, SSL_set_bio, (struct ssl_st *ssl, struct bio_st *reading, struct bio_st *writing))                     \
    CALL(void, SSL_set_accept_state, (struct ssl_st *ssl))                                                            \
    CALL(void, SSL_set_connect_state, (struct ssl_st *ssl))                                                           \
    CALL(int, SSL_set1_host, (struct ssl_st *ssl, const char *name))                                                  \
    CALL(struct x509_verify_param_st *, SSL_get0_param, (struct ssl_st *ssl))                                         \
    CALL(int, X509_VERIFY_PARAM_set1_ip_asc, (struct x509_verify_param_st *parameters, const char *address))          \
    CALL(int, SSL_do_handshake, (struct ssl_st *ssl))                                                                 \
    CALL(int, SSL_read_ex, (struct ssl_st *ssl, void *bytes, size_t count, size_t *read))                             \
    CALL(int, SSL_write_ex, (struct ssl_st *ssl, const void *bytes, size_t count, size_t *written))                   \
    CALL(int, SSL_pending, (const struct ssl_st *ssl))                                                                \
    CALL(int, SSL_shutdown, (struct ssl_st *ssl))                                                                     \
    CALL(int, SSL_get_error, (const struct ssl_st *ssl, int answer))                                                  \
    CALL(long, SSL_get_verify_result, (const struct ssl_st *ssl))                                                     \
    CALL(struct x509_st *, SSL_get1_peer_certificate, (const struct ssl_st *ssl))                                     \
    CALL(const char *, SSL_get_version, (const struct ssl_st *ssl))                                                   \
    CALL(const void *, BIO_s_mem, (void))                                                                             \
    CALL(struct bio_st *, BIO_new, (const void *method))                                                              \
    CALL(struct bio_st *, BIO_new_mem_buf, (const void *bytes, int count))                                            \
    CALL(int, BIO_free, (struct bio_st *bio))                                                                         \
    CALL(int, BIO_read, (struct bio_st *bio, void *bytes, int count))                                                 \
    CALL(int, BIO_write, (struct bio_st *bio, const void *bytes, int count))                                          \
    CALL(size_t, BIO_ctrl_pending, (struct bio_st *bio))                                                              \
    CALL(struct x509_st *, PEM_read_bio_X509,                                                                         \
         (struct bio_st *bio, struct x509_st **certificate, tls_password_callback password, void *context))           \
    CALL(struct evp_pkey_st *, PEM_read_bio_PrivateKey,                                                               \
         (struct bio_st *bio, struct evp_pkey_st **key, tls_password_callback password, void *context))               \
    CALL(void, EVP_PKEY_free, (struct evp_pkey_st *key))                                                              \
    CALL(void, X509_free, (struct x509_st *certificate))                                                              \
    CALL(int, X509_check_private_key, (const struct x509_st *certificate, const struct evp_pkey_st *key))             \
    CALL(const struct asn1_string_st *, X509_get0_notBefore, (const struct x509_st *certificate))                     \
    CALL(const struct asn1_string_st *, X509_get0_notAfter, (const struct x509_st *certificate))                      \
    CALL(int, ASN1_TIME_diff,                                                                                         \
         (int *days, int *seconds, const struct asn1_string_st *from, const struct asn1_string_st *to))               \
    CALL(struct x509_name_st *, X509_get_subject_name, (const struct x509_st *certificate))                           \
    CALL(int, X509_NAME_print_ex,                                                                                     \
         (struct bio_st *bio, const struct x509_name_st *name, int indent, unsigned long flags))                      \
    CALL(const void *, EVP_sha256, (void))                                                                            \
    CALL(int, X509_digest,                                                                                            \
         (const struct x509_st *certificate, const void *digest, unsigned char *bytes, unsigned int *count))          \
    CALL(const char *, X509_verify_cert_error_string, (long code))                                                    \
    CALL(unsigned long, ERR_get_error, (void))                                                                        \
    CALL(unsigned long, ERR_peek_last_error, (void))                                                                  \
    CALL(void, ERR_clear_error, (void))                                                                               \
    CALL(const char *, ERR_reason_error_string, (unsigned long code))

#define TLS_MEMBER(answer, name, arguments) answer (*_Nonnull name) arguments;
/// The bound entry points.
struct tls_library {
    TLS_CALLS(TLS_MEMBER)
};
#undef TLS_MEMBER

#define TLS_BIND(answer, name, arguments)                                                                             \
    *(void **)&library.name = dlsym(handle, #name);                                                                   \
    if (*(void **)&library.name == NULL) {                                                                            \
        *reason = "libssl.so.3 lacks " #name;                                                                         \
        return NULL;                                                                                                  \
    }
/// Binds the library; it is never unloaded. To be called once. NULL where it cannot be used: then `reason` says why,
/// in text that is valid until the thread's next dlopen call.
static inline const struct tls_library *tls_library_load(const char **reason) {
    static struct tls_library library;
    void *handle = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *text = dlerror();
        *reason = text != NULL ? text : "libssl.so.3 cannot be loaded";
        return NULL;
    }
    TLS_CALLS(TLS_BIND)
    return &library;
}
#undef TLS_BIND

// Numbers of openssl/ssl.h.
enum {
    tls_control_mode = 33,
    tls_control_session_cache = 44,
    tls_control_server_name = 55,
    tls_control_chain = 89,
    tls_control_minimum_version = 123,
    tls_version_1_2 = 0x0303,
    tls_verify_none = 0,
    tls_verify_peer = 1,
    tls_verify_required = 3,
    // SSL_MODE_NO_AUTO_CHAIN, SSL_MODE_RELEASE_BUFFERS.
    tls_mode = 0x18,
    tls_error_protocol = 1,
    tls_error_wants_reading = 2,
    tls_error_wants_writing = 3,
    tls_error_system = 5,
    tls_error_ended = 6,
};

/// SSL_OP_NO_TICKET, _NO_COMPRESSION, _PRIORITIZE_CHACHA, _CIPHER_SERVER_PREFERENCE, _NO_RENEGOTIATION.
static const uint64_t tls_options = 1 << 14 | 1 << 17 | 1 << 21 | 1 << 22 | 1 << 30;
/// XN_FLAG_RFC2253: escaped, so that a name from outside cannot hold line ends or other controls.
static const unsigned long tls_name_format = 0x1110317;

/// PEM_R_NO_START_LINE, of ERR_LIB_PEM: the end of a PEM file.
static inline int tls_is_pem_end(unsigned long code) { return (code >> 23 & 0xFF) == 9 && (code & 0x7FFFFF) == 108; }
/// SSL_R_CERTIFICATE_VERIFY_FAILED, of ERR_LIB_SSL.
static inline int tls_is_verification(unsigned long code) {
    return (code >> 23 & 0xFF) == 20 && (code & 0x7FFFFF) == 134;
}

static inline int tls_answer_no_password(char *buffer, int size, int writing, void *asked) {
    (void)buffer, (void)size, (void)writing;
    *(int *)asked = 1;
    return -1;
}

/// The next certificate of a PEM text; NULL at its end and at damage, which the error queue tells apart.
static inline struct x509_st *tls_next_certificate(const struct tls_library *library, struct bio_st *bio) {
    int asked = 0;
    return library->PEM_read_bio_X509(bio, NULL, tls_answer_no_password, &asked);
}

/// The first private key of a PEM text, or NULL; `encrypted` becomes 1 where a password would be needed.
static inline struct evp_pkey_st *tls_private_key(
    const struct tls_library *library, struct bio_st *bio, int *encrypted) {
    return library->PEM_read_bio_PrivateKey(bio, NULL, tls_answer_no_password, encrypted);
}

/// Seconds from now to a time; negative when it is past. 0 where the time is malformed.
static inline int64_t tls_seconds_until(const struct tls_library *library, const struct asn1_string_st *time) {
    int days = 0, seconds = 0;
    if (library->ASN1_TIME_diff(&days, &seconds, NULL, time) != 1) return 0;
    return (int64_t)days * 86400 + seconds;
}

/// Takes http/1.1 where it is offered; a client that offers only others gets the alert no_application_protocol
/// (RFC 7301, section 3.2).
static inline int tls_choose_http(
    struct ssl_st *ssl, const unsigned char **chosen, unsigned char *chosen_count, const unsigned char *offered,
    unsigned int offered_count, void *context) {
    (void)ssl, (void)context;
    for (unsigned int at = 0; at < offered_count && at + 1 + offered[at] <= offered_count; at += 1 + offered[at]) {
        if (offered[at] == 8 && __builtin_memcmp(offered + at + 1, "http/1.1", 8) == 0) {
            *chosen = offered + at + 1;
            *chosen_count = 8;
            return 0;
        }
    }
    return 2;
}

static inline void tls_speak_http(const struct tls_library *library, struct ssl_ctx_st *context) {
    library->SSL_CTX_set_alpn_select_cb(context, tls_choose_http, NULL);
    library->SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x08http/1.1", 9);
}
