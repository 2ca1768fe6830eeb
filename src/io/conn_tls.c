#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/alloc.h"
#include "io/conn_parts.h"
#include "io/loop_parts.h"

enum { RECORD_BYTES = 16384, PIECES = 16 }; /* RFC 8446 5.1 */

void conn_tls_start(struct conn *conn, const char *server_name)
{
    conn->ssl = tls_new_ssl(conn->tls, &conn->wire);
    if (server_name != NULL)
        SSL_set_tlsext_host_name(conn->ssl, server_name);
}

/* What a call that returned `returned` (not 1) came to. */
static enum wire_result result_of(const struct conn *conn, int returned)
{
    int why = SSL_get_error(conn->ssl, returned);
    ERR_clear_error();
    switch (why) {
    case SSL_ERROR_WANT_READ:
        return WIRE_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return WIRE_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return WIRE_ENDED;
    default:
        /* Among them the end of TCP without close_notify: somebody may have cut what was to come
         * (RFC 8446 6.1), so it is no end in order. */
        return WIRE_BROKEN;
    }
}

enum wire_result conn_tls_shake(struct conn *conn)
{
    ERR_clear_error(); /* SSL_get_error() looks at what others left there, too */
    int returned = SSL_do_handshake(conn->ssl);
    return returned == 1 ? WIRE_MOVED : result_of(conn, returned);
}

enum wire_result conn_tls_read(struct conn *conn, char *memory, size_t bytes, size_t *moved)
{
    *moved = 0;
    ERR_clear_error();
    while (*moved < bytes) {
        size_t got = 0;
        int returned = SSL_read_ex(conn->ssl, memory + *moved, bytes - *moved, &got);
        if (returned != 1) {
            /* With bytes in hand the reason is asked for again by the next call. */
            enum wire_result result = result_of(conn, returned);
            return *moved > 0 ? WIRE_MOVED : result;
        }
        *moved += got;
    }
    return WIRE_MOVED;
}

enum wire_result conn_tls_write(struct conn *conn, size_t *moved)
{
    struct span pieces[PIECES];
    size_t piece_count = buf_spans(&conn->out, pieces, PIECES);
    struct span record = pieces[0];
    /* Small pieces become one record: each costs a header, a tag and often a packet. A write that
     * has to be repeated starts with the same bytes and is never shorter, as OpenSSL demands. */
    if (piece_count > 1 && record.len < RECORD_BYTES) {
        char *scratch = loop_scratch(conn->loop);
        size_t len = 0;
        for (size_t i = 0; i < piece_count && len < RECORD_BYTES; ++i) {
            size_t step = pieces[i].len < RECORD_BYTES - len ? pieces[i].len : RECORD_BYTES - len;
            memcpy(scratch + len, pieces[i].ptr, step);
            len += step;
        }
        record = span_of(scratch, len);
    }
    *moved = 0;
    ERR_clear_error();
    int returned = SSL_write_ex(conn->ssl, record.ptr, record.len, moved);
    return returned == 1 ? WIRE_MOVED : result_of(conn, returned);
}

bool conn_tls_has_pending(const struct conn *conn)
{
    return SSL_has_pending(conn->ssl) == 1;
}

void conn_tls_keep_certificate(struct conn *conn)
{
    unsigned char *der = NULL;
    X509 *leaf = SSL_get0_peer_certificate(conn->ssl);
    int len = leaf != NULL ? i2d_X509(leaf, &der) : 0;
    if (len > 0) {
        conn->certificate = alloc_text((const char *)der, (size_t)len);
        conn->certificate_len = (size_t)len;
    }
    OPENSSL_free(der);
}

bool conn_peer_key(const struct conn *conn, uint8_t out[32])
{
    unsigned char *der = NULL;
    X509 *leaf = conn->ssl != NULL ? SSL_get0_peer_certificate(conn->ssl) : NULL;
    int len = leaf != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der) : 0;
    if (len > 0)
        SHA256(der, (size_t)len, out);
    OPENSSL_free(der);
    ERR_clear_error();
    return len > 0;
}

enum wire_result conn_tls_end(struct conn *conn)
{
    ERR_clear_error();
    int returned = SSL_shutdown(conn->ssl);
    return returned >= 0 ? WIRE_MOVED : result_of(conn, returned);
}

void conn_tls_free(struct conn *conn)
{
    SSL_free(conn->ssl);
    conn->ssl = NULL;
}

enum conn_alpn conn_alpn(const struct conn *conn)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    if (conn->ssl == NULL)
        return ALPN_NONE;
    SSL_get0_alpn_selected(conn->ssl, &name, &len);
    return span_is(span_of(name, len), SPAN_OF("h2")) ? ALPN_H2 : ALPN_HTTP11;
}

bool conn_export(struct conn *conn, const char *label, uint8_t *out, size_t out_len)
{
    if (conn->ssl == NULL || conn->state != CONN_OPEN)
        return false;
    ERR_clear_error();
    bool exported =
        SSL_export_keying_material(conn->ssl, out, out_len, label, strlen(label), NULL, 0, 0) == 1;
    ERR_clear_error();
    return exported;
}
