/* A disk that goes wrong when told to, below a program that runs with it preloaded: while the file
 * named by BAD_DISK_STALL is there, fdatasync() and fsync() do not return; while the file named by
 * BAD_DISK_FULL is there, a write to a file whose name ends in BAD_DISK_NAME stops short once and
 * then finds no space. It owns nothing. It never touches what is written. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NAP_NS = 5 * 1000 * 1000, STALL_NAPS_MAX = 60 * 200 };

static bool is_told(const char *variable)
{
    const char *path = getenv(variable);
    return path != NULL && access(path, F_OK) == 0;
}

static void stall(void)
{
    struct timespec nap = {0, NAP_NS};
    for (int i = 0; i < STALL_NAPS_MAX && is_told("BAD_DISK_STALL"); ++i)
        nanosleep(&nap, NULL);
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    stall();
    return real(fd);
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    stall();
    return real(fd);
}

static bool is_on_full_disk(int fd)
{
    char link[64], path[PATH_MAX];
    const char *name = getenv("BAD_DISK_NAME");
    if (name == NULL || !is_told("BAD_DISK_FULL"))
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path));
    size_t tail = strlen(name);
    return len >= (ssize_t)tail && memcmp(path + len - tail, name, tail) == 0;
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    static atomic_uint
        writes; /* every other one gets half of it down first, as a real disk lets it */
    ssize_t (*real)(int, const void *, size_t) =
        (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (!is_on_full_disk(fd))
        return real(fd, bytes, count);
    if (count > 1 && atomic_fetch_add(&writes, 1) % 2 == 0)
        return real(fd, bytes, count / 2);
    errno = ENOSPC;
    return -1;
}
