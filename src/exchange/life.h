/* An exchange from the inside: what its steps, in exchange.c, and its helpers share.
 * It owns what exchange.h says. It is never included outside this folder and its tests. */
#ifndef EXCHANGE_LIFE_H
#define EXCHANGE_LIFE_H

#include "callers/reply.h"
#include "exchange/alarm.h"
#include "exchange/attempt.h"
#include "exchange/bill.h"
#include "exchange/exchange.h"
#include "exchange/heads.h"
#include "exchange/relay.h"
#include "io/socket.h"

enum step_outcome { STEP_NEXT, STEP_WAIT, STEP_DONE };

struct step {
    const char *name;
    enum step_outcome (*run)(struct exchange *x);
};

/* Where the facts of the end (cost, usage, outcome) go. */
enum ends { ENDS_NOWHERE, ENDS_FIELDS, ENDS_TRAILERS };

/* The receipt, as far as it is known. */
struct paper {
    struct receipt_note note;
    const char *outcome; /* as it was settled; NULL: it was not */
    int status;
    bool asked;  /* or it is known that there will be none */
    bool asking; /* it is being made */
    struct receipt_wait wait;
};

struct exchange {
    struct site *site;
    uint64_t id; /* in site->exchanges; 0: above its maximum */
    const struct step *step;
    struct wake wake;
    struct timer timer;
    struct grave grave;
    struct alarm alarm; /* of this run */
    uint64_t opened_at;
    uint64_t total_at;    /* the call's own limit; 0: none, or no longer */
    uint64_t patience_at; /* SETTLE and later: what is waited for at most */

    struct stream *caller;
    struct head *head; /* its request; NULL once the answer is committed */
    struct reply_form form;
    bool closing;   /* SETTLE or later */
    bool gone;      /* the caller left, or its stream was reset */
    bool sent_away; /* exchange_end_all(): as if it had left */
    bool secure;    /* it came over TLS */
    bool has_peer_key;
    uint8_t peer_key[32]; /* of the certificate it showed */
    char peer[ADDRESS_TEXT_MAX];
    struct target target;
    struct credential credential;
    char cid[CID_TEXT_MAX];
    struct invocation invocation;

    struct auth_wait auth;
    bool auth_asking;
    bool own_asking;
    bool own_evidence; /* one of site->evidence_live */
    int own_status;
    char *own_json; /* an answer of accounts or pools, copied */

    struct agents_ref *agents;
    const struct agent *agent;
    struct bill bill;
    struct paper paper;
    struct attempt attempt;
    enum fault tried; /* how the try before ended */
    struct relay relay;
    uint64_t ran_at; /* a worker has had the request's head since; 0: none has */
    struct usage usage;

    int64_t length;        /* of the answer's body, or -1 */
    enum fault down_fault; /* what relay.down_max stands for */
    enum ends ends;
    bool bodiless;
    bool head_sent;
    bool event_stream;
    struct head *trailers; /* the worker's, kept until ours are known */
    size_t event_bytes;    /* of the event that tells of a broken stream */
    struct mark lag;       /* the caller takes no byte of what was given at the end */
    uint64_t lag_seen;
    struct reply reply; /* the gateway's own answer */

    enum fault fault;
    char detail[320]; /* a sentence for the problem */
    struct record record;
};

/* --- exchange.c: the steps -------------------------------------------------------------------- */

extern const struct step *const exchange_first;
void exchange_run(void *owner);
/* Every callback of a life ends here: there is news, the steps will look. */
void exchange_note_news(void *user);

/* --- door.c: in and out ------------------------------------------------------------------------
 */

/* Gives back all it has; it is freed at the end of the turn. */
void door_close(struct exchange *x);

/* --- carry.c: bodies, and what is wrong with them -----------------------------------------------
 */

struct usage carry_usage(const struct exchange *x); /* so far */
/* Moves the request on, and the answer; what is wrong by now. */
enum fault carry_up(struct exchange *x);
enum fault carry_down(struct exchange *x);
/* Who is to blame for an answer that does not come. */
enum fault carry_slow_fault(const struct exchange *x);
/* What keeps the worker from ending its answer well, once it has begun. */
enum fault carry_worker_fault(const struct exchange *x);
/* The facts of the answer's head. */
void carry_look_at_answer(struct exchange *x);
/* A body whose size is known already can be refused before anything is said. */
enum fault carry_judge_size(struct exchange *x);
/* The units in the worker's trailers. */
void carry_take_trailers(struct exchange *x);

/* --- site.c ------------------------------------------------------------------------------------
 */

/* One more may be opened, if only to be refused in order. */
bool site_has_room(const struct site *site);

/* --- own.c: what the gateway answers by itself ------------------------------------------------ */

/* Preflights and /.well-known; true when x->reply is made. */
bool own_answer(struct exchange *x);
/* Asks accounts, or pools for evidence; x wakes when x->own_asking is over. */
void own_ask(struct exchange *x);
/* Makes the reply of what came, or answers the fault it is. */
enum fault own_take(struct exchange *x);

/* --- paper.c: the receipt ------------------------------------------------------------------------
 */

/* A worker has the request. */
void paper_note_worker(struct exchange *x);
/* It is over: the note for the ledger, before the bill is closed. */
void paper_note_end(struct exchange *x);
/* Asks for the receipt once it is due; true when it has come, or none will. */
bool paper_is_in(struct exchange *x);

/* --- say.c: what the exchange says: heads, problems, the record ----------------------------------
 */

struct ending say_ending(const struct exchange *x);
/* The request's head for a worker, or NULL when it cannot be made. */
struct head *say_request(const struct exchange *x);
/* Adds what belongs to the worker the request goes to: the token to call others with. */
void say_lending(void *user, struct head *request, const struct pool_facts *pool,
                 const struct proof *proof);
/* Sends the worker's head with ours. False when it cannot be made. */
MUST_USE bool say_send_head(struct exchange *x);
/* Makes the reply of x->fault. */
void say_refuse(struct exchange *x);
/* An event stream is told why before it breaks: as far as the caller takes it, a second at most.
 * True once that is over, and for any other answer. */
bool say_has_told_event(struct exchange *x);
const char *say_outcome(const struct exchange *x);
void say_record(struct exchange *x);

#endif
