/* Reads one file, or the files of a folder that end in a given way, into memory.
 * It owns the bytes until files_free(). It never reads more than 256 files of 2 MiB each, and never
 * anything but regular files. */
#ifndef WORKERS_FILES_H
#define WORKERS_FILES_H

#include "base/must.h"
#include "base/span.h"

enum { FILES_MAX = 256, FILE_BYTES_MAX = 2 * 1024 * 1024 };

struct file {
    char *path;
    char *bytes;
    size_t len;
};

struct files {
    struct file *rows;
    size_t count;
};

/* Adds the file `path`, or, of a folder, those whose names end in one of `endings` (a NULL-ended
 * list), sorted by name; a folder without any is a mistake. False and a sentence that names the
 * file; what was added before stays. */
MUST_USE bool files_read(struct files *files, const char *path, const char *const *endings,
                         char *error, size_t error_size);
void files_free(struct files *files);

#endif
