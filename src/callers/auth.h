/* Credential to caller. It owns a lane's small cache of key records (5 s, 4096). It never keeps or
 * logs a secret: keys are stored as salted SHA-256 and compared in constant time. */
#ifndef CALLERS_AUTH_H
#define CALLERS_AUTH_H

#include "base/fault.h"
#include "base/list.h"
#include "base/span.h"
#include "callers/invocation_token.h"
#include "callers/store.h"
#include "rules/cid.h"

struct auth;

enum { ACCOUNT_NAME_MAX = 64, KEY_ID_MAX = 32, KEY_CIDS_MAX = 32 };

/* Who pays. A value, copied into the exchange. */
struct caller {
    char account[ACCOUNT_NAME_MAX + 1];
    char key_id[KEY_ID_MAX + 1];
    uint16_t bucket;
};

/* Embedded by whoever waits. `answer` is called later, never before auth_check() returns; fault is
 * NONE, UNAUTHENTICATED, AGENT_NOT_ALLOWED or METERING_UNAVAILABLE, and for a token also
 * PARENT_NOT_RUNNING and those of invocation_token_judge(). */
struct auth_wait {
    void (*answer)(struct auth_wait *wait);
    enum fault fault;
    struct caller caller;
    struct lineage lineage; /* of a token; else zeros */
    bool by_token;
    uint64_t id;      /* the auth's own, as is */
    struct list node; /* this */
};

struct auth *auth_new(struct loop *loop, struct store *store);
void auth_free(struct auth *auth); /* after store_close(), which answers what is in flight */

/* `credential` is an API key, `tgk_<bucket>_<id>_<secret>`; anything else is UNAUTHENTICATED. The
 * key's expiry, revocation, scope "invoke" and CID list are checked; `cid` may be NULL (not an
 * invocation: scope "read" or "invoke" will do). A key that is revoked is refused 5 s later at
 * most. */
void auth_check(struct auth *auth, struct span credential, const struct cid *cid,
                struct auth_wait *wait);
/* `text` is an invocation token, `cid` the agent it shall invoke (NULL: not an invocation, so
 * UNAUTHENTICATED) over a connection whose peer proved `peer_key` (32 bytes, or NULL). The caller
 * is who pays for the call the token belongs to. */
void auth_check_token(struct auth *auth, struct span text, const struct cid *cid,
                      const uint8_t *peer_key, struct auth_wait *wait);
/* The keys tokens are read with, lent until others are. Without any all are refused. */
void auth_use_keys(struct auth *auth, const struct token_keys *keys);
/* The waiter goes; `answer` will not be called. Fine when it was already. */
void auth_cancel(struct auth *auth, struct auth_wait *wait);

#endif
