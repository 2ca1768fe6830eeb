#include "callers/merkle.h"

#include <openssl/sha.h>

#include "base/must.h"

enum { LEAF = 0, NODE = 1, RECORD_MAX = 4096 };

struct merkle_hash merkle_leaf(struct span record)
{
    unsigned char text[1 + RECORD_MAX];
    struct merkle_hash hash;
    must(record.len <= RECORD_MAX);
    text[0] = LEAF;
    if (record.len > 0)
        memcpy(text + 1, record.ptr, record.len);
    SHA256(text, 1 + record.len, hash.bytes);
    return hash;
}

static void join(struct merkle_hash *out, const struct merkle_hash *left)
{
    unsigned char text[1 + 2 * sizeof(*left)];
    text[0] = NODE;
    memcpy(text + 1, left, 2 * sizeof(*left));
    SHA256(text, sizeof(text), out->bytes);
}

/* RFC 6962 splits at the largest power of two below the count. Pairing from the left, an odd one at
 * the end going up as it is, gives the same tree. */
void merkle_grow(struct merkle *tree, size_t leaf_count)
{
    must(leaf_count > 0 && leaf_count <= MERKLE_LEAVES_MAX);
    struct merkle_hash *level = tree->nodes;
    size_t count = leaf_count;
    while (count > 1) {
        struct merkle_hash *above = level + count;
        for (size_t i = 0; i + 1 < count; i += 2)
            join(&above[i / 2], &level[i]);
        if (count % 2 == 1)
            above[count / 2] = level[count - 1];
        level = above;
        count = (count + 1) / 2;
    }
    tree->leaf_count = leaf_count;
    tree->node_count = (size_t)(level - tree->nodes) + 1;
}

const struct merkle_hash *merkle_root(const struct merkle *tree)
{
    return &tree->nodes[tree->node_count - 1];
}

size_t merkle_path(const struct merkle *tree, size_t leaf, struct merkle_hash path[MERKLE_PATH_MAX])
{
    must(leaf < tree->leaf_count);
    const struct merkle_hash *level = tree->nodes;
    size_t len = 0;
    for (size_t count = tree->leaf_count; count > 1; count = (count + 1) / 2) {
        size_t sibling = leaf ^ 1;
        if (sibling < count)
            path[len++] = level[sibling];
        level += count;
        leaf /= 2;
    }
    return len;
}
