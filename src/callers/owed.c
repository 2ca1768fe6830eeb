#include "callers/owed.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"
#include "callers/meter.h"

/* A call with a parent has a form of its own, "2": parent and root behind the attempt. */
enum {
    LINES_RELEASE = 6,
    LINES_SETTLE = LINES_RELEASE + 6,
    LINES_NOTED = LINES_SETTLE + 1,
    LINES_PARENT = 2
};

/* Units go by their place in the agent's price: their names are the registration's. */
static void write_usage(char *out, size_t size, const struct usage *usage)
{
    int used = snprintf(out, size, "ms=%" PRIu64 ",in=%" PRIu64 ",out=%" PRIu64, usage->ms,
                        usage->bytes_in, usage->bytes_out);
    for (unsigned i = 0; i < PRICE_UNITS_MAX; ++i)
        if (usage->units[i] > 0)
            used += snprintf(out + used, size - (size_t)used, ",u%u=%" PRIu64, i, usage->units[i]);
    must((size_t)used < size);
}

/* A worker's name as the ledger takes it: what parts fields becomes '_'. */
static void write_word(char *out, size_t size, const char *text)
{
    size_t len = 0;
    for (; text[len] != '\0' && len + 1 < size; ++len) {
        char c = text[len];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("._:@+/=-", c) != NULL;
        out[len] = plain ? c : '_';
    }
    out[len] = '\0';
}

size_t owed_write(char out[OWED_TEXT_MAX], const struct hold *hold,
                  const struct settlement *settlement)
{
    bool nested = hold->parent[0] != '\0';
    int used = snprintf(out, OWED_TEXT_MAX, "%s\n%s\n%u\n%s\n%s\n%016" PRIx64, nested ? "2" : "1",
                        settlement != NULL ? "S" : "X", hold->caller.bucket, hold->id.text,
                        hold->caller.account, hold->attempt);
    if (nested)
        used += snprintf(out + used, OWED_TEXT_MAX - (size_t)used, "\n%s\n%s", hold->parent,
                         hold->root);
    if (settlement != NULL) {
        uint64_t over = settlement->over_ucr < PRICE_UCR_MAX ? settlement->over_ucr : PRICE_UCR_MAX;
        char usage[320], worker[sizeof(settlement->worker)], outcome[64];
        char note[RECEIPT_NOTE_MAX] = "";
        write_usage(usage, sizeof(usage), &settlement->usage);
        write_word(worker, sizeof(worker), settlement->worker);
        write_word(outcome, sizeof(outcome), settlement->outcome);
        if (settlement->note != NULL)
            receipt_note_write(note, settlement->note);
        used += snprintf(out + used, OWED_TEXT_MAX - (size_t)used,
                         "\n%" PRIu64 "\n%" PRIu64 "\n%s\n%d\n%s\n%s\n%s", settlement->cost_ucr,
                         over, outcome, settlement->status, usage, worker, note);
    }
    must(used > 0 && used < OWED_TEXT_MAX);
    return (size_t)used;
}

static bool is_invocation(struct span text)
{
    return text.len > 0 && text.len < INVOCATION_TEXT_MAX;
}

/* How many lines there are, at most `most`; 0: more. */
static unsigned split(struct span text, struct span *lines, unsigned most)
{
    unsigned count = 0;
    for (bool more = true; more; ++count) {
        size_t end = span_find(text, '\n');
        if (count == most)
            return 0;
        lines[count] = span_of(text.ptr, end);
        more = end < text.len;
        text = span_from(text, end + 1);
    }
    return count;
}

bool owed_read(struct span text, struct owed *owed)
{
    struct span memory[LINES_NOTED + LINES_PARENT];
    struct span *lines = memory;
    unsigned count = split(text, lines, LINES_NOTED + LINES_PARENT);
    uint64_t bucket;
    bool nested = count > 0 && span_is(lines[0], SPAN_OF("2"));
    if (count < LINES_RELEASE + (nested ? LINES_PARENT : 0) ||
        (!nested && !span_is(lines[0], SPAN_OF("1"))) ||
        !span_to_u64(lines[2], STORE_BUCKETS - 1, &bucket))
        return false;
    *owed = (struct owed){.mode = lines[1],
                          .bucket = (uint16_t)bucket,
                          .invocation = lines[3],
                          .account = lines[4],
                          .attempt = lines[5]};
    if (!is_invocation(owed->invocation) || owed->account.len == 0 ||
        owed->account.len > ACCOUNT_NAME_MAX)
        return false;
    if (nested) {
        owed->parent = lines[6];
        owed->root = lines[7];
        lines += LINES_PARENT;
        count -= LINES_PARENT;
        if (!is_invocation(owed->parent) || !is_invocation(owed->root))
            return false;
    }
    if (span_is(owed->mode, SPAN_OF("X")))
        return count == LINES_RELEASE;
    if (!span_is(owed->mode, SPAN_OF("S")) || count < LINES_SETTLE || count > LINES_NOTED)
        return false;
    owed->cost = lines[6];
    owed->over = lines[7];
    owed->outcome = lines[8];
    owed->status = lines[9];
    owed->usage = lines[10];
    owed->worker = lines[11];
    owed->note = count > LINES_SETTLE ? lines[12] : SPAN_OF("");
    return true;
}

void owed_keys(struct words *keys, uint16_t bucket, struct span account, struct span invocation,
               struct span parent, struct span root)
{
    words_init(keys);
    words_add_key(keys, bucket, "a", account);
    words_add_key(keys, bucket, "h", invocation);
    words_add_key(keys, bucket, "x", SPAN_NONE);
    words_add_key(keys, bucket, "L", SPAN_NONE);
    if (parent.len == 0)
        return;
    words_add_key(keys, bucket, "h", parent);
    words_add_key(keys, bucket, "h", root);
}

void owed_words(const struct owed *owed, struct words *keys, struct words *args)
{
    owed_keys(keys, owed->bucket, owed->account, owed->invocation, owed->parent, owed->root);
    words_init(args);
    words_add(args, owed->mode);
    words_add(args, owed->invocation);
    words_add(args, owed->account);
    words_add(args, owed->attempt);
    if (owed->cost.len == 0)
        return;
    words_add(args, owed->cost);
    words_add(args, owed->over);
    words_add(args, owed->outcome);
    words_add(args, owed->status);
    words_add(args, owed->usage);
    words_add(args, owed->worker);
    words_add(args, owed->note);
}
