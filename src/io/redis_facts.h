/* What a Redis server says of itself when a connection to it comes up, and whether it may hold
 * money. It owns nothing: texts are cut from the replies. It never trusts a server that could throw
 * a hold away by itself. */
#ifndef IO_REDIS_FACTS_H
#define IO_REDIS_FACTS_H

#include <stddef.h>

#include "base/must.h"
#include "base/span.h"

struct redisReply;

struct redis_facts {
    /* run_id and master_replid: when either is another, what was acknowledged lately may be gone
     * (metering.md 3.3). Empty: it does not say. */
    char identity[96];
    char version[24];
    char policy[32]; /* maxmemory-policy; empty: it does not say */
    char role[16];
    int aof;         /* 1 on, 0 off, -1 it does not say */
    int64_t skew_ms; /* its clock ahead of ours */
};

void redis_facts_init(struct redis_facts *facts);
/* The replies to INFO, ROLE and TIME; an error leaves things unsaid: a user may be forbidden them.
 */
void redis_facts_info(struct redis_facts *facts, const struct redisReply *reply);
void redis_facts_role(struct redis_facts *facts, const struct redisReply *reply);
void redis_facts_time(struct redis_facts *facts, const struct redisReply *reply);
/* True when it may hold money; else why not, to follow the server's name. */
MUST_USE bool redis_facts_are_good(const struct redis_facts *facts, bool needs_aof, char *why,
                                   size_t why_size);

#endif
