#include "http/head.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { FIELD_COST = 32 /* RFC 9113 6.5.2 */ };

struct head *head_new(size_t bytes_max, uint32_t fields_max)
{
    struct head *head = alloc_zeroed(sizeof(*head));
    /* What is counted is checked here; the arena's own maximum leaves room for its rounding, the
     * NULs and one joined copy of the cookies. */
    arena_init(&head->arena, bytes_max * 3 + 4096);
    head->bytes_max = bytes_max;
    head->fields_max = fields_max;
    return head;
}

void head_free(struct head *head)
{
    if (head == NULL)
        return;
    arena_fini(&head->arena);
    free(head->fields);
    free(head);
}

static bool count(struct head *head, size_t bytes)
{
    if (bytes > head->bytes_max - head->bytes)
        return false;
    head->bytes += bytes;
    return true;
}

static void grow(struct head *head)
{
    uint32_t room = head->field_room == 0 ? 16 : head->field_room * 2;
    if (room > head->fields_max)
        room = head->fields_max;
    head->fields = alloc_grow(head->fields, room, sizeof(*head->fields));
    head->field_room = room;
}

bool head_add(struct head *head, struct span name, struct span value)
{
    if (head->field_count >= head->fields_max)
        return false;
    if (!count(head, name.len + value.len + FIELD_COST))
        return false;
    if (head->field_count == head->field_room)
        grow(head);
    struct field *field = &head->fields[head->field_count];
    *field = (struct field){.sensitive = false};
    if (!arena_copy(&head->arena, name, &field->name) ||
        !arena_copy(&head->arena, value, &field->value))
        return false;
    ++head->field_count;
    return true;
}

bool head_set_text(struct head *head, struct span *place, struct span value)
{
    return count(head, value.len + FIELD_COST) && arena_copy(&head->arena, value, place);
}

const struct field *head_find(const struct head *head, struct span name)
{
    for (uint32_t i = 0; i < head->field_count; ++i)
        if (span_is(head->fields[i].name, name))
            return &head->fields[i];
    return NULL;
}

unsigned head_count(const struct head *head, struct span name)
{
    unsigned found = 0;
    for (uint32_t i = 0; i < head->field_count; ++i)
        found += span_is(head->fields[i].name, name);
    return found;
}

void head_drop(struct head *head, struct span name)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < head->field_count; ++i)
        if (!span_is(head->fields[i].name, name))
            head->fields[kept++] = head->fields[i];
    head->field_count = kept;
}
