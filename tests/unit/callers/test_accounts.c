/* Accounts and keys against a real redis-server; auth with the keys they mint. */
#include "callers/accounts.h"

#include <cjson/cJSON.h>
#include <unistd.h>

#include "base/base64url.h"
#include "callers/apikey.h"
#include "callers/auth.h"
#include "callers/receipts.h"
#include "lane.h"
#include "unit/checks.h"

static struct lane lane;
static struct accounts *accounts;
static struct auth *auth;

static struct {
    uint64_t id;
    int status;
    cJSON *json;
    unsigned count;
} told;

static void note_answer(void *owner, uint64_t id, int status, struct span json)
{
    ck_assert_ptr_eq(owner, &told);
    cJSON_Delete(told.json);
    told.id = id;
    told.status = status;
    told.json = cJSON_ParseWithLength(json.ptr, json.len);
    ck_assert_ptr_nonnull(told.json);
    ++told.count;
}

static void begin(void)
{
    lane_open(&lane);
    accounts = accounts_new(lane.loop, lane.store);
    auth = auth_new(lane.loop, lane.store);
    lane_until(&lane, store_is_up(lane.store));
}

static void finish(void)
{
    store_close(lane.store);
    accounts_free(accounts);
    auth_free(auth);
    lane_close(&lane);
    cJSON_Delete(told.json);
    memset(&told, 0, sizeof(told));
}

static void is_told(int status)
{
    unsigned before = told.count;
    lane_until(&lane, told.count > before);
    ck_assert_msg(told.status == status, "%d: %s", told.status, cJSON_PrintUnformatted(told.json));
}

static double number(const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(told.json, name);
    ck_assert_msg(cJSON_IsNumber(item), "%s in %s", name, cJSON_PrintUnformatted(told.json));
    return item->valuedouble;
}

static const char *text(const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(told.json, name);
    ck_assert_msg(cJSON_IsString(item), "%s in %s", name, cJSON_PrintUnformatted(told.json));
    return item->valuestring;
}

static bool is_true(const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItem(told.json, name));
}

static const struct account_limits none = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
                                           UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

#define ASK &told, 1
#define DO(status, call)                         \
    do {                                         \
        unsigned do_count = told.count;          \
        call;                                    \
        ck_assert_uint_eq(told.count, do_count); \
        is_told(status);                         \
    } while (0)

static void create(const char *name)
{
    DO(201, accounts_create(accounts, span_text(name), &none, note_answer, ASK));
}

START_TEST(an_account_is_made_shown_limited_and_suspended)
{
    begin();
    struct account_limits limits = none;
    limits.day_ucr = 500;
    limits.rate_per_minute = 60;
    DO(201, accounts_create(accounts, SPAN_OF("ann@example.org"), &limits, note_answer, ASK));
    ck_assert_str_eq(text("account"), "ann@example.org");
    ck_assert_str_eq(text("state"), "active");
    DO(409, accounts_create(accounts, SPAN_OF("ann@example.org"), &limits, note_answer, ASK));
    limits = none;
    limits.credit_line_ucr = 70;
    DO(200, accounts_limit(accounts, SPAN_OF("ann@example.org"), &limits, note_answer, ASK));
    const cJSON *shown = cJSON_GetObjectItem(told.json, "limits");
    ck_assert_int_eq(cJSON_GetObjectItem(shown, "day_ucr")->valueint, 500);
    ck_assert_int_eq(cJSON_GetObjectItem(shown, "rate_per_minute")->valueint, 60);
    ck_assert_int_eq(cJSON_GetObjectItem(shown, "credit_line_ucr")->valueint, 70);
    ck_assert_double_eq(number("available_ucr"), 70);
    DO(200, accounts_suspend(accounts, SPAN_OF("ann@example.org"), true, note_answer, ASK));
    ck_assert_str_eq(text("state"), "suspended");
    DO(200, accounts_suspend(accounts, SPAN_OF("ann@example.org"), false, note_answer, ASK));
    DO(200, accounts_show(accounts, SPAN_OF("ann@example.org"), note_answer, ASK));
    ck_assert_str_eq(text("state"), "active");
    ck_assert_double_eq(number("balance_ucr"), 0);
    DO(404, accounts_show(accounts, SPAN_OF("ben"), note_answer, ASK));
    DO(404, accounts_limit(accounts, SPAN_OF("ben"), &limits, note_answer, ASK));
    DO(404, accounts_suspend(accounts, SPAN_OF("ben"), true, note_answer, ASK));
    finish();
}
END_TEST

START_TEST(bad_names_and_limits_are_refused_in_words)
{
    static const char *const bad[] = {"", "Ann", "a b", "a/b", "a:b", "a|b", "ann\n"};
    char longest[65 + 1];
    begin();
    memset(longest, 'a', 65);
    longest[65] = '\0';
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i) {
        DO(400, accounts_create(accounts, span_text(bad[i]), &none, note_answer, ASK));
        ck_assert_ptr_nonnull(strstr(text("detail"), "name"));
    }
    DO(400, accounts_create(accounts, span_of(longest, 65), &none, note_answer, ASK));
    DO(201, accounts_create(accounts, span_of(longest, 64), &none, note_answer, ASK));
    struct account_limits limits = none;
    limits.rate_per_minute = 60000001;
    DO(400, accounts_limit(accounts, span_of(longest, 64), &limits, note_answer, ASK));
    limits = none;
    limits.day_ucr = UINT64_C(1) << 53;
    DO(400, accounts_limit(accounts, span_of(longest, 64), &limits, note_answer, ASK));
    finish();
}
END_TEST

static void credit(int status, const char *name, int64_t amount, const char *reference)
{
    DO(status, accounts_credit(accounts, span_text(name), amount, span_text(reference),
                               SPAN_OF("a note, \"with\" anything\n"), note_answer, ASK));
}

START_TEST(a_credit_counts_once_for_each_account_and_reference)
{
    begin();
    create("ann");
    create("ben");
    credit(200, "ann", 1000, "pay-1");
    ck_assert(is_true("applied"));
    ck_assert_double_eq(number("balance_ucr"), 1000);
    credit(200, "ann", 1000, "pay-1");
    ck_assert(!is_true("applied"));
    ck_assert_double_eq(number("balance_ucr"), 1000);
    credit(409, "ann", 999, "pay-1");
    credit(409, "ann", -1000, "pay-1");
    credit(200, "ben", 5, "pay-1"); /* another account's */
    credit(200, "ann", -1000, "back-1");
    ck_assert_double_eq(number("balance_ucr"), 0);
    credit(409, "ann", -1, "back-2");
    credit(400, "ann", 0, "none");
    credit(400, "ann", INT64_MIN, "least");
    credit(400, "ann", INT64_C(1) << 53, "most");
    credit(200, "ann", (INT64_C(1) << 53) - 1, "nearly");
    credit(400, "ann", 1, "beyond");
    credit(400, "ann", 1, "");
    credit(400, "ann", 1, "a b");
    credit(404, "cat", 1, "pay-1");
    finish();
}
END_TEST

START_TEST(accounts_of_all_buckets_are_listed_in_order)
{
    begin();
    char name[16];
    for (int i = 0; i < 600; ++i) { /* many at once */
        snprintf(name, sizeof(name), "a%03d", i);
        accounts_create(accounts, span_text(name), &none, note_answer, &told, (uint64_t)i);
    }
    lane_until(&lane, told.count == 600);
    DO(200, accounts_list(accounts, note_answer, ASK));
    const cJSON *names = cJSON_GetObjectItem(told.json, "accounts");
    ck_assert_int_eq(cJSON_GetArraySize(names), 600);
    ck_assert_str_eq(cJSON_GetArrayItem(names, 0)->valuestring, "a000");
    ck_assert_str_eq(cJSON_GetArrayItem(names, 599)->valuestring, "a599");
    ck_assert(is_true("complete"));
    finish();
}
END_TEST

START_TEST(a_list_ends_at_ten_thousand_names)
{
    begin();
    caller_say(&lane.redis,
               "EVAL for%cb=0,255%cdo%cfor%ci=1,60%cdo%credis.call('SADD',string.format("
               "'tg:{b%%03d}:accounts',b),'n'..b..'-'..i)%cend%cend 0",
               '\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n');
    DO(200, accounts_list(accounts, note_answer, ASK));
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(told.json, "accounts")), 10000);
    ck_assert(!is_true("complete"));
    finish();
}
END_TEST

START_TEST(more_operations_than_the_maximum_are_refused_not_lost)
{
    begin();
    create("ann");
    told.count = 0;
    for (int i = 0; i < 1030; ++i)
        accounts_show(accounts, SPAN_OF("ann"), note_answer, &told, (uint64_t)i);
    lane_until(&lane, told.count == 1030);
    DO(200, accounts_show(accounts, SPAN_OF("ann"), note_answer, ASK));
    finish();
}
END_TEST

START_TEST(without_redis_every_operation_answers_503)
{
    begin();
    create("ann");
    redisFree(lane.redis.redis);
    redis_server_kill(&lane.redis.server);
    lane_until(&lane, !store_is_up(lane.store));
    DO(503, accounts_show(accounts, SPAN_OF("ann"), note_answer, ASK));
    DO(503, accounts_list(accounts, note_answer, ASK));
    DO(503, accounts_key_mint(accounts, SPAN_OF("ann"), &(struct key_rules){0}, note_answer, ASK));
    DO(503, accounts_key_list(accounts, SPAN_OF("ann"), note_answer, ASK));
    DO(503, accounts_spend(accounts, SPAN_OF("ann"), 0, 1, 10, note_answer, ASK));
    DO(503, accounts_holds(accounts, SPAN_OF("ann"), note_answer, ASK));
    redis_server_run(&lane.redis.server);
    lane.redis.redis = redis_server_connect(&lane.redis.server);
    finish();
}
END_TEST

/* ------------------------------------------------------------------ ledger, by the scripts' own
 * keys */

/* Accounts whose bucket is 7 can be touched by the scripts' caller; their names are searched. */
static const char *name_in_bucket_7(int which)
{
    static char name[16];
    for (int i = 0;; ++i) {
        snprintf(name, sizeof(name), "p%d", i);
        if (store_bucket(span_text(name)) == 7 && which-- == 0)
            return name;
    }
}

static const char inv[] = "abcdefghijklmnopqrstuvwxyz";

START_TEST(spend_shows_the_ledger_of_one_account_newest_first)
{
    char ann[16], ben[16], other[8];
    begin();
    snprintf(ann, sizeof(ann), "%s", name_in_bucket_7(0));
    snprintf(ben, sizeof(ben), "%s", name_in_bucket_7(1));
    create(ann);
    create(ben);
    credit(200, ann, 100000, "pay-1");
    credit(200, ben, 100000, "pay-1");
    for (int i = 0; i < 700; ++i) { /* more than a page, both mixed */
        snprintf(other, sizeof(other), "i%d", i);
        say_hold(&lane.redis, i % 2 ? ann : ben, other, "t", "", "20", "0", "60000");
        ck_assert_str_eq(
            caller_word(say_settle(&lane.redis, i % 2 ? ann : ben, other, "t", "3"), 0), "OK");
    }
    DO(200, accounts_spend(accounts, span_text(ann), 0, INT64_MAX, 1000, note_answer, ASK));
    const cJSON *entries = cJSON_GetObjectItem(told.json, "entries");
    ck_assert_int_eq(cJSON_GetArraySize(entries), 351);
    ck_assert_double_eq(number("charged_ucr"), 1050);
    ck_assert_double_eq(number("credited_ucr"), 100000);
    ck_assert(is_true("complete"));
    const cJSON *first = cJSON_GetArrayItem(entries, 0), *last = cJSON_GetArrayItem(entries, 350);
    ck_assert_int_eq(cJSON_GetObjectItem(first, "sequence")->valueint, 351);
    ck_assert_str_eq(cJSON_GetObjectItem(first, "invocation")->valuestring, "i699");
    ck_assert_int_eq(cJSON_GetObjectItem(first, "value_ucr")->valueint, -3);
    ck_assert_str_eq(cJSON_GetObjectItem(first, "usage")->valuestring, "ms=1,in=2,out=3");
    ck_assert_str_eq(cJSON_GetObjectItem(last, "kind")->valuestring, "top");
    ck_assert_str_eq(cJSON_GetObjectItem(last, "note")->valuestring, "a note, \"with\" anything\n");
    DO(200, accounts_spend(accounts, span_text(ann), 0, INT64_MAX, 10, note_answer, ASK));
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(told.json, "entries")), 10);
    ck_assert(!is_true("complete"));
    DO(200, accounts_spend(accounts, span_text(ann), 0, 1000, 10, note_answer, ASK));
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(told.json, "entries")), 0);
    DO(400, accounts_spend(accounts, span_text(ann), 5, 4, 10, note_answer, ASK));
    DO(404, accounts_spend(accounts, SPAN_OF("nobody"), 0, 1, 10, note_answer, ASK));
    finish();
}
END_TEST

START_TEST(an_invocation_is_seen_by_its_own_account_alone)
{
    char ann[16], ben[16];
    begin();
    snprintf(ann, sizeof(ann), "%s", name_in_bucket_7(0));
    snprintf(ben, sizeof(ben), "%s", name_in_bucket_7(1));
    create(ann);
    create(ben);
    credit(200, ann, 1000, "pay-1");
    say_hold(&lane.redis, ann, inv, "t", "", "20", "0", "60000");
    say_checkpoint(&lane.redis, inv, "t", "4", "60000");
    DO(200, accounts_holds(accounts, span_text(ann), note_answer, ASK));
    const cJSON *holds = cJSON_GetObjectItem(told.json, "holds");
    ck_assert_int_eq(cJSON_GetArraySize(holds), 1);
    ck_assert_str_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(holds, 0), "invocation")->valuestring,
                     inv);
    DO(200, accounts_holds(accounts, span_text(ben), note_answer, ASK));
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(told.json, "holds")), 0);
    DO(200, accounts_invocation(accounts, span_text(ann), span_text(inv), note_answer, ASK));
    ck_assert_str_eq(text("state"), "live");
    ck_assert_double_eq(number("ceiling_ucr"), 20);
    ck_assert_double_eq(number("cost_so_far_ucr"), 4);
    DO(404, accounts_invocation(accounts, span_text(ben), span_text(inv), note_answer, ASK));
    say_settle(&lane.redis, ann, inv, "t", "11");
    DO(200, accounts_invocation(accounts, span_text(ann), span_text(inv), note_answer, ASK));
    ck_assert_str_eq(text("state"), "settled");
    ck_assert_double_eq(number("charge_ucr"), 11);
    ck_assert_str_eq(text("outcome"), "ok");
    DO(404, accounts_invocation(accounts, span_text(ben), span_text(inv), note_answer, ASK));
    /* The tombstone goes; the ledger still knows. */
    caller_say(&lane.redis, "DEL " TAG "h:%s", inv);
    DO(200, accounts_invocation(accounts, span_text(ann), span_text(inv), note_answer, ASK));
    ck_assert_double_eq(number("charge_ucr"), 11);
    DO(404, accounts_invocation(accounts, span_text(ben), span_text(inv), note_answer, ASK));
    DO(404, accounts_invocation(accounts, span_text(ann), SPAN_OF("zzz"), note_answer, ASK));
    DO(404, accounts_invocation(accounts, span_text(ann), SPAN_OF("A:*"), note_answer, ASK));
    finish();
}
END_TEST

START_TEST(an_entry_without_a_note_has_a_receipt_that_claims_no_more_than_it_says)
{
    char dir[] = P_tmpdir "/teegate-test-XXXXXX", path[64], error[128];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct signer *signer = signer_open(dir, error, sizeof(error));
    ck_assert_msg(signer != NULL, "%s", error);
    begin();
    accounts_sign_with(accounts, signer);
    snprintf(path, sizeof(path), "%s", name_in_bucket_7(0));
    create(path);
    credit(200, path, 1000, "pay-1");
    say_hold(&lane.redis, path, inv, "t", "", "20", "0", "60000");
    say_settle(&lane.redis, path, inv, "t", "11");
    DO(200, accounts_invocation(accounts, span_text(path), span_text(inv), note_answer, ASK));
    char record[RECEIPT_RECORD_MAX + 1] = "";
    struct span part = span_text(text("receipt"));
    part.len = span_find(part, '.');
    ck_assert(base64url_read(part, record, part.len * 3 / 4));
    record[part.len * 3 / 4] = '\0';
    ck_assert_ptr_nonnull(strstr(record, "\"worker_key\":\"\",\"evidence\":\"\",\"policy\":\"\","
                                         "\"attempts\":0,\"usage\":{\"ms\":1,\"in\":2,\"out\":3,"));
    ck_assert_ptr_nonnull(strstr(record, "\"ceiling\":20,\"charge\":11,\"outcome\":\"ok\","
                                         "\"status\":200,\"sequence\":2,"));
    ck_assert_ptr_nonnull(strstr(record, "\"request\":{\"sha256\":\"\",\"whole\":false}"));
    finish();
    signer_close(signer);
    snprintf(path, sizeof(path), "%s/receipt-key", dir);
    unlink(path);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* ------------------------------------------------------------------ keys and auth */

struct asking {
    struct auth_wait wait;
    bool answered;
};

static void note_auth(struct auth_wait *wait)
{
    container_of(wait, struct asking, wait)->answered = true;
}

static enum fault check(struct asking *asking, const char *key, const struct cid *cid)
{
    *asking = (struct asking){.wait = {.answer = note_auth}};
    auth_check(auth, span_text(key), cid, &asking->wait);
    ck_assert(!asking->answered);
    lane_until(&lane, asking->answered);
    return asking->wait.fault;
}

static void mint(char out[128], const struct key_rules *rules)
{
    DO(201, accounts_key_mint(accounts, SPAN_OF("ann"), rules, note_answer, ASK));
    snprintf(out, 128, "%s", text("key"));
}

static const char cid_a[] = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
static const char cid_b[] = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

START_TEST(a_minted_key_is_its_account_and_no_other_secret_is)
{
    char key[128];
    struct asking asking;
    struct cid cid;
    begin();
    create("ann");
    mint(key, &(struct key_rules){0});
    ck_assert(cid_parse(span_text(cid_a), &cid));
    ck_assert_int_eq(check(&asking, key, &cid), FAULT_NONE);
    ck_assert_str_eq(asking.wait.caller.account, "ann");
    ck_assert_uint_eq(asking.wait.caller.bucket, store_bucket(SPAN_OF("ann")));
    ck_assert_str_eq(asking.wait.caller.key_id, text("key_id"));
    size_t len = strlen(key);
    for (size_t i = 0; i < len; ++i) { /* another character anywhere */
        char was = key[i];
        key[i] = was == 'b' ? 'c' : 'b';
        ck_assert_int_eq(check(&asking, key, &cid), FAULT_UNAUTHENTICATED);
        ck_assert_str_eq(asking.wait.caller.account, "");
        key[i] = was;
    }
    key[len] = 'a';
    key[len + 1] = '\0';
    ck_assert_int_eq(check(&asking, key, &cid), FAULT_UNAUTHENTICATED);
    key[len - 1] = '\0';
    ck_assert_int_eq(check(&asking, key, &cid), FAULT_UNAUTHENTICATED);
    ck_assert_int_eq(check(&asking, "", &cid), FAULT_UNAUTHENTICATED);
    ck_assert_int_eq(check(&asking, "tgk_999_a_b", &cid), FAULT_UNAUTHENTICATED);
    /* What is stored is not the secret. */
    redisReply *reply = caller_say(&lane.redis, "HGETALL tg:{b%03u}:k:%s",
                                   store_bucket(SPAN_OF("ann")), text("key_id"));
    const char *secret = strrchr(key, '_') + 1;
    for (size_t i = 0; i < reply->elements; ++i)
        ck_assert_ptr_null(strstr(reply->element[i]->str, secret));
    finish();
}
END_TEST

START_TEST(scopes_and_cids_bound_a_key)
{
    char key[128], cids[300];
    struct asking asking;
    struct cid a, b;
    begin();
    create("ann");
    ck_assert(cid_parse(span_text(cid_a), &a) && cid_parse(span_text(cid_b), &b));
    mint(key, &(struct key_rules){.scopes = SPAN_OF("read")});
    ck_assert_int_eq(check(&asking, key, &a), FAULT_AGENT_NOT_ALLOWED);
    ck_assert_int_eq(check(&asking, key, NULL), FAULT_NONE);
    mint(key, &(struct key_rules){.scopes = SPAN_OF("invoke"), .cids = span_text(cid_b)});
    ck_assert_int_eq(check(&asking, key, &a), FAULT_AGENT_NOT_ALLOWED);
    ck_assert_int_eq(check(&asking, key, &b), FAULT_NONE);
    ck_assert_int_eq(check(&asking, key, NULL), FAULT_NONE);
    snprintf(cids, sizeof(cids), "%s,%s", cid_a, cid_b);
    mint(key, &(struct key_rules){.cids = span_text(cids)});
    ck_assert_int_eq(check(&asking, key, &a), FAULT_NONE);
    ck_assert_int_eq(check(&asking, key, &b), FAULT_NONE);
    struct key_rules bad[] = {{.scopes = SPAN_OF("admin")},
                              {.cids = SPAN_OF("nocid")},
                              {.cids = SPAN_OF(",")},
                              {.expires_at = -1}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i)
        DO(400, accounts_key_mint(accounts, SPAN_OF("ann"), &bad[i], note_answer, ASK));
    DO(404, accounts_key_mint(accounts, SPAN_OF("ben"), &(struct key_rules){0}, note_answer, ASK));
    finish();
}
END_TEST

START_TEST(a_key_ends_at_its_expiry)
{
    char key[128];
    struct asking asking;
    begin();
    create("ann");
    int64_t now = clock_unix_ms() / 1000;
    mint(key, &(struct key_rules){.expires_at = now});
    ck_assert_int_eq(check(&asking, key, NULL), FAULT_UNAUTHENTICATED);
    mint(key, &(struct key_rules){.expires_at = now + 2});
    ck_assert_int_eq(check(&asking, key, NULL), FAULT_NONE);
    redis_server_pause_ms(2100); /* still in the cache, and refused all the same */
    ck_assert_int_eq(check(&asking, key, NULL), FAULT_UNAUTHENTICATED);
    finish();
}
END_TEST

static uint64_t commands(const char *name)
{
    redisReply *reply = caller_say(&lane.redis, "INFO commandstats");
    char word[64];
    snprintf(word, sizeof(word), "cmdstat_%s:calls=", name);
    const char *at = strstr(reply->str, word);
    return at == NULL ? 0 : strtoull(at + strlen(word), NULL, 10);
}

START_TEST(a_revoked_key_is_refused_when_the_cache_is_five_seconds_old)
{
    char key[128], key_id[64];
    struct asking asking;
    begin();
    create("ann");
    mint(key, &(struct key_rules){0});
    snprintf(key_id, sizeof(key_id), "%s", text("key_id"));
    ck_assert_int_eq(check(&asking, key, NULL), FAULT_NONE);
    uint64_t asked = commands("hmget"), from = clock_monotonic_ms();
    DO(200, accounts_key_revoke(accounts, SPAN_OF("ann"), span_text(key_id), note_answer, ASK));
    DO(200, accounts_key_revoke(accounts, SPAN_OF("ann"), span_text(key_id), note_answer, ASK));
    DO(404, accounts_key_revoke(accounts, SPAN_OF("ben"), span_text(key_id), note_answer, ASK));
    ck_assert_int_eq(check(&asking, key, NULL), FAULT_NONE);
    ck_assert_uint_eq(commands("hmget"), asked);
    while (check(&asking, key, NULL) == FAULT_NONE)
        lane_turn_for(&lane, 50);
    uint64_t took = clock_monotonic_ms() - from;
    ck_assert_uint_lt(took, 6000);
    ck_assert_uint_gt(took, 3000);
    DO(200, accounts_key_list(accounts, SPAN_OF("ann"), note_answer, ASK));
    const cJSON *keys = cJSON_GetObjectItem(told.json, "keys");
    ck_assert_int_eq(cJSON_GetArraySize(keys), 1);
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetArrayItem(keys, 0), "revoked")));
    char *all = cJSON_PrintUnformatted(told.json);
    ck_assert_ptr_null(strstr(all, strrchr(key, '_') + 1));
    free(all);
    finish();
}
END_TEST

START_TEST(many_who_ask_for_one_key_are_one_question)
{
    static struct asking asking[100];
    char key[128];
    begin();
    create("ann");
    mint(key, &(struct key_rules){0});
    uint64_t asked = commands("hmget");
    for (int i = 0; i < 100; ++i) {
        asking[i] = (struct asking){.wait = {.answer = note_auth}};
        if (i == 99)
            key[strlen(key) - 1] =
                key[strlen(key) - 1] == 'a' ? 'b' : 'a'; /* one with a wrong secret among them */
        auth_check(auth, span_text(key), NULL, &asking[i].wait);
    }
    auth_cancel(auth, &asking[50].wait);
    lane_until(&lane, asking[99].answered);
    for (int i = 0; i < 99; ++i) {
        ck_assert_int_eq(asking[i].answered, i != 50);
        ck_assert_int_eq(asking[i].wait.fault, FAULT_NONE);
    }
    ck_assert_int_eq(asking[99].wait.fault, FAULT_UNAUTHENTICATED);
    ck_assert_uint_eq(commands("hmget"), asked + 1);
    /* Answered from the cache, it can be cancelled too. */
    asking[0].answered = false;
    auth_check(auth, span_text(key), NULL, &asking[0].wait);
    auth_cancel(auth, &asking[0].wait);
    lane_turn_for(&lane, 20);
    ck_assert(!asking[0].answered);
    finish();
}
END_TEST

START_TEST(unknown_keys_are_remembered_and_cannot_fill_the_memory)
{
    struct asking asking;
    char key[128], unknown[128];
    begin();
    create("ann");
    mint(key, &(struct key_rules){0});
    snprintf(unknown, sizeof(unknown), "tgk_007_aaaa_%s", strrchr(key, '_') + 1);
    ck_assert_int_eq(check(&asking, unknown, NULL), FAULT_UNAUTHENTICATED);
    uint64_t asked = commands("hmget");
    ck_assert_int_eq(check(&asking, unknown, NULL), FAULT_UNAUTHENTICATED);
    ck_assert_uint_eq(commands("hmget"), asked);
    static struct asking many[5000];
    for (int i = 0; i < 5000; ++i) {
        char id[8];
        for (int k = 0, rest = i; k < 5; ++k, rest /= 26)
            id[k] = (char)('a' + rest % 26);
        id[5] = '\0';
        snprintf(unknown, sizeof(unknown), "tgk_007_%s_%s", id, strrchr(key, '_') + 1);
        many[i] = (struct asking){.wait = {.answer = note_auth}};
        auth_check(auth, span_text(unknown), NULL, &many[i].wait);
    }
    unsigned unavailable = 0;
    for (int i = 0; i < 5000; ++i) {
        lane_until(&lane, many[i].answered);
        ck_assert_int_ne(many[i].wait.fault, FAULT_NONE);
        unavailable += many[i].wait.fault == FAULT_METERING_UNAVAILABLE;
    }
    ck_assert_uint_eq(unavailable, 5000 - 4096); /* all of the table was being asked for */
    ck_assert_int_eq(check(&asking, key, NULL), FAULT_NONE);
    finish();
}
END_TEST

START_TEST(without_redis_nobody_is_known)
{
    struct asking asking;
    char key[128];
    begin();
    create("ann");
    mint(key, &(struct key_rules){0});
    kill(lane.redis.server.pid, SIGSTOP);
    uint64_t from = clock_monotonic_ms();
    ck_assert_int_eq(check(&asking, key, NULL), FAULT_METERING_UNAVAILABLE);
    ck_assert_uint_lt(clock_monotonic_ms() - from, 1000);
    kill(lane.redis.server.pid, SIGCONT);
    lane_turn_for(&lane, 50);
    ck_assert_int_eq(check(&asking, key, NULL), FAULT_NONE);
    finish();
}
END_TEST

START_TEST(a_key_in_a_foreign_bucket_is_no_key)
{
    char key[128], moved[128];
    struct asking asking;
    begin();
    create("ann");
    mint(key, &(struct key_rules){0});
    unsigned bucket = store_bucket(SPAN_OF("ann")), other = (bucket + 1) % 256;
    caller_say(&lane.redis, "COPY tg:{b%03u}:k:%s tg:{b%03u}:k:%s", bucket, text("key_id"), other,
               text("key_id"));
    snprintf(moved, sizeof(moved), "tgk_%03u%s", other, key + 7);
    ck_assert_int_eq(check(&asking, moved, NULL), FAULT_UNAUTHENTICATED);
    finish();
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        an_account_is_made_shown_limited_and_suspended,
        bad_names_and_limits_are_refused_in_words,
        a_credit_counts_once_for_each_account_and_reference,
        accounts_of_all_buckets_are_listed_in_order,
        a_list_ends_at_ten_thousand_names,
        more_operations_than_the_maximum_are_refused_not_lost,
        without_redis_every_operation_answers_503,
        spend_shows_the_ledger_of_one_account_newest_first,
        an_invocation_is_seen_by_its_own_account_alone,
        an_entry_without_a_note_has_a_receipt_that_claims_no_more_than_it_says,
        a_minted_key_is_its_account_and_no_other_secret_is,
        scopes_and_cids_bound_a_key,
        a_key_ends_at_its_expiry,
        a_revoked_key_is_refused_when_the_cache_is_five_seconds_old,
        many_who_ask_for_one_key_are_one_question,
        unknown_keys_are_remembered_and_cannot_fill_the_memory,
        without_redis_nobody_is_known,
        a_key_in_a_foreign_bucket_is_no_key,
        NULL,
    };
    return checks_run("accounts", tests);
}
