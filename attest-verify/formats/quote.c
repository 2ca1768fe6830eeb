#include "formats/quote.h"

#include "bytes/cursor.h"
#include "formats/event_log.h"

#include <string.h>

enum {
    ATTESTATION_KEY_P256 = 2,
    TEE_TYPE_SGX = 0,
    TEE_TYPE_TDX = 0x81,
    CERTIFICATION_PCK_CHAIN = 5,
    CERTIFICATION_QE_REPORT = 6,
    REPORT_DATA_BYTES = 64,
};

#define CODE      .measures_code = true
#define NUMBER    .is_number = true
#define SVN       .is_number = true, .has_least = true
#define SVNS      .is_attribute = true, .has_least = true
#define ATTRIBUTE .is_attribute = true
#define BITS      .is_attribute = true, .has_mask = true
#define PLAIN     .measures_code = false

/* Offsets: ra-tls a.2 and a.7. A policy can name all of these; what checks of their own hold to one
 * value, or what says nothing outside one chip's session, is hidden: checks ask for it by name. */
static const struct quote_field fields[] = {
    {"mrenclave", BODY_SGX, 64, 32, CODE},
    {"mrsigner", BODY_SGX, 128, 32, CODE},
    {"isvprodid", BODY_SGX, 256, 2, NUMBER},
    {"isvsvn", BODY_SGX, 258, 2, SVN},
    {"attributes", BODY_SGX, 48, 16, BITS},
    {"xfrm", BODY_SGX, 56, 8, BITS}, /* the second half of the attributes */
    {"miscselect", BODY_SGX, 16, 4, BITS},
    {"cpusvn", BODY_SGX, 0, 16, SVNS},
    {"isvextprodid", BODY_SGX, 32, 16, PLAIN},
    {"isvfamilyid", BODY_SGX, 304, 16, PLAIN},
    {"configid", BODY_SGX, 192, 64, PLAIN},
    {"configsvn", BODY_SGX, 260, 2, SVN},
    {"mrtd", BODY_TD, 136, 48, CODE},
    {"rtmr0", BODY_TD, 328, 48, CODE},
    {"rtmr1", BODY_TD, 376, 48, CODE},
    {"rtmr2", BODY_TD, 424, 48, CODE},
    {"rtmr3", BODY_TD, 472, 48, CODE},
    {"mrseam", BODY_TD, 16, 48, PLAIN},
    {"mrsignerseam", BODY_TD, 64, 48, PLAIN},
    {"mrconfigid", BODY_TD, 184, 48, PLAIN},
    {"mrowner", BODY_TD, 232, 48, PLAIN},
    {"mrownerconfig", BODY_TD, 280, 48, PLAIN},
    {"tdattributes", BODY_TD, 120, 8, BITS},
    {"xfam", BODY_TD, 128, 8, BITS},
    {"seamattributes", BODY_TD, 112, 8, BITS},
    {"tee_tcb_svn", BODY_TD, 0, 16, SVNS},
    {"mrservicetd", BODY_TD15, 600, 48, ATTRIBUTE},
    {"tee_tcb_svn_2", BODY_TD15, 584, 16, SVNS},
    {"measurement", BODY_SNP, 0x90, 48, CODE},
    {"id_key_digest", BODY_SNP, 0xe0, 48, CODE},
    {"author_key_digest", BODY_SNP, 0x110, 48, PLAIN},
    {"host_data", BODY_SNP, 0xc0, 32, PLAIN},
    {"family_id", BODY_SNP, 0x10, 16, PLAIN},
    {"image_id", BODY_SNP, 0x20, 16, PLAIN},
    {"guest_svn", BODY_SNP, 0x04, 4, SVN},
    {"vmpl", BODY_SNP, 0x30, 4, NUMBER, ATTRIBUTE},
    {"guest_policy", BODY_SNP, 0x08, 8, BITS},
    {"platform_info", BODY_SNP, 0x40, 8, BITS},
    {"signer_info", BODY_SNP, 0x48, 4, BITS},
    {"report_id", BODY_SNP, 0x140, 32, PLAIN},
    {"report_id_ma", BODY_SNP, 0x160, 32, PLAIN},
    {"chip_id", BODY_SNP, 0x1a0, 64, PLAIN},
    {"cpuid", BODY_SNP, 0x188, 3, PLAIN},
    {"current_tcb", BODY_SNP, 0x38, 8, SVNS},
    {"reported_tcb", BODY_SNP, 0x180, 8, SVNS},
    {"committed_tcb", BODY_SNP, 0x1e0, 8, SVNS},
    {"launch_tcb", BODY_SNP, 0x1f0, 8, SVNS},
    {"current_version", BODY_SNP, 0x1e8, 3, ATTRIBUTE},
    {"committed_version", BODY_SNP, 0x1ec, 3, ATTRIBUTE},
    {"launch_mit_vector", BODY_SNP, 0x1f8, 8, BITS},
    {"current_mit_vector", BODY_SNP, 0x200, 8, BITS},
    /* What they say of the code rests on the system that mrtd and the RTMRs measure. */
    {"app_id", BODY_LOG, 0, 20, PLAIN},
    {"compose_hash", BODY_LOG, 20, 32, PLAIN},
    {"instance_id", BODY_LOG, 52, 20, PLAIN},
};

static const struct quote_field hidden_fields[] = {
    {"report_data", BODY_SGX, 320, REPORT_DATA_BYTES, PLAIN},
    {"report_data", BODY_TD, 520, REPORT_DATA_BYTES, PLAIN},
    {"reserved1", BODY_SGX, 20, 12, PLAIN},
    {"reserved2", BODY_SGX, 96, 32, PLAIN},
    {"reserved3", BODY_SGX, 160, 32, PLAIN},
    {"reserved4", BODY_SGX, 262, 42, PLAIN},
    {"report_data", BODY_SNP, 0x50, REPORT_DATA_BYTES, PLAIN},
    {"signature_algorithm", BODY_SNP, 0x34, 4, PLAIN},
    {"signature_r", BODY_SNP, 0x2a0, 72, PLAIN},
    {"signature_s", BODY_SNP, 0x2e8, 72, PLAIN},
    {"reserved1", BODY_SNP, 0x4c, 4, PLAIN},
    {"reserved2", BODY_SNP, 0x18b, 21, PLAIN},
    {"reserved3", BODY_SNP, 0x1eb, 1, PLAIN},
    {"reserved4", BODY_SNP, 0x1ef, 1, PLAIN},
    {"reserved5", BODY_SNP, 0x208, 152, PLAIN},
    {"reserved6", BODY_SNP, 0x330, 368, PLAIN}, /* behind the signature, not signed */
};

enum { FIELD_COUNT = sizeof fields / sizeof *fields };
enum { HIDDEN_FIELD_COUNT = sizeof hidden_fields / sizeof *hidden_fields };

const struct quote_field *av_quote_field_next(unsigned bodies, const struct quote_field *last)
{
    for (size_t i = last == NULL ? 0 : (size_t)(last - fields) + 1; i < FIELD_COUNT; ++i)
        if (fields[i].bodies & bodies)
            return &fields[i];
    return NULL;
}

static const struct quote_field *find_field(const struct quote_field *table, size_t count,
                                            enum quote_body kind, const char *name)
{
    for (size_t i = 0; i < count; ++i)
        if ((table[i].bodies & kind) && strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static struct attest_bytes part_of(struct attest_bytes body, enum quote_body kind, const char *name)
{
    const struct quote_field *field = find_field(fields, FIELD_COUNT, kind, name);
    if (field == NULL)
        field = find_field(hidden_fields, HIDDEN_FIELD_COUNT, kind, name);
    struct cursor cursor = av_cursor_over(body);
    struct attest_bytes skipped, part = {NULL, 0};
    if (field == NULL || !av_cursor_take(&cursor, field->offset, &skipped) ||
        !av_cursor_take(&cursor, field->len, &part))
        return (struct attest_bytes){NULL, 0};
    return part;
}

struct attest_bytes av_quote_part(const struct quote *quote, const char *name)
{
    const struct quote_field *logged = find_field(fields, FIELD_COUNT, BODY_LOG, name);
    if (logged != NULL)
        return quote->log != NULL ? av_event_log_id(quote->log, logged)
                                  : (struct attest_bytes){NULL, 0};
    return part_of(quote->body, quote->kind, name);
}

struct attest_bytes av_report_part(struct attest_bytes sgx_report, const char *name)
{
    return part_of(sgx_report, BODY_SGX, name);
}

static bool parse_header(struct cursor *cursor, uint16_t *version, uint32_t *tee_type,
                         struct attest_verdict *verdict)
{
    static const uint8_t intel[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                    0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    uint16_t key_type;
    struct attest_bytes svns, vendor, user;
    if (!av_cursor_u16le(cursor, version) || !av_cursor_u16le(cursor, &key_type) ||
        !av_cursor_u32le(cursor, tee_type) || !av_cursor_take(cursor, 4, &svns) ||
        !av_cursor_take(cursor, 16, &vendor) || !av_cursor_take(cursor, 20, &user))
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED, "shorter than a quote's header");
    if (*version < 3 || *version > 5)
        return av_refuse(verdict, ATTEST_QUOTE_UNSUPPORTED, "quote version %u, not 3 to 5",
                         *version);
    if (key_type != ATTESTATION_KEY_P256)
        return av_refuse(verdict, ATTEST_QUOTE_UNSUPPORTED,
                         "attestation key type %u, not 2 (ECDSA P-256)", key_type);
    if (*tee_type != TEE_TYPE_SGX && (*tee_type != TEE_TYPE_TDX || *version == 3))
        return av_refuse(verdict, ATTEST_QUOTE_UNSUPPORTED,
                         "TEE type 0x%x in a quote of version %u", *tee_type, *version);
    if (memcmp(vendor.ptr, intel, sizeof intel) != 0)
        return av_refuse(verdict, ATTEST_QUOTE_UNSUPPORTED,
                         "the quoting enclave's vendor is not Intel");
    return true;
}

/* Version 5 says itself which body follows: u16 type, u32 size (ra-tls a.2). */
static bool parse_descriptor(struct cursor *cursor, bool is_sgx, struct quote *quote,
                             struct attest_verdict *verdict)
{
    static const struct {
        enum quote_body kind;
        uint32_t size;
    } bodies[] = {[1] = {BODY_SGX, SGX_REPORT_BYTES},
                  [2] = {BODY_TD10, TD10_REPORT_BYTES},
                  [3] = {BODY_TD15, TD15_REPORT_BYTES}};
    uint16_t type;
    uint32_t size;
    if (!av_cursor_u16le(cursor, &type) || !av_cursor_u32le(cursor, &size))
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED, "the quote ends in its body descriptor");
    if (type == 4)
        return av_refuse(verdict, ATTEST_QUOTE_UNSUPPORTED,
                         "body type 4 (TD report 1.5 extended) is not supported");
    if (type < 1 || type > 3)
        return av_refuse(verdict, ATTEST_QUOTE_UNSUPPORTED, "body type %u is unknown", type);
    if (size != bodies[type].size)
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED, "body type %u with %u bytes, not %u",
                         type, size, bodies[type].size);
    if ((bodies[type].kind == BODY_SGX) != is_sgx)
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED, "body type %u contradicts the TEE type",
                         type);
    quote->kind = bodies[type].kind;
    return true;
}

static bool check_reserved(struct attest_bytes sgx_report, const char *whose,
                           struct attest_verdict *verdict)
{
    static const char *const names[] = {"reserved1", "reserved2", "reserved3", "reserved4"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (!av_bytes_are_zero(av_report_part(sgx_report, names[i])))
            return av_refuse(verdict, ATTEST_QUOTE_MALFORMED,
                             "a reserved field of the %s report is not zero", whose);
    return true;
}

static bool parse_body(struct cursor *cursor, uint32_t tee_type, struct quote *quote,
                       struct attest_verdict *verdict)
{
    bool is_sgx = tee_type == TEE_TYPE_SGX;
    quote->kind = is_sgx ? BODY_SGX : BODY_TD10;
    if (quote->version == 5 && !parse_descriptor(cursor, is_sgx, quote, verdict))
        return false;
    size_t bytes = quote->kind == BODY_SGX    ? SGX_REPORT_BYTES
                   : quote->kind == BODY_TD10 ? TD10_REPORT_BYTES
                                              : TD15_REPORT_BYTES;
    if (!av_cursor_take(cursor, bytes, &quote->body))
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED, "the quote ends in its report");
    return quote->kind != BODY_SGX || check_reserved(quote->body, "enclave's", verdict);
}

/* QE report, its signature, the QE's authentication data and the PCK chain: the tail of both the
 * version 3 and the version 4 layout (ra-tls a.3). It must fill `cursor` exactly. */
static bool parse_qe_part(struct cursor *cursor, struct quote *quote,
                          struct attest_verdict *verdict)
{
    uint16_t auth_len, type;
    uint32_t pem_len;
    if (!av_cursor_take(cursor, SGX_REPORT_BYTES, &quote->qe_report) ||
        !av_cursor_take(cursor, 64, &quote->qe_signature) || !av_cursor_u16le(cursor, &auth_len) ||
        !av_cursor_take(cursor, auth_len, &quote->qe_auth) || !av_cursor_u16le(cursor, &type) ||
        !av_cursor_u32le(cursor, &pem_len))
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED, "the quote's signature data is cut off");
    if (type != CERTIFICATION_PCK_CHAIN)
        return av_refuse(verdict, ATTEST_QUOTE_UNSUPPORTED,
                         "certification data of type %u, not 5 (a PCK chain)", type);
    if (!av_cursor_take(cursor, pem_len, &quote->pck_pem) || cursor->left != 0)
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED,
                         "the certification data does not fill its frame");
    return check_reserved(quote->qe_report, "quoting enclave's", verdict);
}

static bool parse_auth(struct attest_bytes auth, struct quote *quote,
                       struct attest_verdict *verdict)
{
    struct cursor cursor = av_cursor_over(auth);
    if (!av_cursor_take(&cursor, 64, &quote->signature) ||
        !av_cursor_take(&cursor, 64, &quote->key))
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED, "the quote's signature data is cut off");
    if (quote->version == 3)
        return parse_qe_part(&cursor, quote, verdict);
    uint16_t type;
    uint32_t len;
    if (!av_cursor_u16le(&cursor, &type) || !av_cursor_u32le(&cursor, &len))
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED, "the quote's signature data is cut off");
    if (type != CERTIFICATION_QE_REPORT)
        return av_refuse(verdict, ATTEST_QUOTE_UNSUPPORTED,
                         "certification data of type %u, not 6 (a QE report)", type);
    if (len != cursor.left)
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED,
                         "the QE report's frame says %u bytes, %zu are there", len, cursor.left);
    return parse_qe_part(&cursor, quote, verdict);
}

enum attest_tee av_quote_tee(enum quote_body kind)
{
    return kind == BODY_SGX ? ATTEST_TEE_SGX : kind == BODY_SNP ? ATTEST_TEE_SNP : ATTEST_TEE_TDX;
}

void av_quote_note_fields(const struct quote *quote, struct attest_verdict *verdict)
{
    verdict->tee = av_quote_tee(quote->kind);
    memcpy(verdict->report_data, av_quote_part(quote, "report_data").ptr, REPORT_DATA_BYTES);
    const struct quote_field *field = NULL;
    while ((field = av_quote_field_next(quote->kind, field)) != NULL &&
           verdict->measurement_count < ATTEST_MEASUREMENTS_MAX) {
        struct attest_measurement *m = &verdict->measurements[verdict->measurement_count++];
        m->name = field->name;
        m->len = field->len;
        memcpy(m->bytes, av_quote_part(quote, field->name).ptr, field->len);
    }
}

bool av_quote_parse(struct attest_bytes bytes, bool padded, struct quote *quote,
                    struct attest_verdict *verdict)
{
    *quote = (struct quote){0};
    if (bytes.len > QUOTE_BYTES_MAX)
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED, "%zu bytes, more than %d", bytes.len,
                         QUOTE_BYTES_MAX);
    struct cursor cursor = av_cursor_over(bytes), again = cursor;
    uint32_t tee_type, auth_len;
    if (!parse_header(&cursor, &quote->version, &tee_type, verdict) ||
        !parse_body(&cursor, tee_type, quote, verdict))
        return false;
    size_t signed_len = bytes.len - cursor.left;
    struct attest_bytes auth;
    if (!av_cursor_u32le(&cursor, &auth_len) || auth_len > QUOTE_AUTH_BYTES_MAX ||
        !av_cursor_take(&cursor, auth_len, &auth))
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED,
                         "the length of the signature data is wrong");
    struct attest_bytes rest = {.ptr = cursor.at, .len = cursor.left};
    if (rest.len > 0 && !(padded && av_bytes_are_zero(rest)))
        return av_refuse(verdict, ATTEST_QUOTE_MALFORMED, "%zu bytes follow the quote%s", rest.len,
                         av_bytes_are_zero(rest) ? ", all zero: padding?" : "");
    if (!av_cursor_take(&again, signed_len, &quote->signed_part) ||
        !parse_auth(auth, quote, verdict))
        return false;
    quote->whole = (struct attest_bytes){.ptr = bytes.ptr, .len = bytes.len - rest.len};
    av_quote_note_fields(quote, verdict);
    return true;
}
