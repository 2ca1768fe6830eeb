/* TLS contexts for the two sides. Counted: a connection keeps its context alive across a reload.
 * It owns the OpenSSL objects. It never decides whether a worker is trusted: the workers' context
 * takes any well-formed certificate, and the link stays closed until a verdict. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"
#include "base/span.h"

struct tls;

/* Whether a caller is asked for a certificate. It is taken for its key alone, whose possession the
 * handshake proves: nothing in it is believed. */
enum tls_client { TLS_CLIENT_OFF, TLS_CLIENT_REQUEST, TLS_CLIENT_REQUIRE };

/* Callers: TLS 1.2 and 1.3, ALPN h2 and http/1.1 (a client that offers ALPN without either is
 * refused, RFC 7301 3.2; one without ALPN gets http/1.1). PEM files. NULL and a sentence that
 * names the file. */
struct tls *tls_for_callers(const char *certificate_file, const char *key_file,
                            enum tls_client client, char *error, size_t error_size);
/* Workers: TLS 1.3 only, no resumption, no tickets, ALPN h2 then http/1.1. */
struct tls *tls_for_workers(char *error, size_t error_size);
/* The metering store: TLS 1.2 and 1.3; the server's chain must end in one of the certificates of
 * `authorities_file`. `certificate_file` and `key_file` empty: we show none. NULL and a sentence.
 */
struct tls *tls_for_store(const char *authorities_file, const char *certificate_file,
                          const char *key_file, char *error, size_t error_size);
/* Whether a leaf certificate (DER) is for `name`: an address, or a name as DNS has it. */
MUST_USE bool tls_certificate_names(struct span certificate, const char *name);
struct tls *tls_take(struct tls *tls); /* any thread */
void tls_give(struct tls *tls);

/* For io/conn alone: a connection in its role, over `wire`, which must outlive it. */
struct ssl_st;
struct wire;
struct ssl_st *tls_new_ssl(struct tls *tls, struct wire *wire);
bool tls_is_server(const struct tls *tls);

#endif
