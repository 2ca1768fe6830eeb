#include "formats/snp_report.h"

#include "bytes/cursor.h"

#include <string.h>

enum { SIGNATURE_P384_SHA384 = 1, SIGNING_KEY_VCEK = 0, SIGNING_KEY_VLEK = 1 };
enum { SIGNING_KEY_SHIFT = 2, SIGNING_KEY_MASK = 7, SIGNER_INFO_BITS = 0x1f, AUTHOR_KEY_EN = 1 };
enum { VMPL_MAX = 3 };

#define POLICY_ONE           (UINT64_C(1) << 17)
#define POLICY_BITS          ((UINT64_C(1) << 26) - 1)
#define PLATFORM_BITS        UINT64_C(0xff) /* Turin sets bit 6, which a.7 calls reserved */
#define VMPL_OF_HOST         UINT32_MAX
#define VERSION_WITH_VECTORS 5

static uint64_t number(const struct quote *quote, const char *name)
{
    return av_number_le(av_quote_part(quote, name));
}

static bool malformed(struct attest_verdict *verdict, const char *what)
{
    return av_refuse(verdict, ATTEST_REPORT_MALFORMED, "%s", what);
}

static bool check_zeros(const struct quote *quote, struct attest_verdict *verdict)
{
    static const char *const reserved[] = {"reserved1", "reserved2", "reserved3",
                                           "reserved4", "reserved5", "reserved6"};
    static const char *const vectors[] = {"launch_mit_vector", "current_mit_vector"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; ++i)
        if (!av_bytes_are_zero(av_quote_part(quote, reserved[i])))
            return av_refuse(verdict, ATTEST_REPORT_MALFORMED, "%s is not zero%s", reserved[i],
                             strcmp(reserved[i], "reserved6") == 0 ? ", behind the signature" : "");
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; ++i)
        if (quote->version < VERSION_WITH_VECTORS && number(quote, vectors[i]) != 0)
            return av_refuse(verdict, ATTEST_REPORT_MALFORMED, "%s in a report of version %u",
                             vectors[i], quote->version);
    return quote->version >= SNP_VERSION_WITH_CPUID || number(quote, "cpuid") == 0 ||
           malformed(verdict, "a processor in a report of version 2");
}

static bool check_bits(const struct quote *quote, struct attest_verdict *verdict)
{
    uint64_t policy = number(quote, "guest_policy"), signer = number(quote, "signer_info");
    if (!(policy & POLICY_ONE) || (policy & ~POLICY_BITS))
        return malformed(verdict, "reserved bits of the guest policy");
    if (number(quote, "platform_info") & ~PLATFORM_BITS)
        return malformed(verdict, "reserved bits of the platform info");
    if (signer & ~(uint64_t)SIGNER_INFO_BITS)
        return malformed(verdict, "reserved bits of the signer info");
    return (signer & AUTHOR_KEY_EN) ||
           av_bytes_are_zero(av_quote_part(quote, "author_key_digest")) ||
           malformed(verdict, "an author key's digest that is not in force");
}

static bool check_kind(const struct quote *quote, struct snp_report *report,
                       struct attest_verdict *verdict)
{
    uint64_t key = number(quote, "signer_info") >> SIGNING_KEY_SHIFT & SIGNING_KEY_MASK;
    uint64_t vmpl = number(quote, "vmpl");
    if (number(quote, "signature_algorithm") != SIGNATURE_P384_SHA384)
        return av_refuse(verdict, ATTEST_REPORT_UNSUPPORTED,
                         "not signed by ECDSA P-384 with SHA-384");
    if (key != SIGNING_KEY_VCEK && key != SIGNING_KEY_VLEK)
        return av_refuse(verdict, ATTEST_REPORT_UNSUPPORTED, "signing key %llu, not VCEK or VLEK",
                         (unsigned long long)key);
    if (vmpl == VMPL_OF_HOST)
        return av_refuse(verdict, ATTEST_REPORT_UNSUPPORTED, "the host asked for it, no guest");
    if (vmpl > VMPL_MAX)
        return malformed(verdict, "a VMPL above 3");
    report->is_vlek = key == SIGNING_KEY_VLEK;
    report->has_product = quote->version >= SNP_VERSION_WITH_CPUID;
    struct attest_bytes cpuid = av_quote_part(quote, "cpuid");
    return !report->has_product || av_snp_product_of_cpuid(cpuid.ptr, &report->product) ||
           av_refuse(verdict, ATTEST_REPORT_UNSUPPORTED,
                     "the processor of family %02x and model %02x", cpuid.ptr[0], cpuid.ptr[1]);
}

/* 72 bytes little-endian to 48 big-endian: the upper 24 are zero. */
static bool turn_scalar(struct attest_bytes raw, uint8_t out[SNP_SCALAR_BYTES])
{
    struct cursor cursor = av_cursor_over(raw);
    struct attest_bytes low, high;
    if (!av_cursor_take(&cursor, SNP_SCALAR_BYTES, &low) ||
        !av_cursor_take(&cursor, cursor.left, &high) || !av_bytes_are_zero(high))
        return false;
    for (size_t i = 0; i < SNP_SCALAR_BYTES; ++i)
        out[i] = low.ptr[SNP_SCALAR_BYTES - 1 - i];
    return true;
}

static bool take_apart(struct attest_bytes bytes, bool padded, struct quote *quote,
                       struct attest_verdict *verdict)
{
    struct cursor cursor = av_cursor_over(bytes), again = cursor, head = cursor;
    uint32_t version;
    if (bytes.len > QUOTE_BYTES_MAX || !av_cursor_take(&cursor, SNP_REPORT_BYTES, &quote->body) ||
        !av_cursor_take(&again, SNP_SIGNED_BYTES, &quote->signed_part) ||
        !av_cursor_u32le(&head, &version))
        return av_refuse(verdict, ATTEST_REPORT_MALFORMED, "%zu bytes, not %d", bytes.len,
                         SNP_REPORT_BYTES);
    struct attest_bytes rest = {.ptr = cursor.at, .len = cursor.left};
    if (rest.len > 0 && !(padded && av_bytes_are_zero(rest)))
        return av_refuse(verdict, ATTEST_REPORT_MALFORMED, "%zu bytes follow the report%s",
                         rest.len, av_bytes_are_zero(rest) ? ", all zero: padding?" : "");
    if (version < SNP_VERSION_MIN || version > SNP_VERSION_MAX)
        return av_refuse(verdict, ATTEST_REPORT_UNSUPPORTED, "report version %u, not %d to %d",
                         version, SNP_VERSION_MIN, SNP_VERSION_MAX);
    quote->version = (uint16_t)version;
    quote->kind = BODY_SNP;
    quote->whole = quote->body;
    return true;
}

bool av_snp_report_parse(struct attest_bytes bytes, bool padded, struct quote *quote,
                         struct snp_report *report, struct attest_verdict *verdict)
{
    *quote = (struct quote){0};
    *report = (struct snp_report){0};
    verdict->tee = ATTEST_TEE_SNP;
    if (!take_apart(bytes, padded, quote, verdict) || !check_zeros(quote, verdict) ||
        !check_bits(quote, verdict) || !check_kind(quote, report, verdict))
        return false;
    if (!turn_scalar(av_quote_part(quote, "signature_r"), report->signature) ||
        !turn_scalar(av_quote_part(quote, "signature_s"), report->signature + SNP_SCALAR_BYTES))
        return malformed(verdict, "the signature is of more than 48 bytes");
    quote->signature =
        (struct attest_bytes){.ptr = report->signature, .len = sizeof report->signature};
    av_quote_note_fields(quote, verdict);
    return true;
}

static bool check_order(const char *low_name, const struct snp_tcb *low, const char *high_name,
                        const struct snp_tcb *high, struct attest_verdict *verdict)
{
    const char *component = av_snp_tcb_above(low, high);
    return component == NULL ||
           av_refuse(verdict, ATTEST_TCB_ORDER, "%s of the %s TCB is above the %s one", component,
                     low_name, high_name);
}

/* Build, minor, major: little-endian, so they compare as one number. */
static bool check_versions(const struct quote *quote, struct attest_verdict *verdict)
{
    return number(quote, "committed_version") <= number(quote, "current_version") ||
           av_refuse(verdict, ATTEST_TCB_ORDER,
                     "the committed firmware is newer than the current one");
}

bool av_snp_report_tcbs(const struct quote *quote, enum snp_product product, struct snp_tcbs *tcbs,
                        struct attest_verdict *verdict)
{
    if (!av_snp_tcb_read(product, av_quote_part(quote, "current_tcb"), &tcbs->current) ||
        !av_snp_tcb_read(product, av_quote_part(quote, "reported_tcb"), &tcbs->reported) ||
        !av_snp_tcb_read(product, av_quote_part(quote, "committed_tcb"), &tcbs->committed) ||
        !av_snp_tcb_read(product, av_quote_part(quote, "launch_tcb"), &tcbs->launch))
        return malformed(verdict, "reserved bytes of a TCB version");
    return check_order("reported", &tcbs->reported, "committed", &tcbs->committed, verdict) &&
           check_order("committed", &tcbs->committed, "current", &tcbs->current, verdict) &&
           check_order("launch", &tcbs->launch, "current", &tcbs->current, verdict) &&
           check_versions(quote, verdict);
}
