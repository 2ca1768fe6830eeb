#include "callers/replay.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "callers/answer.h"

enum {
    KEPT_MS_DEFAULT = 30000, /* above 2 s, which everysec may lose, and the time a failover takes */
    ASK_MS_MAX = 2000,
    RUN_ID_CHARS = 40
};

struct kept {
    struct list node;
    uint64_t until;
    size_t len;
    char text[];
};

struct replay {
    struct loop *loop;
    struct store *store;
    struct replay_options options;
    struct list kept; /* oldest first */
    uint32_t count;
    char run_id[RUN_ID_CHARS]; /* of the server that acknowledged them; zeros: not known */
};

static void drop_oldest(struct replay *replay)
{
    struct list *node = list_take(&replay->kept);
    --replay->count;
    free(container_of(node, struct kept, node));
}

static void drop_old(struct replay *replay, uint32_t count_max)
{
    uint64_t now = loop_now(replay->loop);
    while (replay->count > 0 && (replay->count > count_max ||
                                 container_of(replay->kept.next, struct kept, node)->until <= now))
        drop_oldest(replay);
}

void replay_keep(struct replay *replay, struct span text)
{
    struct kept *kept = alloc_zeroed(sizeof(*kept) + text.len);
    list_init(&kept->node);
    kept->until = loop_now(replay->loop) + replay->options.kept_ms;
    kept->len = text.len;
    memcpy(kept->text, text.ptr, text.len);
    list_append(&replay->kept, &kept->node);
    ++replay->count;
    drop_old(replay, replay->options.count_max);
}

/* They stay kept: the next server may have lost them too. */
static void send_again(struct replay *replay)
{
    struct list *node;
    drop_old(replay, replay->options.count_max);
    list_each (node, &replay->kept) {
        const struct kept *kept = container_of(node, struct kept, node);
        replay->options.again(replay->options.owner, span_of(kept->text, kept->len));
    }
}

/* The value of "run_id:" in the text of INFO; zeros when it is not there. */
static void read_run_id(char out[RUN_ID_CHARS], struct span info)
{
    struct span label = SPAN_OF("run_id:");
    memset(out, 0, RUN_ID_CHARS);
    while (info.len > 0) {
        size_t end = span_find(info, '\n');
        if (span_starts(info, label) && end >= label.len + RUN_ID_CHARS) {
            memcpy(out, info.ptr + label.len, RUN_ID_CHARS);
            return;
        }
        info = span_from(info, end + 1);
    }
}

static void note_server(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct replay *replay = owner;
    static const char unknown[RUN_ID_CHARS];
    char run_id[RUN_ID_CHARS];
    if (reply == NULL)
        return; /* the connection went: the next one asks */
    read_run_id(run_id, answer_text(reply));
    bool same = memcmp(run_id, replay->run_id, RUN_ID_CHARS) == 0;
    memcpy(replay->run_id, run_id, RUN_ID_CHARS);
    /* A server that does not say who it is may be another. */
    if (!same || memcmp(run_id, unknown, RUN_ID_CHARS) == 0)
        send_again(replay);
}

void replay_note_up(struct replay *replay)
{
    struct words words;
    words_init(&words);
    words_add_text(&words, "INFO");
    words_add_text(&words, "server");
    if (!store_call(replay->store, &words, loop_now(replay->loop) + ASK_MS_MAX, note_server, replay,
                    0))
        send_again(replay);
}

struct replay *replay_new(struct loop *loop, struct store *store,
                          const struct replay_options *options)
{
    struct replay *replay = alloc_zeroed(sizeof(*replay));
    replay->loop = loop;
    replay->store = store;
    replay->options = *options;
    if (replay->options.kept_ms == 0)
        replay->options.kept_ms = KEPT_MS_DEFAULT;
    list_init(&replay->kept);
    return replay;
}

void replay_free(struct replay *replay)
{
    while (replay->count > 0)
        drop_oldest(replay);
    free(replay);
}
