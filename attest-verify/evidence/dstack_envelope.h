/* dstack's versioned attestation (extension .8): V0 in SCALE, V1 in MessagePack (ra-tls c).
 * Owns nothing; a quote may lie in the caller's room.
 * Never lets a field of the envelope stand for what the quote itself says: it is only held against
 * it. */
#ifndef AV_DSTACK_ENVELOPE_H
#define AV_DSTACK_ENVELOPE_H

#include "formats/event_log.h"

enum { DSTACK_REPORT_DATA_BYTES = 64 };

struct dstack_envelope {
    struct attest_bytes quote; /* or a SEV-SNP report, when `is_report` */
    bool is_report;
    struct attest_snp_endorsements
        endorsements;                /* that came with a report; none, or leaf and ica */
    struct attest_bytes mr_config;   /* of a report: what its host data is made from */
    struct attest_bytes report_data; /* what the envelope says the quote's is; 64 bytes */
    struct event_log log;            /* of a quote; nothing binds a report's runtime events */
    const char *unsupported; /* static: the kind of evidence, when it is neither of the two */
};

/* `room` has as many bytes as `bytes`. False when the envelope is broken. One of a kind that is not
 * read is not looked into any further. */
AV_MUST_USE bool av_dstack_envelope_parse(struct attest_bytes bytes, uint8_t *room,
                                          struct dstack_envelope *out);

#endif
