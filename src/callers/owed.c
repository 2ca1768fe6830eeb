#include "callers/owed.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"
#include "callers/meter.h"

enum { LINES_SETTLE = 12, LINES_MAX = 13, LINES_RELEASE = 6 };

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
    int used = snprintf(out, OWED_TEXT_MAX, "1\n%s\n%u\n%s\n%s\n%016" PRIx64,
                        settlement != NULL ? "S" : "X", hold->caller.bucket, hold->id.text,
                        hold->caller.account, hold->attempt);
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

bool owed_read(struct span text, struct owed *owed)
{
    struct span lines[LINES_MAX];
    unsigned count = 0;
    for (bool more = true; more; ++count) {
        size_t end = span_find(text, '\n');
        if (count == LINES_MAX)
            return false;
        lines[count] = span_of(text.ptr, end);
        more = end < text.len;
        text = span_from(text, end + 1);
    }
    uint64_t bucket;
    if (count < LINES_RELEASE || !span_is(lines[0], SPAN_OF("1")) ||
        !span_to_u64(lines[2], STORE_BUCKETS - 1, &bucket))
        return false;
    *owed = (struct owed){.mode = lines[1],
                          .bucket = (uint16_t)bucket,
                          .invocation = lines[3],
                          .account = lines[4],
                          .attempt = lines[5]};
    if (owed->invocation.len == 0 || owed->invocation.len >= INVOCATION_TEXT_MAX ||
        owed->account.len == 0 || owed->account.len > ACCOUNT_NAME_MAX)
        return false;
    if (span_is(owed->mode, SPAN_OF("X")))
        return count == LINES_RELEASE;
    if (!span_is(owed->mode, SPAN_OF("S")) || count < LINES_SETTLE)
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

void owed_words(const struct owed *owed, struct words *keys, struct words *args)
{
    words_init(keys);
    words_add_key(keys, owed->bucket, "a", owed->account);
    words_add_key(keys, owed->bucket, "h", owed->invocation);
    words_add_key(keys, owed->bucket, "x", SPAN_NONE);
    words_add_key(keys, owed->bucket, "L", SPAN_NONE);
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
