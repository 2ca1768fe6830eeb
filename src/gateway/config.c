#include "gateway/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/alloc.h"
#include "gateway/option.h"

enum { KEY_PATH_MAX = 320, FOUND_MAX = 96, DEPTH_MAX = 16 };

struct reader {
    struct config *config;
    yaml_document_t document;
    char folder[PATH_MAX];
    char *error; /* CONFIG_ERROR_MAX */
};

/* Where in the file we are, as a person would write it: «pools.gpu.workers[2].url». */
struct place {
    char path[KEY_PATH_MAX];
};

static struct place place_in(const struct place *outer, const char *before, struct span name,
                             const char *behind)
{
    struct place place;
    snprintf(place.path, sizeof(place.path), "%s%s%.*s%s", outer->path, before, (int)name.len,
             name.ptr, behind);
    return place;
}

static struct place place_key(const struct place *outer, struct span key)
{
    return place_in(outer, outer->path[0] == '\0' ? "" : ".", key, "");
}

static struct place place_index(const struct place *outer, unsigned index)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%u", index);
    return place_in(outer, "[", span_of(text, (size_t)len), "]");
}

static yaml_node_t *node_at(struct reader *reader, int index)
{
    return yaml_document_get_node(&reader->document, index);
}

static struct span scalar_of(const yaml_node_t *node)
{
    return span_of(node->data.scalar.value, node->data.scalar.length);
}

static const char *found_of(const yaml_node_t *node, char *out)
{
    if (node->type == YAML_MAPPING_NODE)
        return "a mapping";
    if (node->type == YAML_SEQUENCE_NODE)
        return "a list";
    struct span text = scalar_of(node);
    snprintf(out, FOUND_MAX, "\"%.*s\"%s", (int)(text.len > 60 ? 60 : text.len), text.ptr,
             text.len > 60 ? ".." : "");
    return out;
}

/* Always false, so that a refusal is one line where it is noticed. */
static bool wrong(struct reader *reader, const yaml_node_t *node, const struct place *place,
                  const char *allowed)
{
    char found[FOUND_MAX];
    snprintf(reader->error, CONFIG_ERROR_MAX, "%s:%zu: %s: found %s, expected %s",
             reader->config->file, node->start_mark.line + 1,
             place->path[0] == '\0' ? "(top)" : place->path, found_of(node, found), allowed);
    return false;
}

static bool unknown(struct reader *reader, const yaml_node_t *key, const struct place *place,
                    enum option_scope scope)
{
    char allowed[700] = "";
    const struct option *option;
    for (unsigned i = 0; (option = option_at(scope, i)) != NULL; ++i) {
        size_t len = strlen(allowed);
        snprintf(allowed + len, sizeof(allowed) - len, "%s%s", i == 0 ? "" : ", ", option->path);
    }
    const char *more = scope == SCOPE_PROCESS ? ", listen, pools, agents"
                       : scope == SCOPE_POOL  ? ", workers, attestation.collateral"
                       : scope == SCOPE_AGENT ? ", price.units"
                                              : "";
    snprintf(reader->error, CONFIG_ERROR_MAX, "%s:%zu: %s: unknown key; known are %s%s",
             reader->config->file, key->start_mark.line + 1, place->path, allowed, more);
    return false;
}

/* What a scope has besides the rows of options.def; `special` answers 0 for «not mine», 1 for done,
 * -1 for refused. */
struct scope {
    enum option_scope scope;
    void *target;
    int (*special)(struct reader *reader, struct scope *scope, struct span path, yaml_node_t *value,
                   const struct place *place);
    bool *given; /* one a row: was it given? */
};

enum { ROWS_MAX = 64 };

static bool read_mapping(struct reader *reader, struct scope *scope, yaml_node_t *node,
                         struct span prefix, const struct place *place, unsigned depth);

static bool read_value(struct reader *reader, struct scope *scope, const struct option *option,
                       yaml_node_t *value, const struct place *place)
{
    char allowed[256] = "";
    if (value->type != YAML_SCALAR_NODE)
        return wrong(reader, value, place, "a single value");
    if (!option_set(option, scope->target, scalar_of(value), reader->folder, allowed,
                    sizeof(allowed)))
        return wrong(reader, value, place, allowed);
    unsigned index = 0;
    while (option_at(scope->scope, index) != option)
        ++index;
    must(index < ROWS_MAX);
    scope->given[index] = true;
    return true;
}

static bool read_member(struct reader *reader, struct scope *scope, yaml_node_t *key,
                        yaml_node_t *value, struct span prefix, const struct place *outer,
                        unsigned depth)
{
    char text[KEY_PATH_MAX];
    if (key->type != YAML_SCALAR_NODE)
        return wrong(reader, key, outer, "a name as key");
    struct place place = place_key(outer, scalar_of(key));
    int len = snprintf(text, sizeof(text), "%.*s%s%.*s", (int)prefix.len, prefix.ptr,
                       prefix.len > 0 ? "." : "", (int)scalar_of(key).len, scalar_of(key).ptr);
    if (len < 0 || (size_t)len >= sizeof(text))
        return wrong(reader, key, outer, "a shorter key");
    struct span path = span_of(text, (size_t)len);
    int taken = scope->special == NULL ? 0 : scope->special(reader, scope, path, value, &place);
    if (taken != 0)
        return taken > 0;
    const struct option *option = option_find(scope->scope, path);
    if (option != NULL)
        return read_value(reader, scope, option, value, &place);
    if (!option_is_section(scope->scope, path))
        return unknown(reader, key, &place, scope->scope);
    return read_mapping(reader, scope, value, path, &place, depth + 1);
}

static bool is_repeated(struct reader *reader, const yaml_node_t *node, yaml_node_pair_t *pair)
{
    struct span key = scalar_of(node_at(reader, pair->key));
    for (yaml_node_pair_t *at = node->data.mapping.pairs.start; at < pair; ++at)
        if (node_at(reader, at->key)->type == YAML_SCALAR_NODE &&
            span_is(scalar_of(node_at(reader, at->key)), key))
            return true;
    return false;
}

static bool read_mapping(struct reader *reader, struct scope *scope, yaml_node_t *node,
                         struct span prefix, const struct place *place, unsigned depth)
{
    if (node->type != YAML_MAPPING_NODE || depth > DEPTH_MAX)
        return wrong(reader, node, place, "a mapping of keys to values");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; ++pair) {
        yaml_node_t *key = node_at(reader, pair->key);
        if (key->type == YAML_SCALAR_NODE && is_repeated(reader, node, pair))
            return wrong(reader, key, place, "each key once");
        if (!read_member(reader, scope, key, node_at(reader, pair->value), prefix, place, depth))
            return false;
    }
    return true;
}

/* Presets, the mapping, then whether every row that must be given was. */
static bool read_scope(struct reader *reader, struct scope *scope, yaml_node_t *node,
                       const struct place *place)
{
    bool given[ROWS_MAX] = {false};
    scope->given = given;
    option_presets(scope->scope, scope->target);
    if (!read_mapping(reader, scope, node, SPAN_NONE, place, 0))
        return false;
    const struct option *option;
    for (unsigned i = 0; (option = option_at(scope->scope, i)) != NULL; ++i)
        if (option->preset == NULL && !given[i]) {
            snprintf(reader->error, CONFIG_ERROR_MAX, "%s:%zu: %s: %s is missing: %s",
                     reader->config->file, node->start_mark.line + 1, place->path, option->path,
                     option->words);
            return false;
        }
    return true;
}

/* --- lists and mappings of entries --------------------------------------------------------- */

typedef bool read_entry(struct reader *reader, void *owner, yaml_node_t *key, yaml_node_t *value,
                        const struct place *place);

static bool read_list(struct reader *reader, yaml_node_t *node, const struct place *place,
                      size_t most, read_entry *read, void *owner)
{
    char allowed[64];
    snprintf(allowed, sizeof(allowed), "a list of at most %zu entries", most);
    if (node->type != YAML_SEQUENCE_NODE)
        return wrong(reader, node, place, allowed);
    unsigned index = 0;
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; ++item, ++index) {
        struct place inner = place_index(place, index);
        if (index == most)
            return wrong(reader, node_at(reader, *item), &inner, allowed);
        if (!read(reader, owner, NULL, node_at(reader, *item), &inner))
            return false;
    }
    return true;
}

static bool read_names(struct reader *reader, yaml_node_t *node, const struct place *place,
                       size_t most, read_entry *read, void *owner)
{
    char allowed[64];
    snprintf(allowed, sizeof(allowed), "a mapping of at most %zu names", most);
    if (node->type != YAML_MAPPING_NODE)
        return wrong(reader, node, place, allowed);
    size_t count = 0;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; ++pair) {
        yaml_node_t *key = node_at(reader, pair->key);
        if (key->type != YAML_SCALAR_NODE || key->data.scalar.length == 0 || count++ == most)
            return wrong(reader, key, place, allowed);
        struct place inner = place_key(place, scalar_of(key));
        if (!read(reader, owner, key, node_at(reader, pair->value), &inner))
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
    if (!read_scope(reader, &scope, value, place))
        return false;
    if ((listener->certificate[0] == '\0') != (listener->key[0] == '\0'))
        return wrong(reader, value, place, "tls.certificate and tls.key together, or neither");
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
        return option_set(option_find(SCOPE_WORKER, SPAN_OF("url")), worker, scalar_of(value),
                          reader->folder, allowed, sizeof(allowed)) ||
               wrong(reader, value, place, allowed);
    }
    struct scope scope = {.scope = SCOPE_WORKER, .target = worker};
    return read_scope(reader, &scope, value, place);
}

static bool read_collateral(struct reader *reader, void *owner, yaml_node_t *key,
                            yaml_node_t *value, const struct place *place)
{
    struct config_pool *pool = owner;
    (void)key;
    if (value->type != YAML_SCALAR_NODE || value->data.scalar.length == 0)
        return wrong(reader, value, place, "a path of a file or a folder");
    struct span text = scalar_of(value);
    size_t room = strlen(reader->folder) + text.len + 2;
    char *path = alloc_zeroed(room);
    snprintf(path, room, "%s%s%.*s", text.ptr[0] == '/' ? "" : reader->folder,
             text.ptr[0] == '/' ? "" : "/", (int)text.len, text.ptr);
    pool->collateral[pool->collateral_count++] = path;
    return true;
}

static int pool_special(struct reader *reader, struct scope *scope, struct span path,
                        yaml_node_t *value, const struct place *place)
{
    struct config_pool *pool = scope->target;
    if (span_is(path, SPAN_OF("workers")))
        return read_list(reader, value, place, WORKERS_MAX, read_worker, pool) ? 1 : -1;
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
    struct span name = scalar_of(key);
    config->pools = alloc_grow(config->pools, config->pool_count + 1, sizeof(*config->pools));
    struct config_pool *pool = &config->pools[config->pool_count++];
    *pool = (struct config_pool){.line = line_of(key)};
    if (name.len >= sizeof(pool->name))
        return wrong(reader, key, place, "a name of at most 63 characters");
    memcpy(pool->name, name.ptr, name.len);
    for (uint32_t i = 0; i + 1 < config->pool_count; ++i)
        if (strcmp(config->pools[i].name, pool->name) == 0)
            return wrong(reader, key, place, "each pool once");
    struct scope scope = {.scope = SCOPE_POOL, .target = pool, .special = pool_special};
    return read_scope(reader, &scope, value, place);
}

/* price.units: {tokens: {price: 2, cap: 100000}} */
static bool read_unit(struct reader *reader, void *owner, yaml_node_t *key, yaml_node_t *value,
                      const struct place *place)
{
    struct price *price = owner;
    struct price_unit *unit = &price->units[price->unit_count];
    struct usage none = {0};
    char probe[PRICE_UNIT_NAME_MAX + 2];
    char allowed[256];
    struct span name = scalar_of(key);
    if (name.len >= sizeof(unit->name))
        return wrong(reader, key, place, "a name of at most 31 characters");
    snprintf(probe, sizeof(probe), "%.*s=1", (int)name.len, name.ptr);
    if (!price_read_units(price, span_text(probe), &none))
        return wrong(reader, key, place, "lower case letters, digits, _ - . * (RFC 9651 3.1.2)");
    memcpy(unit->name, name.ptr, name.len);
    ++price->unit_count;
    if (value->type != YAML_MAPPING_NODE)
        return wrong(reader, value, place, "{price: micro-credits, cap: units}");
    for (yaml_node_pair_t *pair = value->data.mapping.pairs.start;
         pair < value->data.mapping.pairs.top; ++pair) {
        yaml_node_t *member = node_at(reader, pair->key);
        yaml_node_t *number = node_at(reader, pair->value);
        if (member->type != YAML_SCALAR_NODE || number->type != YAML_SCALAR_NODE)
            return wrong(reader, member, place, "{price: micro-credits, cap: units}");
        /* A unit's two numbers are read by the rows they resemble most. */
        if (span_is(scalar_of(member), SPAN_OF("price"))) {
            struct agent agent = {0};
            const struct option *row = option_find(SCOPE_AGENT, SPAN_OF("price.call"));
            if (!option_set(row, &agent, scalar_of(number), "", allowed, sizeof(allowed)))
                return wrong(reader, number, place, allowed);
            unit->pcr = agent.price.call_pcr;
        } else if (span_is(scalar_of(member), SPAN_OF("cap"))) {
            if (!span_to_u64(scalar_of(number), UINT64_C(999999999999999), &unit->cap))
                return wrong(reader, number, place, "a whole number of units");
        } else {
            return wrong(reader, member, place, "price or cap");
        }
    }
    return unit->pcr == 0 || unit->cap > 0 ||
           wrong(reader, key, place, "a cap: a priced unit needs one");
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
        return wrong(reader, key, place,
                     "limits.time above 0: time has a price, so it needs an end");
    bool known = false;
    for (uint32_t i = 0; i < reader->config->pool_count; ++i)
        known = known || strcmp(reader->config->pools[i].name, agent->pool) == 0;
    char allowed[160];
    snprintf(allowed, sizeof(allowed), "a pool that stands under pools: \"%.63s\" does not",
             agent->pool);
    if (!known)
        return wrong(reader, key, place, allowed);
    struct usage most = {
        agent->total_ms_max, agent->request_bytes_max, agent->response_bytes_max, {0}};
    for (uint32_t i = 0; i < agent->price.unit_count; ++i)
        most.units[i] = agent->price.units[i].cap;
    if (price_cost_ucr(&agent->price, &most) >= PRICE_UCR_MAX)
        return wrong(reader, key, place, "prices and limits whose product stays below 2^53");
    return true;
}

static bool read_agent(struct reader *reader, void *owner, yaml_node_t *key, yaml_node_t *value,
                       const struct place *place)
{
    struct config *config = owner;
    config->agents = alloc_grow(config->agents, config->agent_count + 1, sizeof(*config->agents));
    struct config_agent *row = &config->agents[config->agent_count++];
    *row = (struct config_agent){.line = line_of(key)};
    row->agent.any = span_is(scalar_of(key), SPAN_OF("*"));
    if (!row->agent.any && !cid_parse(scalar_of(key), &row->agent.cid))
        return wrong(reader, key, place, "a CID this gateway serves, or \"*\"");
    struct scope scope = {.scope = SCOPE_AGENT, .target = &row->agent, .special = agent_special};
    return read_scope(reader, &scope, value, place);
}

static int process_special(struct reader *reader, struct scope *scope, struct span path,
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
    if (span_is(path, SPAN_OF("redis")) && value->type == YAML_SCALAR_NODE)
        return read_value(reader, scope, option_find(SCOPE_PROCESS, SPAN_OF("redis.address")),
                          value, place)
                   ? 1
                   : -1;
    return 0;
}

/* --- the whole ------------------------------------------------------------------------------ */

/* The pair of agents: rows are checked once everything they name has been read. */
static bool check_agents(struct reader *reader, yaml_node_t *root)
{
    struct place top = {""};
    struct place outer = place_key(&top, SPAN_OF("agents"));
    uint32_t index = 0;
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; ++pair) {
        yaml_node_t *agents = node_at(reader, pair->value);
        if (!span_is(scalar_of(node_at(reader, pair->key)), SPAN_OF("agents")))
            continue;
        for (yaml_node_pair_t *row = agents->data.mapping.pairs.start;
             row < agents->data.mapping.pairs.top; ++row) {
            yaml_node_t *key = node_at(reader, row->key);
            struct place place = place_key(&outer, scalar_of(key));
            if (!check_agent(reader, &reader->config->agents[index++].agent, key, &place))
                return false;
        }
    }
    return true;
}

static bool check_whole(struct reader *reader, yaml_node_t *root)
{
    struct place top = {""};
    if (reader->config->listener_count == 0)
        return wrong(reader, root, &top, "listen: at least one address to serve callers on");
    if (reader->config->pool_count == 0)
        return wrong(reader, root, &top, "pools: at least one pool of workers");
    if (reader->config->agent_count == 0)
        return wrong(reader, root, &top, "agents: at least one agent, or \"*\"");
    return check_agents(reader, root);
}

static void say_yaml(struct reader *reader, const yaml_parser_t *parser)
{
    snprintf(reader->error, CONFIG_ERROR_MAX, "%s:%zu: not YAML: %s", reader->config->file,
             parser->problem_mark.line + 1,
             parser->problem != NULL ? parser->problem : "cannot be parsed");
}

static bool read_document(struct reader *reader, FILE *in)
{
    yaml_parser_t parser;
    must(yaml_parser_initialize(&parser) == 1);
    yaml_parser_set_input_file(&parser, in);
    bool read = yaml_parser_load(&parser, &reader->document) == 1;
    if (!read)
        say_yaml(reader, &parser);
    yaml_parser_delete(&parser);
    if (!read)
        return false;
    yaml_node_t *root = yaml_document_get_root_node(&reader->document);
    struct place top = {""};
    struct scope scope = {
        .scope = SCOPE_PROCESS, .target = reader->config, .special = process_special};
    if (root == NULL) {
        snprintf(reader->error, CONFIG_ERROR_MAX,
                 "%s:1: the file is empty; listen, pools and agents are needed",
                 reader->config->file);
        read = false;
    } else {
        read = read_scope(reader, &scope, root, &top) && check_whole(reader, root);
    }
    yaml_document_delete(&reader->document);
    return read;
}

static bool open_file(struct reader *reader, FILE **in)
{
    *in = fopen(reader->config->file, "re");
    if (*in == NULL) {
        snprintf(reader->error, CONFIG_ERROR_MAX, "%s: %m", reader->config->file);
        return false;
    }
    if (fseek(*in, 0, SEEK_END) != 0 || ftell(*in) > CONFIG_BYTES_MAX) {
        snprintf(reader->error, CONFIG_ERROR_MAX, "%s: not a file of at most %d bytes",
                 reader->config->file, CONFIG_BYTES_MAX);
        fclose(*in);
        return false;
    }
    rewind(*in);
    return true;
}

/* Absolute, so that a later change of the working folder changes nothing. */
static void find_folder(struct reader *reader)
{
    char folder[PATH_MAX];
    const char *file = reader->config->file;
    const char *slash = strrchr(file, '/');
    size_t len = slash == NULL ? 1 : slash == file ? 1 : (size_t)(slash - file);
    snprintf(folder, sizeof(folder), "%.*s", (int)len, slash == NULL ? "." : file);
    if (realpath(folder, reader->folder) == NULL)
        snprintf(reader->folder, sizeof(reader->folder), "%s", folder);
}

struct config *config_read(const char *file, char *error)
{
    struct config *config = alloc_zeroed(sizeof(*config));
    struct reader reader = {.config = config, .error = error};
    FILE *in;
    error[0] = '\0';
    http_options_default(&config->callers);
    if (strlen(file) >= sizeof(config->file)) {
        snprintf(error, CONFIG_ERROR_MAX, "the configuration's path is too long");
        free(config);
        return NULL;
    }
    snprintf(config->file, sizeof(config->file), "%s", file);
    find_folder(&reader);
    bool read = open_file(&reader, &in);
    if (read) {
        read = read_document(&reader, in);
        fclose(in);
    }
    if (read)
        return config;
    config_free(config);
    return NULL;
}

void config_free(struct config *config)
{
    for (uint32_t i = 0; i < config->pool_count; ++i) {
        for (size_t c = 0; c < config->pools[i].collateral_count; ++c)
            free(config->pools[i].collateral[c]);
        free(config->pools[i].workers);
    }
    free(config->pools);
    free(config->agents);
    free(config->listeners);
    free(config);
}
