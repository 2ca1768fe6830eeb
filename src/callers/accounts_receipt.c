/* A receipt from a ledger entry: the same record the answer carried, for who asks later. */
#include "callers/operation.h"
#include "callers/receipts.h"

/* "ms=1,in=2,out=3,u0=4", as the ledger has it; what is not there is 0. */
static void read_usage(struct span text, struct usage *usage)
{
    while (text.len > 0) {
        struct span part = span_of(text.ptr, span_find(text, ','));
        struct span name = span_of(part.ptr, span_find(part, '='));
        uint64_t value = 0;
        text = span_from(text, part.len + 1);
        if (!span_to_u64(span_from(part, name.len + 1), UINT64_MAX, &value))
            continue;
        if (span_is(name, SPAN_OF("ms")))
            usage->ms = value;
        else if (span_is(name, SPAN_OF("in")))
            usage->bytes_in = value;
        else if (span_is(name, SPAN_OF("out")))
            usage->bytes_out = value;
        else if (name.len == 2 && name.ptr[0] == 'u' && name.ptr[1] >= '0' &&
                 name.ptr[1] < '0' + PRICE_UNITS_MAX)
            usage->units[name.ptr[1] - '0'] = value;
    }
}

static uint64_t number_of(const struct redisReply *fields, const char *name)
{
    uint64_t value;
    return span_to_u64(answer_field(fields, name), PRICE_UCR_MAX, &value) ? value : 0;
}

/* What is charged stands as its negative. */
static uint64_t charge_of(const struct redisReply *fields)
{
    uint64_t value;
    struct span text = answer_field(fields, "v");
    bool negative = span_starts(text, SPAN_OF("-"));
    return span_to_u64(span_from(text, negative), PRICE_UCR_MAX, &value) ? value : 0;
}

size_t accounts_receipt(struct accounts *accounts, const struct redisReply *entry, char *out)
{
    const struct signer *signer = accounts_signer(accounts);
    const struct redisReply *fields = answer_at(entry, 1);
    struct span noted = answer_field(fields, "r");
    struct receipt_note note = {.began_ms = number_of(fields, "at")};
    if (signer == NULL || (noted.len > 0 && !receipt_note_read(noted, &note)))
        return 0;
    struct receipt_facts facts = {.invocation = answer_field(fields, "i"),
                                  .parent = answer_field(fields, "par"),
                                  .root = answer_field(fields, "root"),
                                  .account = answer_field(fields, "a"),
                                  .cid = answer_field(fields, "cid"),
                                  .note = &note,
                                  .ceiling_ucr = number_of(fields, "c"),
                                  .charge_ucr = charge_of(fields),
                                  .outcome = answer_field(fields, "o"),
                                  .status = number_of(fields, "st"),
                                  .sequence = number_of(fields, "s"),
                                  .ended_ms = answer_time(answer_word(entry, 0))};
    read_usage(answer_field(fields, "u"), &facts.usage);
    return receipts_make(signer, &facts, out);
}
