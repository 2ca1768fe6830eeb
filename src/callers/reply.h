/* The gateway's own answers: a fault as a problem (RFC 9457) or a page, a JSON text, a preflight.
 * It owns the head and the body until they are given to the stream. It never says more than the
 * fault's row, the sentence given and the amounts given: no address, no worker, no secret. */
#ifndef CALLERS_REPLY_H
#define CALLERS_REPLY_H

#include "base/fault.h"
#include "callers/signer.h"
#include "http/stream.h"

enum { REPLY_BODY_MAX = 65536, REPLY_PROBLEM_MAX = 2048 };

struct reply {
    struct head *head; /* NULL: none made, or given to the stream */
    int status;
    char *body;
    size_t body_len;
    size_t given;
    bool head_only; /* the answer to HEAD, or a status that has no body */
    bool ended;     /* all of it was given to the stream */
};

/* What a problem says. Spans and texts are only read. */
struct problem {
    enum fault fault;
    const char *detail;      /* a sentence, or NULL */
    const char *invocation;  /* or NULL, when none was made */
    uint64_t retry_after_ms; /* 0: a default, for faults that may be tried again */
    const char *allow;       /* METHOD_NOT_ALLOWED: the methods served */
    const char *violated;    /* QUOTA_EXCEEDED: which limit; or NULL */
    bool has_money; /* required and available (PARENT_BUDGET_EXHAUSTED: remaining) are known */
    uint64_t required_ucr;
    uint64_t available_ucr;
};

/* How the caller wants it. */
struct reply_form {
    bool html;
    bool head_only;
    bool cors;
};

/* Whether `Accept` puts text/html before JSON (RFC 9110 12.5.1): a browser's navigation. */
bool reply_wants_html(const struct head *request);

void reply_fault(struct reply *reply, const struct problem *problem, const struct reply_form *form);
/* `json` is copied; above REPLY_BODY_MAX is a bug. */
void reply_json(struct reply *reply, int status, struct span json, const char *invocation,
                const struct reply_form *form);
/* The same of a text that may be longer; it is owned, to be freed, from here on. */
void reply_own_json(struct reply *reply, int status, char *json, size_t len, const char *invocation,
                    const struct reply_form *form);
/* 204, from the fields of a preflight request. */
void reply_preflight(struct reply *reply, const struct head *request, const char *invocation);
/* What GET /.well-known/teegate shows; the keys as a JWK set (RFC 7517, RFC 8037). */
void reply_well_known(struct reply *reply, const struct signer_key *keys, unsigned key_count,
                      const char *invocation, const struct reply_form *form);
void reply_fini(struct reply *reply); /* of one never given, too; zeroed is fine */

/* Gives the stream what it has room for; true once all was given. */
bool reply_push(struct reply *reply, struct stream *stream);

/* The problem as one JSON line into `out`; its length. */
size_t reply_problem_json(char *out, size_t out_size, const struct problem *problem);
/* The CORS fields of an answer that is not a preflight's. False when the head is full. */
MUST_USE bool reply_add_cors(struct head *head);

#endif
