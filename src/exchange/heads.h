/* The heads an exchange writes: the request for the worker, the answer and its trailers for the
 * caller; and what it reads in the caller's.
 * It owns nothing: heads made here belong to the asker. It never lets through a credential of the
 * gateway, an `Agent-` field of somebody else, or a field that says who the peer is. */
#ifndef EXCHANGE_HEADS_H
#define EXCHANGE_HEADS_H

#include "base/fault.h"
#include "callers/meter.h"
#include "http/head.h"
#include "rules/target.h"

enum { ANSWER_WHOLE_MAX = 16384 }; /* whole answers up to here carry the end's facts as fields */

#define HEADS_PATH_TEMPLATE "/ipfs/{cid}{rest}"

/* --- reading the caller's head --------------------------------------------------------------- */

struct credential {
    struct span key;          /* empty: none was given */
    bool is_token;            /* an invocation token, not an API key */
    bool drops_authorization; /* `Authorization` is the gateway's, not the agent's */
};

/* NONE, or BAD_REQUEST for credentials that disagree or come twice. */
enum fault heads_credential(const struct head *request, struct credential *out);
/* `Agent-Max-Cost`: NONE, or BAD_BUDGET. `*out` stays as it is without one. */
enum fault heads_max_cost(const struct head *request, uint64_t *out);
/* `Agent-Sub-Budget`, likewise; `*given` says whether there is one. */
enum fault heads_sub_budget(const struct head *request, uint64_t *out, bool *given);
/* A preflight as browsers send it (Fetch standard, 4.8). */
bool heads_is_preflight(const struct head *request);
/* A script asks to be registered for a whole origin (Service Workers, 4.3.2). */
bool heads_is_service_worker(const struct head *request);
bool heads_is_event_stream(const struct head *answer);

/* --- the request ------------------------------------------------------------------------------ */

struct worker_request {
    const struct head *caller;
    const struct target *target;
    const char *cid;           /* canonical */
    const char *path_template; /* "{cid}" and "{rest}" stand for the target's; the query follows */
    const char *invocation;
    const char *agent_caller; /* who asks, as this agent may know it; NULL or "": not told */
    const char *peer;         /* the caller's address without port */
    bool secure;
    bool drops_authorization;
    uint64_t left_ms; /* `Agent-Deadline`; 0: there is none */
    int64_t length;   /* of the body, or -1 */
};

/* NULL when it would pass the limits of a head. */
struct head *heads_for_worker(const struct worker_request *from);
/* Adds `Agent-Invocation-Token`, never to be indexed. False when the head is full. */
MUST_USE bool heads_add_token(struct head *request, struct span token);

/* --- the answer ------------------------------------------------------------------------------- */

/* What is known once it is over. */
struct ending {
    bool priced;  /* the call is metered: it has a cost */
    bool pending; /* Redis has not confirmed the cost yet */
    uint64_t cost_ucr;
    const struct usage *usage;
    const struct price *price; /* the units' names */
    const char *outcome;
    const char *receipt; /* NULL: none, or not yet */
};

struct caller_answer {
    const struct head *worker;
    const char *invocation;
    const char *worker_id;
    const char *measurement;         /* "" when it has none */
    const struct meter_facts *facts; /* NULL: not metered */
    uint64_t ceiling_ucr;
    bool cors;
    const struct ending *ending; /* as fields; NULL: not known yet, or as trailers */
};

/* NULL when the worker's fields leave no room for ours. */
struct head *heads_for_caller(const struct caller_answer *from);
/* The worker's trailers (may be NULL), with room for the end's facts. */
struct head *heads_answer_trailers(const struct head *worker);
/* The caller's trailers for the worker, or NULL without any. */
struct head *heads_request_trailers(const struct head *caller);
/* Adds Agent-Cost, Agent-Usage, Agent-Outcome and Agent-Receipt. False when the head is full. */
MUST_USE bool heads_add_ending(struct head *head, const struct ending *ending);
/* Adds RateLimit-Policy and RateLimit where there are limits. False when the head is full. */
MUST_USE bool heads_add_limits(struct head *head, const struct meter_facts *facts);

#endif
