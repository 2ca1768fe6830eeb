/* accounts_store_check(): the servers behind the buckets, each once, as they say of themselves. */
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "callers/operation.h"
#include "callers/scripts.h"

enum {
    SERVERS_MAX = 64,
    SERVER_BYTES = 2048,
    HEAD_BYTES = 1024,
    CALLS_MAX = 16, /* buckets asked at once */
    SKEW_MS_MAX = 2000,
    LAG_S_MAX = 10,
    RUN_ID_BYTES = 41
};

/* The value of "name:value" in a text of INFO; empty when it is not there. */
static struct span info_of(struct span info, const char *name)
{
    size_t len = strlen(name);
    while (info.len > 0) {
        struct span line = span_of(info.ptr, span_find(info, '\n'));
        info = span_from(info, line.len + 1);
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            --line.len;
        if (line.len > len && span_starts(line, span_of(name, len)) && line.ptr[len] == ':')
            return span_from(line, len + 1);
    }
    return SPAN_NONE;
}

static uint64_t number_of(struct span info, const char *name)
{
    uint64_t value;
    return span_to_u64(info_of(info, name), INT64_MAX, &value) ? value : 0;
}

/* "ip=..,port=..,state=online,offset=..,lag=1": the worst of the replicas; -1: none. */
static int64_t lag_of(struct span replication)
{
    int64_t worst = -1;
    for (unsigned i = 0; i < number_of(replication, "connected_slaves") && i < 100; ++i) {
        char name[16];
        snprintf(name, sizeof(name), "slave%u", i);
        struct span facts = info_of(replication, name);
        while (facts.len > 0) {
            struct span one = span_of(facts.ptr, span_find(facts, ','));
            uint64_t lag;
            facts = span_from(facts, one.len + 1);
            if (span_starts(one, SPAN_OF("lag=")) &&
                span_to_u64(span_from(one, 4), INT32_MAX, &lag) && (int64_t)lag > worst)
                worst = (int64_t)lag;
        }
    }
    return worst;
}

/* Gateways of another version over the same store would show another. */
static void write_scripts(struct json *json)
{
    static const char *const texts[] = {script_hold,   script_settle,  script_checkpoint,
                                        script_credit, script_account, script_key,
                                        script_peek,   script_export,  script_check};
    unsigned char digest[SHA256_DIGEST_LENGTH], all[SHA256_DIGEST_LENGTH] = {0};
    char text[17];
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); ++i) {
        SHA256((const unsigned char *)texts[i], strlen(texts[i]), digest);
        for (size_t at = 0; at < sizeof(all); ++at)
            digest[at] = (unsigned char)(digest[at] ^ all[at]);
        SHA256(digest, sizeof(digest), all);
    }
    for (size_t i = 0; i < 8; ++i)
        snprintf(text + 2 * i, 3, "%02x", all[i]);
    json_text(json, "scripts", span_text(text));
}

struct server {
    struct span id, policy, role;
    bool aof, aof_fails;
    int64_t lag_s, skew_ms;
};

static void problem(struct operation *op, bool wrong, const char *sentence)
{
    if (!wrong)
        return;
    ++op->sums[0];
    json_text(&op->json, NULL, span_text(sentence));
}

static void write_problems(struct operation *op, const struct server *server)
{
    json_array(&op->json, "problems");
    problem(op, !span_is(server->policy, SPAN_OF("noeviction")),
            "maxmemory-policy is not noeviction: the server may throw money away");
    problem(op, !server->aof, "the append-only file is off: all money goes with the process");
    problem(op, server->aof_fails, "the append-only file cannot be written");
    problem(op, !span_is(server->role, SPAN_OF("master")), "the server is no master");
    problem(op, server->skew_ms > SKEW_MS_MAX || server->skew_ms < -SKEW_MS_MAX,
            "its clock and the gateway's are more than two seconds apart");
    problem(op, server->lag_s > LAG_S_MAX, "a replica is more than ten seconds behind");
    json_end_array(&op->json);
}

static void write_server(struct operation *op, const struct redisReply *reply)
{
    struct span own = answer_word(reply, 1), memory = answer_word(reply, 2);
    struct span persistence = answer_word(reply, 3), replication = answer_word(reply, 4);
    struct server server = {
        .policy = info_of(memory, "maxmemory_policy"),
        .role = info_of(replication, "role"),
        .aof = number_of(persistence, "aof_enabled") == 1,
        .aof_fails = span_is(info_of(persistence, "aof_last_write_status"), SPAN_OF("err")),
        .lag_s = lag_of(replication),
        .skew_ms = (int64_t)(answer_number(reply, 0) / 1000) - clock_unix_ms(),
    };
    struct json *json = &op->json;
    json_object(json, NULL);
    json_text(json, "run_id", info_of(own, "run_id"));
    json_text(json, "version", info_of(own, "redis_version"));
    json_text(json, "role", server.role);
    json_text(json, "maxmemory_policy", server.policy);
    json_u64(json, "used_memory", number_of(memory, "used_memory"));
    json_u64(json, "maxmemory", number_of(memory, "maxmemory"));
    json_bool(json, "aof", server.aof);
    json_u64(json, "replicas", number_of(replication, "connected_slaves"));
    if (server.lag_s >= 0)
        json_i64(json, "replica_lag_s", server.lag_s);
    json_i64(json, "clock_ahead_ms", server.skew_ms);
    write_problems(op, &server);
    json_end_object(json);
}

static bool is_new(struct operation *op, struct span id)
{
    if (id.len == 0 || id.len >= RUN_ID_BYTES)
        id = SPAN_OF("-");
    for (uint32_t i = 0; i < op->count; ++i)
        if (span_is(span_text(op->texts + i * RUN_ID_BYTES), id))
            return false;
    if (op->count == SERVERS_MAX)
        return false;
    memcpy(op->texts + op->count++ * RUN_ID_BYTES, id.ptr, id.len);
    return true;
}

static void ask_servers(struct operation *op)
{
    for (unsigned i = 0; i < CALLS_MAX && op->at < STORE_BUCKETS; ++i) {
        struct words keys, args;
        words_init(&keys);
        words_add_key(&keys, (uint16_t)op->at++, "x", SPAN_NONE);
        words_init(&args);
        operation_run(op, STORE_CHECK, &keys, &args);
    }
}

static void step_server(struct operation *op, const struct redisReply *reply)
{
    if (answer_is_array(reply) && is_new(op, info_of(answer_word(reply, 1), "run_id")))
        write_server(op, reply);
    if (op->calls > 0)
        return;
    if (op->at < STORE_BUCKETS) {
        ask_servers(op);
        return;
    }
    json_end_array(&op->json);
    json_bool(&op->json, "good", op->sums[0] == 0);
    write_scripts(&op->json);
    operation_end(op, 200);
}

void accounts_store_check(struct accounts *accounts, accounts_answer *answer, void *owner,
                          uint64_t id)
{
    struct operation *op = operation_new(accounts, SPAN_OF("-"), answer, owner, id);
    if (op == NULL)
        return;
    op->texts = alloc_array(SERVERS_MAX, RUN_ID_BYTES);
    json_array(operation_json(op, HEAD_BYTES + SERVERS_MAX * SERVER_BYTES), "servers");
    op->step = step_server;
    ask_servers(op);
}
