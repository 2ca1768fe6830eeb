#include "callers/ring.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { PIECE_BYTES = 64 * 1024 - 64, TEXT_MAX = 4096 };

/* In front of each text. */
struct head {
    uint64_t at;
    struct ledger_id ledger;
    uint16_t bucket;
    uint16_t len;
};

struct ring_piece {
    struct list node;
    uint64_t last_at;
    size_t used;
    char bytes[PIECE_BYTES];
};

static struct ring_piece *first_of(const struct ring *ring)
{
    return list_is_empty(&ring->pieces) ? NULL
                                        : container_of(ring->pieces.next, struct ring_piece, node);
}

static struct ring_piece *after(const struct ring *ring, const struct ring_piece *piece)
{
    return piece->node.next == &ring->pieces
               ? NULL
               : container_of(piece->node.next, struct ring_piece, node);
}

static size_t read_at(const struct ring_piece *piece, size_t offset, struct ring_entry *entry)
{
    struct head head;
    memcpy(&head, piece->bytes + offset, sizeof(head));
    *entry = (struct ring_entry){.at = head.at,
                                 .ledger = head.ledger,
                                 .bucket = head.bucket,
                                 .text = span_of(piece->bytes + offset + sizeof(head), head.len)};
    return offset + sizeof(head) + head.len;
}

static void drop_first(struct ring *ring)
{
    struct ring_piece *piece = first_of(ring);
    struct ring_entry entry;
    for (size_t offset = 0; offset < piece->used;) {
        offset = read_at(piece, offset, &entry);
        ring->note_dropped(ring->owner, &entry);
    }
    if (ring->at == piece) {
        ring->at = after(ring, piece);
        ring->offset = 0;
    }
    list_remove(&piece->node);
    --ring->count;
    free(piece);
}

void ring_add(struct ring *ring, const struct ring_entry *entry)
{
    struct head head = {.at = entry->at,
                        .ledger = entry->ledger,
                        .bucket = entry->bucket,
                        .len = (uint16_t)entry->text.len};
    size_t bytes = sizeof(head) + entry->text.len;
    must(entry->text.len <= TEXT_MAX);
    struct ring_piece *piece =
        ring->count > 0 ? container_of(ring->pieces.prev, struct ring_piece, node) : NULL;
    if (piece == NULL || piece->used + bytes > PIECE_BYTES) {
        if (ring->count == ring->count_max)
            drop_first(ring);
        piece = malloc(sizeof(*piece)); /* its bytes are written before they are read */
        must(piece != NULL);
        list_init(&piece->node);
        piece->used = 0;
        list_append(&ring->pieces, &piece->node);
        ++ring->count;
    }
    memcpy(piece->bytes + piece->used, &head, sizeof(head));
    memcpy(piece->bytes + piece->used + sizeof(head), entry->text.ptr, entry->text.len);
    piece->used += bytes;
    piece->last_at = entry->at;
}

void ring_drop_before(struct ring *ring, uint64_t at)
{
    while (ring->count > 0 && first_of(ring)->last_at < at)
        drop_first(ring);
}

void ring_rewind(struct ring *ring)
{
    ring->at = first_of(ring);
    ring->offset = 0;
}

bool ring_next(struct ring *ring, struct ring_entry *entry)
{
    while (ring->at != NULL && ring->offset == ring->at->used) {
        struct ring_piece *next = after(ring, ring->at);
        if (next == NULL)
            return false; /* stays here: more may come */
        ring->at = next;
        ring->offset = 0;
    }
    if (ring->at == NULL)
        return false;
    ring->offset = read_at(ring->at, ring->offset, entry);
    return true;
}

bool ring_is_empty(const struct ring *ring)
{
    return ring->count == 0;
}

void ring_init(struct ring *ring, size_t bytes_max,
               void (*note_dropped)(void *owner, const struct ring_entry *entry), void *owner)
{
    *ring = (struct ring){.count_max = (unsigned)(bytes_max / sizeof(struct ring_piece)) + 1,
                          .note_dropped = note_dropped,
                          .owner = owner};
    list_init(&ring->pieces);
}

void ring_fini(struct ring *ring)
{
    struct list *node;
    while ((node = list_take(&ring->pieces)) != NULL)
        free(container_of(node, struct ring_piece, node));
}

struct ledger_id ledger_id_read(struct span text)
{
    struct ledger_id id = {0, 0};
    size_t dash = span_find(text, '-');
    if (!span_to_u64(span_of(text.ptr, dash), UINT64_MAX, &id.ms) ||
        !span_to_u64(span_from(text, dash + 1), UINT64_MAX, &id.n))
        return (struct ledger_id){0, 0};
    return id;
}

bool ledger_id_is_before(struct ledger_id one, struct ledger_id other)
{
    return one.ms != other.ms ? one.ms < other.ms : one.n < other.n;
}
