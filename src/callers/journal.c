/* Why there is a lock here although locks live in io/mailbox: all lanes write to this one file, the
 * write(2) is serialised by the kernel anyway (one inode), and an entry must be in the file before
 * the lane goes on, so a letter to a writing thread would be a wait in disguise. The mutex covers
 * that one write and the list of what is not acknowledged. */
#include "callers/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "callers/frame.h"
#include "callers/statedir.h"

enum {
    BYTES_MAX_DEFAULT = 64 * 1024 * 1024,
    COMPACT_BYTES = 8 * 1024 * 1024, /* a smaller file is left alone */
    ACKS_MAX = 64,                   /* acknowledgements that go to the file together */
    ACKS_BYTES_MAX = FRAME_HEAD_BYTES + ACKS_MAX * 8,
    WRITE_BYTES_MAX = ACKS_BYTES_MAX + FRAME_HEAD_BYTES + FRAME_CONTENT_MAX,
    NUMBER_BITS = 40, /* of an entry's number; the epoch stands above them */
    READ_BYTES = 64 * 1024,
    TRY_AGAIN_MS = 100 /* between two looks whether a disk that refused takes something again */
};

struct pending {
    struct list node;
    uint64_t number;
    off_t at; /* of its frame */
    size_t bytes;
};

#define DISTRUST_FILE "store-distrusted"

struct journal {
    struct statedir statedir;
    _Atomic bool distrusts_store; /* as the file of that name, which outlives the process */
    pthread_mutex_t lock;         /* over all below */
    int fd;
    bool broken;  /* a piece of an entry stands at its end and cannot be cut off */
    bool refused; /* the last write did not go through */
    uint64_t try_at;
    off_t file_bytes;
    off_t compact_at; /* file_bytes from which compacting is worth a try */
    size_t bytes_max;
    size_t pending_bytes;
    size_t torn_bytes;
    struct list pending; /* oldest first */
    struct map by_number;
    uint64_t next_number;
    unsigned ack_count;
    char acks[ACKS_MAX * 8];
};

static struct span number_key(char out[8], uint64_t number)
{
    frame_put_u64(out, number);
    return span_of(out, 8);
}

static void add_pending(struct journal *journal, uint64_t number, off_t at, size_t bytes)
{
    char key[8];
    struct pending *pending = alloc_zeroed(sizeof(*pending));
    *pending = (struct pending){.number = number, .at = at, .bytes = bytes};
    if (!map_add(&journal->by_number, number_key(key, number), pending)) {
        free(pending); /* the same number twice: only somebody's copied file has that */
        return;
    }
    list_append(&journal->pending, &pending->node);
    journal->pending_bytes += bytes;
}

static bool drop_pending(struct journal *journal, uint64_t number)
{
    char key[8];
    struct pending *pending = map_remove(&journal->by_number, number_key(key, number));
    if (pending == NULL)
        return false;
    list_remove(&pending->node);
    journal->pending_bytes -= pending->bytes;
    free(pending);
    return true;
}

/* ------------------------------------------------------------------ opening */

static void load_frame(struct journal *journal, const struct frame *frame, off_t at, size_t bytes)
{
    if (frame->kind == FRAME_ENTRY) {
        add_pending(journal, frame->number, at, bytes);
        return;
    }
    for (size_t i = 0; i + 8 <= frame->content.len; i += 8)
        drop_pending(journal, frame_get_u64(frame->content.ptr + i));
}

/* Whether `rest`, at whose begin no frame stands, can be what one torn write left: short, or the
 * zeros of a file system after a power cut, and without any whole frame in it. */
static bool is_torn_write(struct span rest, bool is_all)
{
    struct frame frame;
    size_t zeros = 0;
    for (size_t i = 0; i < rest.len; ++i) {
        zeros += rest.ptr[i] == '\0';
        if (rest.ptr[i] != '\0' && frame_read(span_from(rest, i), &frame) > 0)
            return false;
    }
    return is_all && (zeros == rest.len || rest.len < WRITE_BYTES_MAX);
}

/* Reads on until `buffer` is full or the file ends. */
static ssize_t fill(int fd, char *buffer, size_t have, off_t at)
{
    while (have < READ_BYTES) {
        ssize_t got = pread(fd, buffer + have, READ_BYTES - have, at + (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

static bool load(struct journal *journal, char *error, size_t error_size)
{
    char *buffer = alloc_zeroed(READ_BYTES);
    struct frame frame;
    size_t have = 0, used = 0;
    off_t at = 0; /* of buffer[0] in the file */
    bool good = true;
    for (;;) {
        size_t bytes = frame_read(span_of(buffer + used, have - used), &frame);
        if (bytes > 0) {
            load_frame(journal, &frame, at + (off_t)used, bytes);
            used += bytes;
            continue;
        }
        memmove(buffer, buffer + used, have - used);
        at += (off_t)used;
        have -= used;
        used = 0;
        ssize_t filled = fill(journal->fd, buffer, have, at);
        if (filled < 0) {
            snprintf(error, error_size, "cannot be read: %s", strerror(errno));
            good = false;
            break;
        }
        if ((size_t)filled == have || frame_read(span_of(buffer, (size_t)filled), &frame) == 0) {
            have = (size_t)filled;
            break; /* the end, or no frame here */
        }
        have = (size_t)filled;
    }
    if (good && have > 0 && !is_torn_write(span_of(buffer, have), have < READ_BYTES)) {
        snprintf(error, error_size,
                 "is damaged at byte %jd: keep a copy and take it away, to start without the "
                 "entries in it",
                 (intmax_t)at);
        good = false;
    }
    if (good && have > 0 && ftruncate(journal->fd, at) != 0) {
        snprintf(error, error_size, "its torn end cannot be cut off: %s", strerror(errno));
        good = false;
    }
    journal->torn_bytes = have;
    journal->file_bytes = at;
    free(buffer);
    return good;
}

struct journal *journal_open(const char *dir, size_t bytes_max, char *error, size_t error_size)
{
    char why[256];
    struct journal *journal = alloc_zeroed(sizeof(*journal));
    journal->bytes_max = bytes_max > 0 ? bytes_max : BYTES_MAX_DEFAULT;
    if (!statedir_open(&journal->statedir, dir, error, error_size)) {
        free(journal);
        return NULL;
    }
    journal->distrusts_store = faccessat(journal->statedir.fd, DISTRUST_FILE, F_OK, 0) == 0;
    journal->next_number = journal->statedir.epoch << NUMBER_BITS;
    journal->compact_at = COMPACT_BYTES;
    list_init(&journal->pending);
    map_init(&journal->by_number, SIZE_MAX, journal->next_number); /* bytes_max bounds it */
    must(pthread_mutex_init(&journal->lock, NULL) == 0);
    journal->fd = openat(journal->statedir.fd, "journal",
                         O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (journal->fd < 0)
        snprintf(why, sizeof(why), "cannot be opened: %s", strerror(errno));
    else if (load(journal, why, sizeof(why)))
        return journal;
    snprintf(error, error_size, "%s/journal %s", dir, why);
    journal_close(journal);
    return NULL;
}

/* ------------------------------------------------------------------ writing */

/* Appends `bytes`, or leaves the file as it was. */
static bool append(struct journal *journal, const char *bytes, size_t count)
{
    ssize_t written;
    if (journal->broken)
        return false;
    do
        written = write(journal->fd, bytes, count);
    while (written < 0 && errno == EINTR);
    journal->refused = written != (ssize_t)count;
    if (!journal->refused) {
        journal->file_bytes += (off_t)count;
        return true;
    }
    if (written > 0 && ftruncate(journal->fd, journal->file_bytes) != 0)
        journal->broken = true;
    return false;
}

static size_t put_acks(const struct journal *journal, char *to)
{
    if (journal->ack_count == 0)
        return 0;
    struct frame frame = {.kind = FRAME_ACKNOWLEDGED,
                          .content = span_of(journal->acks, journal->ack_count * 8)};
    return frame_write(to, &frame);
}

static void write_acks(struct journal *journal)
{
    char bytes[ACKS_BYTES_MAX];
    size_t count = put_acks(journal, bytes);
    if (count > 0)
        (void)append(journal, bytes, count); /* lost ones mean entries sent again, no more */
    journal->ack_count = 0;
}

/* Copies what is pending, in order, to `to`. */
static bool copy_pending(struct journal *journal, int to)
{
    char bytes[FRAME_HEAD_BYTES + FRAME_CONTENT_MAX];
    struct list *node;
    list_each (node, &journal->pending) {
        const struct pending *pending = container_of(node, struct pending, node);
        must(pending->bytes <= sizeof(bytes));
        if (pread(journal->fd, bytes, pending->bytes, pending->at) != (ssize_t)pending->bytes ||
            write(to, bytes, pending->bytes) != (ssize_t)pending->bytes)
            return false;
    }
    return fdatasync(to) == 0;
}

static bool replace_file(struct journal *journal)
{
    int dir = journal->statedir.fd;
    int fd = openat(dir, "journal.new",
                    O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    if (!copy_pending(journal, fd) || renameat(dir, "journal.new", dir, "journal") != 0) {
        close(fd);
        unlinkat(dir, "journal.new", 0);
        return false;
    }
    close(journal->fd);
    journal->fd = fd;
    journal->file_bytes = 0;
    struct list *node;
    list_each (node, &journal->pending) {
        struct pending *pending = container_of(node, struct pending, node);
        pending->at = journal->file_bytes;
        journal->file_bytes += (off_t)pending->bytes;
    }
    return true;
}

/* Makes the file small again when most of it is acknowledged. What is not is little, or Redis is
 * away and nothing is acknowledged. */
static void compact(struct journal *journal)
{
    if (journal->file_bytes < journal->compact_at ||
        (off_t)journal->pending_bytes > journal->file_bytes / 2)
        return;
    if (replace_file(journal)) {
        journal->ack_count = 0; /* those entries are gone */
        journal->broken = false;
        journal->compact_at = COMPACT_BYTES;
    } else {
        journal->compact_at = journal->file_bytes + COMPACT_BYTES;
    }
}

/* Dead entries count too when compacting fails: the file never grows beyond this. */
static bool has_room(const struct journal *journal, size_t bytes)
{
    off_t file_max = (off_t)journal->bytes_max * 2 + 2 * COMPACT_BYTES;
    return journal->pending_bytes + bytes <= journal->bytes_max &&
           journal->file_bytes + WRITE_BYTES_MAX <= file_max;
}

uint64_t journal_write(struct journal *journal, struct span entry)
{
    char bytes[WRITE_BYTES_MAX];
    uint64_t number = 0;
    must(entry.len <= FRAME_CONTENT_MAX);
    pthread_mutex_lock(&journal->lock);
    compact(journal);
    size_t acks = put_acks(journal, bytes);
    struct frame frame = {
        .number = journal->next_number + 1, .kind = FRAME_ENTRY, .content = entry};
    size_t count = frame_write(bytes + acks, &frame);
    off_t at = journal->file_bytes + (off_t)acks;
    if (has_room(journal, count) && append(journal, bytes, acks + count)) {
        number = ++journal->next_number;
        journal->ack_count = 0;
        add_pending(journal, number, at, count);
    }
    pthread_mutex_unlock(&journal->lock);
    return number;
}

void journal_acknowledge(struct journal *journal, uint64_t number)
{
    pthread_mutex_lock(&journal->lock);
    if (drop_pending(journal, number)) {
        frame_put_u64(journal->acks + journal->ack_count * 8, number);
        if (++journal->ack_count == ACKS_MAX)
            write_acks(journal);
        compact(journal);
    }
    pthread_mutex_unlock(&journal->lock);
}

/* ------------------------------------------------------------------ reading */

static uint64_t *pending_numbers(struct journal *journal, size_t *count)
{
    struct list *node;
    pthread_mutex_lock(&journal->lock);
    uint64_t *numbers = alloc_array(journal->by_number.count, sizeof(*numbers));
    *count = 0;
    list_each (node, &journal->pending)
        numbers[(*count)++] = container_of(node, struct pending, node)->number;
    pthread_mutex_unlock(&journal->lock);
    return numbers;
}

/* The frame of `number` into `bytes`; false when it is acknowledged by now, or the disk refuses. */
static bool read_entry(struct journal *journal, uint64_t number, char *bytes, struct frame *frame)
{
    char key[8];
    size_t got = 0;
    pthread_mutex_lock(&journal->lock);
    const struct pending *pending = map_find(&journal->by_number, number_key(key, number));
    if (pending != NULL &&
        pread(journal->fd, bytes, pending->bytes, pending->at) == (ssize_t)pending->bytes)
        got = frame_read(span_of(bytes, pending->bytes), frame);
    pthread_mutex_unlock(&journal->lock);
    return got > 0;
}

void journal_replay(struct journal *journal,
                    void (*visit)(void *arg, uint64_t number, struct span entry), void *arg)
{
    char bytes[FRAME_HEAD_BYTES + FRAME_CONTENT_MAX];
    struct frame frame;
    size_t count;
    uint64_t *numbers = pending_numbers(journal, &count);
    for (size_t i = 0; i < count; ++i)
        if (read_entry(journal, numbers[i], bytes, &frame))
            visit(arg, numbers[i], frame.content);
    free(numbers);
}

/* A disk that refused is tried with what says nothing: acknowledgements of an entry 0, of which
 * there is none. */
static void try_again(struct journal *journal)
{
    static const char zeros[ACKS_MAX * 8];
    char bytes[ACKS_BYTES_MAX];
    struct frame frame = {.kind = FRAME_ACKNOWLEDGED, .content = span_of(zeros, sizeof(zeros))};
    uint64_t now = clock_monotonic_ms();
    if (now < journal->try_at)
        return;
    journal->try_at = now + TRY_AGAIN_MS;
    (void)append(journal, bytes, frame_write(bytes, &frame));
}

bool journal_has_room(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    if (journal->refused && !journal->broken)
        try_again(journal);
    bool room = !journal->broken && !journal->refused &&
                journal->pending_bytes <= journal->bytes_max - journal->bytes_max / 8;
    pthread_mutex_unlock(&journal->lock);
    return room;
}

size_t journal_pending(const struct journal *journal)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&journal->lock;
    pthread_mutex_lock(lock);
    size_t count = journal->by_number.count;
    pthread_mutex_unlock(lock);
    return count;
}

void journal_close(struct journal *journal)
{
    struct list *node;
    if (journal->fd >= 0) {
        write_acks(journal);
        close(journal->fd);
    }
    while ((node = list_take(&journal->pending)) != NULL)
        free(container_of(node, struct pending, node));
    map_fini(&journal->by_number);
    pthread_mutex_destroy(&journal->lock);
    statedir_close(&journal->statedir);
    free(journal);
}

const char *journal_gateway_id(const struct journal *journal)
{
    return journal->statedir.gateway_id;
}

uint64_t journal_epoch(const struct journal *journal)
{
    return journal->statedir.epoch;
}

size_t journal_torn_bytes(const struct journal *journal)
{
    return journal->torn_bytes;
}

bool journal_is_former(const struct journal *journal, uint64_t number)
{
    return number >> NUMBER_BITS != journal->statedir.epoch;
}

bool journal_distrust_store(struct journal *journal, bool distrust)
{
    int dir = journal->statedir.fd;
    atomic_store(&journal->distrusts_store, distrust);
    if (!distrust)
        return (unlinkat(dir, DISTRUST_FILE, 0) == 0 || errno == ENOENT) && fsync(dir) == 0;
    int fd = openat(dir, DISTRUST_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd >= 0 && close(fd) == 0 && fsync(dir) == 0;
}

bool journal_distrusts_store(const struct journal *journal)
{
    return atomic_load_explicit(&journal->distrusts_store, memory_order_relaxed);
}
