#include "callers/owed.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"
#include "callers/meter.h"

/* A call with a parent has a form of its own, "2": parent and root behind the attempt. */
enum {
    LINES_RELEASE = 6,
    LINES_CHECKPOINT = LINES_RELEASE + 2,
    LINES_HOLD = LINES_RELEASE + 5,
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

/* The lines all kinds begin with. */
static int write_head(char out[OWED_TEXT_MAX], const struct hold *hold, const char *mode)
{
    bool nested = hold->parent[0] != '\0';
    int used =
        snprintf(out, OWED_TEXT_MAX, "%s\n%s\n%u\n%s\n%s\n%016" PRIx64, nested ? "2" : "1", mode,
                 hold->caller.bucket, hold->id.text, hold->caller.account, hold->attempt);
    if (nested)
        used += snprintf(out + used, OWED_TEXT_MAX - (size_t)used, "\n%s\n%s", hold->parent,
                         hold->root);
    must(used > 0 && used < OWED_TEXT_MAX);
    return used;
}

size_t owed_write(char out[OWED_TEXT_MAX], const struct hold *hold,
                  const struct settlement *settlement)
{
    int used = write_head(out, hold, settlement != NULL ? "S" : "X");
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

size_t owed_write_hold(char out[OWED_TEXT_MAX], const struct hold *hold, uint64_t sub_ucr)
{
    int used = write_head(out, hold, "H");
    used += snprintf(out + used, OWED_TEXT_MAX - (size_t)used,
                     "\n%" PRIu32 "\n%" PRIu64 "\n%s\n%s\n%" PRIu64, hold->ttl_ms,
                     hold->ceiling_ucr, hold->cid, hold->caller.key_id, sub_ucr);
    must(used > 0 && used < OWED_TEXT_MAX);
    return (size_t)used;
}

size_t owed_write_checkpoint(char out[OWED_TEXT_MAX], const struct hold *hold, uint64_t cost_ucr)
{
    int used = write_head(out, hold, "C");
    used += snprintf(out + used, OWED_TEXT_MAX - (size_t)used, "\n%" PRIu32 "\n%" PRIu64,
                     hold->ttl_ms, cost_ucr);
    must(used > 0 && used < OWED_TEXT_MAX);
    return (size_t)used;
}

size_t owed_write_release(char out[OWED_TEXT_MAX], const struct owed *hold)
{
    bool nested = hold->parent.len > 0;
    int used = snprintf(out, OWED_TEXT_MAX, "%s\nX\n%u\n%.*s\n%.*s\n%.*s", nested ? "2" : "1",
                        hold->bucket, (int)hold->invocation.len, hold->invocation.ptr,
                        (int)hold->account.len, hold->account.ptr, (int)hold->attempt.len,
                        hold->attempt.ptr);
    if (nested)
        used +=
            snprintf(out + used, OWED_TEXT_MAX - (size_t)used, "\n%.*s\n%.*s",
                     (int)hold->parent.len, hold->parent.ptr, (int)hold->root.len, hold->root.ptr);
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

/* The lines of its own kind. */
static bool read_rest(const struct span *lines, unsigned count, struct owed *owed)
{
    if (span_is(owed->mode, SPAN_OF("X")))
        return count == LINES_RELEASE;
    if (span_is(owed->mode, SPAN_OF("C")) && count == LINES_CHECKPOINT) {
        owed->ttl = lines[0];
        owed->cost = lines[1];
        return true;
    }
    if (span_is(owed->mode, SPAN_OF("H")) && count == LINES_HOLD) {
        owed->ttl = lines[0];
        owed->ceiling = lines[1];
        owed->cid = lines[2];
        owed->key_id = lines[3];
        owed->sub = lines[4];
        return true;
    }
    if (!span_is(owed->mode, SPAN_OF("S")) || count < LINES_SETTLE || count > LINES_NOTED)
        return false;
    owed->cost = lines[0];
    owed->over = lines[1];
    owed->outcome = lines[2];
    owed->status = lines[3];
    owed->usage = lines[4];
    owed->worker = lines[5];
    owed->note = count > LINES_SETTLE ? lines[6] : SPAN_OF("");
    return true;
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
    return read_rest(lines + LINES_RELEASE, count, owed);
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

void owed_hold_words(const struct owed *owed, const char *gateway, struct words *keys,
                     struct words *args)
{
    words_init(keys);
    words_add_key(keys, owed->bucket, "a", owed->account);
    words_add_key(keys, owed->bucket, "h", owed->invocation);
    words_add_key(keys, owed->bucket, "x", SPAN_NONE);
    if (owed->parent.len > 0)
        words_add_key(keys, owed->bucket, "h", owed->parent);
    words_init(args);
    words_add(args, owed->invocation);
    words_add(args, owed->attempt);
    words_add(args, owed->account);
    words_add_text(args, ""); /* fingerprint */
    words_add(args, owed->ceiling);
    words_add(args, owed->sub);
    words_add(args, owed->ttl);
    words_add_text(args, gateway);
    words_add(args, owed->parent);
    words_add_text(args, "0"); /* depth and children were looked at the first time */
    words_add_text(args, "0");
    words_add(args, owed->cid);
    words_add_text(args, ""); /* price */
    words_add(args, owed->key_id);
    words_add_text(args, "force");
    words_add(args, owed->root);
}

void owed_checkpoint_words(const struct owed *owed, struct words *keys, struct words *args)
{
    words_init(keys);
    words_add_key(keys, owed->bucket, "h", owed->invocation);
    words_add_key(keys, owed->bucket, "x", SPAN_NONE);
    words_init(args);
    words_add(args, owed->invocation);
    words_add(args, owed->attempt);
    words_add(args, owed->cost);
    words_add(args, owed->ttl);
}
