#include "base/map.h"

#include <stdlib.h>

#include "base/alloc.h"

struct map_entry {
    struct map_entry *next;
    void *value;
    uint64_t hash;
    size_t len;
    char key[];
};

/* FNV-1a, started from a seed and finished with a mixer: keys come from configuration and from
 * canonical CIDs and account names, all bounded in number. */
static uint64_t hash_of(const struct map *map, struct span key)
{
    uint64_t hash = 14695981039346656037ULL ^ map->seed;
    for (size_t i = 0; i < key.len; ++i)
        hash = (hash ^ (unsigned char)key.ptr[i]) * 1099511628211ULL;
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdULL;
    return hash ^ hash >> 33;
}

void map_init(struct map *map, size_t count_max, uint64_t seed)
{
    *map = (struct map){.count_max = count_max, .seed = seed, .bucket_count = 16};
    map->buckets = alloc_array(map->bucket_count, sizeof(*map->buckets));
}

void map_fini(struct map *map)
{
    for (size_t i = 0; i < map->bucket_count; ++i)
        for (struct map_entry *entry = map->buckets[i]; entry != NULL;) {
            struct map_entry *next = entry->next;
            free(entry);
            entry = next;
        }
    free(map->buckets);
    *map = (struct map){0};
}

static struct map_entry **place_of(const struct map *map, struct span key, uint64_t hash)
{
    struct map_entry **at = &map->buckets[hash % map->bucket_count];
    while (*at != NULL && !((*at)->hash == hash && span_is(span_of((*at)->key, (*at)->len), key)))
        at = &(*at)->next;
    return at;
}

void *map_find(const struct map *map, struct span key)
{
    struct map_entry *entry = *place_of(map, key, hash_of(map, key));
    return entry == NULL ? NULL : entry->value;
}

static void grow(struct map *map)
{
    size_t count = map->bucket_count * 2;
    struct map_entry **buckets = alloc_array(count, sizeof(*buckets));
    for (size_t i = 0; i < map->bucket_count; ++i)
        for (struct map_entry *entry = map->buckets[i]; entry != NULL;) {
            struct map_entry *next = entry->next;
            entry->next = buckets[entry->hash % count];
            buckets[entry->hash % count] = entry;
            entry = next;
        }
    free(map->buckets);
    map->buckets = buckets;
    map->bucket_count = count;
}

bool map_add(struct map *map, struct span key, void *value)
{
    must(value != NULL);
    uint64_t hash = hash_of(map, key);
    if (map->count >= map->count_max || *place_of(map, key, hash) != NULL)
        return false;
    if (map->count >= map->bucket_count)
        grow(map);
    struct map_entry *entry = alloc_zeroed(sizeof(*entry) + key.len + 1);
    entry->value = value;
    entry->hash = hash;
    entry->len = key.len;
    if (key.len > 0)
        memcpy(entry->key, key.ptr, key.len);
    entry->next = map->buckets[hash % map->bucket_count];
    map->buckets[hash % map->bucket_count] = entry;
    ++map->count;
    return true;
}

void *map_remove(struct map *map, struct span key)
{
    struct map_entry **at = place_of(map, key, hash_of(map, key));
    struct map_entry *entry = *at;
    if (entry == NULL)
        return NULL;
    void *value = entry->value;
    *at = entry->next;
    free(entry);
    --map->count;
    return value;
}

void map_visit(const struct map *map, void (*visit)(void *arg, struct span key, void *value),
               void *arg)
{
    for (size_t i = 0; i < map->bucket_count; ++i)
        for (struct map_entry *entry = map->buckets[i]; entry != NULL; entry = entry->next)
            visit(arg, span_of(entry->key, entry->len), entry->value);
}
