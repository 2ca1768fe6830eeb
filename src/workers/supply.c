#include "workers/supply.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "workers/files.h"

/* RENEW: a list or TCB recovery published meanwhile is seen within a day, whatever nextUpdate says;
 * and at half the time left, so that failures leave time for others to act. SOON: from here on a
 * renewal that fails is told as a warning with the time left. */
enum {
    RENEW_MS_MAX = 24 * 3600 * 1000,
    RETRY_MS_LEAST = 1000,
    REACH_MS_LEAST = 2000, /* the first wait for an endpoint that could not be reached */
    REACH_DOUBLINGS_MAX = 16,
    SOON_S = 7 * 24 * 3600,
    MINUTE_MS = 60000,
    SOURCE_BYTES_MAX = 160
};

struct item {
    struct list node;
    struct trust *trust; /* counted: the last that asked; only its roots matter */
    struct attest_platform platform;
    struct attest_collateral *document; /* NULL: none yet */
    uint8_t sha256[32];
    int64_t expires; /* unix seconds */
    uint64_t version;
    struct errand *errand; /* on its way */
    int64_t due_ms;        /* when one is to be sent; 0: not by itself */
    int64_t came_ms;
    int64_t failed_until_ms;
    unsigned unreached; /* times in a row */
    char detail[200];
};

struct source {
    struct list node;
    char name[SOURCE_BYTES_MAX];
    size_t len;
    int64_t since_ms;
    unsigned count;
};

void supply_init(struct supply *supply, struct mailbox *mailbox,
                 void (*read)(struct letter *letter, void *owner), const struct log *log,
                 struct stats *stats, uint64_t random)
{
    *supply = (struct supply){
        .mailbox = mailbox, .read = read, .log = log, .stats = stats, .random = random};
    list_init(&supply->items);
    list_init(&supply->sources_oldest_first);
    map_init(&supply->sources, SUPPLY_SOURCES_MAX, random);
}

static struct item *item_at(struct list *node)
{
    return container_of(node, struct item, node);
}

static void forget_item(struct supply *supply, struct item *item)
{
    must(item->errand == NULL);
    list_remove(&item->node);
    --supply->count;
    if (item->document != NULL)
        attest_collateral_free(item->document);
    trust_give(item->trust);
    free(item);
}

static void forget_source(struct supply *supply, struct source *source)
{
    must(map_remove(&supply->sources, span_of(source->name, source->len)) == source);
    list_remove(&source->node);
    free(source);
}

static struct source *oldest_source(struct supply *supply)
{
    return container_of(supply->sources_oldest_first.next, struct source, node);
}

void supply_cancel(struct supply *supply)
{
    struct list *node;
    list_each (node, &supply->items) {
        if (item_at(node)->errand != NULL)
            errand_cancel(item_at(node)->errand);
    }
}

void supply_fini(struct supply *supply)
{
    must(supply->errands == 0);
    while (!list_is_empty(&supply->items))
        forget_item(supply, item_at(supply->items.next));
    while (!list_is_empty(&supply->sources_oldest_first))
        forget_source(supply, oldest_source(supply));
    map_fini(&supply->sources);
    free(supply->scratch);
}

void supply_configure(struct supply *supply, const struct collateral_options *options)
{
    struct list *node;
    supply->options = *options;
    list_each (node, &supply->items) {
        item_at(node)->failed_until_ms = 0;
    }
}

/* --- what there is ------------------------------------------------------------------------- */

static bool is_of_roots(const struct item *item, const struct trust *trust)
{
    return memcmp(trust_roots_digest(item->trust), trust_roots_digest(trust), 32) == 0;
}

static struct item *find_item(struct supply *supply, const struct trust *trust,
                              const struct attest_platform *platform)
{
    struct list *node;
    list_each (node, &supply->items) {
        if (is_of_roots(item_at(node), trust) &&
            memcmp(&item_at(node)->platform, platform, sizeof(*platform)) == 0)
            return item_at(node);
    }
    return NULL;
}

/* A file whose evaluation numbers are below those of what was fetched for its platform is an old
 * one, whatever its dates say. */
static bool is_outdone(struct supply *supply, const struct trust *trust,
                       const struct attest_collateral *own)
{
    struct attest_platform platform = attest_collateral_platform(own);
    struct attest_evaluation its = attest_collateral_evaluation(own);
    const struct item *item = find_item(supply, trust, &platform);
    if (item == NULL || item->document == NULL)
        return false;
    struct attest_evaluation fetched = attest_collateral_evaluation(item->document);
    return its.tcb < fetched.tcb || its.qe < fetched.qe;
}

struct grounds supply_grounds(struct supply *supply, const struct trust *trust)
{
    struct grounds grounds = {.trust = trust};
    const struct attest_collateral *const *own = NULL;
    struct list *node;
    if (trust == NULL)
        return grounds;
    size_t own_count = trust_collateral(trust, &own);
    if (supply->count == 0) {
        grounds.collateral = own;
        grounds.collateral_count = own_count;
        return grounds;
    }
    supply->scratch =
        alloc_grow(supply->scratch, own_count + supply->count, sizeof(*supply->scratch));
    for (size_t i = 0; i < own_count; ++i)
        if (!is_outdone(supply, trust, own[i]))
            supply->scratch[grounds.collateral_count++] = own[i];
    list_each (node, &supply->items) {
        const struct item *item = item_at(node);
        if (item->document == NULL || !is_of_roots(item, trust))
            continue;
        supply->scratch[grounds.collateral_count++] = item->document;
        if (item->version > grounds.version)
            grounds.version = item->version;
    }
    grounds.collateral = supply->scratch;
    return grounds;
}

int64_t supply_ends(const struct supply *supply)
{
    const struct list *node;
    int64_t ends = 0;
    for (node = supply->items.next; node != &supply->items; node = node->next) {
        const struct item *item = container_of(node, const struct item, node);
        if (item->document != NULL && (ends == 0 || item->expires < ends))
            ends = item->expires;
    }
    return ends;
}

/* --- asking for more ----------------------------------------------------------------------- */

/* The rule of collateral_options: a vendor is told of a platform only where nothing else is said.
 */
static bool may_fetch(const struct supply *supply, const struct trust *trust)
{
    if (supply->options.retry_ms == 0)
        return false;
    return supply->options.endpoint_count > 0 ||
           (!trust_is_simulated(trust) && !trust_has_files(trust));
}

/* One fetch more for this source, in its minute. */
static bool take_turn(struct supply *supply, struct span name, int64_t now_ms)
{
    if (name.len > SOURCE_BYTES_MAX)
        name.len = SOURCE_BYTES_MAX;
    struct source *source = map_find(&supply->sources, name);
    if (source != NULL && now_ms - source->since_ms >= MINUTE_MS) {
        forget_source(supply, source);
        source = NULL;
    }
    if (source == NULL) {
        if (supply->sources.count == SUPPLY_SOURCES_MAX)
            forget_source(supply, oldest_source(supply));
        source = alloc_zeroed(sizeof(*source));
        memcpy(source->name, name.ptr, name.len);
        source->len = name.len;
        source->since_ms = now_ms;
        list_append(&supply->sources_oldest_first, &source->node);
        must(map_add(&supply->sources, name, source));
    }
    return source->count < SUPPLY_SOURCE_MAX && ++source->count > 0;
}

/* A place for one more platform: that of the one that could not be had and may be asked for next.
 * What a report of AMD's says of itself is unproven, so such items are cheap to make up. */
static bool make_room(struct supply *supply)
{
    struct list *node;
    struct item *first = NULL;
    if (supply->count < SUPPLY_DOCUMENTS_MAX)
        return true;
    list_each (node, &supply->items) {
        struct item *item = item_at(node);
        if (item->errand == NULL && item->document == NULL && item->due_ms == 0 &&
            (first == NULL || item->failed_until_ms < first->failed_until_ms))
            first = item;
    }
    if (first != NULL)
        forget_item(supply, first);
    return first != NULL;
}

static struct item *add_item(struct supply *supply, struct trust *trust,
                             const struct attest_platform *platform)
{
    struct item *item = alloc_zeroed(sizeof(*item));
    item->trust = trust_take(trust);
    memcpy(&item->platform, platform, sizeof(*platform)); /* padding too: it is compared */
    list_append(&supply->items, &item->node);
    ++supply->count;
    return item;
}

static enum supply_answer fail(char *detail, size_t detail_size, const char *why)
{
    snprintf(detail, detail_size, "%s", why);
    return SUPPLY_FAILED;
}

enum supply_answer supply_want(struct supply *supply, struct trust *trust, struct span certificate,
                               struct span source, int64_t now_ms, struct attest_verdict *verdict,
                               char *detail, size_t detail_size)
{
    const struct attest_request request = {.roots = trust_roots(trust), .now = now_ms / 1000};
    struct attest_bytes der = {(const uint8_t *)certificate.ptr, certificate.len};
    struct attest_platform platform;
    if (!may_fetch(supply, trust))
        return SUPPLY_NONE;
    /* Only a chain up to a trust anchor may cause a request, or, of AMD's, bound evidence. */
    if (!attest_platform_of_certificate(&request, der, &platform, verdict))
        return SUPPLY_FOREIGN;
    struct item *item = find_item(supply, trust, &platform);
    if (item != NULL && (item->errand != NULL || (item->due_ms != 0 && item->due_ms <= now_ms)))
        return SUPPLY_COMING;
    if (item != NULL && now_ms < item->failed_until_ms)
        return fail(detail, detail_size, item->detail);
    /* It is here, holds and does not do: to ask again would bring the same. */
    if (item != NULL && item->document != NULL && now_ms / 1000 < item->expires &&
        now_ms < item->came_ms + supply->options.retry_ms)
        return SUPPLY_NONE;
    if (!take_turn(supply, source, now_ms))
        return fail(detail, detail_size, "this worker has caused ten fetches within a minute");
    if (item == NULL && !make_room(supply))
        return fail(detail, detail_size, "collateral of 256 platforms is kept already");
    if (item == NULL)
        item = add_item(supply, trust, &platform);
    item->due_ms = now_ms;
    return SUPPLY_COMING;
}

/* --- errands ------------------------------------------------------------------------------- */

static void begin_line(struct log_line *line, enum log_level level, const char *event,
                       const struct item *item)
{
    char fmspc[2 * sizeof(item->platform.fmspc) + 1];
    for (size_t i = 0; i < sizeof(item->platform.fmspc); ++i)
        snprintf(fmspc + 2 * i, 3, "%02x", item->platform.fmspc[i]);
    log_begin(line, level, event);
    json_text(&line->json, "tee", span_text(attest_tee_word(item->platform.tee)));
    if (item->platform.tee == ATTEST_TEE_SNP)
        json_text(&line->json, "product",
                  span_of(item->platform.product,
                          strnlen(item->platform.product, sizeof(item->platform.product))));
    else
        json_text(&line->json, "fmspc", span_text(fmspc));
}

/* Sooner, by up to a tenth, so that gateways started together do not all ask at once. */
static int64_t jittered(struct supply *supply, int64_t wait_ms)
{
    supply->random = supply->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return wait_ms - (int64_t)((supply->random >> 33) % 1000) * (wait_ms / 10) / 1000;
}

static int64_t left_ms(const struct item *item, int64_t now_ms)
{
    int64_t left_s = item->document == NULL ? 0 : item->expires - now_ms / 1000;
    return left_s <= 0 ? 0 : left_s > SOON_S * 100 ? SOON_S * INT64_C(100000) : left_s * 1000;
}

static void plan_renewal(struct supply *supply, struct item *item, int64_t now_ms)
{
    int64_t wait = left_ms(item, now_ms) / 2;
    wait = wait > RENEW_MS_MAX ? RENEW_MS_MAX : wait < RETRY_MS_LEAST ? RETRY_MS_LEAST : wait;
    item->due_ms = now_ms + jittered(supply, wait);
}

/* What an endpoint said stands for the configured time. One that said nothing is asked again after
 * seconds, twice as many each time, up to that. */
static int64_t wait_after(struct supply *supply, struct item *item, bool is_unreached)
{
    if (!is_unreached) {
        item->unreached = 0;
        return supply->options.retry_ms;
    }
    int64_t wait = (int64_t)REACH_MS_LEAST << item->unreached;
    item->unreached += item->unreached < REACH_DOUBLINGS_MAX;
    return wait < supply->options.retry_ms ? jittered(supply, wait) : supply->options.retry_ms;
}

/* What is there is renewed until it is; what is not is asked for again when it is wanted again. */
static void note_failed(struct supply *supply, struct item *item, const char *why,
                        bool is_unreached, int64_t now_ms)
{
    struct log_line line;
    int64_t left = left_ms(item, now_ms);
    int64_t wait = wait_after(supply, item, is_unreached);
    if (left > 0 && left / 4 < wait)
        wait = left / 4 > RETRY_MS_LEAST ? left / 4 : RETRY_MS_LEAST;
    supply->has_news = true;
    item->failed_until_ms = now_ms + wait;
    item->due_ms = item->document != NULL ? now_ms + wait : 0;
    snprintf(item->detail, sizeof(item->detail), "%s", why);
    stats_add(&supply->stats->collateral_failures, 1);
    bool soon = item->document != NULL && left / 1000 < SOON_S;
    begin_line(&line, LOG_WARNING, soon ? "collateral-ends-soon" : "collateral-not-fetched", item);
    if (item->document != NULL)
        json_i64(&line.json, "seconds_left", left / 1000);
    json_u64(&line.json, "again_in_ms", (uint64_t)wait);
    json_text(&line.json, "detail", span_text(why));
    log_write(supply->log, &line);
}

static void say_came(const struct supply *supply, const struct item *item,
                     const struct errand *errand)
{
    struct log_line line;
    begin_line(&line, LOG_NOTICE, "collateral-fetched", item);
    json_i64(&line.json, "expires", item->expires);
    json_bool(&line.json, "from_store", errand->document.from_store);
    if (errand->error[0] != '\0')
        json_text(&line.json, "detail", span_text(errand->error));
    log_write(supply->log, &line);
}

static void note_came(struct supply *supply, struct item *item, const struct errand *errand,
                      int64_t now_ms)
{
    uint8_t sha256[32];
    char why[256];
    const struct fetch_document *document = &errand->document;
    struct attest_bytes json = {(const uint8_t *)document->json, document->len};
    SHA256(json.ptr, json.len, sha256);
    if (item->document == NULL || memcmp(sha256, item->sha256, sizeof(sha256)) != 0) {
        struct attest_collateral *fresh =
            attest_collateral_parse_with(trust_roots(item->trust), json, why, sizeof(why));
        if (fresh == NULL) {
            note_failed(supply, item, why, false, now_ms);
            return;
        }
        (void)attest_collateral_prove(fresh);
        if (item->document != NULL)
            attest_collateral_free(item->document);
        item->document = fresh;
        item->version = ++supply->version;
        memcpy(item->sha256, sha256, sizeof(sha256));
    }
    item->expires = document->expires;
    item->came_ms = now_ms;
    item->failed_until_ms = 0;
    item->unreached = 0;
    supply->has_news = true;
    plan_renewal(supply, item, now_ms);
    say_came(supply, item, errand);
}

void supply_take(struct supply *supply, struct letter *letter, int64_t now_ms)
{
    struct errand *errand = container_of(letter, struct errand, letter);
    struct item *item = errand->sender;
    must(item->errand == errand);
    item->errand = NULL;
    --supply->errands;
    if (!errand->found || (errand->request.renew && errand->document.from_store))
        note_failed(supply, item, errand->error, errand->document.is_unreached, now_ms);
    else
        note_came(supply, item, errand, now_ms);
    errand_end(errand);
}

static struct errand *send_errand(struct supply *supply, struct item *item, int64_t now_ms,
                                  char *why, size_t why_size)
{
    const struct collateral_options *options = &supply->options;
    const char *endpoints[COLLATERAL_ENDPOINTS_MAX];
    char store[COLLATERAL_STORE_MAX];
    bool stored = trust_store(item->trust, options, store);
    for (uint32_t i = 0; i < options->endpoint_count; ++i)
        endpoints[i] = options->endpoints[i];
    const struct fetch_options fetch = {.endpoints = endpoints,
                                        .endpoint_count = options->endpoint_count,
                                        .store = stored ? store : NULL,
                                        .ca_file =
                                            options->ca_file[0] != '\0' ? options->ca_file : NULL};
    return errand_send(&fetch, item->trust, &item->platform, now_ms / 1000, item->document != NULL,
                       supply->mailbox, supply->read, item, why, why_size);
}

int64_t supply_run(struct supply *supply, int64_t now_ms)
{
    char why[512];
    int64_t next = INT64_MAX;
    struct list *node;
    list_each (node, &supply->items) {
        struct item *item = item_at(node);
        if (item->errand != NULL || item->due_ms == 0)
            continue;
        if (item->due_ms > now_ms) {
            next = item->due_ms < next ? item->due_ms : next;
            continue;
        }
        if (supply->errands == SUPPLY_ERRANDS_MAX)
            continue; /* when one comes back, this is run again */
        stats_add(&supply->stats->collateral_fetches, 1);
        item->errand = send_errand(supply, item, now_ms, why, sizeof(why));
        supply->errands += item->errand != NULL;
        if (item->errand == NULL)
            note_failed(supply, item, why, false, now_ms);
    }
    return next;
}

/* --- checking a configuration -------------------------------------------------------------- */

static bool check_ca_file(const char *path, char *error, size_t error_size)
{
    static const char *const any[] = {".pem", NULL};
    struct files files = {0};
    char why[256] = "";
    bool ok = files_read(&files, path, any, error, error_size);
    struct attest_roots *roots = NULL;
    if (ok) {
        struct attest_bytes pem = {(const uint8_t *)files.rows[0].bytes, files.rows[0].len};
        roots = attest_roots_from_pem(pem, why, sizeof(why));
        if (roots == NULL)
            snprintf(error, error_size, "%s: %s", path, why);
        else
            attest_roots_free(roots);
    }
    files_free(&files);
    return roots != NULL;
}

bool collateral_options_check(const struct collateral_options *options, char *error,
                              size_t error_size)
{
    const char *endpoints[COLLATERAL_ENDPOINTS_MAX];
    for (uint32_t i = 0; i < options->endpoint_count; ++i)
        endpoints[i] = options->endpoints[i];
    const struct fetch_options fetch = {.endpoints = endpoints,
                                        .endpoint_count = options->endpoint_count};
    struct fetch *tried = fetch_new(&fetch, error, error_size);
    fetch_free(tried);
    return tried != NULL &&
           (options->ca_file[0] == '\0' || check_ca_file(options->ca_file, error, error_size));
}
