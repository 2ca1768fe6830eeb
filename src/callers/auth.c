#include "callers/auth.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/slots.h"
#include "callers/answer.h"
#include "callers/apikey.h"
#include "callers/parents.h"

enum {
    KEPT_MS = 5000, /* so long a revoked key may still be good */
    KEPT_MAX = 4096,
    CHECKS_MAX = 65536,
    FETCH_MS_MAX = 250,
    KNOWN_FIELDS = 7,
    SCOPE_INVOKE = 1,
    SCOPE_READ = 2
};

#define WAIT_IS_DECIDED UINT64_MAX /* an id: the wait stands in `decided` */

/* What Redis says of a key, or that it has none. */
struct known {
    struct list node; /* in auth->kept, oldest first; not while it is fetched */
    struct list checks;
    bool fetching;
    bool found;
    uint64_t fetched_at;
    uint16_t bucket;
    char id[KEY_ID_MAX + 1];
    char hash[APIKEY_HASH_CHARS + 1];
    char salt[APIKEY_SALT_MAX + 1];
    char account[ACCOUNT_NAME_MAX + 1];
    unsigned scopes;
    uint64_t expires_s; /* 0: never */
    char *cids;         /* canonical, with commas; NULL: any */
    uint64_t slot;      /* while it is fetched */
};

/* A credential to be judged when its key is known. */
struct check {
    struct list node;
    struct auth_wait *wait;
    uint64_t id;
    bool has_cid;
    char cid[CID_TEXT_MAX];
    char secret[APIKEY_SECRET_CHARS];
};

struct auth {
    struct loop *loop;
    struct store *store;
    struct parents *parents;
    const struct token_keys *keys; /* NULL: none */
    struct map known;              /* by bucket and id */
    struct list kept;
    struct slots checks;
    struct slots fetches;
    struct list decided;
    struct wake wake;
};

static struct span known_key(char out[64], uint16_t bucket, struct span id)
{
    int len = snprintf(out, 64, "%u_%.*s", bucket, (int)id.len, id.ptr);
    must(len > 0 && len < 64);
    return span_of(out, (size_t)len);
}

static void known_free(struct auth *auth, struct known *known)
{
    char key[64];
    list_remove(&known->node);
    (void)map_remove(&auth->known, known_key(key, known->bucket, span_text(known->id)));
    free(known->cids);
    free(known);
}

/* ------------------------------------------------------------------ judging */

static bool lists_cid(const char *cids, const char *cid)
{
    struct span rest = span_text(cids);
    while (rest.len > 0) {
        size_t end = span_find(rest, ',');
        if (span_is(span_of(rest.ptr, end), span_text(cid)))
            return true;
        rest = span_from(rest, end + 1);
    }
    return false;
}

/* `cid` NULL: not an invocation. */
static enum fault judge(const struct known *known, struct span secret, const char *cid)
{
    char hash[APIKEY_HASH_CHARS + 1];
    if (!known->found)
        return FAULT_UNAUTHENTICATED;
    apikey_hash(hash, span_text(known->salt), secret);
    if (!span_is_secret(span_text(hash), span_text(known->hash)))
        return FAULT_UNAUTHENTICATED;
    if (known->expires_s != 0 && clock_unix_ms() / 1000 >= (int64_t)known->expires_s)
        return FAULT_UNAUTHENTICATED;
    if (cid == NULL)
        return known->scopes != 0 ? FAULT_NONE : FAULT_AGENT_NOT_ALLOWED;
    if ((known->scopes & SCOPE_INVOKE) == 0)
        return FAULT_AGENT_NOT_ALLOWED;
    return known->cids == NULL || lists_cid(known->cids, cid) ? FAULT_NONE
                                                              : FAULT_AGENT_NOT_ALLOWED;
}

static void fill(struct auth_wait *wait, enum fault fault, const struct known *known)
{
    wait->fault = fault;
    wait->caller = (struct caller){.account = ""};
    if (fault != FAULT_NONE)
        return;
    snprintf(wait->caller.account, sizeof(wait->caller.account), "%s", known->account);
    snprintf(wait->caller.key_id, sizeof(wait->caller.key_id), "%s", known->id);
    wait->caller.bucket = known->bucket;
}

static void run_decided(void *owner)
{
    struct auth *auth = owner;
    struct list *node;
    while ((node = list_take(&auth->decided)) != NULL) {
        struct auth_wait *wait = container_of(node, struct auth_wait, node);
        wait->id = 0;
        wait->answer(wait);
    }
}

static void decide(struct auth *auth, struct auth_wait *wait, enum fault fault,
                   const struct known *known)
{
    fill(wait, fault, known);
    wait->id = WAIT_IS_DECIDED;
    list_append(&auth->decided, &wait->node);
    loop_wake(auth->loop, &auth->wake);
}

static void check_free(struct auth *auth, struct check *check)
{
    list_remove(&check->node);
    slots_give(&auth->checks, check->id);
    OPENSSL_cleanse(check, sizeof(*check));
    free(check);
}

/* ------------------------------------------------------------------ fetching */

static unsigned read_scopes(struct span text)
{
    unsigned scopes = 0;
    while (text.len > 0) {
        size_t end = span_find(text, ',');
        struct span scope = span_of(text.ptr, end);
        scopes |= span_is(scope, SPAN_OF("invoke")) ? SCOPE_INVOKE : 0u;
        scopes |= span_is(scope, SPAN_OF("read")) ? SCOPE_READ : 0u;
        text = span_from(text, end + 1);
    }
    return scopes;
}

static bool copy_word(char *out, size_t size, struct span word)
{
    if (word.len == 0 || word.len >= size || memchr(word.ptr, '\0', word.len) != NULL)
        return false;
    memcpy(out, word.ptr, word.len);
    out[word.len] = '\0';
    return true;
}

/* The fields in the order they are asked for: hash salt account scopes cids expires revoked. A key
 * that misses one, is revoked, or stands in another bucket than its account is none. */
static void read_known(struct known *known, const struct redisReply *reply)
{
    struct span cids = answer_word(reply, 4);
    free(known->cids);
    known->cids = cids.len > 0 ? alloc_text(cids.ptr, cids.len) : NULL;
    known->scopes = read_scopes(answer_word(reply, 3));
    known->found = copy_word(known->hash, sizeof(known->hash), answer_word(reply, 0)) &&
                   copy_word(known->salt, sizeof(known->salt), answer_word(reply, 1)) &&
                   copy_word(known->account, sizeof(known->account), answer_word(reply, 2)) &&
                   span_to_u64(answer_word(reply, 5), INT64_MAX, &known->expires_s) &&
                   span_is(answer_word(reply, 6), SPAN_OF("0")) &&
                   store_bucket(span_text(known->account)) == known->bucket;
}

static void note_known(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct auth *auth = owner;
    struct known *known = slots_find(&auth->fetches, id);
    struct list checks, *node;
    bool answered = answer_count(reply) == KNOWN_FIELDS; /* else it is no verdict on the key */
    slots_give(&auth->fetches, id);
    known->fetching = false;
    known->fetched_at = loop_now(auth->loop);
    if (answered)
        read_known(known, reply);
    list_append(&auth->kept, &known->node);
    list_init(&checks);
    list_move_all(&checks, &known->checks);
    list_each (node, &checks) {
        struct check *check = container_of(node, struct check, node);
        struct span secret = span_of(check->secret, sizeof(check->secret));
        enum fault fault = answered ? judge(known, secret, check->has_cid ? check->cid : NULL)
                                    : FAULT_METERING_UNAVAILABLE;
        decide(auth, check->wait, fault, known);
    }
    while (!list_is_empty(&checks))
        check_free(auth, container_of(checks.next, struct check, node));
    if (!answered)
        known_free(auth, known);
}

static bool fetch(struct auth *auth, struct known *known)
{
    static const char *const fields[KNOWN_FIELDS] = {"hash", "salt",    "account", "scopes",
                                                     "cids", "expires", "revoked"};
    struct words words;
    known->slot = slots_take(&auth->fetches, known);
    if (known->slot == 0)
        return false;
    words_init(&words);
    words_add_text(&words, "HMGET");
    words_add_key(&words, known->bucket, "k", span_text(known->id));
    for (size_t i = 0; i < KNOWN_FIELDS; ++i)
        words_add_text(&words, fields[i]);
    if (store_call(auth->store, &words, loop_now(auth->loop) + FETCH_MS_MAX, note_known, auth,
                   known->slot)) {
        known->fetching = true;
        list_remove(&known->node); /* out of `kept`: it cannot be pushed out now */
        return true;
    }
    slots_give(&auth->fetches, known->slot);
    return false;
}

/* The entry of a key, new if there is none; NULL when the table is full of keys being fetched. */
static struct known *find_or_make(struct auth *auth, const struct apikey *apikey)
{
    char key[64];
    struct span name = known_key(key, apikey->bucket, apikey->id);
    struct known *known = map_find(&auth->known, name);
    if (known != NULL)
        return known;
    if (auth->known.count >= KEPT_MAX) {
        if (list_is_empty(&auth->kept))
            return NULL;
        known_free(auth, container_of(auth->kept.next, struct known, node));
    }
    known = alloc_zeroed(sizeof(*known));
    list_init(&known->node);
    list_init(&known->checks);
    known->bucket = apikey->bucket;
    memcpy(known->id, apikey->id.ptr, apikey->id.len);
    must(map_add(&auth->known, name, known));
    return known;
}

static bool is_fresh(const struct auth *auth, const struct known *known)
{
    return list_is_linked(&known->node) && loop_now(auth->loop) < known->fetched_at + KEPT_MS;
}

/* ------------------------------------------------------------------ the verbs */

static bool await_known(struct auth *auth, struct known *known, const struct apikey *apikey,
                        const char *cid, struct auth_wait *wait)
{
    struct check *check = alloc_zeroed(sizeof(*check));
    list_init(&check->node);
    check->wait = wait;
    check->id = slots_take(&auth->checks, check);
    if (check->id == 0 || (!known->fetching && !fetch(auth, known))) {
        if (check->id != 0)
            slots_give(&auth->checks, check->id);
        free(check);
        if (!known->fetching)
            known_free(auth, known);
        return false;
    }
    if (cid != NULL) {
        check->has_cid = true;
        snprintf(check->cid, sizeof(check->cid), "%s", cid);
    }
    memcpy(check->secret, apikey->secret.ptr, sizeof(check->secret));
    list_append(&known->checks, &check->node);
    wait->id = check->id;
    return true;
}

static void begin(struct auth_wait *wait, bool by_token)
{
    list_init(&wait->node);
    wait->lineage = (struct lineage){.depth = 0};
    wait->caller = (struct caller){.account = ""};
    wait->by_token = by_token;
}

void auth_check(struct auth *auth, struct span credential, const struct cid *cid,
                struct auth_wait *wait)
{
    struct apikey apikey;
    char cid_memory[CID_TEXT_MAX];
    const char *cid_or_null = NULL;
    begin(wait, false);
    if (!apikey_parse(credential, &apikey)) {
        decide(auth, wait, FAULT_UNAUTHENTICATED, NULL);
        return;
    }
    if (cid != NULL) {
        cid_text(cid, cid_memory);
        cid_or_null = cid_memory;
    }
    struct known *known = find_or_make(auth, &apikey);
    if (known != NULL && is_fresh(auth, known))
        decide(auth, wait, judge(known, apikey.secret, cid_or_null), known);
    else if (known == NULL || !await_known(auth, known, &apikey, cid_or_null, wait))
        decide(auth, wait, FAULT_METERING_UNAVAILABLE, NULL);
}

static enum fault judge_token(const struct auth *auth, struct span text, const struct cid *cid,
                              const uint8_t *peer_key, struct invocation_token *token,
                              struct lineage *lineage)
{
    char cid_memory[CID_TEXT_MAX];
    if (cid == NULL || auth->keys == NULL || !invocation_token_read(auth->keys, text, token))
        return FAULT_UNAUTHENTICATED;
    cid_text(cid, cid_memory);
    return invocation_token_judge(token, cid_memory, peer_key, (uint64_t)clock_unix_ms(), lineage);
}

void auth_check_token(struct auth *auth, struct span text, const struct cid *cid,
                      const uint8_t *peer_key, struct auth_wait *wait)
{
    struct invocation_token token;
    begin(wait, true);
    enum fault fault = judge_token(auth, text, cid, peer_key, &token, &wait->lineage);
    if (fault == FAULT_NONE && !parents_ask(auth->parents, token.bucket, wait))
        fault = FAULT_METERING_UNAVAILABLE;
    if (fault != FAULT_NONE)
        decide(auth, wait, fault, NULL);
}

void auth_use_keys(struct auth *auth, const struct token_keys *keys)
{
    auth->keys = keys;
}

void auth_cancel(struct auth *auth, struct auth_wait *wait)
{
    if (wait->id == WAIT_IS_DECIDED) {
        list_remove(&wait->node);
    } else if (wait->by_token) {
        parents_cancel(auth->parents, wait);
    } else {
        struct check *check = slots_find(&auth->checks, wait->id);
        if (check != NULL && check->wait == wait)
            check_free(auth, check);
    }
    wait->id = 0;
}

struct auth *auth_new(struct loop *loop, struct store *store)
{
    uint64_t seed;
    struct auth *auth = alloc_zeroed(sizeof(*auth));
    must(getrandom(&seed, sizeof(seed), 0) == sizeof(seed));
    auth->loop = loop;
    auth->store = store;
    auth->parents = parents_new(loop, store);
    map_init(&auth->known, KEPT_MAX, seed);
    list_init(&auth->kept);
    slots_init(&auth->checks, CHECKS_MAX);
    slots_init(&auth->fetches, KEPT_MAX);
    list_init(&auth->decided);
    wake_init(&auth->wake, run_decided, auth);
    return auth;
}

void auth_free(struct auth *auth)
{
    must(auth->fetches.used == 0); /* store_close() answered them */
    parents_free(auth->parents);
    while (!list_is_empty(&auth->kept))
        known_free(auth, container_of(auth->kept.next, struct known, node));
    map_fini(&auth->known);
    slots_fini(&auth->checks);
    slots_fini(&auth->fetches);
    wake_cancel(&auth->wake);
    free(auth);
}
