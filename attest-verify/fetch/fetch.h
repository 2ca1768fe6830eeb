/* Fetches the collateral of a platform from Intel's PCS, from PCCS or from AMD's KDS, and keeps it
 * on disk. Owns its endpoints, its store's folder name and one connection at a time; one thread
 * uses it. Never hands out a document that does not hold at the time given: chains, signatures,
 * dates and platform are checked by the verifier, and an evaluation number never goes back. */
#ifndef ATTEST_FETCH_H
#define ATTEST_FETCH_H

#include "attest_verify.h"

enum {
    FETCH_ENDPOINTS_MAX = 8,
    FETCH_CONNECT_MS = 5000,
    FETCH_WHOLE_MS = 20000, /* all that one endpoint is asked */
    FETCH_ERROR_BYTES = 2048,
};

struct fetch_options {
    const char *const
        *endpoints; /* base URLs, asked in this order; none: the vendors' own services */
    size_t endpoint_count;
    const char *store;             /* a folder, made when missing; NULL: nothing is kept */
    const char *ca_file;           /* PEM: the CAs of the endpoints' TLS; NULL: the system's */
    unsigned connect_ms, whole_ms; /* 0: as above */
};

struct fetch;

/* NULL and a sentence when an endpoint is no https URL (http only to a loopback address) or the
 * store cannot be used. */
struct fetch *fetch_new(const struct fetch_options *options, char *error, size_t error_size);
void fetch_free(struct fetch *fetch);

/* From any thread: what is under way and all that follows fails within about a second. */
void fetch_cancel(struct fetch *fetch);

struct fetch_request {
    const struct attest_roots *roots;
    struct attest_platform platform; /* as the verifier took it from a chain that holds */
    int64_t now;                     /* unix seconds */
    bool renew; /* ask the endpoints first, though the store has a document that still holds */
};

struct fetch_document {
    char *json; /* what attest_collateral_parse() takes; free with fetch_document_fini() */
    size_t len;
    int64_t expires; /* the earliest end of anything in it */
    bool from_store;
    /* No endpoint gave one, and one at least could not be reached or was late: unlike a definite
     * answer, that may be otherwise in a moment. Set whatever fetch_collateral() returns. */
    bool is_unreached;
};
void fetch_document_fini(struct fetch_document *document);

/* A document that holds now: the stored one, or the first that an endpoint gives. False, and in
 * `error` what each endpoint answered. When true, `error` is empty or says what went wrong on the
 * way: endpoints that failed before, or a store that could not be written. Blocks: at most whole_ms
 * an endpoint, and some seconds for a store that another process has locked. */
bool fetch_collateral(struct fetch *fetch, const struct fetch_request *request,
                      struct fetch_document *document, char *error, size_t error_size);

/* For documents that are not fetched and hold all the same: their evaluation numbers must not be
 * below those seen in the folder `store`, and are seen from now on. False and a sentence. */
bool fetch_remember(const char *store, const struct attest_platform *platform,
                    const struct attest_evaluation *evaluation, char *error, size_t error_size);

#endif
