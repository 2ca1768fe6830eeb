/* What the files of admin share: one request, its answer, and the functions behind the routes.
 * A request owns its copy of the body and its answer's bytes. For src/gateway/admin*.c alone. */
#ifndef GATEWAY_ADMIN_CORE_H
#define GATEWAY_ADMIN_CORE_H

#include "base/list.h"
#include "base/slots.h"
#include "gateway/admin.h"
#include "io/listener.h"

enum { ADMIN_WORDS_MAX = 2, ADMIN_WORD_MAX = 256, ADMIN_ALLOW_MAX = 64, ADMIN_STREAMS_MAX = 8 };

struct admin {
    struct loop *loop;
    struct admin_parts parts;
    struct listener *listener; /* NULL once it drains */
    struct list links;         /* struct admin_link */
    unsigned link_count;
    unsigned at_work; /* requests that are not refusals */
    struct slots requests;
};

/* One connection of an operator. */
struct admin_link {
    struct list node;
    struct admin *admin;
    struct http *http;
};

/* One request: read whole, asked, answered. */
struct admin_request {
    struct admin *admin;
    struct stream *stream;
    uint64_t id; /* in admin->requests */
    struct timer timer;
    struct wake wake; /* an answer came from elsewhere */
    struct grave grave;
    bool at_work; /* it counts among ADMIN_REQUESTS_MAX */
    bool asked;   /* its route was called */
    char *body;
    size_t body_len;
    /* what its path says */
    char words[ADMIN_WORDS_MAX][ADMIN_WORD_MAX]; /* the parts a route leaves open, decoded */
    struct span query;
    /* its answer; status 0: none yet */
    int status;
    bool head_sent;
    const char *type;
    char allow[ADMIN_ALLOW_MAX];
    char *answer;
    size_t answer_len;
    size_t answer_given;
};

/* --- answers: each once; they leave in the run phase -------------------------------------------
 */

/* `text` is malloc()ed and owned from here. */
void admin_answer(struct admin_request *request, int status, const char *type, char *text,
                  size_t len);
void admin_answer_json(struct admin_request *request, int status, struct span json);
/* A problem (RFC 9457) from the row of `fault`, with a sentence that says what was found and what
 * is expected. */
void admin_refuse(struct admin_request *request, enum fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same from a problem of callers/accounts, which says a status and a detail. */
void admin_pass_problem(struct admin_request *request, int status, struct span json);

/* --- routes --------------------------------------------------------------------------------------
 */

/* Finds the route of the request's head: calls it, or refuses (400, 404, 405). */
void admin_route(struct admin_request *request);
/* Whether the method of the request takes a body at all. */
bool admin_takes_body(const struct admin_request *request);

/* A whole number among the query's parameters; `otherwise` when it is not there. False: refused. */
struct admin_parameter {
    const char *name;
    uint64_t *to;
    uint64_t most;
};
/* Parameters that are not in `list` are refused. */
MUST_USE bool admin_query(struct admin_request *request, const struct admin_parameter *list,
                          unsigned count);

/* admin_views.c */
void admin_show_health(struct admin_request *request);
void admin_show_ready(struct admin_request *request);
void admin_show_metrics(struct admin_request *request);
void admin_show_workers(struct admin_request *request);
void admin_show_evidence(struct admin_request *request);
void admin_show_exchanges(struct admin_request *request);

/* admin_views.c as well */
void admin_accept_store(struct admin_request *request);

/* admin_receipts.c */
void admin_list_receipt_keys(struct admin_request *request);
void admin_rotate_receipt_key(struct admin_request *request);

/* admin_accounts.c */
void admin_create_account(struct admin_request *request);
void admin_list_accounts(struct admin_request *request);
void admin_show_account(struct admin_request *request);
void admin_change_account(struct admin_request *request);
void admin_credit_account(struct admin_request *request);
void admin_mint_key(struct admin_request *request);
void admin_list_keys(struct admin_request *request);
void admin_revoke_key(struct admin_request *request);
void admin_show_spend(struct admin_request *request);
void admin_show_holds(struct admin_request *request);

#endif
