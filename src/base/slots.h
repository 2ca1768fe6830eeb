/* A table of pointers known by ids that go stale: an id is a slot and its generation.
 * It owns the table, not what the pointers point to. An id is never given out twice before 2^32
 * uses of its slot, and 0 is never an id. */
#ifndef BASE_SLOTS_H
#define BASE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

struct slot {
    void *object;
    uint32_t generation;
    uint32_t next_free;
};

struct slots {
    struct slot *slots;
    uint32_t count;     /* allocated */
    uint32_t used;      /* taken now */
    uint32_t count_max; /* more than this is refused */
    uint32_t free_head;
};

void slots_init(struct slots *slots, uint32_t count_max);
void slots_fini(struct slots *slots);
/* The id of `object`; 0 when the table is full. */
uint64_t slots_take(struct slots *slots, void *object);
/* The object of `id`, or NULL when it is gone. */
void *slots_find(const struct slots *slots, uint64_t id);
/* Ends `id`; one that is gone already is a bug. */
void slots_give(struct slots *slots, uint64_t id);
/* The object in slot `index` (below slots->count), or NULL: for walking all. */
void *slots_at(const struct slots *slots, uint32_t index);

#endif
