/* What receipts cost: the digest of a body, and a receipt alone and in a full tree. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "callers/receipts.h"
#include "exchange/digest.h"

enum { MIB = 1 << 20, PIECE = 16384, MIBS = 256, CALLS = 32 * 256, SMALL_CALLS = 200000 };

static void count_answer(struct receipt_wait *wait)
{
}

static struct receipt_facts facts_of(const struct receipt_note *note)
{
    return (struct receipt_facts){.invocation = SPAN_OF("abcdefghijklmnopqrstuvwxyz"),
                                  .root = SPAN_OF("abcdefghijklmnopqrstuvwxyz"),
                                  .account = SPAN_OF("alice"),
                                  .cid =
                                      SPAN_OF("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7"
                                              "aqa4s52zy"),
                                  .note = note,
                                  .ceiling_ucr = 1000,
                                  .charge_ucr = 24,
                                  .outcome = SPAN_OF("ok"),
                                  .status = 200,
                                  .sequence = 9,
                                  .ended_ms = 1700000000005};
}

static void bench_digest(void)
{
    static char piece[PIECE];
    struct digest digest = {.on = true};
    uint8_t out[32];
    uint64_t began = clock_monotonic_us();
    for (unsigned i = 0; i < MIBS * (MIB / PIECE); ++i)
        digest_add(&digest, span_of(piece, PIECE));
    uint64_t us = clock_monotonic_us() - began;
    digest_read(&digest, out);
    digest_fini(&digest);
    printf("body digest, in pieces of 16 KiB: %.0f us a MiB\n", (double)us / MIBS);
    began = clock_monotonic_us();
    for (unsigned i = 0; i < SMALL_CALLS; ++i) {
        struct digest up = {.on = true}, down = {.on = true};
        digest_add(&up, span_of(piece, 100));
        digest_add(&down, span_of(piece, 100));
        digest_read(&up, out);
        digest_read(&down, out);
        digest_fini(&up);
        digest_fini(&down);
    }
    us = clock_monotonic_us() - began;
    printf("both digests of a call of 100 bytes each way: %.2f us\n", (double)us / SMALL_CALLS);
}

static void bench_trees(struct loop *loop, const struct signer *signer, unsigned size)
{
    static struct stats stats;
    static const struct receipt_note note = {.attested = true,
                                             .request = {.digested = true, .whole = true},
                                             .response = {.digested = true, .whole = true}};
    struct receipts *receipts = receipts_new(loop, signer, &stats);
    struct receipt_wait *waits = alloc_array(size, sizeof(*waits));
    struct receipt_facts facts = facts_of(&note);
    size_t bytes = 0;
    uint64_t began = clock_monotonic_us();
    for (unsigned done = 0; done < CALLS; done += size) {
        for (unsigned i = 0; i < size; ++i) {
            waits[i] = (struct receipt_wait){.answer = count_answer};
            receipts_ask(receipts, &waits[i], &facts);
        }
        while (waits[size - 1].text == NULL)
            loop_turn(loop);
        bytes = strlen(waits[0].text);
        for (unsigned i = 0; i < size; ++i)
            receipt_wait_fini(&waits[i]);
    }
    uint64_t us = clock_monotonic_us() - began;
    printf("receipts, %u a turn: %.1f us each, %zu characters\n", size, (double)us / CALLS, bytes);
    free(waits);
    receipts_free(receipts);
}

static void bench_note(void)
{
    static const struct receipt_note note = {.attested = true,
                                             .request = {.digested = true, .whole = true},
                                             .response = {.digested = true, .whole = true}};
    char text[RECEIPT_NOTE_MAX];
    size_t len = 0;
    uint64_t began = clock_monotonic_us();
    for (unsigned i = 0; i < SMALL_CALLS; ++i)
        len = receipt_note_write(text, &note);
    uint64_t us = clock_monotonic_us() - began;
    printf("the ledger's note: %.2f us, %zu bytes\n", (double)us / SMALL_CALLS, len);
}

int main(void)
{
    char dir[] = P_tmpdir "/teegate-bench-XXXXXX", path[64], error[256];
    struct signer *signer = mkdtemp(dir) == NULL ? NULL : signer_open(dir, error, sizeof(error));
    if (signer == NULL) {
        fprintf(stderr, "bench_receipts: no folder for a key\n");
        return EXIT_FAILURE;
    }
    struct loop *loop = loop_new();
    bench_digest();
    bench_note();
    bench_trees(loop, signer, 1);
    bench_trees(loop, signer, 4);
    bench_trees(loop, signer, 32);
    loop_free(loop);
    signer_close(signer);
    snprintf(path, sizeof(path), "%s/receipt-key", dir);
    unlink(path);
    rmdir(dir);
    return EXIT_SUCCESS;
}
