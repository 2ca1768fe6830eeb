/* dstack's log of what a TD did at start: replayed to RTMR3, and the names it gives the workload
 * (ra-tls c). The log proves nothing until its end is the RTMR3 of a verified quote.
 * Owns nothing beyond its own fixed size.
 * Never takes a name from after the start: the workload itself can extend RTMR3 later. */
#ifndef AV_EVENT_LOG_H
#define AV_EVENT_LOG_H

#include "formats/quote.h"

enum {
    EVENT_LOG_EVENTS_MAX = 1024,
    EVENT_LOG_TEXT_MAX = 64 * 1024,    /* as JSON */
    EVENT_LOG_UNPACKED_MAX = 16 * 1024 /* out of gzip: dstack's own limit */
};

enum { EVENT_LOG_IDS_BYTES = 72, EVENT_LOG_IDS = 3 };

/* What dstack extends, and with what type of event: RTMR3 is extended with nothing else. */
enum { EVENT_RUNTIME_IMR = 3, EVENT_RUNTIME_TYPE = 0x08000001 };

struct event_log {
    uint8_t rtmr3[48];
    uint8_t ids[EVENT_LOG_IDS_BYTES]; /* as the fields of BODY_LOG lie in it */
    bool has_id[EVENT_LOG_IDS];
    bool started;      /* past boot-mr-done */
    size_t events;     /* in all; and */
    size_t extensions; /* of RTMR3 */
};

struct event {
    uint32_t imr; /* the RTMR, from 0 */
    uint32_t type;
    struct attest_bytes name, payload;
    struct attest_bytes digest; /* none, or what the event says it extends with */
};

/* Replays one more event onto a log that begins all zero. False when it cannot have happened. */
AV_MUST_USE bool av_event_log_add(struct event_log *log, const struct event *event);

/* A whole log as dstack writes it: JSON, or "ELGZv1" and gzip around it. */
AV_MUST_USE bool av_event_log_parse(struct attest_bytes bytes, struct event_log *log);

bool av_event_logs_agree(const struct event_log *a, const struct event_log *b);

/* The value of a field of BODY_LOG; no bytes when the log does not name it. */
struct attest_bytes av_event_log_id(const struct event_log *log, const struct quote_field *field);

#endif
