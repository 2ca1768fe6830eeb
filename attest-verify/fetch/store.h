/* The folder of fetched collateral: a document for each platform, and the highest evaluation
 * numbers. Owns its path; the files are shared with other processes, under a lock file while one
 * writes. Never leaves half a file, and never lets a number go down. What it reads is foreign bytes
 * again. */
#ifndef FETCH_STORE_H
#define FETCH_STORE_H

#include "attest_verify.h"

#include <limits.h>

enum { STORE_FILE_BYTES_MAX = 2 * 1024 * 1024 };

struct store {
    char path[PATH_MAX - 128];
};

/* Makes the folder when it is missing. False and a sentence when it cannot be read and written. */
bool fetch_store_open(struct store *store, const char *path, char *error, size_t error_size);

/* The stored document, to be freed; NULL when there is none that can be read. */
char *fetch_store_read(const struct store *store, const struct attest_platform *platform,
                       size_t *len);

/* The highest numbers seen, zeros when none were. False and a sentence when they cannot be read:
 * then nothing may be accepted, because it might be older. */
bool fetch_store_seen(const struct store *store, const struct attest_platform *platform,
                      struct attest_evaluation *seen, char *error, size_t error_size);

/* Keeps a document that holds, and raises the numbers. False and a sentence when it could not. */
bool fetch_store_keep(const struct store *store, const struct attest_platform *platform,
                      const char *json, size_t len, const struct attest_evaluation *evaluation,
                      char *error, size_t error_size);

/* The numbers of a document that holds and came another way: raises what was seen to them. False
 * and a sentence when they are lower, or cannot be kept. */
bool fetch_store_remember(const struct store *store, const struct attest_platform *platform,
                          const struct attest_evaluation *evaluation, char *error,
                          size_t error_size);

/* The sentence about a document that is older than what was seen. */
void fetch_store_say_old(const struct attest_platform *platform,
                         const struct attest_evaluation *its, const struct attest_evaluation *seen,
                         char *error, size_t error_size);

#endif
