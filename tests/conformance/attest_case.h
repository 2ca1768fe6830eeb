/* One directory of genuine evidence with its expected verdict, as the shared vectors have them.
 * Owns the bytes and documents of a case until attest_case_close().
 * Never invents a case: when the vectors are not there, the programs say so and compare nothing. */
#ifndef ATTEST_CASE_H
#define ATTEST_CASE_H

#include "attest_verify.h"

#include <cjson/cJSON.h>

struct attest_case {
    char name[256];
    uint8_t *quote;
    size_t quote_len;
    cJSON *collateral_json, *expected;
    struct attest_collateral *collateral;
    int64_t verify_time;
};

/* The folder of the vectors, or NULL, having said on stdout that `what` is left out. */
const char *attest_vectors_folder(char *path, size_t size, const char *what);

/* The bytes of a file under `folder` with a NUL behind them; exits when there is none. */
uint8_t *attest_vector_read(const char *folder, const char *name, size_t *len);
cJSON *attest_vector_read_json(const char *folder, const char *name);

/* Exits with a sentence when the case is not whole: vectors that are there must be readable. */
void attest_case_open(struct attest_case *one, const char *folder, const char *name);
void attest_case_close(struct attest_case *one);

/* A policy that accepts any code and any status; debug too when `debug`. */
struct attest_policy *attest_case_policy(bool debug);

/* Verifies a quote with one collateral document; NULL is none. */
void attest_case_verify(const struct attest_collateral *collateral,
                        const struct attest_policy *policy, int64_t now, struct attest_bytes quote,
                        struct attest_verdict *verdict);

/* Calls `each` for every case of the folder, in the order of their names; returns how many. */
int attest_case_each(const char *folder, void (*each)(struct attest_case *one, void *owner),
                     void *owner);

#endif
