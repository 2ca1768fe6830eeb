/* The layout of SGX and TDX quotes (ra-tls a.1 to a.4): version 3, 4 and 5; and the fields of all
 * reports, SEV-SNP ones too, whose shape is the business of snp_report.h.
 * Owns nothing: every part points into the quote's own bytes.
 * Never checks a signature; what it returns has the right shape and nothing more. */
#ifndef AV_QUOTE_H
#define AV_QUOTE_H

#include "verdict.h"

enum {
    QUOTE_BYTES_MAX = 64 * 1024,
    QUOTE_AUTH_BYTES_MAX = 32 * 1024,
    SGX_REPORT_BYTES = 384,
    TD10_REPORT_BYTES = 584,
    TD15_REPORT_BYTES = 648,
    SNP_REPORT_BYTES = 1184,
};

/* TDATTRIBUTES (a.2): bits 0 to 7 are debug and its reserved kin; SEPT_VE_DISABLE and nothing else
 * is what a TD has unless a policy says otherwise. */
enum { TD_GROUP_UNTRUSTED = 0xff, TD_ATTRIBUTES_DEFAULT = 0x10000000 };

/* XFAM has x87 and SSE, which are always there, and nothing that no TDX module offers (a.2). */
static inline bool av_xfam_is_known(uint64_t xfam)
{
    return (xfam & 0x3u) == 0x3u && (xfam & ~UINT64_C(0x0006dbe7)) == 0;
}

/* Bits, so that a field can say in which bodies it stands. */
enum quote_body {
    BODY_SGX = 1,
    BODY_TD10 = 2,
    BODY_TD15 = 4,
    BODY_SNP = 8,
    BODY_LOG = 16, /* not in the quote: what the event log that leads to its RTMR3 names */
    BODY_TD = BODY_TD10 | BODY_TD15,
    BODY_ANY = BODY_SGX | BODY_TD | BODY_SNP, /* all that is in the evidence itself */
};

struct event_log;

struct quote {
    uint16_t version;
    enum quote_body kind;
    struct attest_bytes whole;       /* without padding */
    struct attest_bytes signed_part; /* header to the end of the body */
    struct attest_bytes body;        /* the enclave's or TD's report */
    struct attest_bytes signature, key;
    struct attest_bytes qe_report, qe_signature, qe_auth;
    struct attest_bytes pck_pem;
    const struct event_log *log; /* lent; replayed to RTMR3; NULL: none */
};

/* Where a named field of a report stands. One table serves verdict, policy and checks. */
struct quote_field {
    const char *name;
    unsigned bodies; /* of enum quote_body */
    uint16_t offset, len;
    bool measures_code; /* by itself says which code runs */
    bool is_number;     /* little-endian integer: shown and listed as a number */
    bool is_attribute;  /* says in which state the code runs, not which code it is */
    bool has_mask;      /* a policy may ask for some of its bits */
    bool has_least;     /* a policy may ask for a least value: a number, or each byte */
};

/* Fills `quote`, and in the verdict TEE, measurements and report data. Zero bytes after the quote
 * are taken for padding when `padded`, else refused like any other. */
AV_MUST_USE bool av_quote_parse(struct attest_bytes bytes, bool padded, struct quote *quote,
                                struct attest_verdict *verdict);

/* Notes in the verdict what a report says: TEE, measurements, report data. */
void av_quote_note_fields(const struct quote *quote, struct attest_verdict *verdict);

enum attest_tee av_quote_tee(enum quote_body kind);

/* A part of the body by the name of its field; an unknown name is a bug and gives no bytes. */
struct attest_bytes av_quote_part(const struct quote *quote, const char *name);
struct attest_bytes av_report_part(struct attest_bytes sgx_report, const char *name);

/* The fields of a kind of body, from the first; NULL after the last. */
const struct quote_field *av_quote_field_next(unsigned bodies, const struct quote_field *last);

static inline uint64_t av_number_le(struct attest_bytes bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes.len < 8 ? bytes.len : 8; i > 0; --i)
        value = value << 8 | bytes.ptr[i - 1];
    return value;
}

#endif
