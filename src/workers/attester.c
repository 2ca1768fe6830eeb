#include "workers/attester.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "workers/dossiers.h"
#include "workers/supply.h"
#include "workers/verdicts.h"

/* LANES: those that may take their leave at once. ORDERS: configurations not read yet. TICK: how
 * often ends are looked at; ENDS: from here on that is told, every so often. */
enum {
    LATE_MS = 10,
    LANES_MAX = 1024,
    ORDERS_MAX = 64,
    TICK_MS = 60000,
    FRESH_S = 7200,
    ENDS_SOON_S = 3 * 24 * 3600,
    ENDS_SAID_S = 3600
};

struct attester {
    const struct log *log;
    struct loop *loop;
    struct mailbox *mailbox;
    pthread_t thread;
    _Atomic uint32_t waiting;
    _Atomic uint32_t showing;
    _Atomic uint64_t version;
    _Atomic int64_t ends;
    struct stats stats;
    struct letter stop;
    /* the thread's */
    bool stopping;
    struct verdicts verdicts;
    struct dossiers dossiers;
    struct supply supply;
    struct list parked; /* questions whose collateral is on its way */
    struct list late;   /* answers whose mailbox was full */
    struct timer late_timer;
    struct timer tick;
    struct wake wake;
    int64_t ends_said_at;
};

/* Goes to the attester as a question and comes back as the answer. */
struct question {
    struct letter letter;
    struct trust *trust;
    struct mailbox *mailbox;
    void (*answer)(void *owner, uint64_t id, const struct proof *proof);
    uint64_t id;
    struct proof proof;
    char pool[POOL_NAME_MAX];
    char worker[WORKER_ID_MAX];
    struct attester_answer *answered; /* NULL: the certificate alone is asked about */
    size_t certificate_bytes;         /* as shown; more than are held when it is too large */
    char certificate[];
};

/* Asks for a worker's evidence, and comes back with it. */
struct show {
    struct letter letter;
    struct mailbox *mailbox;
    void (*answer)(void *owner, uint64_t id, struct span json);
    void *owner;
    uint64_t id;
    char *json; /* NULL: nothing is known */
    char worker[WORKER_ID_MAX];
};

struct order {
    struct letter letter;
    struct collateral_options options;
};

/* A lane's leave: on its stack until the attester's thread has read it. */
struct leave {
    struct letter letter;
    struct mailbox *mailbox;
    sem_t taken;
};

static void question_free(struct question *question)
{
    trust_give(question->trust);
    free(question->answered);
    free(question);
}

/* --- on the asker's thread ----------------------------------------------------------------- */

static void deliver(struct letter *letter, void *owner)
{
    struct question *question = container_of(letter, struct question, letter);
    question->answer(owner, question->id, &question->proof);
    question_free(question);
}

static void deliver_show(struct letter *letter, void *owner)
{
    struct show *show = container_of(letter, struct show, letter);
    show->answer(show->owner, show->id, show->json == NULL ? SPAN_NONE : span_text(show->json));
    free(show->json);
    free(show);
}

/* --- on the attester's thread -------------------------------------------------------------- */

/* False when the asker's mailbox is full. */
static bool hand_back(struct attester *attester, struct question *question)
{
    question->letter.read = deliver;
    if (!mailbox_post(question->mailbox, &question->letter))
        return false;
    atomic_fetch_sub_explicit(&attester->waiting, 1, memory_order_relaxed);
    return true;
}

static void be_late(struct attester *attester)
{
    if (!list_is_empty(&attester->late))
        timer_set(&attester->late_timer, loop_now(attester->loop) + LATE_MS);
}

static void try_late(void *owner)
{
    struct attester *attester = owner;
    struct list now;
    struct list *node;
    list_init(&now);
    list_move_all(&now, &attester->late);
    while ((node = list_take(&now)) != NULL) {
        struct question *question = container_of(node, struct question, letter.node);
        if (!hand_back(attester, question))
            list_append(&attester->late, &question->letter.node);
    }
    be_late(attester);
}

static void say_judged(const struct attester *attester, const struct question *question,
                       uint64_t took_us)
{
    struct log_line line;
    log_begin(&line, LOG_DEBUG, "verified");
    json_bool(&line.json, "trusted", question->proof.trusted);
    json_text(&line.json, "reason", span_text(question->proof.reason));
    json_u64(&line.json, "certificate_bytes", question->certificate_bytes);
    json_u64(&line.json, "took_us", took_us);
    log_write(attester->log, &line);
}

static struct span certificate_of(const struct question *question)
{
    return span_of(question->certificate, question->certificate_bytes);
}

/* What is lacking is asked for. True while the question is to wait for it. */
static bool wants(struct attester *attester, struct question *question, int64_t now_ms)
{
    struct attest_verdict verdict = {0};
    struct proof *proof = &question->proof;
    char source[POOL_NAME_MAX + WORKER_ID_MAX + 1];
    char detail[sizeof(proof->detail)];
    int len = snprintf(source, sizeof(source), "%s/%s", question->pool, question->worker);
    switch (supply_want(&attester->supply, question->trust, certificate_of(question),
                        span_of(source, (size_t)len), now_ms, &verdict, detail, sizeof(detail))) {
    case SUPPLY_NONE:
        return false;
    case SUPPLY_FOREIGN:
        proof_refuse(proof, attest_reason_word(verdict.reason), verdict.detail);
        return false;
    case SUPPLY_COMING:
        loop_wake(attester->loop, &attester->wake);
        return true;
    case SUPPLY_FAILED:
        snprintf(proof->detail, sizeof(proof->detail), "%s", detail);
        proof->unjudged = true;
        return false;
    }
    return false;
}

static void answer(struct attester *attester, struct question *question, int64_t now_ms)
{
    const struct subject subject = {question->pool, question->worker};
    if (!question->proof.unjudged && question->answered == NULL)
        dossiers_keep(&attester->dossiers, &subject, question->trust, certificate_of(question),
                      &question->proof, now_ms / 1000);
    trust_give(question->trust);
    question->trust = NULL;
    if (hand_back(attester, question))
        return;
    list_append(&attester->late, &question->letter.node);
    be_late(attester);
}

static void judge(struct attester *attester, struct question *question)
{
    uint64_t began_us = clock_monotonic_us();
    int64_t now_ms = clock_unix_ms();
    struct grounds grounds = supply_grounds(&attester->supply, question->trust);
    bool anew = true;
    if (question->answered != NULL)
        proof_judge_answer(&grounds, question->answered, now_ms, &question->proof);
    else
        anew = verdicts_judge(&attester->verdicts, &grounds, certificate_of(question), now_ms,
                              &question->proof);
    if (anew)
        say_judged(attester, question, clock_monotonic_us() - began_us);
    if (question->answered == NULL && question->trust != NULL &&
        proof_lacks_collateral(&question->proof) && wants(attester, question, now_ms))
        list_append(&attester->parked, &question->letter.node);
    else
        answer(attester, question, now_ms);
}

static void read_question(struct letter *letter, void *owner)
{
    struct attester *attester = owner;
    struct question *question = container_of(letter, struct question, letter);
    list_init(&letter->node);
    if (attester->stopping)
        question_free(question);
    else
        judge(attester, question);
}

static void read_show(struct letter *letter, void *owner)
{
    struct attester *attester = owner;
    struct show *show = container_of(letter, struct show, letter);
    list_init(&letter->node);
    show->json = dossiers_show(&attester->dossiers, span_text(show->worker));
    show->letter.read = deliver_show;
    atomic_fetch_sub_explicit(&attester->showing, 1, memory_order_relaxed);
    /* Who cannot read his letters is told nothing: he gives up after a time of his own. */
    if (!attester->stopping && mailbox_post(show->mailbox, &show->letter))
        return;
    free(show->json);
    free(show);
}

/* --- collateral ---------------------------------------------------------------------------- */

static void say_ends(struct attester *attester, int64_t now)
{
    int64_t ends = atomic_load_explicit(&attester->ends, memory_order_relaxed);
    if (ends == 0 || ends - now > ENDS_SOON_S || now - attester->ends_said_at < ENDS_SAID_S)
        return;
    attester->ends_said_at = now;
    struct log_line line;
    log_begin(&line, LOG_WARNING, "collateral-ends-soon");
    json_i64(&line.json, "seconds_left", ends - now);
    json_text(&line.json, "detail",
              SPAN_OF("the collateral that trusted workers stand on: renew its files, or look why "
                      "it is not fetched"));
    log_write(attester->log, &line);
}

static void note_ends(struct attester *attester, int64_t now)
{
    int64_t ends = dossiers_collateral_ends(&attester->dossiers, now - FRESH_S);
    int64_t fetched = supply_ends(&attester->supply);
    if (ends == 0 || (fetched != 0 && fetched < ends))
        ends = fetched;
    atomic_store_explicit(&attester->ends, ends, memory_order_relaxed);
    say_ends(attester, now);
}

/* Sends what is due, and judges again what waited for what came. */
static void look(void *owner)
{
    struct attester *attester = owner;
    int64_t now_ms = clock_unix_ms();
    if (attester->stopping)
        return;
    int64_t next = supply_run(&attester->supply, now_ms);
    bool came = attester->supply.has_news;
    attester->supply.has_news = false;
    atomic_store_explicit(&attester->version, attester->supply.version, memory_order_relaxed);
    struct list parked;
    list_init(&parked);
    if (came)
        list_move_all(&parked, &attester->parked);
    for (struct list *node; (node = list_take(&parked)) != NULL;)
        judge(attester, container_of(node, struct question, letter.node));
    note_ends(attester, now_ms / 1000);
    uint64_t wait = next - now_ms < TICK_MS ? (uint64_t)(next - now_ms) : TICK_MS;
    timer_set(&attester->tick, loop_now(attester->loop) + wait);
}

static void note_tick(void *owner)
{
    struct attester *attester = owner;
    loop_wake(attester->loop, &attester->wake);
}

static void read_errand(struct letter *letter, void *owner)
{
    struct attester *attester = owner;
    supply_take(&attester->supply, letter, clock_unix_ms());
    loop_wake(attester->loop, &attester->wake);
}

static void read_order(struct letter *letter, void *owner)
{
    struct attester *attester = owner;
    struct order *order = container_of(letter, struct order, letter);
    supply_configure(&attester->supply, &order->options);
    loop_wake(attester->loop, &attester->wake);
    free(order);
}

static void drop_those_of(struct attester *attester, struct list *questions,
                          const struct mailbox *mailbox)
{
    struct list *node;
    struct list *after;
    list_each_safe (node, after, questions) {
        struct question *question = container_of(node, struct question, letter.node);
        if (question->mailbox != mailbox)
            continue;
        list_remove(node);
        question_free(question);
        atomic_fetch_sub_explicit(&attester->waiting, 1, memory_order_relaxed);
    }
}

/* Letters are read in order: what was asked before has been judged, and is posted, parked or late.
 */
static void take_leave(struct letter *letter, void *owner)
{
    struct attester *attester = owner;
    struct leave *leave = container_of(letter, struct leave, letter);
    drop_those_of(attester, &attester->late, leave->mailbox);
    drop_those_of(attester, &attester->parked, leave->mailbox);
    must(sem_post(&leave->taken) == 0);
}

static void note_stop(struct letter *letter, void *owner)
{
    struct attester *attester = owner;
    attester->stopping = true;
    supply_cancel(&attester->supply);
    loop_stop(attester->loop);
}

static void *run(void *arg)
{
    struct attester *attester = arg;
    loop_run(attester->loop);
    while (attester->supply.errands > 0)
        loop_turn(attester->loop); /* they are cancelled */
    return NULL;
}

/* --- from any thread ----------------------------------------------------------------------- */

struct attester *attester_start(const struct log *log)
{
    struct attester *attester = alloc_zeroed(sizeof(*attester));
    sigset_t all;
    sigset_t before;
    attester->log = log;
    attester->loop = loop_new();
    /* More letters than questions: there is always room for all others, and for the stop. */
    attester->mailbox = mailbox_open(attester->loop,
                                     ATTESTER_WAITS_MAX + ATTESTER_SHOWS_MAX + LANES_MAX +
                                         ORDERS_MAX + SUPPLY_ERRANDS_MAX + 1,
                                     attester);
    verdicts_init(&attester->verdicts, clock_monotonic_us());
    dossiers_init(&attester->dossiers, clock_monotonic_us());
    supply_init(&attester->supply, attester->mailbox, read_errand, log, &attester->stats,
                clock_monotonic_us());
    list_init(&attester->parked);
    list_init(&attester->late);
    timer_init(&attester->late_timer, attester->loop, try_late, attester);
    timer_init(&attester->tick, attester->loop, note_tick, attester);
    wake_init(&attester->wake, look, attester);
    /* Signals are the main thread's. */
    sigfillset(&all);
    must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    must(pthread_create(&attester->thread, NULL, run, attester) == 0);
    must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return attester;
}

void attester_stop(struct attester *attester)
{
    struct list *node;
    if (attester == NULL)
        return;
    attester->stop.read = note_stop;
    must(mailbox_post(attester->mailbox, &attester->stop));
    must(pthread_join(attester->thread, NULL) == 0);
    mailbox_close(attester->mailbox);
    while ((node = list_take(&attester->late)) != NULL)
        question_free(container_of(node, struct question, letter.node));
    while ((node = list_take(&attester->parked)) != NULL)
        question_free(container_of(node, struct question, letter.node));
    timer_fini(&attester->late_timer);
    timer_fini(&attester->tick);
    wake_cancel(&attester->wake);
    supply_fini(&attester->supply);
    dossiers_fini(&attester->dossiers);
    verdicts_fini(&attester->verdicts);
    loop_free(attester->loop);
    free(attester);
}

void attester_configure(struct attester *attester, const struct collateral_options *options)
{
    struct order *order = alloc_zeroed(sizeof(*order));
    list_init(&order->letter.node);
    order->letter.read = read_order;
    order->options = *options;
    /* One a reload: as many unread ones mean that the attester stands still. */
    must(mailbox_post(attester->mailbox, &order->letter));
}

/* One more, unless `most` are waiting. */
static bool enter(_Atomic uint32_t *waiting, uint32_t most)
{
    if (atomic_fetch_add_explicit(waiting, 1, memory_order_relaxed) < most)
        return true;
    atomic_fetch_sub_explicit(waiting, 1, memory_order_relaxed);
    return false;
}

static struct question *
question_new(struct trust *trust, struct span certificate, struct mailbox *mailbox,
             void (*answer_to)(void *owner, uint64_t id, const struct proof *proof), uint64_t id)
{
    size_t held = certificate.len <= ATTESTER_CERTIFICATE_BYTES_MAX ? certificate.len : 0;
    struct question *question = alloc_zeroed(sizeof(*question) + held);
    question->letter.read = read_question;
    list_init(&question->letter.node);
    question->trust = trust_take(trust);
    question->mailbox = mailbox;
    question->answer = answer_to;
    question->id = id;
    question->certificate_bytes = certificate.len;
    if (held > 0)
        memcpy(question->certificate, certificate.ptr, held);
    return question;
}

bool attester_ask(struct attester *attester, struct trust *trust, const struct subject *subject,
                  struct span certificate, struct mailbox *mailbox,
                  void (*answer_to)(void *owner, uint64_t id, const struct proof *proof),
                  uint64_t id)
{
    if (!enter(&attester->waiting, ATTESTER_WAITS_MAX))
        return false;
    struct question *question = question_new(trust, certificate, mailbox, answer_to, id);
    snprintf(question->pool, sizeof(question->pool), "%s", subject->pool);
    snprintf(question->worker, sizeof(question->worker), "%s", subject->worker);
    must(mailbox_post(attester->mailbox, &question->letter));
    return true;
}

/* With the bytes behind it; only certificates that were judged before come here, so this one is
 * whole. */
static struct attester_answer *copy_answer(const struct attester_answer *answered,
                                           const struct question *question)
{
    struct attester_answer *copy = alloc_zeroed(sizeof(*copy) + answered->answer.len);
    char *bytes = (char *)(copy + 1);
    must(answered->certificate.len <= ATTESTER_CERTIFICATE_BYTES_MAX);
    *copy = *answered;
    copy->certificate = span_of(question->certificate, question->certificate_bytes);
    if (answered->answer.len > 0)
        memcpy(bytes, answered->answer.ptr, answered->answer.len);
    copy->answer = span_of(bytes, answered->answer.len);
    return copy;
}

bool attester_ask_answer(struct attester *attester, struct trust *trust,
                         const struct attester_answer *answered, struct mailbox *mailbox,
                         void (*answer_to)(void *owner, uint64_t id, const struct proof *proof),
                         uint64_t id)
{
    if (!enter(&attester->waiting, ATTESTER_WAITS_MAX))
        return false;
    struct question *question = question_new(trust, answered->certificate, mailbox, answer_to, id);
    question->answered = copy_answer(answered, question);
    must(mailbox_post(attester->mailbox, &question->letter));
    return true;
}

bool attester_show(struct attester *attester, struct span worker, struct mailbox *mailbox,
                   void (*answer_to)(void *owner, uint64_t id, struct span json), void *owner,
                   uint64_t id)
{
    if (!enter(&attester->showing, ATTESTER_SHOWS_MAX))
        return false;
    struct show *show = alloc_zeroed(sizeof(*show));
    show->letter.read = read_show;
    list_init(&show->letter.node);
    show->mailbox = mailbox;
    show->answer = answer_to;
    show->owner = owner;
    show->id = id;
    /* A longer one is nobody's. */
    if (worker.len < sizeof(show->worker))
        memcpy(show->worker, worker.ptr, worker.len);
    must(mailbox_post(attester->mailbox, &show->letter));
    return true;
}

uint64_t attester_version(const struct attester *attester)
{
    return atomic_load_explicit(&attester->version, memory_order_relaxed);
}

int64_t attester_collateral_ends(const struct attester *attester)
{
    return atomic_load_explicit(&attester->ends, memory_order_relaxed);
}

const struct stats *attester_stats(const struct attester *attester)
{
    return &attester->stats;
}

void attester_forget(struct attester *attester, struct mailbox *mailbox)
{
    struct leave leave = {.letter.read = take_leave, .mailbox = mailbox};
    list_init(&leave.letter.node);
    must(sem_init(&leave.taken, 0, 0) == 0);
    must(mailbox_post(attester->mailbox, &leave.letter));
    while (sem_wait(&leave.taken) != 0)
        must(errno == EINTR);
    sem_destroy(&leave.taken);
}
