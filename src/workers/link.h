/* One RA-TLS connection to one worker, from connect to close; READY only by a trusting verdict.
 * It owns its conn or http, its proof, and itself: it lives until it is over and its last stream
 * has been returned. It never sends a byte of HTTP before the verdict, nothing but the challenge
 * before it is READY, never lends a stream in another state, and never names who asks. */
#ifndef WORKERS_LINK_H
#define WORKERS_LINK_H

#include "base/fault.h"
#include "base/slots.h"
#include "base/stats.h"
#include "http/http.h"
#include "workers/attester.h"
#include "workers/challenge.h"

/* CONNECTING is TCP and TLS: a conn tells of both at once. CHALLENGING is for pools that want it:
 * no request of a caller goes before the answer is trusted. */
enum link_state {
    LINK_CONNECTING,
    LINK_ATTESTING,
    LINK_CHALLENGING,
    LINK_READY,
    LINK_DRAINING,
    LINK_OVER
};

/* What all links of a lane are made with. */
struct link_site {
    struct loop *loop;
    struct attester *attester;
    struct mailbox *mailbox; /* its owner is this */
    struct tls *tls;
    struct slots links; /* by id: a verdict may come when its link is gone */
    const struct log *log;
    struct stats *stats;
};

/* What its owner is told, in a run phase; each the last thing a link does in it. */
enum link_news {
    LINK_NEWS_READY,    /* a trusting verdict, and an answer to the challenge if one is wanted */
    LINK_NEWS_ROOM,     /* perhaps room for another stream */
    LINK_NEWS_JUDGED,   /* again, while READY: still trusted; link->proof is the new one */
    LINK_NEWS_EXPIRED,  /* its verdict has run out: it drains */
    LINK_NEWS_REFUSED,  /* by verdict: it drains, or is over; link->judged says why */
    LINK_NEWS_UNJUDGED, /* no verdict could be had: it drains, or is over; link->detail says why */
    LINK_NEWS_OVER      /* link->fault and link->detail say why; NONE: nothing is wrong */
};

struct link {
    struct list node; /* its owner's; taken out of its list when it is over and nothing is lent */
    struct link_site *site;
    uint64_t id;
    enum link_state state;
    bool settled;       /* READY, and how many streams the worker takes is known */
    bool takes_one;     /* at a time: HTTP/1.1; known once READY */
    uint32_t most_seen; /* streams it took or would have taken at once */
    uint32_t live;      /* streams lent and not yet returned */
    /* as it was opened */
    struct registry *registry; /* counted */
    const struct pool_facts *pool;
    const struct worker *worker;
    struct trust *trust; /* counted: what it is judged under, now */
    struct proof proof;  /* the trusting one it is READY by; streams that were lent look at it */
    struct proof judged; /* the newest verdict */
    char *certificate;   /* as shown, to be judged again */
    size_t certificate_bytes;
    enum fault fault;
    char detail[320];
    bool blames; /* the fault is the worker's: for health */
    /* its owner; NULL: nobody is told any more */
    void (*note)(void *owner, struct link *link, enum link_news news);
    void *owner;
    /* its own */
    struct conn *conn; /* until http takes it */
    struct http *http;
    struct challenge challenge;
    struct wake wake;
    struct timer timer;
    struct grave grave;
    uint64_t expires_at; /* lane ms */
    uint64_t again_at;   /* when it is to be judged again; lane ms */
    /* of the verdict on the answer to its challenge; the largest numbers without one */
    int64_t answer_expires;  /* unix seconds */
    uint64_t answer_ends_at; /* lane ms */
    bool asking;             /* a verdict is on its way */
    bool again_due;          /* collateral changed while it was CHALLENGING */
    uint64_t attesting_at;
    uint64_t challenge_at;
    uint64_t idle_since;
    unsigned noted; /* facts callbacks have left for the next run */
    enum conn_end end;
};

void link_site_init(struct link_site *site, uint32_t links_max);
void link_site_fini(struct link_site *site);

/* Begins to connect; tells nothing before it returns. NULL when the lane has LINKS_MAX of them. */
struct link *link_open(struct link_site *site, struct registry *registry,
                       const struct pool_facts *pool, const struct worker *worker,
                       void (*note)(void *owner, struct link *link, enum link_news news),
                       void *owner);
/* The verifier's grounds changed: from now on it is judged under `trust`. A READY link stays so
 * until the verdict is in, and drains unless that trusts. */
void link_judge_again(struct link *link, struct trust *trust);
/* How many streams may be lent now. */
uint32_t link_room(const struct link *link);
/* READY, but it takes fewer streams than it did: the worker is going away (GOAWAY), or might be. */
bool link_is_leaving(const struct link *link);
/* Sends `request` (owned from here) and lends its stream. link_room() must be above 0. */
struct stream *link_lend(struct link *link, struct head *request, bool ended,
                         void (*note)(void *user), void *user);
/* Releases the stream. May bury the link when it was the last of one that is over. */
void link_return(struct link *link, struct stream *stream);
/* No new streams; those there finish, then it is over. One that is not READY yet is over at once,
 * without news. */
void link_drain(struct link *link);
/* Over at once, without news; the owner's no more. */
void link_close(struct link *link);
/* "connecting", "attesting", "challenging", "ready", "draining", "over". */
const char *link_state_word(enum link_state state);

#endif
