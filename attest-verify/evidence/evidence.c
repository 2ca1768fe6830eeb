#include "evidence/evidence_convention.h"

#include "bytes/crypto.h"
#include "bytes/cursor.h"
#include "evidence/dstack_mr_config.h"

#include <stdlib.h>
#include <string.h>

/* Every known place of evidence (ra-tls c). Those without a reader are refused by name: ignoring
 * them would let a certificate say one thing to us and another to others. Intel's stands after
 * DICE, whose claims it needs. */
static const struct evidence_convention conventions[] = {
    {"2.23.133.5.4.9", "interoperable RA-TLS", av_dice_parse, av_dice_binds},
    {"0.6.9.42.840.113741.1337.6", "Gramine", av_bare_parse, av_gramine_binds},
    {"1.2.840.113741.1.13.1", "Intel SGX SDK", av_intel_parse, av_intel_binds},
    {"1.2.840.113741.1337.2", "rats-tls", NULL, NULL},
    {"1.2.840.113741.1337.6", "rats-tls", av_bare_parse, av_rats_binds},
    {"1.2.840.113556.10.1.1", "Open Enclave", av_open_enclave_parse, av_open_enclave_binds},
    {"1.2.840.113556.10.1.2", "Open Enclave", NULL, NULL},
    {"1.3.6.1.4.1.62397.1.1", "dstack", av_dstack_parse, av_dstack_binds},
    {"1.3.6.1.4.1.62397.1.8", "dstack", av_dstack8_parse, av_dstack_binds},
};

enum { CONVENTION_COUNT = sizeof conventions / sizeof *conventions };

static bool check_duplicates(X509 *certificate, struct attest_verdict *verdict)
{
    int count = X509_get_ext_count(certificate);
    if (count > CERTIFICATE_EXTENSIONS_MAX)
        return av_refuse(verdict, ATTEST_CERTIFICATE_MALFORMED, "%d extensions, more than %d",
                         count, CERTIFICATE_EXTENSIONS_MAX);
    for (int i = 0; i < count; ++i) {
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(X509_get_ext(certificate, i));
        char name[80];
        if (X509_get_ext_by_OBJ(certificate, oid, i) < 0)
            continue;
        OBJ_obj2txt(name, sizeof name, oid, 1);
        return av_refuse(verdict, ATTEST_DUPLICATE_EXTENSION, "extension %s", name);
    }
    return true;
}

bool av_evidence_extension(X509 *certificate, const char *oid_text, struct attest_bytes *out)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(oid_text, 1);
    int at = oid != NULL ? X509_get_ext_by_OBJ(certificate, oid, -1) : -1;
    ASN1_OBJECT_free(oid);
    if (at < 0)
        return false;
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
    *out = (struct attest_bytes){.ptr = ASN1_STRING_get0_data(value),
                                 .len = (size_t)ASN1_STRING_length(value)};
    return true;
}

static bool find_one(X509 *certificate, const struct evidence_convention *convention,
                     struct evidence_set *set, struct attest_verdict *verdict)
{
    struct evidence_source source = {.certificate = certificate, .before = set};
    if (!av_evidence_extension(certificate, convention->oid, &source.value))
        return true;
    if (convention->parse == NULL || set->count == EVIDENCE_MAX)
        return av_refuse(verdict, ATTEST_CONVENTION_UNSUPPORTED, "%s (%s)", convention->name,
                         convention->oid);
    struct evidence *item = &set->items[set->count];
    item->convention = convention;
    bool parsed = convention->parse(&source, item);
    if (parsed && item->repeats)
        *item = (struct evidence){0};
    else
        ++set->count; /* counted even when broken, so that what it owns is freed */
    if (parsed && item->unsupported != NULL)
        return av_refuse(verdict, ATTEST_CONVENTION_UNSUPPORTED, "%s (%s) with evidence of %s",
                         item->convention->name, convention->oid, item->unsupported);
    return parsed || av_refuse(verdict, ATTEST_EVIDENCE_MALFORMED, "%s (%s)", convention->name,
                               convention->oid);
}

bool av_evidence_find(X509 *certificate, struct evidence_set *set, struct attest_verdict *verdict)
{
    if (!check_duplicates(certificate, verdict))
        return false;
    for (size_t i = 0; i < CONVENTION_COUNT; ++i)
        if (!find_one(certificate, &conventions[i], set, verdict))
            return false;
    return set->count > 0 ||
           av_refuse(verdict, ATTEST_NO_EVIDENCE, "no extension of a known convention");
}

void av_evidence_fini(struct evidence_set *set)
{
    for (size_t i = 0; i < set->count; ++i)
        free(set->items[i].owned);
    *set = (struct evidence_set){0};
}

bool av_report_data_is_sha256(const uint8_t report_data[64], struct attest_bytes bytes)
{
    uint8_t expected[64] = {0};
    struct attest_bytes none = {NULL, 0};
    return av_sha256(bytes, none, expected) && memcmp(expected, report_data, 64) == 0;
}

bool av_evidence_binds_key(const struct evidence *evidence, X509 *certificate,
                           const uint8_t report_data[64], struct attest_verdict *verdict)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(certificate);
    EVP_PKEY *public_key = X509_get0_pubkey(certificate);
    if (len <= 0 || bits == NULL || public_key == NULL) {
        OPENSSL_free(der);
        return av_refuse(verdict, ATTEST_CERTIFICATE_MALFORMED, "its public key is broken");
    }
    struct certificate_key key = {
        .spki = {.ptr = der, .len = (size_t)len},
        .bits = {.ptr = ASN1_STRING_get0_data(bits), .len = (size_t)ASN1_STRING_length(bits)},
        .is_rsa = EVP_PKEY_is_a(public_key, "RSA") == 1,
        .certificate = certificate};
    bool bound = evidence->convention->binds(evidence, &key, report_data, verdict);
    OPENSSL_free(der);
    return bound;
}

static bool log_leads_to_quote(const struct event_log *log, const struct quote *quote,
                               struct attest_verdict *verdict)
{
    struct attest_bytes rtmr3 = av_quote_part(quote, "rtmr3");
    struct attest_bytes replayed = {.ptr = log->rtmr3, .len = sizeof log->rtmr3};
    if (rtmr3.len == 0)
        return av_refuse(verdict, ATTEST_EVENT_LOG, "an event log beside a quote of %s",
                         attest_tee_word(verdict->tee));
    return av_bytes_equal(rtmr3, replayed) ||
           av_refuse(verdict, ATTEST_EVENT_LOG, "its %zu events do not lead to the quote's RTMR3",
                     log->extensions);
}

static void note_log(const struct event_log *log, struct attest_verdict *verdict)
{
    const struct quote_field *field = NULL;
    while ((field = av_quote_field_next(BODY_LOG, field)) != NULL &&
           verdict->measurement_count < ATTEST_MEASUREMENTS_MAX) {
        struct attest_bytes id = av_event_log_id(log, field);
        struct attest_measurement *m = &verdict->measurements[verdict->measurement_count];
        if (id.len == 0)
            continue;
        m->name = field->name;
        m->len = id.len;
        memcpy(m->bytes, id.ptr, id.len);
        ++verdict->measurement_count;
    }
}

bool av_evidence_fits_quote(const struct evidence *evidence, struct quote *quote,
                            struct attest_verdict *verdict)
{
    struct attest_bytes report_data = {.ptr = verdict->report_data,
                                       .len = sizeof verdict->report_data};
    if (evidence->stated_report_data.len > 0 &&
        !av_bytes_equal(evidence->stated_report_data, report_data))
        return av_refuse(verdict, ATTEST_EVIDENCE_DISAGREES,
                         "the envelope's report data is not the quote's");
    if (evidence->mr_config.len > 0 &&
        !av_dstack_mr_config_is_bound(evidence->mr_config, av_quote_part(quote, "host_data")))
        return av_refuse(verdict, ATTEST_EVIDENCE_DISAGREES,
                         "the report's host data is not the digest of the configuration");
    if (!evidence->has_log && evidence->mr_config.len == 0)
        return true;
    if (evidence->has_log && !log_leads_to_quote(&evidence->log, quote, verdict))
        return false;
    quote->log = &evidence->log;
    note_log(&evidence->log, verdict);
    return true;
}
