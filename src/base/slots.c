#include "base/slots.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/must.h"

enum { NONE = UINT32_MAX, COUNT_FIRST = 64 };

void slots_init(struct slots *slots, uint32_t count_max)
{
    must(count_max < NONE);
    *slots = (struct slots){.count_max = count_max, .free_head = NONE};
}

void slots_fini(struct slots *slots)
{
    free(slots->slots);
    *slots = (struct slots){.free_head = NONE};
}

static void grow(struct slots *slots)
{
    uint32_t count = slots->count == 0 ? COUNT_FIRST : slots->count * 2;
    if (count > slots->count_max)
        count = slots->count_max;
    slots->slots = alloc_grow(slots->slots, count, sizeof(*slots->slots));
    for (uint32_t i = count; i-- > slots->count;) {
        slots->slots[i] = (struct slot){.generation = 1, .next_free = slots->free_head};
        slots->free_head = i;
    }
    slots->count = count;
}

uint64_t slots_take(struct slots *slots, void *object)
{
    must(object != NULL);
    if (slots->free_head == NONE && slots->count < slots->count_max)
        grow(slots);
    if (slots->free_head == NONE)
        return 0;
    uint32_t index = slots->free_head;
    struct slot *slot = &slots->slots[index];
    slots->free_head = slot->next_free;
    slot->object = object;
    ++slots->used;
    return (uint64_t)slot->generation << 32 | index;
}

void *slots_find(const struct slots *slots, uint64_t id)
{
    uint32_t index = (uint32_t)id;
    if (index >= slots->count || slots->slots[index].generation != (uint32_t)(id >> 32))
        return NULL;
    return slots->slots[index].object;
}

void slots_give(struct slots *slots, uint64_t id)
{
    must(slots_find(slots, id) != NULL);
    struct slot *slot = &slots->slots[(uint32_t)id];
    slot->object = NULL;
    if (++slot->generation == 0)
        slot->generation = 1;
    slot->next_free = slots->free_head;
    slots->free_head = (uint32_t)id;
    --slots->used;
}

void *slots_at(const struct slots *slots, uint32_t index)
{
    return index < slots->count ? slots->slots[index].object : NULL;
}
