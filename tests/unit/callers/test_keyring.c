/* Every gateway shows the keys of all, through a real redis-server. */
#include "callers/keyring.h"

#include <stdio.h>
#include <unistd.h>

#include "lane.h"
#include "unit/checks.h"

static struct lane lane;

struct gateway {
    char dir[64];
    struct signer *signer;
    struct keyring *keyring;
};

static void gateway_open(struct gateway *gateway)
{
    char error[256] = "";
    snprintf(gateway->dir, sizeof(gateway->dir), P_tmpdir "/teegate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(gateway->dir));
    gateway->signer = signer_open(gateway->dir, error, sizeof(error));
    ck_assert_msg(gateway->signer != NULL, "%s", error);
    gateway->keyring = keyring_new(lane.loop, lane.store, gateway->signer);
}

static void gateway_close(struct gateway *gateway)
{
    static const char *const names[] = {"receipt-key", "receipt-keys-old"};
    char path[128];
    keyring_free(gateway->keyring);
    signer_close(gateway->signer);
    for (size_t i = 0; i < 2; ++i) {
        snprintf(path, sizeof(path), "%s/%s", gateway->dir, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(gateway->dir), 0);
}

static unsigned shown(const struct gateway *gateway, struct signer_key out[KEYRING_MAX])
{
    return keyring_keys(gateway->keyring, out);
}

START_TEST(a_key_registered_by_one_gateway_is_shown_by_the_other_behind_its_own)
{
    struct gateway one, two;
    struct signer_key keys[KEYRING_MAX], own[SIGNER_KEYS_MAX];
    char error[128];
    lane_open(&lane);
    lane_until(&lane, lane.ups > 0);
    gateway_open(&one);
    gateway_open(&two);
    ck_assert_uint_eq(shown(&two, keys), 1); /* its own, whatever the store says */
    ck_assert(signer_rotate(one.signer, error, sizeof(error)));
    keyring_note_up(one.keyring);
    keyring_note_up(two.keyring);
    lane_until(&lane, shown(&two, keys) == 3);
    signer_keys(two.signer, own);
    ck_assert_str_eq(keys[0].kid, own[0].kid);
    lane_until(&lane, shown(&one, keys) == 2 || shown(&one, keys) == 3);
    keyring_note_up(one.keyring);
    lane_until(&lane, shown(&one, keys) == 3);
    ck_assert_uint_eq(signer_keys(one.signer, own), 2);
    ck_assert_mem_eq(keys, own, 2 * sizeof(*own));
    store_close(lane.store);
    gateway_close(&one);
    gateway_close(&two);
    lane_close(&lane);
}
END_TEST

START_TEST(what_is_no_key_is_not_shown_and_an_away_store_forgets_nothing)
{
    struct gateway one;
    struct signer_key keys[KEYRING_MAX];
    lane_open(&lane);
    lane_until(&lane, lane.ups > 0);
    gateway_open(&one);
    caller_say(&lane.redis, "HSET tg:{reg}:receipt-keys a b c %s d %s",
               "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
               "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp");
    keyring_note_up(one.keyring);
    lane_until(&lane, shown(&one, keys) == 2);
    /* The id is worked out, not believed. */
    ck_assert_str_eq(keys[1].kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    caller_say(&lane.redis, "DEL tg:{reg}:receipt-keys");
    caller_say(&lane.redis, "SET tg:{reg}:receipt-keys x"); /* WRONGTYPE from now on */
    keyring_note_up(one.keyring);
    lane_turn_for(&lane, 100);
    ck_assert_uint_eq(shown(&one, keys), 2);
    store_close(lane.store);
    gateway_close(&one);
    lane_close(&lane);
}
END_TEST

START_TEST(more_keys_than_are_shown_leave_out_others_never_our_own)
{
    struct gateway one;
    struct signer_key keys[KEYRING_MAX], own[SIGNER_KEYS_MAX];
    lane_open(&lane);
    lane_until(&lane, lane.ups > 0);
    gateway_open(&one);
    for (unsigned i = 0; i < 300; ++i)
        caller_say(&lane.redis,
                   "HSET tg:{reg}:receipt-keys k%u %03uAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", i,
                   i);
    keyring_note_up(one.keyring);
    lane_until(&lane, shown(&one, keys) == KEYRING_MAX);
    signer_keys(one.signer, own);
    ck_assert_str_eq(keys[0].x, own[0].x);
    store_close(lane.store);
    gateway_close(&one);
    lane_close(&lane);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_key_registered_by_one_gateway_is_shown_by_the_other_behind_its_own,
        what_is_no_key_is_not_shown_and_an_away_store_forgets_nothing,
        more_keys_than_are_shown_leave_out_others_never_our_own,
        NULL,
    };
    return checks_run("keyring", tests);
}
