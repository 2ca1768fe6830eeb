#include "gateway/config_reader.h"

#include <stdio.h>

#include "base/alloc.h"
#include "http/field.h"

#define UNITS_MAX UINT64_C(999999999999999) /* RFC 9651 3.3.1 */

static struct place place_in(const struct place *outer, const char *before, struct span name,
                             const char *behind)
{
    struct place place;
    snprintf(place.path, sizeof(place.path), "%s%s%.*s%s", outer->path, before, (int)name.len,
             name.ptr, behind);
    return place;
}

struct place place_key(const struct place *outer, struct span key)
{
    return place_in(outer, outer->path[0] == '\0' ? "" : ".", key, "");
}

static struct place place_index(const struct place *outer, unsigned index)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%u", index);
    return place_in(outer, "[", span_of(text, (size_t)len), "]");
}

typedef bool read_entry(struct reader *reader, void *owner, yaml_node_t *key, yaml_node_t *value,
                        const struct place *place);

static bool read_list(struct reader *reader, yaml_node_t *node, const struct place *place,
                      size_t most, read_entry *read, void *owner)
{
    char allowed[64];
    snprintf(allowed, sizeof(allowed), "a list of at most %zu entries", most);
    if (node->type != YAML_SEQUENCE_NODE)
        return reader_wrong(reader, node, place, allowed);
    unsigned index = 0;
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; ++item, ++index) {
        struct place inner = place_index(place, index);
        if (index == most)
            return reader_wrong(reader, reader_node(reader, *item), &inner, allowed);
        if (!read(reader, owner, NULL, reader_node(reader, *item), &inner))
            return false;
    }
    return true;
}

/* A name is used as text that ends at NUL, and shown in logs. */
static bool is_name(const yaml_node_t *key)
{
    if (key->type != YAML_SCALAR_NODE || key->data.scalar.length == 0)
        return false;
    for (size_t i = 0; i < key->data.scalar.length; ++i)
        if (key->data.scalar.value[i] < 0x20 || key->data.scalar.value[i] == 0x7f)
            return false;
    return true;
}

static bool read_names(struct reader *reader, yaml_node_t *node, const struct place *place,
                       size_t most, read_entry *read, void *owner)
{
    char allowed[64];
    snprintf(allowed, sizeof(allowed), "a mapping of at most %zu names", most);
    if (node->type != YAML_MAPPING_NODE)
        return reader_wrong(reader, node, place, allowed);
    size_t count = 0;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; ++pair) {
        yaml_node_t *key = reader_node(reader, pair->key);
        if (!is_name(key) || count++ == most)
            return reader_wrong(reader, key, place, allowed);
        struct place inner = place_key(place, reader_scalar(key));
        if (!read(reader, owner, key, reader_node(reader, pair->value), &inner))
            return false;
    }
    return true;
}

static unsigned line_of(const yaml_node_t *node)
{
    return (unsigned)node->start_mark.line + 1;
}

static bool read_listener(struct reader *reader, void *owner, yaml_node_t *key, yaml_node_t *value,
                          const struct place *place)
{
    struct config *config = owner;
    (void)key;
    config->listeners =
        alloc_grow(config->listeners, config->listener_count + 1, sizeof(*config->listeners));
    struct config_listener *listener = &config->listeners[config->listener_count++];
    *listener = (struct config_listener){.line = line_of(value)};
    struct scope scope = {.scope = SCOPE_LISTENER, .target = listener};
    if (!reader_scope(reader, &scope, value, place))
        return false;
    if ((listener->certificate[0] == '\0') != (listener->key[0] == '\0'))
        return reader_wrong(reader, value, place,
                            "tls.certificate and tls.key together, or neither");
    if (listener->client != TLS_CLIENT_OFF && listener->certificate[0] == '\0')
        return reader_wrong(reader, value, place, "tls.client only with tls.certificate");
    return true;
}

static bool read_worker(struct reader *reader, void *owner, yaml_node_t *key, yaml_node_t *value,
                        const struct place *place)
{
    struct config_pool *pool = owner;
    (void)key;
    pool->workers = alloc_grow(pool->workers, pool->worker_count + 1, sizeof(*pool->workers));
    struct config_worker *worker = &pool->workers[pool->worker_count++];
    *worker = (struct config_worker){.line = line_of(value)};
    if (value->type == YAML_SCALAR_NODE) {
        char allowed[256];
        option_presets(SCOPE_WORKER, worker);
        return option_set(option_find(SCOPE_WORKER, SPAN_OF("url")), worker, reader_scalar(value),
                          reader->folder, allowed, sizeof(allowed)) ||
               reader_wrong(reader, value, place, allowed);
    }
    struct scope scope = {.scope = SCOPE_WORKER, .target = worker};
    return reader_scope(reader, &scope, value, place);
}

static bool read_collateral(struct reader *reader, void *owner, yaml_node_t *key,
                            yaml_node_t *value, const struct place *place)
{
    struct config_pool *pool = owner;
    (void)key;
    if (value->type != YAML_SCALAR_NODE || value->data.scalar.length == 0 ||
        memchr(value->data.scalar.value, '\0', value->data.scalar.length) != NULL)
        return reader_wrong(reader, value, place, "a path of a file or a folder");
    struct span text = reader_scalar(value);
    size_t room = strlen(reader->folder) + text.len + 2;
    char *path = alloc_zeroed(room);
    snprintf(path, room, "%s%s%.*s", text.ptr[0] == '/' ? "" : reader->folder,
             text.ptr[0] == '/' ? "" : "/", (int)text.len, text.ptr);
    pool->collateral[pool->collateral_count++] = path;
    return true;
}

/* What is made of it stands in the request line: nothing there may end or split it. */
static bool is_template(struct span text)
{
    if (text.len == 0 || text.ptr[0] != '/' || !field_is_target(text))
        return false;
    for (size_t at = 0; at < text.len; ++at)
        if (text.ptr[at] == '?' ||
            (text.ptr[at] == '{' && !span_starts(span_from(text, at), SPAN_OF("{cid}")) &&
             !span_starts(span_from(text, at), SPAN_OF("{rest}"))))
            return false;
    return true;
}

static int pool_special(struct reader *reader, struct scope *scope, struct span path,
                        yaml_node_t *value, const struct place *place)
{
    struct config_pool *pool = scope->target;
    if (span_is(path, SPAN_OF("workers")))
        return read_list(reader, value, place, WORKERS_MAX, read_worker, pool) ? 1 : -1;
    if (span_is(path, SPAN_OF("path")) && value->type == YAML_SCALAR_NODE &&
        !is_template(reader_scalar(value)))
        return reader_wrong(reader, value, place,
                            "a path from / on, with {cid} and {rest} for what is asked")
                   ? 1
                   : -1;
    if (!span_is(path, SPAN_OF("attestation.collateral")))
        return 0;
    if (value->type == YAML_SCALAR_NODE)
        return read_collateral(reader, pool, NULL, value, place) ? 1 : -1;
    return read_list(reader, value, place, CONFIG_COLLATERAL_MAX, read_collateral, pool) ? 1 : -1;
}

static bool read_pool(struct reader *reader, void *owner, yaml_node_t *key, yaml_node_t *value,
                      const struct place *place)
{
    struct config *config = owner;
    struct span name = reader_scalar(key);
    config->pools = alloc_grow(config->pools, config->pool_count + 1, sizeof(*config->pools));
    struct config_pool *pool = &config->pools[config->pool_count++];
    *pool = (struct config_pool){.line = line_of(key)};
    if (name.len >= sizeof(pool->name))
        return reader_wrong(reader, key, place, "a name of at most 63 characters");
    memcpy(pool->name, name.ptr, name.len);
    for (uint32_t i = 0; i + 1 < config->pool_count; ++i)
        if (strcmp(config->pools[i].name, pool->name) == 0)
            return reader_wrong(reader, key, place, "each pool once");
    struct scope scope = {.scope = SCOPE_POOL, .target = pool, .special = pool_special};
    return reader_scope(reader, &scope, value, place);
}

/* price.units: {tokens: {price: 2, cap: 100000}} */
static bool read_unit(struct reader *reader, void *owner, yaml_node_t *key, yaml_node_t *value,
                      const struct place *place)
{
    struct price *price = owner;
    struct price_unit *unit = &price->units[price->unit_count];
    struct usage none = {0};
    bool capped = false;
    char probe[PRICE_UNIT_NAME_MAX + 2];
    char allowed[256];
    struct span name = reader_scalar(key);
    if (name.len >= sizeof(unit->name))
        return reader_wrong(reader, key, place, "a name of at most 31 characters");
    snprintf(probe, sizeof(probe), "%.*s=1", (int)name.len, name.ptr);
    if (!price_read_units(price, span_text(probe), &none))
        return reader_wrong(reader, key, place,
                            "lower case letters, digits, _ - . * (RFC 9651 3.1.2)");
    for (uint32_t i = 0; i < price->unit_count; ++i)
        if (span_is(name, span_text(price->units[i].name)))
            return reader_wrong(reader, key, place, "each unit once");
    memcpy(unit->name, name.ptr, name.len);
    ++price->unit_count;
    if (value->type != YAML_MAPPING_NODE)
        return reader_wrong(reader, value, place, "{price: micro-credits, cap: units}");
    for (yaml_node_pair_t *pair = value->data.mapping.pairs.start;
         pair < value->data.mapping.pairs.top; ++pair) {
        yaml_node_t *member = reader_node(reader, pair->key);
        yaml_node_t *number = reader_node(reader, pair->value);
        if (member->type != YAML_SCALAR_NODE || number->type != YAML_SCALAR_NODE)
            return reader_wrong(reader, member, place, "{price: micro-credits, cap: units}");
        if (reader_is_repeated(reader, value, pair))
            return reader_wrong(reader, member, place, "each key once");
        /* A unit's two numbers are read by the rows they resemble most. */
        if (span_is(reader_scalar(member), SPAN_OF("price"))) {
            struct agent agent = {0};
            const struct option *row = option_find(SCOPE_AGENT, SPAN_OF("price.call"));
            if (!option_set(row, &agent, reader_scalar(number), "", allowed, sizeof(allowed)))
                return reader_wrong(reader, number, place, allowed);
            unit->pcr = agent.price.call_pcr;
        } else if (span_is(reader_scalar(member), SPAN_OF("cap"))) {
            if (!span_to_u64(reader_scalar(number), UNITS_MAX, &unit->cap))
                return reader_wrong(reader, number, place, "a whole number of units");
            capped = true;
        } else {
            return reader_wrong(reader, member, place, "price or cap");
        }
    }
    if (!capped && unit->pcr == 0)
        unit->cap = UNITS_MAX; /* metered all the same (DESIGN 4) */
    return unit->pcr == 0 || unit->cap > 0 ||
           reader_wrong(reader, key, place, "a cap: a priced unit needs one");
}

static int agent_special(struct reader *reader, struct scope *scope, struct span path,
                         yaml_node_t *value, const struct place *place)
{
    struct agent *agent = scope->target;
    if (!span_is(path, SPAN_OF("price.units")))
        return 0;
    return read_names(reader, value, place, PRICE_UNITS_MAX, read_unit, &agent->price) ? 1 : -1;
}

static bool check_agent(struct reader *reader, const struct agent *agent, yaml_node_t *key,
                        const struct place *place)
{
    bool timed = agent->price.ms_pcr > 0 || agent->price.mib_ms_pcr > 0;
    if (timed && agent->total_ms_max == 0)
        return reader_wrong(reader, key, place,
                            "limits.time above 0: time has a price, so it needs an end");
    bool known = false;
    for (uint32_t i = 0; i < reader->config->pool_count; ++i)
        known = known || strcmp(reader->config->pools[i].name, agent->pool) == 0;
    char allowed[160];
    snprintf(allowed, sizeof(allowed), "a pool that stands under pools: \"%.63s\" does not",
             agent->pool);
    if (!known)
        return reader_wrong(reader, key, place, allowed);
    struct usage most = {
        agent->total_ms_max, agent->request_bytes_max, agent->response_bytes_max, {0}};
    for (uint32_t i = 0; i < agent->price.unit_count; ++i)
        most.units[i] = agent->price.units[i].cap;
    if (price_cost_ucr(&agent->price, &most) >= PRICE_UCR_MAX)
        return reader_wrong(reader, key, place, "prices and limits whose product stays below 2^53");
    return true;
}

static bool read_agent(struct reader *reader, void *owner, yaml_node_t *key, yaml_node_t *value,
                       const struct place *place)
{
    struct config *config = owner;
    config->agents = alloc_grow(config->agents, config->agent_count + 1, sizeof(*config->agents));
    struct config_agent *row = &config->agents[config->agent_count++];
    *row = (struct config_agent){.line = line_of(key)};
    row->agent.any = span_is(reader_scalar(key), SPAN_OF("*"));
    if (!row->agent.any && !cid_parse(reader_scalar(key), &row->agent.cid))
        return reader_wrong(reader, key, place, "a CID this gateway serves, or \"*\"");
    struct scope scope = {.scope = SCOPE_AGENT, .target = &row->agent, .special = agent_special};
    return reader_scope(reader, &scope, value, place);
}

/* Reads an option, and sees at once that its text is an address: here its line is known. */
static bool read_address(struct reader *reader, struct scope *scope, const char *option,
                         const char *prefix, const char *field, yaml_node_t *value,
                         const struct place *place)
{
    char text[PATH_MAX + 8];
    char why[512];
    struct address address;
    if (!reader_value(reader, scope, option_find(SCOPE_PROCESS, span_text(option)), value, place))
        return false;
    snprintf(text, sizeof(text), "%s%s", prefix, field);
    return strcmp(text, "embedded") == 0 ||
           address_parse(&address, span_text(text), why, sizeof(why)) ||
           reader_wrong(reader, value, place, why);
}

/* What is wrong with a URL, snapshot says: the verifier's fetching knows. */
static bool read_endpoint(struct reader *reader, void *owner, yaml_node_t *key, yaml_node_t *value,
                          const struct place *place)
{
    struct config *config = owner;
    struct collateral_options *collateral = &config->collateral;
    (void)key;
    if (value->type != YAML_SCALAR_NODE || value->data.scalar.length == 0 ||
        value->data.scalar.length >= COLLATERAL_URL_MAX ||
        memchr(value->data.scalar.value, '\0', value->data.scalar.length) != NULL)
        return reader_wrong(reader, value, place, "a URL of at most 511 characters");
    config->collateral_line = line_of(value);
    memcpy(collateral->endpoints[collateral->endpoint_count++], value->data.scalar.value,
           value->data.scalar.length);
    return true;
}

int entries_of_process(struct reader *reader, struct scope *scope, struct span path,
                       yaml_node_t *value, const struct place *place)
{
    struct config *config = scope->target;
    if (span_is(path, SPAN_OF("listen")))
        return read_list(reader, value, place, CONFIG_LISTENERS_MAX, read_listener, config) ? 1
                                                                                            : -1;
    if (span_is(path, SPAN_OF("pools")))
        return read_names(reader, value, place, POOLS_MAX, read_pool, config) ? 1 : -1;
    if (span_is(path, SPAN_OF("agents")))
        return read_names(reader, value, place, AGENTS_MAX, read_agent, config) ? 1 : -1;
    if (span_is(path, SPAN_OF("collateral.endpoints"))) {
        bool read =
            value->type == YAML_SCALAR_NODE
                ? read_endpoint(reader, config, NULL, value, place)
                : read_list(reader, value, place, COLLATERAL_ENDPOINTS_MAX, read_endpoint, config);
        return read ? 1 : -1;
    }
    if (span_is(path, SPAN_OF("admin.socket")))
        return read_address(reader, scope, "admin.socket", "unix:", config->admin_socket, value,
                            place)
                   ? 1
                   : -1;
    if (span_is(path, SPAN_OF("redis.address")) ||
        (span_is(path, SPAN_OF("redis")) && value->type == YAML_SCALAR_NODE))
        return read_address(reader, scope, "redis.address", "", config->store.address, value, place)
                   ? 1
                   : -1;
    return store_special(reader, scope, path, value, place);
}

/* The pair of agents: rows are checked once everything they name has been read. */
static bool check_agents(struct reader *reader, yaml_node_t *root)
{
    struct place top = {""};
    struct place outer = place_key(&top, SPAN_OF("agents"));
    uint32_t index = 0;
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; ++pair) {
        yaml_node_t *agents = reader_node(reader, pair->value);
        if (!span_is(reader_scalar(reader_node(reader, pair->key)), SPAN_OF("agents")))
            continue;
        for (yaml_node_pair_t *row = agents->data.mapping.pairs.start;
             row < agents->data.mapping.pairs.top; ++row) {
            yaml_node_t *key = reader_node(reader, row->key);
            struct place place = place_key(&outer, reader_scalar(key));
            if (!check_agent(reader, &reader->config->agents[index++].agent, key, &place))
                return false;
        }
    }
    return true;
}

bool entries_check(struct reader *reader, yaml_node_t *root)
{
    struct place top = {""};
    if (reader->config->listener_count == 0)
        return reader_wrong(reader, root, &top, "listen: at least one address to serve callers on");
    if (reader->config->pool_count == 0)
        return reader_wrong(reader, root, &top, "pools: at least one pool of workers");
    if (reader->config->agent_count == 0)
        return reader_wrong(reader, root, &top, "agents: at least one agent, or \"*\"");
    return store_check(reader, root) && check_agents(reader, root);
}
