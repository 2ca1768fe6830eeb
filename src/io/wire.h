/* A connected descriptor as conn and OpenSSL see it: bytes in, bytes out, never a signal.
 * It owns nothing: the descriptor is the conn's. It never asks the kernel again after it said that
 * there is no more, until the descriptor is reported readable. */
#ifndef IO_WIRE_H
#define IO_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct bio_method_st;

struct wire {
    int fd;
    bool drained;    /* the last read took all there was; the conn clears it */
    bool write_lost; /* the peer takes no more: what is written vanishes, reading goes on */
};

enum wire_result { WIRE_MOVED, WIRE_WANTS_READ, WIRE_WANTS_WRITE, WIRE_ENDED, WIRE_BROKEN };

/* WIRE_MOVED: `moved` is above 0. */
enum wire_result wire_read(struct wire *wire, void *memory, size_t bytes, size_t *moved);
/* At most 16 pieces. A peer that is gone is no failure here: it sets write_lost, because what it
 * sent before may still be read, and may be the answer (RFC 9112 9.6). */
enum wire_result wire_write(struct wire *wire, const struct span *pieces, size_t piece_count,
                            size_t *moved);
/* How OpenSSL reaches a wire: BIO_set_data() takes it. The caller's to BIO_meth_free(). */
struct bio_method_st *wire_method_new(void);

#endif
