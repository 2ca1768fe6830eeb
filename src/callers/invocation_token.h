/* The token an agent calls other agents with: a macaroon, so that who holds it may narrow it
 * without asking, and nobody may widen it (docs/subcalls.md has the format). It owns nothing: keys
 * and token are values. It never names the account, never says yes to a token that is altered in
 * any bit, and takes as long for every wrong tag. */
#ifndef CALLERS_INVOCATION_TOKEN_H
#define CALLERS_INVOCATION_TOKEN_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/must.h"
#include "base/span.h"
#include "callers/lineage.h"
#include "rules/cid.h"

enum {
    TOKEN_KEYS_MAX = 2, /* the first makes tokens; the second is still good, while keys change */
    TOKEN_KEY_BYTES = 32,
    TOKEN_KID_MAX = 16,
    TOKEN_CAVEATS_MAX = 8,
    TOKEN_TEXT_MAX = 2048,
    AGENT_CALLER_CHARS = 43
};

struct token_keys {
    struct {
        char kid[TOKEN_KID_MAX + 1];
        uint8_t bytes[TOKEN_KEY_BYTES];
    } at[TOKEN_KEYS_MAX];
    unsigned count; /* 0: no token is made or taken */
    uint8_t caller_key[TOKEN_KEY_BYTES];
};

struct invocation_token {
    uint16_t bucket; /* of the payer, where the parent's hold is */
    char parent[INVOCATION_TEXT_MAX];
    uint64_t expires_ms; /* unix: the parent's deadline */
    uint32_t depth;      /* of the parent */
    uint32_t depth_max;
    uint64_t most_ucr;      /* that one call may hold */
    uint8_t worker_key[32]; /* SHA-256 of the SPKI the parent's worker was verified with */
    bool bound;             /* good only over TLS with that key */
    uint32_t path_len;
    uint64_t path[LINEAGE_DEPTH_MAX + 1]; /* the parent's own CID last */
    bool has_cid;                         /* narrowed to one agent */
    char cid[CID_TEXT_MAX];
};

/* The eight bytes by which a path remembers a canonical CID. */
uint64_t invocation_token_path_of(const char *cid);
/* Writes the token with its NUL; its length. Without keys 0. */
size_t invocation_token_mint(char out[TOKEN_TEXT_MAX], const struct token_keys *keys,
                             const struct invocation_token *token);
/* False: it is none of these keys', or a caveat is not understood. Caveats only narrow. */
MUST_USE bool invocation_token_read(const struct token_keys *keys, struct span text,
                                    struct invocation_token *token);
/* Whether it may begin a call of `cid` (canonical) now, over a connection whose peer proved it has
 * the key `peer_key` (32 bytes; NULL: none). NONE and the call's lineage (its root is not known
 * yet), or TOKEN_EXPIRED, WORKER_KEY, AGENT_NOT_ALLOWED, DEPTH_EXCEEDED, LOOP. */
enum fault invocation_token_judge(const struct invocation_token *token, const char *cid,
                                  const uint8_t *peer_key, uint64_t now_unix_ms,
                                  struct lineage *lineage);
/* Base64url of HMAC(key, account || 0 || cid): stable for one agent, unlinkable between agents. */
void invocation_token_caller(char out[AGENT_CALLER_CHARS + 1], const struct token_keys *keys,
                             const char *account, const char *cid);

#endif
