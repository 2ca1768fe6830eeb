/* What the commands share: ask the gateway, and say what it refused.
 * It owns the answer while a command shows it. It never prints a secret but to standard output. */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include <cjson/cJSON.h>

#include "base/json.h"
#include "ctl/args.h"
#include "ctl/client.h"

enum { CTL_OK = 0, CTL_REFUSED = 1, CTL_WRONG_USE = 2, CTL_AWAY = 3 };

/* A path under /accounts: "/accounts/<name><rest>", the name encoded. */
struct ask_path {
    char text[1024];
};
void ask_path_account(struct ask_path *path, const char *name, const char *rest);
/* Adds one more part, encoded. */
void ask_path_add(struct ask_path *path, const char *part);

/* A JSON body, written with base/json.h. */
struct ask_body {
    struct json json;
    char memory[32768];
};
void ask_body_init(struct ask_body *body);
/* The options of the command that have a member and were given. */
void ask_body_options(struct ask_body *body, const struct ctl_call *call);

/* Asks; `body` may be NULL. CTL_OK: `answer` holds a 2xx. Else it is said on call->err already, and
 * the answer is over. */
MUST_USE int ask(struct ctl_call *call, const char *method, const char *target,
                 struct ask_body *body, struct answer *answer);
/* Asks and shows: with -o json the answer as it is, else `show` (of the parsed object). */
int ask_and_show(struct ctl_call *call, const char *method, const char *target,
                 struct ask_body *body, void (*show)(struct ctl_call *call, const cJSON *json));

#endif
