#include "callers/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/span.h"
#include "callers/token.h"

ssize_t statedir_read(int dir, const char *name, char *out, size_t size)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    ssize_t got = read(fd, out, size);
    int saved = errno;
    close(fd);
    errno = saved;
    return got;
}

bool statedir_write(int dir, const char *name, struct span bytes)
{
    char temporary[64];
    snprintf(temporary, sizeof(temporary), "%s.new", name);
    int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool good = write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    return good && renameat(dir, temporary, dir, name) == 0 && fsync(dir) == 0;
}

/* What the file `name` holds, up to the end of its line; -1 and errno when it cannot be read. */
static ssize_t read_line(int dir, const char *name, char *out, size_t size)
{
    ssize_t got = statedir_read(dir, name, out, size - 1);
    if (got < 0)
        return -1;
    out[got] = '\0';
    return (ssize_t)strcspn(out, "\n");
}

static bool write_line(int dir, const char *name, const char *text)
{
    char line[64];
    int len = snprintf(line, sizeof(line), "%s\n", text);
    return statedir_write(dir, name, span_of(line, (size_t)len));
}

static bool is_gateway_id(struct span text)
{
    if (text.len != GATEWAY_ID_CHARS)
        return false;
    for (size_t i = 0; i < text.len; ++i)
        if (!(text.ptr[i] >= 'a' && text.ptr[i] <= 'z') &&
            !(text.ptr[i] >= '2' && text.ptr[i] <= '7'))
            return false;
    return true;
}

static bool take_id(struct statedir *statedir, char *error, size_t error_size)
{
    char text[64];
    ssize_t len = read_line(statedir->fd, "gateway-id", text, sizeof(text));
    if (len < 0 && errno == ENOENT) {
        token_make(statedir->gateway_id, GATEWAY_ID_CHARS);
        if (write_line(statedir->fd, "gateway-id", statedir->gateway_id))
            return true;
        snprintf(error, error_size, "gateway-id cannot be written: %s", strerror(errno));
        return false;
    }
    if (len < 0) {
        snprintf(error, error_size, "gateway-id cannot be read: %s", strerror(errno));
        return false;
    }
    if (!is_gateway_id(span_of(text, (size_t)len))) {
        snprintf(error, error_size, "gateway-id does not hold an id of %d characters a-z and 2-7",
                 GATEWAY_ID_CHARS);
        return false;
    }
    memcpy(statedir->gateway_id, text, (size_t)len);
    statedir->gateway_id[len] = '\0';
    return true;
}

static bool take_epoch(struct statedir *statedir, char *error, size_t error_size)
{
    char text[64] = "0";
    ssize_t len = read_line(statedir->fd, "epoch", text, sizeof(text));
    if (len < 0 && errno != ENOENT) {
        snprintf(error, error_size, "epoch cannot be read: %s", strerror(errno));
        return false;
    }
    uint64_t epoch = 0;
    if (len >= 0 && !span_to_u64(span_of(text, (size_t)len), EPOCH_MAX - 1, &epoch)) {
        snprintf(error, error_size, "epoch does not hold a number below %d", EPOCH_MAX);
        return false;
    }
    statedir->epoch = epoch + 1;
    snprintf(text, sizeof(text), "%" PRIu64, statedir->epoch);
    if (write_line(statedir->fd, "epoch", text))
        return true;
    snprintf(error, error_size, "epoch cannot be written: %s", strerror(errno));
    return false;
}

/* flock(2), not fcntl: the lock belongs to the open file, so nothing else this process opens and
 * closes can drop it, and it goes with the process, however that ends. */
static bool take_lock(struct statedir *statedir, char *error, size_t error_size)
{
    statedir->lock_fd =
        openat(statedir->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (statedir->lock_fd < 0) {
        snprintf(error, error_size, "lock cannot be opened: %s", strerror(errno));
        return false;
    }
    if (flock(statedir->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        snprintf(error, error_size, "another process is this gateway: it has the lock");
    else
        snprintf(error, error_size, "lock cannot be taken: %s", strerror(errno));
    return false;
}

bool statedir_open(struct statedir *statedir, const char *dir, char *error, size_t error_size)
{
    char why[160];
    *statedir = (struct statedir){.lock_fd = -1};
    statedir->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (statedir->fd < 0) {
        snprintf(error, error_size, "%s cannot be opened: %s", dir, strerror(errno));
        return false;
    }
    if (take_lock(statedir, why, sizeof(why)) && take_id(statedir, why, sizeof(why)) &&
        take_epoch(statedir, why, sizeof(why)))
        return true;
    snprintf(error, error_size, "%s: %s", dir, why);
    statedir_close(statedir);
    return false;
}

void statedir_close(struct statedir *statedir)
{
    if (statedir->lock_fd >= 0)
        close(statedir->lock_fd);
    close(statedir->fd);
}
