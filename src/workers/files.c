#include "workers/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

static bool fail(char *error, size_t error_size, const char *path, const char *why)
{
    snprintf(error, error_size, "%s: %s", path, why);
    return false;
}

/* The whole of `fd`; false with errno (EFBIG above the maximum). */
static bool slurp(int fd, size_t expected, struct file *file)
{
    size_t room = expected + 1; /* one more shows the end without growing */
    file->bytes = alloc_zeroed(room);
    for (;;) {
        ssize_t got = read(fd, file->bytes + file->len, room - file->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        file->len += (size_t)got;
        if (file->len > FILE_BYTES_MAX) {
            errno = EFBIG;
            return false;
        }
        if (file->len == room) /* it grew while it was read */
            file->bytes = alloc_grow(file->bytes, room *= 2, 1);
    }
}

static bool read_one(struct files *files, const char *path, char *error, size_t error_size)
{
    struct stat facts;
    struct file file = {0};
    if (files->count == FILES_MAX)
        return fail(error, error_size, path, "one more than the 256 files that are read");
    /* Non-blocking, so that a FIFO cannot hold up a reload. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(error, error_size, path, strerror(errno));
    bool ok = fstat(fd, &facts) == 0;
    if (ok && !S_ISREG(facts.st_mode))
        ok = fail(error, error_size, path, "not a regular file");
    else if (ok && facts.st_size > FILE_BYTES_MAX)
        ok = fail(error, error_size, path, "larger than 2 MiB");
    else if (!ok || !slurp(fd, (size_t)facts.st_size, &file))
        ok = fail(error, error_size, path, strerror(errno));
    close(fd);
    if (!ok) {
        free(file.bytes);
        return false;
    }
    file.path = alloc_text(path, strlen(path));
    files->rows = alloc_grow(files->rows, files->count + 1, sizeof(*files->rows));
    files->rows[files->count++] = file;
    return true;
}

static bool ends_in(const char *name, const char *const *endings)
{
    size_t len = strlen(name);
    for (; *endings != NULL; ++endings) {
        size_t tail = strlen(*endings);
        if (len > tail && strcmp(name + len - tail, *endings) == 0)
            return true;
    }
    return false;
}

static int by_name(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

struct names {
    char **rows;
    size_t count;
};

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; ++i)
        free(names->rows[i]);
    free(names->rows);
}

/* The names in `folder` that fit, sorted; one above FILES_MAX is enough to be refused by. */
static bool list_names(const char *folder, const char *const *endings, struct names *names)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return false;
    struct dirent *entry;
    while (names->count <= FILES_MAX && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || !ends_in(entry->d_name, endings))
            continue;
        names->rows = alloc_grow(names->rows, names->count + 1, sizeof(*names->rows));
        names->rows[names->count++] = alloc_text(entry->d_name, strlen(entry->d_name));
    }
    closedir(dir);
    if (names->count > 0)
        qsort(names->rows, names->count, sizeof(*names->rows), by_name);
    return true;
}

static bool read_folder(struct files *files, const char *folder, const char *const *endings,
                        char *error, size_t error_size)
{
    struct names names = {0};
    char path[4096];
    if (!list_names(folder, endings, &names))
        return fail(error, error_size, folder, strerror(errno));
    bool ok = true;
    if (names.count == 0) {
        snprintf(error, error_size, "%s: a folder without any *%s file", folder, endings[0]);
        ok = false;
    }
    for (size_t i = 0; ok && i < names.count; ++i) {
        int len = snprintf(path, sizeof(path), "%s/%s", folder, names.rows[i]);
        ok = len > 0 && (size_t)len < sizeof(path)
                 ? read_one(files, path, error, error_size)
                 : fail(error, error_size, folder, "the path of a file in it is too long");
    }
    names_free(&names);
    return ok;
}

bool files_read(struct files *files, const char *path, const char *const *endings, char *error,
                size_t error_size)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return fail(error, error_size, path, strerror(errno));
    return S_ISDIR(facts.st_mode) ? read_folder(files, path, endings, error, error_size)
                                  : read_one(files, path, error, error_size);
}

void files_free(struct files *files)
{
    for (size_t i = 0; i < files->count; ++i) {
        free(files->rows[i].path);
        free(files->rows[i].bytes);
    }
    free(files->rows);
    *files = (struct files){0};
}
