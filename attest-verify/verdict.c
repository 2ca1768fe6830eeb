#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    const char *sentence;
} reasons[] = {
#define VERDICT(code, word, sentence) [ATTEST_##code] = {word, sentence},
#include "verdicts.def"
#undef VERDICT
};

const char *attest_reason_word(enum attest_reason reason)
{
    return (unsigned)reason < ATTEST_REASON_COUNT ? reasons[reason].word : "internal";
}

const char *attest_reason_sentence(enum attest_reason reason)
{
    return (unsigned)reason < ATTEST_REASON_COUNT ? reasons[reason].sentence
                                                  : reasons[ATTEST_INTERNAL].sentence;
}

const char *attest_tee_word(enum attest_tee tee)
{
    static const char *const words[] = {"none", "sgx", "tdx", "snp"};
    return (unsigned)tee < sizeof words / sizeof *words ? words[tee] : "none";
}

void av_verdict_init(struct attest_verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    verdict->reason = ATTEST_INTERNAL;
}

bool av_refuse(struct attest_verdict *verdict, enum attest_reason reason, const char *format, ...)
{
    verdict->reason = reason == ATTEST_TRUSTED ? ATTEST_INTERNAL : reason;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->detail, sizeof verdict->detail, format, arguments);
    va_end(arguments);
    return false;
}

void av_verdict_note_end(struct attest_verdict *verdict, int64_t at)
{
    if (verdict->expires == 0 || at < verdict->expires)
        verdict->expires = at;
}

void av_verdict_trust(struct attest_verdict *verdict)
{
    verdict->reason = ATTEST_TRUSTED;
    verdict->detail[0] = '\0';
}
