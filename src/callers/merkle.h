/* Merkle trees as RFC 6962 2.1 makes them: leaves and nodes are hashed under different prefixes, so
 * that no node can pass for a leaf. It owns nothing: a tree is a value. It never has more leaves
 * than its maximum. */
#ifndef CALLERS_MERKLE_H
#define CALLERS_MERKLE_H

#include "base/span.h"

enum { MERKLE_LEAVES_MAX = 1024, MERKLE_PATH_MAX = 10 };

struct merkle_hash {
    uint8_t bytes[32];
};

struct merkle {
    size_t leaf_count;
    size_t node_count;
    /* Level after level, leaves first, the root last. A level halves, rounded up. */
    struct merkle_hash nodes[2 * MERKLE_LEAVES_MAX + MERKLE_PATH_MAX];
};

struct merkle_hash merkle_leaf(struct span record);
/* The leaves stand in `nodes` already, at least one; works out the rest. */
void merkle_grow(struct merkle *tree, size_t leaf_count);
const struct merkle_hash *merkle_root(const struct merkle *tree);
/* The audit path of a leaf (RFC 6962 2.1.1), from the leaf upwards; how long it is. */
size_t merkle_path(const struct merkle *tree, size_t leaf,
                   struct merkle_hash path[MERKLE_PATH_MAX]);

#endif
