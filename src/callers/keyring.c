#include "callers/keyring.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "callers/answer.h"

enum { RENEW_MS = 10000, ASK_MS_MAX = 2000 };

#define KEYRING_KEY "tg:{reg}:receipt-keys"

struct keyring {
    struct loop *loop;
    struct store *store;
    const struct signer *signer;
    struct timer tick;
    struct signer_key others[KEYRING_MAX]; /* as the store had them; ours may be among them */
    unsigned other_count;
};

static void note_keys(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct keyring *keyring = owner;
    if (!answer_is_array(reply))
        return; /* the next look is soon */
    keyring->other_count = 0;
    for (size_t i = 0; i < answer_count(reply) && keyring->other_count < KEYRING_MAX; ++i)
        keyring->other_count +=
            signer_key_of(answer_word(reply, i), &keyring->others[keyring->other_count]);
}

static void note_registered(void *owner, uint64_t id, const struct redisReply *reply)
{
    /* If it was not, the next round does it again. */
}

static void renew(void *owner)
{
    struct keyring *keyring = owner;
    struct signer_key own[SIGNER_KEYS_MAX];
    struct words words;
    uint64_t now = loop_now(keyring->loop);
    timer_set(&keyring->tick, now + RENEW_MS);
    unsigned count = signer_keys(keyring->signer, own);
    for (unsigned i = 0; i < count; ++i) {
        words_init(&words);
        words_add_text(&words, "HSETNX");
        words_add_text(&words, KEYRING_KEY);
        words_add_text(&words, own[i].kid);
        words_add_text(&words, own[i].x);
        if (!store_call(keyring->store, &words, now + ASK_MS_MAX, note_registered, keyring, 0))
            return;
    }
    words_init(&words);
    words_add_text(&words, "HVALS");
    words_add_text(&words, KEYRING_KEY);
    if (!store_call(keyring->store, &words, now + ASK_MS_MAX, note_keys, keyring, 0))
        return; /* as above */
}

void keyring_note_up(struct keyring *keyring)
{
    renew(keyring);
}

static bool has(const struct signer_key *keys, unsigned count, const struct signer_key *key)
{
    for (unsigned i = 0; i < count; ++i)
        if (strcmp(keys[i].x, key->x) == 0)
            return true;
    return false;
}

unsigned keyring_keys(const struct keyring *keyring, struct signer_key out[KEYRING_MAX])
{
    unsigned count = signer_keys(keyring->signer, out);
    unsigned own = count;
    for (unsigned i = 0; i < keyring->other_count && count < KEYRING_MAX; ++i)
        if (!has(out, own, &keyring->others[i]))
            out[count++] = keyring->others[i];
    return count;
}

struct keyring *keyring_new(struct loop *loop, struct store *store, const struct signer *signer)
{
    struct keyring *keyring = alloc_zeroed(sizeof(*keyring));
    keyring->loop = loop;
    keyring->store = store;
    keyring->signer = signer;
    timer_init(&keyring->tick, loop, renew, keyring);
    return keyring;
}

void keyring_free(struct keyring *keyring)
{
    timer_fini(&keyring->tick);
    free(keyring);
}
