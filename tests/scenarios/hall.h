/* One lane's hall with fakes at every desk: a caller steps in, the test plays everybody else.
 * It owns the loop, the site and the fakes. hall_close() checks what every life must keep: streams
 * released, slots freed, one record a request, one settle or release a hold. */
#ifndef SCENARIOS_HALL_H
#define SCENARIOS_HALL_H

#include <check.h>

#include "exchange/exchange.h"
#include "fakes/fake_accounts.h"
#include "fakes/fake_auth.h"
#include "fakes/fake_loop.h"
#include "fakes/fake_meter.h"
#include "fakes/fake_pools.h"
#include "fakes/fake_signer.h"
#include "fakes/fake_stream.h"

#define HALL_CID "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"

struct hall {
    struct loop *loop;
    struct site site;
    struct stats stats;
    struct log log;
    struct agent *agent; /* owned by the site's agents */
    struct pools *pools;
    struct meter *meter;
    struct auth *auth;
    struct accounts *accounts;
    struct signer *signer;
    unsigned signed_count; /* roots of receipts */
    struct stream *caller; /* of the last hall_ask() */
    const char *protocol;  /* of those to come */
    unsigned asked;
    bool complete;            /* the caller was given a whole answer */
    bool complete_journalled; /* and the journal had the settle by then */
    char log_text[65536];
};

void hall_open(struct hall *hall);
/* Nothing is left to do; also checks that nothing is owed to anybody. */
void hall_close(struct hall *hall);

/* A request; `fields` are "name: value" lines, or NULL. A key comes with it unless it has one.
 * The body is fed with fake_stream_feed(); without `has_body` it has none. */
void hall_ask(struct hall *hall, const char *method, const char *path, const char *fields,
              bool has_body);
/* The usual one: POST to the agent. */
void hall_post(struct hall *hall);
/* A head from such lines; status 0: a request's. */
struct head *hall_head(int status, const char *fields);
/* Everybody does what there is to do. */
void hall_run(struct hall *hall);
/* Time goes on by `ms`, in steps small enough for every timer. */
void hall_pass(struct hall *hall, uint64_t ms);
/* The worker of try `number` (from 0). */
struct stream *hall_worker(struct hall *hall, unsigned number);
/* It answers; `body` NULL: no end yet. */
void hall_answer(struct hall *hall, unsigned number, int status, const char *fields,
                 const char *body);

/* What the caller got. */
int hall_status(const struct hall *hall);
/* A field of the head or, with `trailer`, of the trailers; "" without it. */
const char *hall_field(const struct hall *hall, const char *name);
const char *hall_trailer(const struct hall *hall, const char *name);
bool hall_is_over(const struct hall *hall); /* no exchange lives */
/* The log so far. */
const char *hall_log(struct hall *hall);

/* Runs a suite of its own making (loops of rows); main()'s status. */
int hall_run_suite(Suite *suite);

#endif
