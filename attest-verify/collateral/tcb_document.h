/* The two signed documents of Intel's collateral: TCB info and QE identity (ra-tls a.6).
 * Owns the parsed levels; their texts stay in the JSON tree that the owner of the document keeps.
 * Never checks a signature or a date: shape, ranges and spelling only. */
#ifndef AV_TCB_DOCUMENT_H
#define AV_TCB_DOCUMENT_H

#include "bytes/json.h"
#include "formats/pck.h"

enum {
    TCB_LEVELS_MAX = 128,
    TCB_MODULES_MAX = 32,
    TCB_DOCUMENT_BYTES_MAX = 256 * 1024,
    TCB_ADVISORIES_MAX = ATTEST_ADVISORIES_MAX,
};

/* A TCB status is a set of these; none is UpToDate. */
enum tcb_flag {
    TCB_SW_HARDENING = 1,
    TCB_CONFIGURATION = 2,
    TCB_OUT_OF_DATE = 4,
    TCB_REVOKED = 8,
    TCB_RELAUNCH = 16, /* never in a document */
};

/* What a level says about those who reach it. */
struct tcb_standing {
    unsigned flags;
    int64_t date;
    const char *advisories[TCB_ADVISORIES_MAX]; /* lent by the JSON tree */
    size_t advisory_count;
};

/* A level of a platform: all three must be reached. Best first. */
struct tcb_level {
    uint8_t sgx[TCB_COMPONENTS];
    uint8_t tdx[TCB_COMPONENTS];
    uint16_t pcesvn;
    struct tcb_standing standing;
};

/* A level of an enclave or of a TDX module. Best first. */
struct svn_level {
    uint16_t isvsvn;
    struct tcb_standing standing;
};

struct svn_levels {
    struct svn_level *levels;
    size_t count;
};

struct tdx_module {
    uint8_t version; /* the XX of "TDX_XX"; 0 in tdxModule, which has no levels */
    uint8_t mrsigner[48];
    uint8_t attributes[8], attributes_mask[8];
    struct svn_levels levels;
};

struct document_head {
    enum attest_tee tee;
    int64_t issued, next_update;
    uint64_t evaluation;
};

struct tcb_document {
    struct document_head head;
    uint8_t fmspc[6], pceid[2];
    struct tcb_level *levels;
    size_t level_count;
    struct tdx_module module;
    struct tdx_module *modules;
    size_t module_count;
};

struct qe_document {
    struct document_head head;
    uint8_t miscselect[4], miscselect_mask[4];
    uint8_t attributes[16], attributes_mask[16];
    uint8_t mrsigner[32];
    uint16_t isvprodid;
    struct svn_levels levels;
};

/* Fills the document or says in `error` what is wrong; either way the fini function applies. */
AV_MUST_USE bool av_tcb_document_parse(const cJSON *json, struct tcb_document *document,
                                       const char **error);
void av_tcb_document_fini(struct tcb_document *document);

AV_MUST_USE bool av_qe_document_parse(const cJSON *json, struct qe_document *document,
                                      const char **error);
void av_qe_document_fini(struct qe_document *document);

/* Intel's word for a set of flags, and the flags of a word; false for a word that is none. */
const char *av_tcb_status_word(unsigned flags);
AV_MUST_USE bool av_tcb_status_parse(const char *word, unsigned *flags);

#endif
