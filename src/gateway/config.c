#include "gateway/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "gateway/config_reader.h"

enum { FOUND_MAX = 96, DEPTH_MAX = 16, ROWS_MAX = 64 };

static const char *found_of(const yaml_node_t *node, char *out)
{
    if (node->type == YAML_MAPPING_NODE)
        return "a mapping";
    if (node->type == YAML_SEQUENCE_NODE)
        return "a list";
    struct span text = reader_scalar(node);
    snprintf(out, FOUND_MAX, "\"%.*s\"%s", (int)(text.len > 60 ? 60 : text.len), text.ptr,
             text.len > 60 ? ".." : "");
    return out;
}

bool reader_wrong(struct reader *reader, const yaml_node_t *node, const struct place *place,
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
    char allowed[2000] = "";
    const struct option *option;
    for (unsigned i = 0; (option = option_at(scope, i)) != NULL; ++i) {
        size_t len = strlen(allowed);
        snprintf(allowed + len, sizeof(allowed) - len, "%s%s", i == 0 ? "" : ", ", option->path);
    }
    const char *more = scope == SCOPE_PROCESS
                           ? ", redis.sentinels, redis.cluster, collateral.endpoints, listen, "
                             "pools, agents"
                       : scope == SCOPE_POOL  ? ", workers, attestation.collateral"
                       : scope == SCOPE_AGENT ? ", price.units"
                                              : "";
    snprintf(reader->error, CONFIG_ERROR_MAX, "%s:%zu: %s: unknown key; known are %s%s",
             reader->config->file, key->start_mark.line + 1, place->path, allowed, more);
    return false;
}

static bool read_mapping(struct reader *reader, struct scope *scope, yaml_node_t *node,
                         struct span prefix, const struct place *place, unsigned depth);

bool reader_value(struct reader *reader, struct scope *scope, const struct option *option,
                  yaml_node_t *value, const struct place *place)
{
    char allowed[256] = "";
    if (value->type != YAML_SCALAR_NODE)
        return reader_wrong(reader, value, place, "a single value");
    if (!option_set(option, scope->target, reader_scalar(value), reader->folder, allowed,
                    sizeof(allowed)))
        return reader_wrong(reader, value, place, allowed);
    unsigned index = 0;
    while (option_at(scope->scope, index) != option)
        ++index;
    must(index < ROWS_MAX);
    scope->given[index] = true;
    return true;
}

/* Keys are words. "price.units" as one key, or "price" with a NUL behind it, would be a second
 * spelling of a path, and so a way to give the same thing twice. */
static bool is_word(struct span key)
{
    for (size_t i = 0; i < key.len; ++i)
        if (key.ptr[i] != '_' && !(key.ptr[i] >= 'a' && key.ptr[i] <= 'z'))
            return false;
    return key.len > 0;
}

static bool read_member(struct reader *reader, struct scope *scope, yaml_node_t *key,
                        yaml_node_t *value, struct span prefix, const struct place *outer,
                        unsigned depth)
{
    char text[KEY_PATH_MAX];
    if (key->type != YAML_SCALAR_NODE)
        return reader_wrong(reader, key, outer, "a name as key");
    struct place place = place_key(outer, reader_scalar(key));
    if (!is_word(reader_scalar(key)))
        return reader_wrong(reader, key, outer,
                            "a key of lower case letters and _; what has a dot in the manual is a "
                            "mapping in a mapping");
    int len =
        snprintf(text, sizeof(text), "%.*s%s%.*s", (int)prefix.len, prefix.ptr,
                 prefix.len > 0 ? "." : "", (int)reader_scalar(key).len, reader_scalar(key).ptr);
    if (len < 0 || (size_t)len >= sizeof(text))
        return reader_wrong(reader, key, outer, "a shorter key");
    struct span path = span_of(text, (size_t)len);
    int taken = scope->special == NULL ? 0 : scope->special(reader, scope, path, value, &place);
    if (taken != 0)
        return taken > 0;
    const struct option *option = option_find(scope->scope, path);
    if (option != NULL)
        return reader_value(reader, scope, option, value, &place);
    if (!option_is_section(scope->scope, path))
        return unknown(reader, key, &place, scope->scope);
    return read_mapping(reader, scope, value, path, &place, depth + 1);
}

bool reader_is_repeated(struct reader *reader, const yaml_node_t *node, yaml_node_pair_t *pair)
{
    struct span key = reader_scalar(reader_node(reader, pair->key));
    for (yaml_node_pair_t *at = node->data.mapping.pairs.start; at < pair; ++at)
        if (reader_node(reader, at->key)->type == YAML_SCALAR_NODE &&
            span_is(reader_scalar(reader_node(reader, at->key)), key))
            return true;
    return false;
}

static bool read_mapping(struct reader *reader, struct scope *scope, yaml_node_t *node,
                         struct span prefix, const struct place *place, unsigned depth)
{
    if (node->type != YAML_MAPPING_NODE || depth > DEPTH_MAX)
        return reader_wrong(reader, node, place, "a mapping of keys to values");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; ++pair) {
        yaml_node_t *key = reader_node(reader, pair->key);
        if (key->type == YAML_SCALAR_NODE && reader_is_repeated(reader, node, pair))
            return reader_wrong(reader, key, place, "each key once");
        if (!read_member(reader, scope, key, reader_node(reader, pair->value), prefix, place,
                         depth))
            return false;
    }
    return true;
}

bool reader_scope(struct reader *reader, struct scope *scope, yaml_node_t *node,
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

/* --- the whole ------------------------------------------------------------------------------ */

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
        .scope = SCOPE_PROCESS, .target = reader->config, .special = entries_of_process};
    if (root == NULL) {
        snprintf(reader->error, CONFIG_ERROR_MAX,
                 "%s:1: the file is empty; listen, pools and agents are needed",
                 reader->config->file);
        read = false;
    } else {
        read = reader_scope(reader, &scope, root, &top) && entries_check(reader, root);
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

static void place_store(struct config *config)
{
    if (config->collateral.store[0] == '\0')
        snprintf(config->collateral.store, sizeof(config->collateral.store), "%s/collateral",
                 config->state_dir);
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
    if (read) {
        place_store(config);
        return config;
    }
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
