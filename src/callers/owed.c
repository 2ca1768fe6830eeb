#include "callers/owed.h"

#include "base/must.h"
#include "callers/meter.h"
#include "callers/pen.h"

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
static void pen_usage(struct pen *pen, const struct usage *usage)
{
    pen_text(pen, SPAN_OF("ms="));
    pen_u64(pen, usage->ms, 1);
    pen_text(pen, SPAN_OF(",in="));
    pen_u64(pen, usage->bytes_in, 1);
    pen_text(pen, SPAN_OF(",out="));
    pen_u64(pen, usage->bytes_out, 1);
    for (unsigned i = 0; i < PRICE_UNITS_MAX; ++i) {
        if (usage->units[i] == 0)
            continue;
        pen_text(pen, SPAN_OF(",u"));
        pen_u64(pen, i, 1);
        pen_char(pen, '=');
        pen_u64(pen, usage->units[i], 1);
    }
}

/* A worker's name as the ledger takes it: what parts fields becomes '_'. */
static void pen_word(struct pen *pen, const char *text)
{
    for (const char *c = text; *c != '\0'; ++c) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("._:@+/=-", *c) != NULL;
        pen_char(pen, plain ? *c : '_');
    }
}

static void pen_line(struct pen *pen, struct span text)
{
    pen_char(pen, '\n');
    pen_text(pen, text);
}

static void pen_number(struct pen *pen, uint64_t value)
{
    pen_char(pen, '\n');
    pen_u64(pen, value, 1);
}

/* The lines all kinds begin with. */
static struct pen write_head(char out[OWED_TEXT_MAX], const struct hold *hold, char mode)
{
    struct pen pen = {out, out + OWED_TEXT_MAX};
    bool nested = hold->parent[0] != '\0';
    pen_char(&pen, nested ? '2' : '1');
    pen_char(&pen, '\n');
    pen_char(&pen, mode);
    pen_number(&pen, hold->caller.bucket);
    pen_line(&pen, span_text(hold->id.text));
    pen_line(&pen, span_text(hold->caller.account));
    pen_char(&pen, '\n');
    pen_hex(&pen, hold->attempt);
    if (nested) {
        pen_line(&pen, span_text(hold->parent));
        pen_line(&pen, span_text(hold->root));
    }
    return pen;
}

size_t owed_write(char out[OWED_TEXT_MAX], const struct hold *hold,
                  const struct settlement *settlement)
{
    struct pen pen = write_head(out, hold, settlement != NULL ? 'S' : 'X');
    if (settlement != NULL) {
        char note[RECEIPT_NOTE_MAX] = "";
        must(settlement->status >= 0);
        pen_number(&pen, settlement->cost_ucr);
        pen_number(&pen,
                   settlement->over_ucr < PRICE_UCR_MAX ? settlement->over_ucr : PRICE_UCR_MAX);
        pen_char(&pen, '\n');
        pen_word(&pen, settlement->outcome);
        pen_number(&pen, (uint64_t)settlement->status);
        pen_char(&pen, '\n');
        pen_usage(&pen, &settlement->usage);
        pen_char(&pen, '\n');
        pen_word(&pen, settlement->worker);
        if (settlement->note != NULL)
            receipt_note_write(note, settlement->note);
        pen_line(&pen, span_text(note));
    }
    return (size_t)(pen.at - out);
}

size_t owed_write_hold(char out[OWED_TEXT_MAX], const struct hold *hold, uint64_t sub_ucr)
{
    struct pen pen = write_head(out, hold, 'H');
    pen_number(&pen, hold->ttl_ms);
    pen_number(&pen, hold->ceiling_ucr);
    pen_line(&pen, span_text(hold->cid));
    pen_line(&pen, span_text(hold->caller.key_id));
    pen_number(&pen, sub_ucr);
    return (size_t)(pen.at - out);
}

size_t owed_write_checkpoint(char out[OWED_TEXT_MAX], const struct hold *hold, uint64_t cost_ucr)
{
    struct pen pen = write_head(out, hold, 'C');
    pen_number(&pen, hold->ttl_ms);
    pen_number(&pen, cost_ucr);
    return (size_t)(pen.at - out);
}

size_t owed_write_release(char out[OWED_TEXT_MAX], const struct owed *hold)
{
    struct pen pen = {out, out + OWED_TEXT_MAX};
    bool nested = hold->parent.len > 0;
    pen_text(&pen, nested ? SPAN_OF("2\nX") : SPAN_OF("1\nX"));
    pen_number(&pen, hold->bucket);
    pen_line(&pen, hold->invocation);
    pen_line(&pen, hold->account);
    pen_line(&pen, hold->attempt);
    if (nested) {
        pen_line(&pen, hold->parent);
        pen_line(&pen, hold->root);
    }
    return (size_t)(pen.at - out);
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
