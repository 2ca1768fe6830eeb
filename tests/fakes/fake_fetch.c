#include "fakes/fake_fetch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

struct fetch {
    atomic_bool cancelled;
};

static struct fake_fetch the_fake;
static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER; /* errands ask at once */

struct fake_fetch *fake_fetch(void)
{
    return &the_fake;
}

void fake_fetch_reset(void)
{
    memset(&the_fake, 0, sizeof(the_fake));
}

struct fetch *fetch_new(const struct fetch_options *options, char *error, size_t error_size)
{
    if (the_fake.cannot != NULL) {
        snprintf(error, error_size, "%s", the_fake.cannot);
        return NULL;
    }
    the_fake.endpoint_count = (unsigned)options->endpoint_count;
    the_fake.has_ca_file = options->ca_file != NULL;
    snprintf(the_fake.endpoint, sizeof(the_fake.endpoint), "%s",
             options->endpoint_count > 0 ? options->endpoints[0] : "");
    snprintf(the_fake.store, sizeof(the_fake.store), "%s",
             options->store != NULL ? options->store : "");
    return alloc_zeroed(sizeof(struct fetch));
}

void fetch_free(struct fetch *fetch)
{
    free(fetch);
}

void fetch_cancel(struct fetch *fetch)
{
    atomic_fetch_add(&the_fake.cancelled, 1);
    atomic_store(&fetch->cancelled, true);
}

bool fetch_collateral(struct fetch *fetch, const struct fetch_request *request,
                      struct fetch_document *document, char *error, size_t error_size)
{
    pthread_mutex_lock(&noting);
    the_fake.renew = request->renew;
    the_fake.now = request->now;
    pthread_mutex_unlock(&noting);
    atomic_fetch_add(&the_fake.asked, 1);
    atomic_fetch_add(&the_fake.out, 1);
    while (atomic_load(&the_fake.blocks) && !atomic_load(&fetch->cancelled))
        usleep(1000);
    bool found = the_fake.text != NULL && !atomic_load(&fetch->cancelled);
    *document = (struct fetch_document){0};
    if (found)
        *document =
            (struct fetch_document){.json = alloc_text(the_fake.text, strlen(the_fake.text)),
                                    .len = strlen(the_fake.text),
                                    .expires = the_fake.expires,
                                    .from_store = the_fake.from_store};
    document->is_unreached = the_fake.is_unreached;
    snprintf(error, error_size, "%s", the_fake.error != NULL ? the_fake.error : "");
    atomic_fetch_sub(&the_fake.out, 1);
    return found;
}

void fetch_document_fini(struct fetch_document *document)
{
    free(document->json);
    *document = (struct fetch_document){0};
}

bool fetch_remember(const char *store, const struct attest_platform *platform,
                    const struct attest_evaluation *evaluation, char *error, size_t error_size)
{
    return true;
}
