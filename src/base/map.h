/* A hash table from a run of bytes to a pointer, with a maximum set when it is made.
 * It owns its copy of the keys, not the values. Never used with keys a stranger can choose
 * without limit: it is keyed with a seed, and full is an answer. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/span.h"

struct map_entry;
struct map {
    struct map_entry **buckets;
    size_t bucket_count;
    size_t count;
    size_t count_max;
    uint64_t seed;
};

void map_init(struct map *map, size_t count_max, uint64_t seed);
void map_fini(struct map *map);
/* NULL when there is none. */
void *map_find(const struct map *map, struct span key);
/* False when the key stands already or the map is full. */
MUST_USE bool map_add(struct map *map, struct span key, void *value);
/* The value that stood there, or NULL. */
void *map_remove(struct map *map, struct span key);
/* Calls `visit` for every entry, in no order; it must not change the map. */
void map_visit(const struct map *map, void (*visit)(void *arg, struct span key, void *value),
               void *arg);

#endif
