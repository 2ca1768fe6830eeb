#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { BLOCK_BYTES = 2048 };

struct arena_block {
    struct arena_block *older;
    size_t used;
    size_t bytes;
    alignas(max_align_t) char memory[];
};

void arena_init(struct arena *arena, size_t bytes_max)
{
    *arena = (struct arena){.bytes_max = bytes_max};
}

void arena_fini(struct arena *arena)
{
    while (arena->block != NULL) {
        struct arena_block *older = arena->block->older;
        free(arena->block);
        arena->block = older;
    }
    arena->used = 0;
}

void *arena_take(struct arena *arena, size_t bytes)
{
    const size_t align = alignof(max_align_t);
    /* Rounding may carry `used` past a maximum that is no multiple of the alignment. */
    size_t left = arena->used < arena->bytes_max ? arena->bytes_max - arena->used : 0;
    if (bytes > left || bytes > SIZE_MAX - align)
        return NULL;
    size_t rounded = (bytes + align - 1) / align * align;
    struct arena_block *block = arena->block;
    if (block == NULL || block->bytes - block->used < rounded) {
        size_t room = rounded > BLOCK_BYTES / 2 ? rounded : BLOCK_BYTES;
        block = alloc_zeroed(sizeof(*block) + room);
        block->bytes = room;
        block->older = arena->block;
        arena->block = block;
    }
    void *memory = block->memory + block->used;
    block->used += rounded;
    arena->used += rounded;
    return memory;
}

bool arena_copy(struct arena *arena, struct span from, struct span *out)
{
    char *copy = from.len < SIZE_MAX ? arena_take(arena, from.len + 1) : NULL;
    if (copy == NULL)
        return false;
    if (from.len > 0)
        memcpy(copy, from.ptr, from.len);
    copy[from.len] = '\0';
    *out = span_of(copy, from.len);
    return true;
}
