#include "workers/attester.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "workers/verdicts.h"

/* LANES: those that may take their leave at once. */
enum { LATE_MS = 10, LANES_MAX = 1024 };

struct attester {
    const struct log *log;
    struct loop *loop;
    struct mailbox *mailbox;
    pthread_t thread;
    _Atomic uint32_t waiting;
    struct letter stop;
    /* the thread's */
    bool stopping;
    struct verdicts verdicts;
    struct list late; /* answers whose mailbox was full */
    struct timer late_timer;
};

/* Goes to the attester as a question and comes back as the answer. */
struct question {
    struct letter letter;
    struct trust *trust;
    struct mailbox *mailbox;
    void (*answer)(void *owner, uint64_t id, const struct proof *proof);
    uint64_t id;
    struct proof proof;
    struct attester_answer *answered; /* NULL: the certificate alone is asked about */
    size_t certificate_bytes;         /* as shown; more than are held when it is too large */
    char certificate[];
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

static void judge(struct letter *letter, void *owner)
{
    struct attester *attester = owner;
    struct question *question = container_of(letter, struct question, letter);
    list_init(&letter->node);
    if (attester->stopping) {
        question_free(question);
        return;
    }
    uint64_t began_us = clock_monotonic_us();
    struct span certificate = span_of(question->certificate, question->certificate_bytes);
    bool anew = true;
    if (question->answered != NULL)
        proof_judge_answer(question->trust, question->answered, clock_unix_ms(), &question->proof);
    else
        anew = verdicts_judge(&attester->verdicts, question->trust, certificate, clock_unix_ms(),
                              &question->proof);
    if (anew)
        say_judged(attester, question, clock_monotonic_us() - began_us);
    trust_give(question->trust);
    question->trust = NULL;
    if (hand_back(attester, question))
        return;
    list_append(&attester->late, &question->letter.node);
    be_late(attester);
}

/* Letters are read in order: what was asked before has been judged, and is posted or late. */
static void take_leave(struct letter *letter, void *owner)
{
    struct attester *attester = owner;
    struct leave *leave = container_of(letter, struct leave, letter);
    struct list *node;
    struct list *after;
    list_each_safe (node, after, &attester->late) {
        struct question *question = container_of(node, struct question, letter.node);
        if (question->mailbox != leave->mailbox)
            continue;
        list_remove(node);
        question_free(question);
        atomic_fetch_sub_explicit(&attester->waiting, 1, memory_order_relaxed);
    }
    must(sem_post(&leave->taken) == 0);
}

static void note_stop(struct letter *letter, void *owner)
{
    struct attester *attester = owner;
    attester->stopping = true;
    loop_stop(attester->loop);
}

static void *run(void *arg)
{
    struct attester *attester = arg;
    loop_run(attester->loop);
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
    /* More letters than questions: there is always room for leaves and for the stop. */
    attester->mailbox = mailbox_open(attester->loop, ATTESTER_WAITS_MAX + LANES_MAX + 1, attester);
    verdicts_init(&attester->verdicts, clock_monotonic_us());
    list_init(&attester->late);
    timer_init(&attester->late_timer, attester->loop, try_late, attester);
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
    timer_fini(&attester->late_timer);
    verdicts_fini(&attester->verdicts);
    loop_free(attester->loop);
    free(attester);
}

/* Room for one more question, which is then to be posted. */
static bool take_place(struct attester *attester)
{
    if (atomic_fetch_add_explicit(&attester->waiting, 1, memory_order_relaxed) < ATTESTER_WAITS_MAX)
        return true;
    atomic_fetch_sub_explicit(&attester->waiting, 1, memory_order_relaxed);
    return false;
}

static struct question *
question_new(struct trust *trust, struct span certificate, struct mailbox *mailbox,
             void (*answer)(void *owner, uint64_t id, const struct proof *proof), uint64_t id)
{
    size_t held = certificate.len <= ATTESTER_CERTIFICATE_BYTES_MAX ? certificate.len : 0;
    struct question *question = alloc_zeroed(sizeof(*question) + held);
    question->letter.read = judge;
    list_init(&question->letter.node);
    question->trust = trust_take(trust);
    question->mailbox = mailbox;
    question->answer = answer;
    question->id = id;
    question->certificate_bytes = certificate.len;
    if (held > 0)
        memcpy(question->certificate, certificate.ptr, held);
    return question;
}

bool attester_ask(struct attester *attester, struct trust *trust, struct span certificate,
                  struct mailbox *mailbox,
                  void (*answer)(void *owner, uint64_t id, const struct proof *proof), uint64_t id)
{
    if (!take_place(attester))
        return false;
    struct question *question = question_new(trust, certificate, mailbox, answer, id);
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
                         void (*answer)(void *owner, uint64_t id, const struct proof *proof),
                         uint64_t id)
{
    if (!take_place(attester))
        return false;
    struct question *question = question_new(trust, answered->certificate, mailbox, answer, id);
    question->answered = copy_answer(answered, question);
    must(mailbox_post(attester->mailbox, &question->letter));
    return true;
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
