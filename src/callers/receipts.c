#include "callers/receipts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/base64url.h"
#include "base/clock.h"

struct receipts {
    struct loop *loop;
    const struct signer *signer;
    struct stats *stats;
    struct list asked;
    struct wake wake;
    struct merkle tree;
};

/* --- one tree ------------------------------------------------------------------------------- */

static size_t sign_root(const struct signer *signer, const struct merkle *tree,
                        char out[SIGNER_JWS_MAX])
{
    char root[BASE64URL_CHARS(sizeof(struct merkle_hash)) + 1];
    char payload[SIGNER_PAYLOAD_MAX];
    base64url_write(root, span_of(merkle_root(tree), sizeof(struct merkle_hash)));
    int len =
        snprintf(payload, sizeof(payload), "{\"root\":\"%s\",\"size\":%zu,\"at\":%" PRId64 "}",
                 root, tree->leaf_count, clock_unix_ms());
    must(len > 0 && (size_t)len < sizeof(payload));
    return signer_sign(signer, span_of(payload, (size_t)len), out);
}

static size_t write_path(char *out, const struct merkle *tree, size_t leaf)
{
    unsigned char bytes[2 + MERKLE_PATH_MAX * sizeof(struct merkle_hash)];
    struct merkle_hash path[MERKLE_PATH_MAX];
    size_t count = merkle_path(tree, leaf, path);
    bytes[0] = (unsigned char)(leaf >> 8);
    bytes[1] = (unsigned char)leaf;
    memcpy(bytes + 2, path, count * sizeof(path[0]));
    return base64url_write(out, span_of(bytes, 2 + count * sizeof(path[0])));
}

static size_t put_together(char out[RECEIPT_MAX + 1], struct span record, const struct merkle *tree,
                           size_t leaf, struct span jws)
{
    char path[BASE64URL_CHARS(2 + MERKLE_PATH_MAX * sizeof(struct merkle_hash)) + 1];
    size_t path_len = write_path(path, tree, leaf);
    must(BASE64URL_CHARS(record.len) + path_len + jws.len + 2 <= RECEIPT_MAX);
    size_t len = base64url_write(out, record);
    out[len++] = '.';
    memcpy(out + len, path, path_len);
    len += path_len;
    out[len++] = '.';
    memcpy(out + len, jws.ptr, jws.len);
    len += jws.len;
    out[len] = '\0';
    return len;
}

size_t receipts_make(const struct signer *signer, const struct receipt_facts *facts,
                     char out[RECEIPT_MAX + 1])
{
    char record[RECEIPT_RECORD_MAX], jws[SIGNER_JWS_MAX];
    struct merkle tree;
    size_t record_len = receipt_record(record, facts);
    tree.nodes[0] = merkle_leaf(span_of(record, record_len));
    merkle_grow(&tree, 1);
    size_t jws_len = sign_root(signer, &tree, jws);
    return jws_len == 0
               ? 0
               : put_together(out, span_of(record, record_len), &tree, 0, span_of(jws, jws_len));
}

/* --- a lane's ------------------------------------------------------------------------------- */

static void answer(struct receipt_wait *wait)
{
    free(wait->record);
    wait->record = NULL;
    wait->answer(wait);
}

/* The first of those asked for, as many as one tree takes. */
static size_t take_leaves(struct receipts *receipts, struct receipt_wait **waits)
{
    size_t count = 0;
    struct list *node;
    while (count < RECEIPTS_LEAVES_MAX && (node = list_take(&receipts->asked)) != NULL) {
        struct receipt_wait *wait = container_of(node, struct receipt_wait, node);
        receipts->tree.nodes[count] = merkle_leaf(span_of(wait->record, wait->record_len));
        waits[count++] = wait;
    }
    return count;
}

static void make_tree(struct receipts *receipts)
{
    struct receipt_wait *waits[RECEIPTS_LEAVES_MAX];
    char text[RECEIPT_MAX + 1], jws[SIGNER_JWS_MAX];
    size_t count = take_leaves(receipts, waits);
    merkle_grow(&receipts->tree, count);
    size_t jws_len = sign_root(receipts->signer, &receipts->tree, jws);
    for (size_t i = 0; jws_len > 0 && i < count; ++i) {
        struct span record = span_of(waits[i]->record, waits[i]->record_len);
        size_t len = put_together(text, record, &receipts->tree, i, span_of(jws, jws_len));
        waits[i]->text = alloc_text(text, len);
    }
    stats_add(&receipts->stats->receipts, jws_len > 0 ? count : 0);
    stats_add(&receipts->stats->receipt_roots, jws_len > 0);
    for (size_t i = 0; i < count; ++i)
        answer(waits[i]);
}

/* Runs behind all exchanges that were woken before the first of them asked. */
static void run(void *owner)
{
    struct receipts *receipts = owner;
    while (!list_is_empty(&receipts->asked))
        make_tree(receipts);
}

void receipts_ask(struct receipts *receipts, struct receipt_wait *wait,
                  const struct receipt_facts *facts)
{
    char record[RECEIPT_RECORD_MAX];
    must(wait->record == NULL && wait->text == NULL);
    wait->record_len = receipt_record(record, facts);
    wait->record = alloc_text(record, wait->record_len);
    list_init(&wait->node);
    list_append(&receipts->asked, &wait->node);
    loop_wake(receipts->loop, &receipts->wake);
}

void receipt_wait_fini(struct receipt_wait *wait)
{
    if (wait->record != NULL)
        list_remove(&wait->node);
    free(wait->record);
    free(wait->text);
    wait->record = wait->text = NULL;
}

struct receipts *receipts_new(struct loop *loop, const struct signer *signer, struct stats *stats)
{
    struct receipts *receipts = alloc_zeroed(sizeof(*receipts));
    receipts->loop = loop;
    receipts->signer = signer;
    receipts->stats = stats;
    list_init(&receipts->asked);
    wake_init(&receipts->wake, run, receipts);
    return receipts;
}

void receipts_free(struct receipts *receipts)
{
    must(list_is_empty(&receipts->asked));
    wake_cancel(&receipts->wake);
    free(receipts);
}
