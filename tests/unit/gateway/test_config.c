#include <stdio.h>
#include <unistd.h>

#include "exchange/heads.h"
#include "gateway/config.h"
#include "gateway/option.h"
#include "unit/checks.h"

#define CID "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"

static const char BASE[] = "listen:\n"
                           "  - address: 127.0.0.1:0\n"
                           "pools:\n"
                           "  demo:\n"
                           "    workers: ['https://127.0.0.1:9000']\n"
                           "    attestation: {policy: p.json, collateral: [c1, /c2]}\n"
                           "agents:\n"
                           "  '*': {pool: demo, price: {call: 100, ms: 0.25}}\n";

static char error[CONFIG_ERROR_MAX];

static struct config *read_text(const char *text)
{
    char file[] = "config-XXXXXX";
    int fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct config *config = config_read(file, error);
    unlink(file);
    return config;
}

static void refuses(const char *text, const char *line, const char *key, const char *found,
                    const char *allowed)
{
    struct config *config = read_text(text);
    ck_assert_msg(config == NULL, "accepted: %s", text);
    ck_assert_msg(strstr(error, line) != NULL, "no line %s in: %s", line, error);
    ck_assert_msg(strstr(error, key) != NULL, "no key %s in: %s", key, error);
    ck_assert_msg(strstr(error, found) != NULL, "not found: %s in: %s", found, error);
    ck_assert_msg(strstr(error, allowed) != NULL, "not said: %s in: %s", allowed, error);
}

START_TEST(a_small_file_gets_every_default)
{
    struct config *config = read_text(BASE);
    ck_assert_msg(config != NULL, "%s", error);
    ck_assert_uint_eq(config->listener_count, 1);
    ck_assert_uint_eq(config->callers.streams_max, 100);
    ck_assert_uint_eq(config->callers.head_bytes_max, 65536);
    ck_assert_uint_eq(config->exchange.checkpoint_ms, 5000);
    ck_assert_str_eq(config->store.address, "embedded");
    ck_assert_int_eq(config->pools[0].policy[0], '/');
    ck_assert_str_eq(strrchr(config->pools[0].policy, '/'), "/p.json");
    ck_assert_uint_eq(config->pools[0].collateral_count, 2);
    ck_assert_str_eq(strrchr(config->pools[0].collateral[0], '/'), "/c1");
    ck_assert_str_eq(config->pools[0].collateral[1], "/c2");
    ck_assert_str_eq(config->pools[0].workers[0].url, "https://127.0.0.1:9000");
    const struct agent *agent = &config->agents[0].agent;
    ck_assert(agent->any && agent->metered);
    ck_assert_uint_eq(agent->price.call_pcr, 100000000);
    ck_assert_uint_eq(agent->price.ms_pcr, 250000);
    ck_assert_uint_eq(agent->total_ms_max, 60000);
    ck_assert_uint_eq(agent->request_bytes_max, 10 * 1048576);
    config_free(config);
}
END_TEST

START_TEST(every_refusal_says_line_key_found_and_allowed)
{
    char text[2048];
    snprintf(text, sizeof(text), "%sreddis: embedded\n", BASE);
    refuses(text, ":9:", "reddis", "unknown key", "redis.address");
    snprintf(text, sizeof(text), "%scallers:\n  streams: many\n", BASE);
    refuses(text, ":10:", "callers.streams", "\"many\"", "a whole number from 1 to 1000");
    snprintf(text, sizeof(text), "%scallers: {streams: [1]}\n", BASE);
    refuses(text, ":9:", "callers.streams", "a list", "a single value");
    snprintf(text, sizeof(text), "%scallers: {head_timeout: 10}\n", BASE);
    refuses(text, ":9:", "callers.head_timeout", "\"10\"", "a duration such as");
    snprintf(text, sizeof(text), "%scallers: 5\n", BASE);
    refuses(text, ":9:", "callers", "\"5\"", "a mapping");
    snprintf(text, sizeof(text), "%slanes: 1\nlanes: 2\n", BASE);
    refuses(text, ":10:", "(top)", "\"lanes\"", "each key once");
    snprintf(text, sizeof(text), "%slog: {level: loud}\n", BASE);
    refuses(text, ":9:", "log.level", "\"loud\"", "one of error|warning|notice|debug");
    snprintf(text, sizeof(text), "%s  '" CID "': {pool: demo, price: {ms: 1}, limits: {time: 0}}\n",
             BASE);
    refuses(text, ":9:", "agents." CID, "found", "limits.time above 0");
    snprintf(text, sizeof(text), "%s  'bogus': {pool: demo}\n", BASE);
    refuses(text, ":9:", "agents.bogus", "\"bogus\"", "a CID");
    snprintf(text, sizeof(text), "%s  '" CID "': {pool: other}\n", BASE);
    refuses(text, ":9:", "agents." CID, "\"other\"", "pool");
    snprintf(text, sizeof(text), "%s  '" CID "': {price: {call: 0.1234567}, pool: demo}\n", BASE);
    refuses(text, ":9:", "price.call", "\"0.1234567\"", "six decimals");
    snprintf(text, sizeof(text), "%s  '" CID "': {price: {call: 1}}\n", BASE);
    refuses(text, ":9:", "agents." CID, "pool is missing", "the pool whose workers");
    snprintf(text, sizeof(text),
             "%s  '" CID "': {pool: demo, price: {units: {tokens: {price: 1}}}}\n", BASE);
    refuses(text, ":9:", "price.units.tokens", "\"tokens\"", "a cap");
    snprintf(text, sizeof(text),
             "%s  '" CID
             "': {pool: demo, price: {kib_out: 9007199253}, limits: {response: 1GiB}}\n",
             BASE);
    refuses(text, ":9:", "agents." CID, "found", "below 2^53");
    refuses("", ":1:", "empty", "listen", "pools");
    refuses("- a\n", ":1:", "(top)", "a list", "a mapping");
    refuses("listen: [\n", ":", "not YAML", "", "");
    refuses("lanes: 1\n", ":1:", "listen", "", "at least one address");
}
END_TEST

/* Found by fuzz_config: a second spelling of a key, or the same name twice, wrote behind an array.
 */
START_TEST(nothing_can_be_given_twice_by_another_spelling)
{
    char text[2048];
    snprintf(text, sizeof(text), "%s  '" CID "':\n    pool: demo\n    price.call: 1\n", BASE);
    refuses(text, ":11:", "agents." CID, "\"price.call\"", "a mapping in a mapping");
    snprintf(text, sizeof(text), "%s\"lanes\\0\": 1\nlanes: 2\n", BASE);
    refuses(text, ":9:", "(top)", "\"lanes", "a key of lower case letters");
    snprintf(text, sizeof(text), "%s\"\": 1\n", BASE);
    refuses(text, ":9:", "(top)", "\"\"", "a key of lower case letters");
    const char *units = "{tokens: {price: 1, cap: 2}, tokens: {price: 1, cap: 2}}";
    snprintf(text, sizeof(text), "%s  '" CID "': {pool: demo, price: {units: %s}}\n", BASE, units);
    refuses(text, ":9:", "price.units.tokens", "\"tokens\"", "each unit once");
    units = "{tokens: {price: 1, cap: 2, cap: 3}}";
    snprintf(text, sizeof(text), "%s  '" CID "': {pool: demo, price: {units: %s}}\n", BASE, units);
    refuses(text, ":9:", "price.units.tokens", "\"cap\"", "each key once");
    refuses("pools: {demo: &p {workers: [], attestation: {policy: p}}, demo: *p}\n",
            ":1:", "pools.demo", "\"demo\"", "each pool once");
    refuses("pools: {\"\\0\": {attestation: {policy: p.json}}}\n", ":1:", "pools", "\"\"",
            "a mapping of at most 256 names");
    refuses("pools: {demo: {attestation: {policy: p.json, collateral: \"a\\0b\"}}}\n",
            ":1:", "attestation.collateral", "\"a", "a path of a file");
}
END_TEST

START_TEST(lists_are_taken_up_to_their_maximum)
{
    char text[4096];
    for (unsigned count = CONFIG_COLLATERAL_MAX; count <= CONFIG_COLLATERAL_MAX + 1; ++count) {
        int len = snprintf(text, sizeof(text),
                           "listen: [{address: '127.0.0.1:0'}]\nagents: {'*': {pool: demo}}\n"
                           "pools: {demo: {attestation: {policy: p.json, collateral: [");
        for (unsigned i = 0; i < count; ++i)
            len += snprintf(text + len, sizeof(text) - (size_t)len, "c%u, ", i);
        snprintf(text + len, sizeof(text) - (size_t)len, "]}}}\n");
        struct config *config = read_text(text);
        ck_assert_int_eq(config != NULL, count <= CONFIG_COLLATERAL_MAX);
        ck_assert(config != NULL || strstr(error, "at most 16 entries") != NULL);
        if (config != NULL)
            config_free(config);
    }
}
END_TEST

/* What would only fail at start, or break every request, is refused while its line is known. */
START_TEST(addresses_and_paths_are_checked_where_they_stand)
{
    static const char *const paths[] = {"app/{cid}{rest}", "''",         "/a b",       "'/a#{cid}'",
                                        "/app/{address}",  "/a?k={cid}", "'/{cid}\\x'"};
    char text[2048];
    char dir[120];
    struct config *config;
    for (size_t len = 107; len <= 108; ++len) {
        memset(dir, 'd', sizeof(dir));
        dir[0] = '/';
        dir[len] = '\0';
        snprintf(text, sizeof(text), "%sadmin: {socket: %s}\n", BASE, dir);
        if (len == 108) {
            refuses(text, ":9:", "admin.socket", "/ddd", "at most 107 bytes");
            continue;
        }
        config = read_text(text);
        ck_assert_msg(config != NULL, "%s", error);
        config_free(config);
    }
    /* Even the first call waits, for its connection. */
    refuses("listen: [{address: '127.0.0.1:0'}]\nagents: {'*': {pool: demo}}\n"
            "pools: {demo: {attestation: {policy: p.json}, queue: 0}}\n",
            ":3:", "pools.demo.queue", "\"0\"", "from 1 to 100000");
    snprintf(text, sizeof(text), "%sredis: nowhere\n", BASE);
    refuses(text, ":9:", "redis", "nowhere", "a port from 0 to 65535");
    snprintf(text, sizeof(text), "%sredis:\n  address: unix:here\n", BASE);
    refuses(text, ":10:", "redis.address", "unix:here", "a path from / on");
    snprintf(text, sizeof(text), "%sredis:\n  address: embedded\n", BASE);
    config = read_text(text);
    ck_assert_msg(config != NULL, "%s", error);
    config_free(config);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); ++i) {
        snprintf(text, sizeof(text),
                 "listen: [{address: '127.0.0.1:0'}]\nagents: {'*': {pool: demo}}\n"
                 "pools:\n  demo:\n    attestation: {policy: p.json}\n    path: %s\n",
                 paths[i]);
        refuses(text, ":6:", "pools.demo.path", "found", "a path from / on, with {cid}");
    }
}
END_TEST

START_TEST(a_unit_without_price_needs_no_cap_to_be_counted)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "%s  '" CID "': {pool: demo, price: {units: {tokens: {}, words: {cap: 0}, "
             "pages: {price: 0, cap: 7}}}}\n",
             BASE);
    struct config *config = read_text(text);
    ck_assert_msg(config != NULL, "%s", error);
    const struct price *price = &config->agents[1].agent.price;
    ck_assert_uint_eq(price->unit_count, 3);
    ck_assert_uint_eq(price->units[0].cap, UINT64_C(999999999999999));
    ck_assert_uint_eq(price->units[1].cap, 0);
    ck_assert_uint_eq(price->units[2].cap, 7);
    config_free(config);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    ck_assert_ptr_null(config_read("no/such/teegate.yaml", error));
    ck_assert(strstr(error, "no/such/teegate.yaml: No such file") != NULL);
}
END_TEST

START_TEST(units_and_durations_are_read_with_their_suffix_at_their_limits)
{
    struct config *config = calloc(1, sizeof(*config));
    char allowed[256];
    const struct option *drain = option_find(SCOPE_PROCESS, SPAN_OF("drain"));
    ck_assert(option_set(drain, config, SPAN_OF("2m"), "", allowed, sizeof(allowed)));
    ck_assert_uint_eq(config->drain_ms_max, 120000);
    ck_assert(option_set(drain, config, SPAN_OF("0"), "", allowed, sizeof(allowed)));
    ck_assert(option_set(drain, config, SPAN_OF("24h"), "", allowed, sizeof(allowed)));
    ck_assert(!option_set(drain, config, SPAN_OF("25h"), "", allowed, sizeof(allowed)));
    ck_assert(!option_set(drain, config, SPAN_OF("-1s"), "", allowed, sizeof(allowed)));
    ck_assert(!option_set(drain, config, SPAN_OF("1 s"), "", allowed, sizeof(allowed)));
    ck_assert(!option_set(drain, config, SPAN_OF(""), "", allowed, sizeof(allowed)));
    ck_assert(
        !option_set(drain, config, SPAN_OF("99999999999999999999s"), "", allowed, sizeof(allowed)));
    free(config);
}
END_TEST

static uint64_t most_of(const char *path)
{
    return option_find(SCOPE_PROCESS, span_text(path))->most;
}

/* -t takes no limit under which requests are let in only to be refused on their way out. */
START_TEST(the_largest_head_that_may_be_configured_reaches_a_worker)
{
    enum { REST = 32 };
    static char text[65536];
    size_t target_bytes = most_of("callers.target_bytes");
    size_t fields = most_of("callers.fields");
    size_t head_bytes = most_of("callers.head_bytes");
    ck_assert_uint_le(target_bytes, sizeof(text));
    memset(text, 'a', sizeof(text));
    text[0] = '/';
    struct head *caller = head_new(head_bytes, (uint32_t)fields);
    ck_assert(head_set_text(caller, &caller->method, SPAN_OF("POST")));
    ck_assert(head_set_text(caller, &caller->path, span_of(text, target_bytes)));
    size_t each = (head_bytes - target_bytes - 3 * REST - 4) / fields - REST - 3;
    for (size_t i = 0; i < fields; ++i)
        ck_assert(head_add(caller, SPAN_OF("x-a"), span_of(text, each)));
    char template[256] = "/";
    memset(template + 1, 't', 200);
    memcpy(template + 201, "{cid}{rest}", 12);
    struct target target = {.rest = span_of(text, target_bytes)};
    struct worker_request request = {.caller = caller,
                                     .target = &target,
                                     .cid = CID,
                                     .path_template = template,
                                     .invocation = "i",
                                     .agent_caller = "0123456789012345678901234567890123456789012",
                                     .peer = "2001:db8::1",
                                     .left_ms = UINT64_MAX,
                                     .length = INT64_MAX};
    struct head *head = heads_for_worker(&request);
    ck_assert_ptr_nonnull(head);
    ck_assert(heads_add_token(head, span_of(text, TOKEN_TEXT_MAX)));
    head_free(head);
    head_free(caller);
}
END_TEST

START_TEST(every_row_has_a_default_of_its_own_type)
{
    struct {
        enum option_scope scope;
        void *target;
    } scopes[] = {{SCOPE_PROCESS, calloc(1, sizeof(struct config))},
                  {SCOPE_LISTENER, calloc(1, sizeof(struct config_listener))},
                  {SCOPE_POOL, calloc(1, sizeof(struct config_pool))},
                  {SCOPE_WORKER, calloc(1, sizeof(struct config_worker))},
                  {SCOPE_AGENT, calloc(1, sizeof(struct agent))}};
    for (unsigned i = 0; i < 5; ++i) {
        option_presets(scopes[i].scope, scopes[i].target);
        ck_assert_ptr_nonnull(option_at(scopes[i].scope, 0));
        free(scopes[i].target);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_small_file_gets_every_default,
        every_refusal_says_line_key_found_and_allowed,
        nothing_can_be_given_twice_by_another_spelling,
        lists_are_taken_up_to_their_maximum,
        addresses_and_paths_are_checked_where_they_stand,
        a_unit_without_price_needs_no_cap_to_be_counted,
        a_missing_file_is_named,
        units_and_durations_are_read_with_their_suffix_at_their_limits,
        the_largest_head_that_may_be_configured_reaches_a_worker,
        every_row_has_a_default_of_its_own_type,
        NULL,
    };
    return checks_run("config", tests);
}
