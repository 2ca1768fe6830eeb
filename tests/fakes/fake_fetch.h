/* Fetching that brings what a test put there; implements fetch/fetch.h whole.
 * It owns the script. It never asks anybody, and is called on the threads of errands: the script is
 * changed only while none is out, or as its fields say. */
#ifndef FAKE_FETCH_H
#define FAKE_FETCH_H

#include <stdatomic.h>

#include "fetch/fetch.h"

struct fake_fetch {
    const char *text; /* the document; NULL: there is none */
    int64_t expires;
    bool from_store; /* all that was found */
    bool is_unreached;
    const char *error;  /* what each says */
    const char *cannot; /* fetch_new() fails, saying this */
    atomic_bool blocks; /* none comes back before this is false, or it is cancelled */
    atomic_uint asked;
    atomic_uint out; /* now */
    atomic_uint cancelled;
    /* of the last; to be read when none is out */
    bool renew;
    int64_t now;
    unsigned endpoint_count;
    char endpoint[128];
    char store[256];
    bool has_ca_file;
};

struct fake_fetch *fake_fetch(void);
/* All fields to nothing. */
void fake_fetch_reset(void);

#endif
