#include "fetch/fetch.h"

#include "fetch/answer.h"
#include "fetch/endpoint.h"
#include "fetch/kds.h"
#include "fetch/store.h"
#include "fetch/transfer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fetch {
    struct endpoint endpoints[FETCH_ENDPOINTS_MAX];
    size_t endpoint_count;
    struct store store;
    bool has_store;
    char *ca_file;
    unsigned connect_ms, whole_ms;
    atomic_bool cancelled;
};

/* What the store has that holds now; without json when it has nothing. */
struct stored {
    struct fetch_document document;
    struct attest_evaluation evaluation;
};

/* One call of fetch_collateral(). */
struct errand {
    struct fetch *fetch;
    const struct fetch_request *request;
    struct attest_evaluation seen;
    struct stored stored;
    struct fetch_document
        ended; /* of AMD: what is stored and holds no more, perhaps but for its list */
    struct fetch_document *document;
    bool is_unreached; /* an endpoint, so far */
    char *error;       /* the sentences so far */
    size_t error_size;
};

static void note(struct errand *errand, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void note(struct errand *errand, const char *format, ...)
{
    size_t used = strlen(errand->error);
    if (used > 0 && errand->error_size - used > 2) {
        memcpy(errand->error + used, "; ", 3);
        used += 2;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(errand->error + used, errand->error_size - used, format, args);
    va_end(args);
}

/* --- a life --- */

static bool take_endpoints(struct fetch *fetch, const char *const *urls, size_t count, char *error,
                           size_t error_size)
{
    if (count > FETCH_ENDPOINTS_MAX) {
        snprintf(error, error_size, "more than %d endpoints", FETCH_ENDPOINTS_MAX);
        return false;
    }
    for (; fetch->endpoint_count < count; ++fetch->endpoint_count)
        if (!endpoint_parse(urls[fetch->endpoint_count], &fetch->endpoints[fetch->endpoint_count],
                            error, error_size))
            return false;
    return true;
}

static bool take_options(struct fetch *fetch, const struct fetch_options *options, char *error,
                         size_t error_size)
{
    bool is_default = options->endpoint_count == 0;
    fetch->connect_ms = options->connect_ms != 0 ? options->connect_ms : FETCH_CONNECT_MS;
    fetch->whole_ms = options->whole_ms != 0 ? options->whole_ms : FETCH_WHOLE_MS;
    fetch->has_store = options->store != NULL;
    if (options->ca_file != NULL && (fetch->ca_file = strdup(options->ca_file)) == NULL) {
        snprintf(error, error_size, "out of memory");
        return false;
    }
    return take_endpoints(fetch, is_default ? endpoint_defaults : options->endpoints,
                          is_default ? ENDPOINT_DEFAULTS : options->endpoint_count, error,
                          error_size) &&
           (!fetch->has_store ||
            fetch_store_open(&fetch->store, options->store, error, error_size));
}

struct fetch *fetch_new(const struct fetch_options *options, char *error, size_t error_size)
{
    struct fetch *fetch = calloc(1, sizeof *fetch);
    if (fetch == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        snprintf(error, error_size, "out of memory");
        free(fetch);
        return NULL;
    }
    atomic_init(&fetch->cancelled, false);
    if (take_options(fetch, options, error, error_size))
        return fetch;
    fetch_free(fetch);
    return NULL;
}

void fetch_free(struct fetch *fetch)
{
    if (fetch == NULL)
        return;
    free(fetch->ca_file);
    free(fetch);
    curl_global_cleanup();
}

void fetch_cancel(struct fetch *fetch)
{
    atomic_store(&fetch->cancelled, true);
}

void fetch_document_fini(struct fetch_document *document)
{
    free(document->json);
    *document = (struct fetch_document){0};
}

/* --- judging a document, wherever it came from --- */

static bool is_older(const struct attest_evaluation *a, const struct attest_evaluation *b)
{
    return a->tcb < b->tcb || a->qe < b->qe;
}

static bool judge(const struct errand *errand, struct attest_collateral *collateral,
                  struct attest_evaluation *evaluation, int64_t *expires, char *error,
                  size_t error_size)
{
    struct attest_verdict verdict;
    struct attest_request request = {.roots = errand->request->roots, .now = errand->request->now};
    if (!attest_collateral_holds(collateral, &request, &errand->request->platform, &verdict)) {
        snprintf(error, error_size, "%s: %s", attest_reason_word(verdict.reason), verdict.detail);
        return false;
    }
    *evaluation = attest_collateral_evaluation(collateral);
    *expires = verdict.expires;
    if (!is_older(evaluation, &errand->seen))
        return true;
    fetch_store_say_old(&errand->request->platform, evaluation, &errand->seen, error, error_size);
    return false;
}

static bool judge_text(const struct errand *errand, const char *json, size_t len,
                       struct attest_evaluation *evaluation, int64_t *expires, char *error,
                       size_t error_size)
{
    struct attest_bytes text = {(const uint8_t *)json, len};
    struct attest_collateral *collateral =
        attest_collateral_parse_with(errand->request->roots, text, error, error_size);
    bool ok =
        collateral != NULL && judge(errand, collateral, evaluation, expires, error, error_size);
    attest_collateral_free(collateral);
    return ok;
}

/* --- the store --- */

/* The stored document, when it holds now. Else nothing, and a sentence unless there is none. */
static bool read_stored(struct errand *errand, struct stored *stored, char *error,
                        size_t error_size)
{
    struct fetch_document *document = &stored->document;
    *stored = (struct stored){.document = {.from_store = true}};
    error[0] = '\0';
    if (!errand->fetch->has_store)
        return false;
    document->json =
        fetch_store_read(&errand->fetch->store, &errand->request->platform, &document->len);
    if (document->json == NULL)
        return false;
    if (judge_text(errand, document->json, document->len, &stored->evaluation, &document->expires,
                   error, error_size))
        return true;
    errand->ended = *document;
    *document = (struct fetch_document){.json = NULL};
    return false;
}

/* A service that lags behind must not undo a renewal. */
static bool is_behind(const struct stored *stored, const struct attest_evaluation *evaluation,
                      int64_t expires)
{
    return stored->document.json != NULL && expires < stored->document.expires &&
           evaluation->tcb == stored->evaluation.tcb && evaluation->qe == stored->evaluation.qe;
}

/* --- the endpoints --- */

static bool get_part(struct transfer *transfer, const char *url, const char *word,
                     const char *const fields[2], struct reply *reply, char *error,
                     size_t error_size)
{
    char wrong[256];
    bool ok = transfer_get(transfer, url, fields, reply, wrong, sizeof wrong);
    if (!ok)
        snprintf(error, error_size, "%s %s", word, wrong);
    return ok;
}

static char *get_intel(const struct errand *errand, const struct endpoint *endpoint,
                       struct transfer *transfer, char *error, size_t error_size)
{
    struct reply replies[PARTS] = {{0}};
    char url[ENDPOINT_URL_BYTES];
    bool ok = true;
    for (int part = 0; ok && part < PARTS; ++part) {
        endpoint_url(endpoint, &errand->request->platform, (enum fetch_part)part, url);
        ok = get_part(transfer, url, answer_words[part], answer_fields[part], &replies[part], error,
                      error_size);
    }
    char *json = ok ? answer_document(replies, error, error_size) : NULL;
    for (int part = 0; part < PARTS; ++part)
        fetch_reply_fini(&replies[part]);
    return json;
}

/* The stored document, with a list that has just come, if it holds then: AMD's service gives out
 * certificates slowly and to few, and they stand for years. */
static char *renew(const struct errand *errand, const struct reply *list)
{
    const struct fetch_document *old =
        errand->stored.document.json != NULL ? &errand->stored.document : &errand->ended;
    struct attest_evaluation evaluation;
    int64_t expires;
    char unused[384], *json = old->json != NULL ? kds_renewed(old->json, old->len, list) : NULL;
    if (json == NULL ||
        judge_text(errand, json, strlen(json), &evaluation, &expires, unused, sizeof unused))
        return json;
    free(json);
    return NULL;
}

static char *get_amd(const struct errand *errand, const struct endpoint *endpoint,
                     struct transfer *transfer, char *error, size_t error_size)
{
    static const char *const no_fields[2] = {NULL, NULL};
    const struct attest_platform *platform = &errand->request->platform;
    struct reply replies[KDS_PARTS] = {{0}};
    char url[ENDPOINT_URL_BYTES], *json = NULL;
    bool ok = true;
    for (size_t part = 0; ok && json == NULL && part < kds_part_count(platform); ++part) {
        kds_url(endpoint, platform, (enum kds_part)part, url);
        ok = get_part(transfer, url, kds_words[part], no_fields, &replies[part], error, error_size);
        if (ok && part == KDS_LIST)
            json = renew(errand, &replies[part]);
    }
    if (ok && json == NULL)
        json = kds_document(platform, replies, error, error_size);
    for (int part = 0; part < KDS_PARTS; ++part)
        fetch_reply_fini(&replies[part]);
    return json;
}

static char *get_document(struct errand *errand, const struct endpoint *endpoint, char *error,
                          size_t error_size)
{
    struct transfer transfer;
    const struct fetch *fetch = errand->fetch;
    if (!transfer_init(&transfer, &fetch->cancelled, fetch->connect_ms, fetch->whole_ms,
                       fetch->ca_file)) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    char *json = errand->request->platform.tee == ATTEST_TEE_SNP
                     ? get_amd(errand, endpoint, &transfer, error, error_size)
                     : get_intel(errand, endpoint, &transfer, error, error_size);
    errand->is_unreached |= transfer.is_unreached;
    transfer_fini(&transfer);
    return json;
}

static void keep(struct errand *errand, const char *json, size_t len,
                 const struct attest_evaluation *evaluation)
{
    char wrong[512];
    if (errand->fetch->has_store &&
        !fetch_store_keep(&errand->fetch->store, &errand->request->platform, json, len, evaluation,
                          wrong, sizeof wrong))
        note(errand, "%s", wrong);
}

static bool take_from(struct errand *errand, const struct endpoint *endpoint)
{
    char wrong[384];
    struct attest_evaluation evaluation;
    int64_t expires;
    char *json = get_document(errand, endpoint, wrong, sizeof wrong);
    size_t len = json != NULL ? strlen(json) : 0;
    bool holds =
        json != NULL && judge_text(errand, json, len, &evaluation, &expires, wrong, sizeof wrong);
    if (holds && !is_behind(&errand->stored, &evaluation, expires)) {
        keep(errand, json, len, &evaluation);
        *errand->document = (struct fetch_document){.json = json, .len = len, .expires = expires};
        return true;
    }
    note(errand, "%s: %s", endpoint->base,
         holds ? "an old document: it ends before the stored one" : wrong);
    free(json);
    return false;
}

static bool ask_endpoints(struct errand *errand)
{
    size_t asked = 0;
    for (size_t i = 0; i < errand->fetch->endpoint_count; ++i) {
        if (atomic_load(&errand->fetch->cancelled)) {
            note(errand, "cancelled");
            return false;
        }
        const struct endpoint *endpoint = &errand->fetch->endpoints[i];
        if (!(endpoint->tees & 1u << errand->request->platform.tee))
            continue;
        ++asked;
        if (take_from(errand, endpoint))
            return true;
    }
    if (asked == 0)
        note(errand, "none of the endpoints has collateral of %s",
             attest_tee_word(errand->request->platform.tee));
    return false;
}

/* Hands the stored document out. */
static bool give_stored(struct errand *errand)
{
    *errand->document = errand->stored.document;
    errand->stored.document = (struct fetch_document){0};
    return errand->document->json != NULL;
}

bool fetch_collateral(struct fetch *fetch, const struct fetch_request *request,
                      struct fetch_document *document, char *error, size_t error_size)
{
    struct errand errand = {.fetch = fetch,
                            .request = request,
                            .document = document,
                            .error = error,
                            .error_size = error_size};
    char wrong[384];
    *document = (struct fetch_document){0};
    error[0] = '\0';
    if (fetch->has_store &&
        !fetch_store_seen(&fetch->store, &request->platform, &errand.seen, error, error_size))
        return false;
    if (read_stored(&errand, &errand.stored, wrong, sizeof wrong) && !request->renew)
        return give_stored(&errand);
    if (wrong[0] != '\0')
        note(&errand, "the stored document: %s", wrong);
    bool fetched = ask_endpoints(&errand), ok = fetched || give_stored(&errand);
    document->is_unreached = !fetched && errand.is_unreached;
    fetch_document_fini(&errand.stored.document);
    fetch_document_fini(&errand.ended);
    return ok;
}

bool fetch_remember(const char *folder, const struct attest_platform *platform,
                    const struct attest_evaluation *evaluation, char *error, size_t error_size)
{
    struct store store;
    return fetch_store_open(&store, folder, error, error_size) &&
           fetch_store_remember(&store, platform, evaluation, error, error_size);
}
