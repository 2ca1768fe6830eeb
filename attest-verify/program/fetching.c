#include "program/fetching.h"

#include "fetch/store.h"

#include <stdio.h>
#include <string.h>

bool av_fetching_add_endpoint(struct fetching *fetching, const char *url, char *error, size_t size)
{
    fetching->wanted = true;
    if (fetching->endpoint_count == FETCH_ENDPOINTS_MAX) {
        snprintf(error, size, "more than %d times --fetch-from", FETCH_ENDPOINTS_MAX);
        return false;
    }
    fetching->endpoints[fetching->endpoint_count++] = url;
    return true;
}

static bool add_document(struct inputs *inputs, const struct fetch_document *document, char *error,
                         size_t size)
{
    struct attest_bytes json = {.ptr = (const uint8_t *)document->json, .len = document->len};
    if (inputs->collateral_count == INPUTS_COLLATERAL_MAX) {
        snprintf(error, size, "more than %d collateral documents", INPUTS_COLLATERAL_MAX);
        return false;
    }
    struct attest_collateral *collateral = attest_collateral_parse(json, error, size);
    if (collateral != NULL)
        inputs->collateral[inputs->collateral_count++] = collateral;
    return collateral != NULL;
}

bool av_fetching_run(struct fetching *fetching, const struct attest_platform *platform, int64_t now,
                     struct inputs *inputs, char *error, size_t size)
{
    struct fetch_options options = {.endpoints = fetching->endpoints,
                                    .endpoint_count = fetching->endpoint_count,
                                    .store = fetching->store,
                                    .ca_file = fetching->ca_file};
    struct fetch_request request = {.roots = inputs->roots, .platform = *platform, .now = now};
    struct fetch_document document;
    char wrong[FETCH_ERROR_BYTES];
    struct fetch *fetch = fetch_new(&options, error, size);
    if (fetch == NULL)
        return false;
    bool found = fetch_collateral(fetch, &request, &document, wrong, sizeof wrong);
    bool ok = !found || add_document(inputs, &document, error, size);
    if (wrong[0] != '\0')
        fprintf(stderr, "attest-verify: fetching: %s\n", wrong);
    if (!found) {
        fetching->reason = ATTEST_COLLATERAL_MISSING;
        memcpy(fetching->mistake, wrong, sizeof wrong);
    }
    fetch_document_fini(&document);
    fetch_free(fetch);
    return ok;
}

bool av_fetching_remember(const struct fetching *fetching, const struct attest_platform *platform,
                          int64_t now, const struct inputs *inputs, struct attest_seen *seen,
                          char *error, size_t size)
{
    struct store store;
    struct attest_request request = {.roots = inputs->roots, .now = now};
    *seen = (struct attest_seen){.tee = platform->tee, .vlek = platform->vlek};
    memcpy(seen->fmspc, platform->fmspc, sizeof seen->fmspc);
    memcpy(seen->product, platform->product, sizeof seen->product);
    if (!fetch_store_open(&store, fetching->store, error, size) ||
        !fetch_store_seen(&store, platform, &seen->evaluation, error, size))
        return false;
    for (size_t i = 0; i < inputs->collateral_count; ++i) {
        struct attest_verdict unused;
        struct attest_evaluation own = attest_collateral_evaluation(inputs->collateral[i]);
        bool is_newer = own.tcb >= seen->evaluation.tcb && own.qe >= seen->evaluation.qe &&
                        (own.tcb > seen->evaluation.tcb || own.qe > seen->evaluation.qe);
        if (is_newer &&
            attest_collateral_holds(inputs->collateral[i], &request, platform, &unused) &&
            !fetch_store_remember(&store, platform, &own, error, size))
            fprintf(stderr, "attest-verify: not remembered: %s\n", error);
    }
    return true;
}
