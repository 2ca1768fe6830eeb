/* The folder a simulated vendor lives in: its keys, its certificates, what it revoked.
 * It owns the lock on the folder from open to close.
 * It never leaves half a file: everything is written beside its place and renamed into it. */
#ifndef SIMULATE_FILES_H
#define SIMULATE_FILES_H

#include "simulate/simulate.h"

enum { SIMULATE_REVOKED_MAX = 1024 };

struct simulate_folder {
    const char *path; /* lent */
    int lock;
    struct simulate_vendor vendor;
    STACK_OF(ASN1_INTEGER) * revoked; /* platforms' certificates, oldest first */
};

/* Opens the vendor in `path`, or makes it there, in force around `now`. False and a sentence on
 * stderr when the folder cannot be used. */
bool simulate_folder_open(struct simulate_folder *folder, const char *path, int64_t now);
void simulate_folder_close(struct simulate_folder *folder);

/* Puts the platform's certificate among the revoked, on disk too. */
bool simulate_folder_revoke(struct simulate_folder *folder, const X509 *pck);

/* Writes `name` (a path below the folder), whole or not at all, and prints its path. */
bool simulate_folder_write(const struct simulate_folder *folder, const char *name,
                           const struct simulate_bytes *content, bool is_secret);
bool simulate_folder_write_key(const struct simulate_folder *folder, const char *name,
                               EVP_PKEY *key);
bool simulate_folder_write_cert(const struct simulate_folder *folder, const char *name, X509 *cert);
bool simulate_folder_has(const struct simulate_folder *folder, const char *name);

/* Reads a key and its certificate; `identity` is all zero when it could not. */
bool simulate_folder_load(const struct simulate_folder *folder, const char *key, const char *cert,
                          struct simulate_identity *identity);
bool simulate_folder_make_dir(const struct simulate_folder *folder, const char *name);

/* One line for whoever typed the command. Always false. */
bool simulate_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
