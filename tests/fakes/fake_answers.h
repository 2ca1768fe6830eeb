/* Kept answers without a Redis; implements callers/answers.h whole.
 * It owns the last text it was given. It never answers before it returns, and when told to be
 * silent never at all. */
#ifndef FAKE_ANSWERS_H
#define FAKE_ANSWERS_H

#include "callers/answers.h"

struct answers {
    struct loop *loop;
    struct wake wake;
    struct answers_wait *wait;
    bool fetches;
    char *text; /* the one kept */
    size_t text_len;
    /* planned */
    bool silent;
    bool refuses;
    /* what happened */
    unsigned kept;
    unsigned fetched;
};

struct answers *fake_answers_new(struct loop *loop);

#endif
