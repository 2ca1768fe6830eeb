#include "io/tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "io/wire.h"

/* RA-TLS certificates carry evidence: 4 to 25 KiB seen, more with an event log. */
enum { CERTIFICATES_BYTES_MAX = 256 * 1024 };

struct tls {
    _Atomic unsigned count;
    SSL_CTX *ctx;
    BIO_METHOD *method;
    bool server;
};

/* h2 then http/1.1, as RFC 7301 3.1 writes a list. */
static const unsigned char protocols[] = "\x02h2\x08http/1.1";
enum { PROTOCOLS_LEN = sizeof(protocols) - 1 };

static void say_why(char *error, size_t error_size, const char *what, const char *file)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_SYSTEM_ERROR(code) ? NULL : ERR_reason_error_string(code);
    char words[128] = "OpenSSL gives no reason";
    if (ERR_SYSTEM_ERROR(ERR_peek_error())) {
        int unknown = strerror_r(ERR_GET_REASON(ERR_peek_error()), words, sizeof(words));
        (void)unknown;
        reason = NULL;
    }
    snprintf(error, error_size, "%s \"%s\": %s", what, file, reason != NULL ? reason : words);
    ERR_clear_error();
}

static struct tls *tls_new(const SSL_METHOD *method, bool server)
{
    struct tls *tls = alloc_zeroed(sizeof(*tls));
    ERR_clear_error();
    atomic_init(&tls->count, 1);
    tls->server = server;
    tls->ctx = SSL_CTX_new(method);
    must(tls->ctx != NULL);
    tls->method = wire_method_new();
    SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_RELEASE_BUFFERS);
    /* A record in one read instead of two; conn asks SSL_has_pending() for what is left inside. */
    SSL_CTX_set_read_ahead(tls->ctx, 1);
    SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    /* Callers resume by tickets, which cost no memory here; workers not at all. */
    SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
    return tls;
}

static int refuse_password(char *memory, int bytes, int writing, void *arg)
{
    return -1; /* a daemon has nobody to ask */
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned offered_len, void *arg)
{
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, protocols, PROTOCOLS_LEN, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* no_application_protocol, RFC 7301 3.2 */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool load_pair(SSL_CTX *ctx, const char *certificate_file, const char *key_file, char *error,
                      size_t error_size)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, certificate_file) != 1) {
        say_why(error, error_size, "cannot use the certificate", certificate_file);
        return false;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(ctx) == 1)
        return true;
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    if (ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509 &&
        (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH)) {
        snprintf(error, error_size, "the key \"%s\" does not belong to the certificate \"%s\"",
                 key_file, certificate_file);
        ERR_clear_error();
    } else {
        say_why(error, error_size, "cannot use the key", key_file);
    }
    return false;
}

/* No decision about trust: whatever could be parsed is taken here. A worker's is judged by a
 * verdict before the link carries anything, a caller's is its key and no more. X509_verify_cert
 * would stumble over what is not its to judge: self-signed leaves and critical extensions it does
 * not know. */
static int take_any(X509_STORE_CTX *store, void *arg)
{
    return 1;
}

static void ask_for_certificate(SSL_CTX *ctx, enum tls_client client)
{
    int mode = SSL_VERIFY_PEER;
    if (client == TLS_CLIENT_OFF)
        return;
    if (client == TLS_CLIENT_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ctx, mode, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, take_any, NULL);
    SSL_CTX_set_max_cert_list(ctx, CERTIFICATES_BYTES_MAX);
    /* Each handshake proves the key anew. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    must(SSL_CTX_set_num_tickets(ctx, 0) == 1);
}

struct tls *tls_for_callers(const char *certificate_file, const char *key_file,
                            enum tls_client client, char *error, size_t error_size)
{
    struct tls *tls = tls_new(TLS_server_method(), true);
    SSL_CTX *ctx = tls->ctx;
    must(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
    /* Of TLS 1.2 what RFC 9113 9.2.2 leaves: ephemeral keys and AEAD. */
    must(SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
    SSL_CTX_set_default_passwd_cb(ctx, refuse_password);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    ask_for_certificate(ctx, client);
    if (!load_pair(ctx, certificate_file, key_file, error, error_size)) {
        tls_give(tls);
        return NULL;
    }
    return tls;
}

struct tls *tls_for_workers(char *error, size_t error_size)
{
    struct tls *tls = tls_new(TLS_client_method(), false);
    SSL_CTX *ctx = tls->ctx;
    must(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1);
    /* A resumed session shows no certificate: there would be nothing to judge. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, take_any, NULL);
    SSL_CTX_set_max_cert_list(ctx, CERTIFICATES_BYTES_MAX);
    /* Returns 0 for success, unlike its neighbours. */
    if (SSL_CTX_set_alpn_protos(ctx, protocols, PROTOCOLS_LEN) != 0) {
        say_why(error, error_size, "cannot offer", "h2, http/1.1");
        tls_give(tls);
        return NULL;
    }
    return tls;
}

struct tls *tls_for_store(const char *authorities_file, const char *certificate_file,
                          const char *key_file, char *error, size_t error_size)
{
    struct tls *tls = tls_new(TLS_client_method(), false);
    SSL_CTX *ctx = tls->ctx;
    must(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
    must(SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
    SSL_CTX_set_default_passwd_cb(ctx, refuse_password);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_file(ctx, authorities_file) != 1)
        say_why(error, error_size, "cannot use the certificates", authorities_file);
    else if (certificate_file[0] == '\0' ||
             load_pair(ctx, certificate_file, key_file, error, error_size))
        return tls;
    tls_give(tls);
    return NULL;
}

bool tls_certificate_names(struct span certificate, const char *name)
{
    const unsigned char *der = (const unsigned char *)certificate.ptr;
    X509 *leaf = certificate.len == 0 ? NULL : d2i_X509(NULL, &der, (long)certificate.len);
    bool named = leaf != NULL && (X509_check_ip_asc(leaf, name, 0) == 1 ||
                                  X509_check_host(leaf, name, strlen(name), 0, NULL) == 1);
    X509_free(leaf);
    ERR_clear_error();
    return named;
}

struct tls *tls_take(struct tls *tls)
{
    atomic_fetch_add_explicit(&tls->count, 1, memory_order_relaxed);
    return tls;
}

void tls_give(struct tls *tls)
{
    if (atomic_fetch_sub_explicit(&tls->count, 1, memory_order_acq_rel) > 1)
        return;
    SSL_CTX_free(tls->ctx);
    BIO_meth_free(tls->method);
    free(tls);
}

SSL *tls_new_ssl(struct tls *tls, struct wire *wire)
{
    SSL *ssl = SSL_new(tls->ctx);
    BIO *bio = BIO_new(tls->method);
    must(ssl != NULL && bio != NULL);
    BIO_set_data(bio, wire);
    SSL_set_bio(ssl, bio, bio);
    if (tls->server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

bool tls_is_server(const struct tls *tls)
{
    return tls->server;
}
