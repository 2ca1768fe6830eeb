/* The options --fetch, --fetch-from and --store of the program.
 * Owns the list of endpoints it was given; their texts are the command line's.
 * Never asks for anything unless one of the options was given. */
#ifndef AV_FETCHING_H
#define AV_FETCHING_H

#include "fetch/fetch.h"
#include "program/inputs.h"

struct fetching {
    bool wanted;
    const char *endpoints[FETCH_ENDPOINTS_MAX];
    size_t endpoint_count;
    const char *store, *ca_file;
    enum attest_reason reason;       /* of a mistake */
    char mistake[FETCH_ERROR_BYTES]; /* why nothing could be fetched; empty when it was */
};

bool av_fetching_add_endpoint(struct fetching *fetching, const char *url, char *error, size_t size);

/* Fetches what the platform needs into `inputs`. False when the call itself is wrong; that nobody
 * answered is a mistake for the verdict instead. */
bool av_fetching_run(struct fetching *fetching, const struct attest_platform *platform, int64_t now,
                     struct inputs *inputs, char *error, size_t size);

/* With --store: what was seen of the platform (Intel's) before this call, in `seen`; then the
 * documents of this call that hold are remembered too; one that could not be written is told on
 * stderr. False when the store cannot be read: then nothing may be judged by it. */
bool av_fetching_remember(const struct fetching *fetching, const struct attest_platform *platform,
                          int64_t now, const struct inputs *inputs, struct attest_seen *seen,
                          char *error, size_t size);

#endif
