/* Addresses and descriptors: parse, print, listen, connect.
 * It owns nothing: descriptors are the caller's. It never resolves a name and never blocks. */
#ifndef IO_SOCKET_H
#define IO_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/must.h"
#include "base/span.h"

struct address {
    struct sockaddr_storage storage;
    socklen_t len;
};

enum { ADDRESS_TEXT_MAX = 128 };

/* "127.0.0.1:443", "[::1]:443", or "unix:/path" (at most 107 bytes of path). False and a sentence.
 */
MUST_USE bool address_parse(struct address *address, struct span text, char *error,
                            size_t error_size);
/* The same form back; `out` takes ADDRESS_TEXT_MAX. With `with_port` false the host alone, without
 * []; a UNIX peer that is not bound is "unix:". */
const char *address_text(const struct address *address, bool with_port, char *out);
/* Descriptors are non-blocking and close-on-exec. -1 and a sentence on failure. A UNIX path that
 * nobody listens on any more is replaced; its socket gets mode 0600. TCP listeners get SO_REUSEPORT
 * when `share` is set, IPv6 ones are IPV6_V6ONLY. */
int socket_listen(const struct address *address, bool share, char *error, size_t error_size);
/* Begun, not finished: writable or failed later. -1 with errno when it failed at once. TCP_NODELAY.
 */
int socket_connect(const struct address *address);
/* The address a descriptor is bound to: tells the port chosen for port 0. False with errno. */
MUST_USE bool socket_local(int fd, struct address *out);

#endif
