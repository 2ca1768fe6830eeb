/* Between config.c, which reads a scope by the rows of options.def, and config_entries.c, which
 * reads what has a row of its own for each entry: listeners, pools, workers, agents, units.
 * Owns nothing: the document is config_read()'s, the values are the configuration's. It is never
 * included by anybody else. */
#ifndef GATEWAY_CONFIG_READER_H
#define GATEWAY_CONFIG_READER_H

#include <yaml.h>

#include "gateway/config.h"
#include "gateway/option.h"

enum { KEY_PATH_MAX = 320 };

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

/* What a scope has besides the rows of options.def; `special` answers 0 for «not mine», 1 for done,
 * -1 for refused. */
struct scope {
    enum option_scope scope;
    void *target;
    int (*special)(struct reader *reader, struct scope *scope, struct span path, yaml_node_t *value,
                   const struct place *place);
    bool *given; /* one a row: was it given? */
};

static inline yaml_node_t *reader_node(struct reader *reader, int index)
{
    return yaml_document_get_node(&reader->document, index);
}

static inline struct span reader_scalar(const yaml_node_t *node)
{
    return span_of(node->data.scalar.value, node->data.scalar.length);
}

/* config.c. Always false, so that a refusal is one line where it is noticed. */
bool reader_wrong(struct reader *reader, const yaml_node_t *node, const struct place *place,
                  const char *allowed);
/* Does the key of `pair` stand in `node` before it? */
bool reader_is_repeated(struct reader *reader, const yaml_node_t *node, yaml_node_pair_t *pair);
/* One value into its row's field. */
bool reader_value(struct reader *reader, struct scope *scope, const struct option *option,
                  yaml_node_t *value, const struct place *place);
/* Presets, the mapping, then whether every row that must be given was. */
bool reader_scope(struct reader *reader, struct scope *scope, yaml_node_t *node,
                  const struct place *place);

/* config_entries.c */
struct place place_key(const struct place *outer, struct span key);
/* `special` of the process' scope. */
int entries_of_process(struct reader *reader, struct scope *scope, struct span path,
                       yaml_node_t *value, const struct place *place);
/* config_store.c: the lists below `redis`. */
int store_special(struct reader *reader, struct scope *scope, struct span path, yaml_node_t *value,
                  const struct place *place);
/* What the options of `redis` owe one another. */
bool store_check(struct reader *reader, yaml_node_t *root);
/* What entries owe one another, once all have been read. */
bool entries_check(struct reader *reader, yaml_node_t *root);

#endif
