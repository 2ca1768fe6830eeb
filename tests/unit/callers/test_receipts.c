#define _GNU_SOURCE
/* Receipts: what the gateway makes, the verifier takes; and nothing else. */
#include "callers/receipts.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest_receipt.h"
#include "base/alloc.h"
#include "base/base64url.h"
#include "fakes/fake_loop.h"
#include "unit/checks.h"

static char dir[64], error[512];
static struct stats stats;
static struct signer *signer;
static struct attest_receipt receipt;
static char detail[256];

static void open_signer(void)
{
    snprintf(dir, sizeof(dir), P_tmpdir "/teegate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    signer = signer_open(dir, error, sizeof(error));
    ck_assert_msg(signer != NULL, "%s", error);
}

static const char *in_dir(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void close_signer(void)
{
    signer_close(signer);
    unlink(in_dir("receipt-key"));
    unlink(in_dir("receipt-keys-old"));
    ck_assert_int_eq(rmdir(dir), 0);
}

/* --- what a call says ----------------------------------------------------------------------- */

static struct receipt_note note = {
    .attested = true,
    .worker_key = {1, 2, 3},
    .evidence = {4, 5, 6},
    .policy = {0xff, 0xfe},
    .attempts = 2,
    .began_ms = 1700000000000,
    .request = {{7}, true, true},
    .response = {{8}, true, false},
    .unit_count = 2,
    .units = {"tokens", "*.cpu-ms_2"},
};

static struct receipt_facts facts_of(const char *invocation)
{
    return (struct receipt_facts){.invocation = span_text(invocation),
                                  .parent = SPAN_NONE,
                                  .root = span_text(invocation),
                                  .account = SPAN_OF("alice"),
                                  .cid = SPAN_OF("bafkreiagent"),
                                  .note = &note,
                                  .usage = {.ms = 5, .bytes_in = 6, .units = {42, 7}},
                                  .ceiling_ucr = 1000,
                                  .charge_ucr = 24,
                                  .outcome = SPAN_OF("ok"),
                                  .status = 200,
                                  .sequence = 9,
                                  .ended_ms = 1700000000005};
}

static struct attest_receipt_keys *keys_now(void)
{
    struct signer_key shown[SIGNER_KEYS_MAX];
    char json[8192] = "{\"keys\":[";
    unsigned count = signer_keys(signer, shown);
    for (unsigned i = 0; i < count; ++i) {
        size_t used = strlen(json);
        snprintf(json + used, sizeof(json) - used,
                 "%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"x\":\"%s\"}",
                 i > 0 ? "," : "", shown[i].kid, shown[i].x);
    }
    size_t used = strlen(json);
    snprintf(json + used, sizeof(json) - used, "]}");
    struct attest_bytes bytes = {(const uint8_t *)json, strlen(json)};
    struct attest_receipt_keys *keys = attest_receipt_keys_parse(bytes, error, sizeof(error));
    ck_assert_msg(keys != NULL, "%s", error);
    return keys;
}

static enum attest_receipt_reason judge(const struct attest_receipt_keys *keys, const char *text,
                                        size_t len)
{
    struct attest_bytes bytes = {(const uint8_t *)text, len};
    return attest_receipt_verify(keys, bytes, &receipt, detail, sizeof(detail));
}

static bool says(struct attest_bytes text, const char *wanted)
{
    return text.len == strlen(wanted) && memcmp(text.ptr, wanted, text.len) == 0;
}

/* --- one ------------------------------------------------------------------------------------ */

START_TEST(a_receipt_verifies_and_says_what_the_call_was)
{
    char text[RECEIPT_MAX + 1];
    struct receipt_facts facts = facts_of("inv1");
    open_signer();
    struct attest_receipt_keys *keys = keys_now();
    size_t len = receipts_make(signer, &facts, text);
    ck_assert_msg(judge(keys, text, len) == ATTEST_RECEIPT_GENUINE, "%s", detail);
    ck_assert(says(receipt.invocation, "inv1") && says(receipt.root, "inv1"));
    ck_assert(says(receipt.parent, "") && says(receipt.account, "alice"));
    ck_assert(says(receipt.cid, "bafkreiagent") && says(receipt.outcome, "ok"));
    ck_assert(receipt.attested);
    ck_assert_mem_eq(receipt.worker_key, note.worker_key, 32);
    ck_assert_mem_eq(receipt.evidence, note.evidence, 32);
    ck_assert_mem_eq(receipt.policy, note.policy, 32);
    ck_assert_uint_eq(receipt.attempts, 2);
    ck_assert_uint_eq(receipt.ms, 5);
    ck_assert_uint_eq(receipt.in, 6);
    ck_assert_uint_eq(receipt.out, 0);
    ck_assert_uint_eq(receipt.unit_count, 2);
    ck_assert(says(receipt.units[0].name, "tokens") && receipt.units[0].count == 42);
    ck_assert(says(receipt.units[1].name, "*.cpu-ms_2") && receipt.units[1].count == 7);
    ck_assert_uint_eq(receipt.ceiling, 1000);
    ck_assert_uint_eq(receipt.charge, 24);
    ck_assert_uint_eq(receipt.status, 200);
    ck_assert_uint_eq(receipt.sequence, 9);
    ck_assert_uint_eq(receipt.began, 1700000000000);
    ck_assert_uint_eq(receipt.ended, 1700000000005);
    ck_assert(receipt.request.digested && receipt.request.whole && !receipt.response.whole);
    ck_assert_mem_eq(receipt.request.sha256, note.request.sha256, 32);
    ck_assert_uint_eq(receipt.size, 1);
    attest_receipt_keys_free(keys);
    close_signer();
}
END_TEST

START_TEST(every_changed_character_is_refused_for_the_part_it_is_in)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char text[RECEIPT_MAX + 1], first;
    struct receipt_facts facts = facts_of("inv1");
    unsigned tried = 0;
    open_signer();
    struct attest_receipt_keys *keys = keys_now();
    size_t len = receipts_make(signer, &facts, text);
    for (size_t i = 0; i < len; ++i) {
        first = text[i];
        /* Every bit of the six, and what is not base64url at all. */
        for (unsigned bit = 0; bit < 8; ++bit, ++tried) {
            const char *digit = strchr(digits, first);
            text[i] = bit < 6 && digit != NULL ? digits[(size_t)(digit - digits) ^ (1u << bit)]
                      : bit % 2 == 0           ? '='
                                               : '\0';
            ck_assert_msg(judge(keys, text, len) != ATTEST_RECEIPT_GENUINE, "at %zu: %c", i,
                          text[i]);
        }
        text[i] = first;
    }
    ck_assert_int_eq(judge(keys, text, len), ATTEST_RECEIPT_GENUINE);
    ck_assert_uint_gt(tried, 8 * 900);
    attest_receipt_keys_free(keys);
    close_signer();
}
END_TEST

START_TEST(a_receipt_cut_short_or_made_longer_is_refused)
{
    char text[3 * RECEIPT_MAX];
    struct receipt_facts facts = facts_of("inv1");
    open_signer();
    struct attest_receipt_keys *keys = keys_now();
    size_t len = receipts_make(signer, &facts, text);
    for (size_t cut = 0; cut < len; ++cut)
        ck_assert_int_eq(judge(keys, text, cut) == ATTEST_RECEIPT_GENUINE, false);
    memset(text + len, 'A', sizeof(text) - len);
    for (size_t more = 1; more < 9; ++more)
        ck_assert_int_eq(judge(keys, text, len + more), ATTEST_RECEIPT_MALFORMED);
    ck_assert_int_eq(judge(keys, text, sizeof(text)), ATTEST_RECEIPT_MALFORMED);
    memset(text + len, '\n', sizeof(text) - len);
    ck_assert_int_eq(judge(keys, text, len + 1), ATTEST_RECEIPT_GENUINE);
    memcpy(text + len, ".x", 2);
    ck_assert_int_eq(judge(keys, text, len + 2), ATTEST_RECEIPT_MALFORMED);
    attest_receipt_keys_free(keys);
    close_signer();
}
END_TEST

START_TEST(the_longest_record_in_the_deepest_tree_fits_a_receipt)
{
    char long_name[PRICE_UNIT_NAME_MAX], account[65], cid[132], inv[32];
    struct receipt_note most = note;
    struct receipt_facts facts = facts_of("x");
    char record[RECEIPT_RECORD_MAX];
    memset(long_name, 'n', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    memset(account, 'a', 64);
    memset(cid, 'b', 131);
    memset(inv, 'i', 31);
    facts.invocation = facts.parent = facts.root = span_of(inv, 26);
    facts.account = span_of(account, 64);
    facts.cid = span_of(cid, 131);
    facts.note = &most;
    facts.usage = (struct usage){UINT64_C(86400000), UINT64_C(1) << 40, UINT64_C(1) << 40, {0}};
    facts.ceiling_ucr = facts.charge_ucr = facts.sequence = PRICE_UCR_MAX;
    facts.outcome = SPAN_OF("idempotency-in-progress-xx");
    facts.ended_ms = most.began_ms = UINT64_C(9999999999999);
    most.request.whole = most.response.whole = false;
    most.attempts = 1000;
    most.unit_count = PRICE_UNITS_MAX;
    for (unsigned i = 0; i < PRICE_UNITS_MAX; ++i) {
        memcpy(most.units[i], long_name, sizeof(long_name));
        most.units[i][0] = (char)('a' + i);
        facts.usage.units[i] = UINT64_C(999999999999999);
    }
    size_t len = receipt_record(record, &facts);
    ck_assert_ptr_nonnull(memmem(record, len, "\"u7\":999999999999999", 20));
    ck_assert_ptr_null(memmem(record, len, "nnn", 3));
    /* The largest record, a path of 32 leaves, and a root signed in the year 5138. */
    size_t jws = BASE64URL_CHARS(88) + 1 + BASE64URL_CHARS(84) + 1 + BASE64URL_CHARS(64);
    ck_assert_uint_le(BASE64URL_CHARS(RECEIPT_RECORD_MAX) + 1 + BASE64URL_CHARS(2 + 5 * 32) + 1 +
                          jws,
                      RECEIPT_MAX);
    /* What the largest note needs fits the ledger's word. */
    char text[RECEIPT_NOTE_MAX];
    struct receipt_note again;
    size_t note_len = receipt_note_write(text, &most);
    ck_assert(receipt_note_read(span_of(text, note_len), &again));
    ck_assert_str_eq(again.units[7], most.units[7]);
}
END_TEST

/* --- notes ---------------------------------------------------------------------------------- */

START_TEST(a_note_is_read_as_it_was_written_and_any_other_is_none)
{
    char text[RECEIPT_NOTE_MAX], record[RECEIPT_RECORD_MAX], same[RECEIPT_RECORD_MAX];
    struct receipt_note again;
    struct receipt_facts facts = facts_of("inv1");
    size_t len = receipt_note_write(text, &note);
    for (size_t i = 0; i < len; ++i) /* what settle.lua takes as a word */
        ck_assert(strchr("._:@+/=,;~-", text[i]) != NULL || (text[i] >= '0' && text[i] <= '9') ||
                  (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z'));
    ck_assert(receipt_note_read(span_of(text, len), &again));
    size_t record_len = receipt_record(record, &facts);
    facts.note = &again;
    ck_assert_uint_eq(receipt_record(same, &facts), record_len);
    ck_assert_mem_eq(record, same, record_len);
    for (size_t cut = 0; cut < len - strlen("tokens,~.cpu-ms_2"); ++cut)
        ck_assert(!receipt_note_read(span_of(text, cut), &again));
    static const char *const bad[] = {"",
                                      ";",
                                      "1;;;;;;;;;;",
                                      "2;;;;1;2;;;;",
                                      "1;;;;1;2;;;x;",
                                      "1;;;;1;2;;;rq;",
                                      "1;;;;-1;2;;;;",
                                      "1;A;;;1;2;;;;",
                                      "1;;;;1;2;;;;,",
                                      "1;;;;1;2;;;;a,b,c,d,e,f,g,h,i",
                                      "1;;;;1;2;;;;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i)
        ck_assert_msg(!receipt_note_read(span_text(bad[i]), &again), "%s", bad[i]);
    ck_assert(receipt_note_read(SPAN_OF("1;;;;1;2;;;;"), &again));
}
END_TEST

/* --- trees ---------------------------------------------------------------------------------- */

struct asker {
    struct receipt_wait wait;
    unsigned *answered;
};

static void count_answer(struct receipt_wait *wait)
{
    struct asker *asker = container_of(wait, struct asker, wait);
    ++*asker->answered;
}

START_TEST(what_one_turn_asks_for_is_signed_together_and_each_verifies)
{
    static const unsigned counts[] = {1, 2, 3, 5, 32, 33, 1000};
    open_signer();
    struct attest_receipt_keys *keys = keys_now();
    struct loop *loop = loop_new();
    struct receipts *receipts = receipts_new(loop, signer, &stats);
    uint64_t made = 0, roots = 0;
    for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); ++c) {
        unsigned answered = 0;
        struct asker *askers = alloc_array(counts[c], sizeof(*askers));
        for (unsigned i = 0; i < counts[c]; ++i) {
            char name[32];
            snprintf(name, sizeof(name), "inv%u", i);
            struct receipt_facts facts = facts_of(name);
            askers[i].wait.answer = count_answer;
            askers[i].answered = &answered;
            receipts_ask(receipts, &askers[i].wait, &facts);
        }
        ck_assert_uint_eq(answered, 0); /* never before it returns */
        fake_loop_settle(loop);
        ck_assert_uint_eq(answered, counts[c]);
        for (unsigned i = 0; i < counts[c]; ++i) {
            char name[32];
            snprintf(name, sizeof(name), "inv%u", i);
            const char *text = askers[i].wait.text;
            ck_assert_msg(judge(keys, text, strlen(text)) == ATTEST_RECEIPT_GENUINE, "%u of %u: %s",
                          i, counts[c], detail);
            ck_assert(says(receipt.invocation, name));
            ck_assert_uint_eq(receipt.index, i % RECEIPTS_LEAVES_MAX);
            receipt_wait_fini(&askers[i].wait);
        }
        free(askers);
        made += counts[c];
        roots += (counts[c] + RECEIPTS_LEAVES_MAX - 1) / RECEIPTS_LEAVES_MAX;
        ck_assert_uint_eq(stats_read(&stats.receipts), made);
        ck_assert_uint_eq(stats_read(&stats.receipt_roots), roots);
    }
    receipts_free(receipts);
    loop_free(loop);
    attest_receipt_keys_free(keys);
    close_signer();
}
END_TEST

static void part_of(const char *text, unsigned number, struct span *out)
{
    struct span rest = span_text(text);
    for (unsigned i = 0; i <= number; ++i) {
        *out = span_of(rest.ptr, span_find(rest, '.'));
        rest = span_from(rest, out->len + 1);
    }
}

START_TEST(a_record_with_anothers_path_is_refused_even_from_the_same_tree)
{
    open_signer();
    struct attest_receipt_keys *keys = keys_now();
    struct loop *loop = loop_new();
    struct receipts *receipts = receipts_new(loop, signer, &stats);
    struct asker askers[7] = {{.answered = NULL}};
    unsigned answered = 0;
    for (unsigned i = 0; i < 7; ++i) {
        char name[8];
        snprintf(name, sizeof(name), "inv%u", i);
        struct receipt_facts facts = facts_of(name);
        askers[i] = (struct asker){.wait = {.answer = count_answer}, .answered = &answered};
        receipts_ask(receipts, &askers[i].wait, &facts);
    }
    receipt_wait_fini(&askers[3].wait); /* its caller left: six leaves */
    fake_loop_settle(loop);
    ck_assert_uint_eq(answered, 6);
    ck_assert_ptr_null(askers[3].wait.text);
    for (unsigned i = 0; i < 7; ++i)
        for (unsigned j = 0; j < 7; ++j) {
            char text[RECEIPT_MAX + 1];
            struct span record, path, rest;
            if (i == 3 || j == 3)
                continue;
            part_of(askers[i].wait.text, 0, &record);
            part_of(askers[j].wait.text, 1, &path);
            rest = span_text(path.ptr + path.len);
            int len = snprintf(text, sizeof(text), "%.*s.%.*s%s", (int)record.len, record.ptr,
                               (int)path.len, path.ptr, rest.ptr);
            ck_assert_int_eq(judge(keys, text, (size_t)len),
                             i == j ? ATTEST_RECEIPT_GENUINE : ATTEST_RECEIPT_PATH);
        }
    for (unsigned i = 0; i < 7; ++i)
        receipt_wait_fini(&askers[i].wait);
    receipts_free(receipts);
    loop_free(loop);
    attest_receipt_keys_free(keys);
    close_signer();
}
END_TEST

/* The tree of RFC 6962 2.1 by its own words: split at the largest power of two below the count. */
static struct merkle_hash slow_root(const struct merkle_hash *leaves, size_t count)
{
    if (count == 1)
        return leaves[0];
    size_t split = 1;
    while (split * 2 < count)
        split *= 2;
    struct merkle pair;
    pair.nodes[0] = slow_root(leaves, split);
    pair.nodes[1] = slow_root(leaves + split, count - split);
    merkle_grow(&pair, 2);
    return *merkle_root(&pair);
}

START_TEST(a_tree_of_any_size_has_the_root_of_rfc_6962)
{
    struct merkle *tree = alloc_zeroed(sizeof(*tree));
    struct merkle_hash leaves[300];
    for (uint32_t i = 0; i < 300; ++i)
        leaves[i] = merkle_leaf(span_of(&i, sizeof(i)));
    for (size_t count = 1; count <= 300; ++count) {
        memcpy(tree->nodes, leaves, count * sizeof(*leaves));
        merkle_grow(tree, count);
        struct merkle_hash wanted = slow_root(leaves, count);
        ck_assert_mem_eq(merkle_root(tree), &wanted, sizeof(wanted));
    }
    /* RFC 6962 2.1: the hash of an empty leaf is SHA-256(0x00). */
    struct merkle_hash empty = merkle_leaf(SPAN_NONE);
    static const unsigned char known[] = {0x6e, 0x34, 0x0b, 0x9c, 0xff, 0xb3, 0x7a, 0x98};
    ck_assert_mem_eq(empty.bytes, known, sizeof(known));
    free(tree);
}
END_TEST

/* --- keys ----------------------------------------------------------------------------------- */

START_TEST(keys_outlive_their_process_and_a_rotated_one_is_still_shown)
{
    struct signer_key first[SIGNER_KEYS_MAX], now[SIGNER_KEYS_MAX];
    struct stat status;
    char text[RECEIPT_MAX + 1];
    struct receipt_facts facts = facts_of("inv1");
    open_signer();
    ck_assert_int_eq(stat(in_dir("receipt-key"), &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    ck_assert_uint_eq(signer_keys(signer, first), 1);
    size_t len = receipts_make(signer, &facts, text);
    for (unsigned i = 1; i <= SIGNER_KEYS_MAX + 3; ++i) {
        ck_assert_msg(signer_rotate(signer, error, sizeof(error)), "%s", error);
        unsigned count = signer_keys(signer, now);
        ck_assert_uint_eq(count, i < SIGNER_KEYS_MAX ? i + 1 : SIGNER_KEYS_MAX);
        struct attest_receipt_keys *keys = keys_now();
        ck_assert_int_eq(judge(keys, text, len),
                         i < SIGNER_KEYS_MAX ? ATTEST_RECEIPT_GENUINE : ATTEST_RECEIPT_KEY);
        attest_receipt_keys_free(keys);
    }
    signer_close(signer);
    signer = signer_open(dir, error, sizeof(error));
    ck_assert_msg(signer != NULL, "%s", error);
    ck_assert_uint_eq(signer_keys(signer, first), SIGNER_KEYS_MAX);
    ck_assert_mem_eq(first, now, sizeof(now));
    close_signer();
}
END_TEST

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_dir(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(a_file_that_holds_no_key_stops_the_start_with_a_sentence)
{
    static const char *const bad[] = {"", "\n", "x\n",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nmore"};
    open_signer();
    signer_close(signer);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i) {
        write_file("receipt-key", bad[i]);
        ck_assert_ptr_null(signer_open(dir, error, sizeof(error)));
        ck_assert_ptr_nonnull(strstr(error, "receipt-key does not hold a key"));
    }
    write_file("receipt-key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    write_file("receipt-keys-old", "x\n");
    ck_assert_ptr_null(signer_open(dir, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "receipt-keys-old"));
    unlink(in_dir("receipt-keys-old"));
    signer = signer_open(dir, error, sizeof(error));
    ck_assert_ptr_nonnull(signer);
    close_signer();
}
END_TEST

START_TEST(a_key_id_is_the_thumbprint_of_rfc_8037)
{
    struct signer_key key; /* RFC 8037 A.2, A.3 */
    ck_assert(signer_key_of(SPAN_OF("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), &key));
    ck_assert_str_eq(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    ck_assert(!signer_key_of(SPAN_OF("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR"), &key));
    ck_assert(!signer_key_of(SPAN_OF("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="), &key));
    ck_assert(!signer_key_of(SPAN_OF("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo"), &key));
    ck_assert(!signer_key_of(SPAN_NONE, &key));
}
END_TEST

START_TEST(keys_that_are_no_jwk_set_are_refused_with_a_sentence)
{
    static const char x[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"", false},
        {"[]", false},
        {"{}", false},
        {"{\"keys\":[]}", false},
        {"{\"keys\":[1]}", false},
        {"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\"}]}", false},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\"}]}", false},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}]}", false},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"short\",\"x\":\"%s\"}]}",
         false},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"x\":\"%s\"}]}", true},
        {"{\"keys\":[{\"kty\":\"EC\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\","
         "\"x\":\"%s\"}]}",
         true},
        {"{\"name\":\"teegate\",\"receipt_keys\":{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
         "\"kid\":\"%s\",\"x\":\"%s\"}]}}",
         true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        char json[512];
        size_t len = 0;
        for (const char *c = rows[i].text; *c != '\0'; ++c) {
            bool is_x = c[0] == '%' && c[1] == 's';
            len += (size_t)snprintf(json + len, sizeof(json) - len, is_x ? "%s" : "%.1s",
                                    is_x ? x : c);
            c += is_x;
        }
        struct attest_bytes bytes = {(const uint8_t *)json, len};
        error[0] = '\0';
        struct attest_receipt_keys *keys = attest_receipt_keys_parse(bytes, error, sizeof(error));
        ck_assert_msg((keys != NULL) == rows[i].good, "%.*s", (int)len, json);
        ck_assert(rows[i].good || error[0] != '\0');
        attest_receipt_keys_free(keys);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_receipt_verifies_and_says_what_the_call_was,
        every_changed_character_is_refused_for_the_part_it_is_in,
        a_receipt_cut_short_or_made_longer_is_refused,
        the_longest_record_in_the_deepest_tree_fits_a_receipt,
        a_note_is_read_as_it_was_written_and_any_other_is_none,
        what_one_turn_asks_for_is_signed_together_and_each_verifies,
        a_record_with_anothers_path_is_refused_even_from_the_same_tree,
        a_tree_of_any_size_has_the_root_of_rfc_6962,
        keys_outlive_their_process_and_a_rotated_one_is_still_shown,
        a_file_that_holds_no_key_stops_the_start_with_a_sentence,
        a_key_id_is_the_thumbprint_of_rfc_8037,
        keys_that_are_no_jwk_set_are_refused_with_a_sentence,
        NULL,
    };
    return checks_run("receipts", tests);
}
