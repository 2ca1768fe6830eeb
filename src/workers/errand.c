#include "workers/errand.h"

#include <stdlib.h>

#include "base/alloc.h"

static void *run(void *arg)
{
    struct errand *errand = arg;
    errand->found = fetch_collateral(errand->fetch, &errand->request, &errand->document,
                                     errand->error, sizeof(errand->error));
    /* The sender has room for as many letters as it sends errands. */
    must(mailbox_post(errand->mailbox, &errand->letter));
    return NULL;
}

struct errand *errand_send(const struct fetch_options *options, struct trust *trust,
                           const struct attest_platform *platform, int64_t now, bool renew,
                           struct mailbox *mailbox,
                           void (*read)(struct letter *letter, void *owner), void *sender,
                           char *error, size_t error_size)
{
    struct fetch *fetch = fetch_new(options, error, error_size);
    if (fetch == NULL)
        return NULL;
    struct errand *errand = alloc_zeroed(sizeof(*errand));
    list_init(&errand->letter.node);
    errand->letter.read = read;
    errand->sender = sender;
    errand->fetch = fetch;
    errand->trust = trust_take(trust);
    errand->request = (struct fetch_request){
        .roots = trust_roots(trust), .platform = *platform, .now = now, .renew = renew};
    errand->mailbox = mailbox;
    must(pthread_create(&errand->thread, NULL, run, errand) == 0);
    return errand;
}

void errand_cancel(struct errand *errand)
{
    fetch_cancel(errand->fetch);
}

void errand_end(struct errand *errand)
{
    must(pthread_join(errand->thread, NULL) == 0);
    fetch_document_fini(&errand->document);
    fetch_free(errand->fetch);
    trust_give(errand->trust);
    free(errand);
}
