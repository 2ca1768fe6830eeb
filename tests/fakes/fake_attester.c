#include "fakes/fake_attester.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "fakes/fake_mailbox.h"

struct attester {
    struct fake_question questions[FAKE_QUESTIONS_MAX];
    unsigned count;
    bool full;
    uint64_t version;
};

struct attester *attester_start(const struct log *log)
{
    return alloc_zeroed(sizeof(struct attester));
}

void attester_stop(struct attester *attester)
{
    free(attester);
}

static void show(char *to, size_t size, struct span from)
{
    size_t shown = from.len < size ? from.len : size;
    if (shown > 0)
        memcpy(to, from.ptr, shown);
}

static struct fake_question *
note_question(struct attester *attester, struct trust *trust, struct span certificate,
              struct mailbox *mailbox,
              void (*answer)(void *owner, uint64_t id, const struct proof *proof), uint64_t id)
{
    if (attester->full)
        return NULL;
    must(attester->count < FAKE_QUESTIONS_MAX);
    struct fake_question *question = &attester->questions[attester->count++];
    *question = (struct fake_question){.trust = trust,
                                       .mailbox = mailbox,
                                       .answer = answer,
                                       .id = id,
                                       .certificate_bytes = certificate.len};
    show(question->certificate, sizeof(question->certificate), certificate);
    return question;
}

bool attester_ask(struct attester *attester, struct trust *trust, const struct subject *subject,
                  struct span certificate, struct mailbox *mailbox,
                  void (*answer)(void *owner, uint64_t id, const struct proof *proof), uint64_t id)
{
    return note_question(attester, trust, certificate, mailbox, answer, id) != NULL;
}

bool attester_ask_answer(struct attester *attester, struct trust *trust,
                         const struct attester_answer *answered, struct mailbox *mailbox,
                         void (*answer)(void *owner, uint64_t id, const struct proof *proof),
                         uint64_t id)
{
    struct fake_question *question =
        note_question(attester, trust, answered->certificate, mailbox, answer, id);
    if (question == NULL)
        return false;
    question->is_answer = true;
    memcpy(question->exporter, answered->exporter, sizeof(question->exporter));
    memcpy(question->nonce, answered->nonce, sizeof(question->nonce));
    question->answer_bytes = answered->answer.len;
    show(question->said, sizeof(question->said), answered->answer);
    return true;
}

void attester_forget(struct attester *attester, struct mailbox *mailbox)
{
    for (unsigned i = 0; i < attester->count; ++i)
        if (attester->questions[i].mailbox == mailbox)
            attester->questions[i].mailbox = NULL;
}

unsigned fake_attester_asked(const struct attester *attester)
{
    return attester->count;
}

const struct fake_question *fake_attester_question(const struct attester *attester, unsigned index)
{
    must(index < attester->count);
    return &attester->questions[index];
}

static void reply(struct attester *attester, unsigned index, const struct proof *proof)
{
    const struct fake_question *question = fake_attester_question(attester, index);
    question->answer(fake_mailbox_owner(question->mailbox), question->id, proof);
}

void fake_attester_trust(struct attester *attester, unsigned index, uint64_t lasts_ms)
{
    struct proof proof = {.trusted = true, .expires = 1900000000, .lasts_ms = lasts_ms};
    snprintf(proof.reason, sizeof(proof.reason), "trusted");
    snprintf(proof.tee, sizeof(proof.tee), "tdx");
    reply(attester, index, &proof);
}

void fake_attester_refuse(struct attester *attester, unsigned index, const char *reason,
                          const char *detail)
{
    struct proof proof = {.trusted = false};
    snprintf(proof.reason, sizeof(proof.reason), "%s", reason);
    snprintf(proof.detail, sizeof(proof.detail), "%s", detail);
    reply(attester, index, &proof);
}

void fake_attester_cannot(struct attester *attester, unsigned index, const char *detail)
{
    struct proof proof = {.unjudged = true};
    snprintf(proof.reason, sizeof(proof.reason), "collateral-missing");
    snprintf(proof.detail, sizeof(proof.detail), "%s", detail);
    reply(attester, index, &proof);
}

void fake_attester_renew(struct attester *attester)
{
    ++attester->version;
}

uint64_t attester_version(const struct attester *attester)
{
    return attester->version;
}

bool attester_show(struct attester *attester, struct span worker, struct mailbox *mailbox,
                   void (*answer)(void *owner, uint64_t id, struct span json), void *owner,
                   uint64_t id)
{
    return false;
}

void fake_attester_fill(struct attester *attester, bool full)
{
    attester->full = full;
}
