#include "io/redis_facts.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

#include "base/clock.h"

enum { VERSION_MAJOR_LEAST = 6 }; /* ACL users, XADD ids, ZADD GT: 6.2 */

void redis_facts_init(struct redis_facts *facts)
{
    *facts = (struct redis_facts){.aof = -1};
}

/* The value of a line "name:value" of INFO, into `out`; nothing when it is not there or too long.
 */
static void find(struct span info, const char *name, char *out, size_t out_size)
{
    struct span label = span_text(name);
    while (info.len > 0) {
        size_t end = span_find(info, '\n');
        struct span line = span_of(info.ptr, end > 0 && info.ptr[end - 1] == '\r' ? end - 1 : end);
        if (line.len > label.len && span_starts(line, label) && line.ptr[label.len] == ':') {
            struct span value = span_from(line, label.len + 1);
            if (value.len < out_size) {
                memcpy(out, value.ptr, value.len);
                out[value.len] = '\0';
            }
            return;
        }
        info = span_from(info, end + 1);
    }
}

void redis_facts_info(struct redis_facts *facts, const struct redisReply *reply)
{
    char run_id[44] = "", replid[44] = "", aof[4] = "";
    if (reply == NULL || reply->type != REDIS_REPLY_STRING)
        return;
    struct span info = span_of(reply->str, reply->len);
    find(info, "run_id", run_id, sizeof(run_id));
    find(info, "master_replid", replid, sizeof(replid));
    find(info, "redis_version", facts->version, sizeof(facts->version));
    find(info, "maxmemory_policy", facts->policy, sizeof(facts->policy));
    find(info, "role", facts->role, sizeof(facts->role));
    find(info, "aof_enabled", aof, sizeof(aof));
    if (aof[0] == '0' || aof[0] == '1')
        facts->aof = aof[0] - '0';
    if (run_id[0] != '\0')
        snprintf(facts->identity, sizeof(facts->identity), "%s %s", run_id, replid);
}

void redis_facts_role(struct redis_facts *facts, const struct redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
        reply->element[0]->type != REDIS_REPLY_STRING)
        return;
    snprintf(facts->role, sizeof(facts->role), "%s", reply->element[0]->str);
}

void redis_facts_time(struct redis_facts *facts, const struct redisReply *reply)
{
    uint64_t seconds, micros;
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING ||
        !span_to_u64(span_of(reply->element[0]->str, reply->element[0]->len), INT64_MAX / 1000000,
                     &seconds) ||
        !span_to_u64(span_of(reply->element[1]->str, reply->element[1]->len), 999999, &micros))
        return;
    facts->skew_ms = (int64_t)(seconds * 1000 + micros / 1000) - clock_unix_ms();
}

bool redis_facts_are_good(const struct redis_facts *facts, bool needs_aof, char *why,
                          size_t why_size)
{
    struct span version = span_text(facts->version);
    uint64_t major;
    why[0] = '\0';
    if (facts->role[0] != '\0' && strcmp(facts->role, "master") != 0)
        snprintf(why, why_size, "it is no master: its role is %s", facts->role);
    else if (facts->policy[0] != '\0' && strcmp(facts->policy, "noeviction") != 0)
        snprintf(why, why_size,
                 "its maxmemory-policy is %s, which deletes money: set it to noeviction",
                 facts->policy);
    else if (needs_aof && facts->aof == 0)
        snprintf(why, why_size, "its append-only file is off: set appendonly yes");
    else if (span_to_u64(span_of(version.ptr, span_find(version, '.')), 1000, &major) &&
             major < VERSION_MAJOR_LEAST)
        snprintf(why, why_size, "its version is %s: 6.2 or newer is needed", facts->version);
    return why[0] == '\0';
}
