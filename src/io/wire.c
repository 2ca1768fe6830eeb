#include "io/wire.h"

#include <errno.h>
#include <openssl/bio.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/must.h"

enum { PIECES_MAX = 16 };

static bool is_again(int why)
{
    return why == EAGAIN || why == EWOULDBLOCK;
}

enum wire_result wire_read(struct wire *wire, void *memory, size_t bytes, size_t *moved)
{
    ssize_t got;
    *moved = 0;
    if (wire->drained)
        return WIRE_WANTS_READ;
    do
        got = recv(wire->fd, memory, bytes, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        if (!is_again(errno))
            return WIRE_BROKEN;
        wire->drained = true;
        return WIRE_WANTS_READ;
    }
    if (got == 0)
        return WIRE_ENDED;
    /* Less than asked for is all there was (epoll(7), question 9): one call saved a read. */
    wire->drained = (size_t)got < bytes;
    *moved = (size_t)got;
    return WIRE_MOVED;
}

enum wire_result wire_write(struct wire *wire, const struct span *pieces, size_t piece_count,
                            size_t *moved)
{
    struct iovec vector[PIECES_MAX];
    struct msghdr message = {.msg_iov = vector};
    size_t bytes = 0;
    ssize_t put;
    must(piece_count <= PIECES_MAX);
    for (size_t i = 0; i < piece_count; ++i) {
        vector[i] = (struct iovec){.iov_base = (void *)pieces[i].ptr, .iov_len = pieces[i].len};
        bytes += pieces[i].len;
    }
    *moved = bytes;
    if (wire->write_lost)
        return WIRE_MOVED;
    message.msg_iovlen = piece_count;
    do
        put = sendmsg(wire->fd, &message, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put < 0) {
        if (is_again(errno)) {
            *moved = 0;
            return WIRE_WANTS_WRITE;
        }
        wire->write_lost = true;
        return WIRE_MOVED;
    }
    *moved = (size_t)put;
    return WIRE_MOVED;
}

static int bio_read(BIO *bio, char *memory, size_t bytes, size_t *moved)
{
    struct wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    switch (wire_read(wire, memory, bytes, moved)) {
    case WIRE_MOVED:
        return 1;
    case WIRE_WANTS_READ:
        BIO_set_retry_read(bio);
        return 0;
    case WIRE_ENDED:
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
        return 0;
    default:
        break;
    }
    return 0;
}

static int bio_write(BIO *bio, const char *bytes, size_t count, size_t *moved)
{
    struct wire *wire = BIO_get_data(bio);
    struct span piece = span_of(bytes, count);
    BIO_clear_retry_flags(bio);
    if (wire_write(wire, &piece, 1, moved) == WIRE_MOVED)
        return 1;
    BIO_set_retry_write(bio);
    return 0;
}

static long bio_ctrl(BIO *bio, int what, long number, void *pointer)
{
    switch (what) {
    case BIO_CTRL_FLUSH:
        return 1; /* nothing is kept here */
    case BIO_CTRL_EOF:
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default:
        return 0;
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *wire_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wire");
    must(method != NULL);
    must(BIO_meth_set_read_ex(method, bio_read) == 1);
    must(BIO_meth_set_write_ex(method, bio_write) == 1);
    must(BIO_meth_set_ctrl(method, bio_ctrl) == 1);
    must(BIO_meth_set_create(method, bio_create) == 1);
    return method;
}
