#include "formats/pck.h"

#include "bytes/cursor.h"

#include <string.h>

enum { DER_BOOLEAN = 1, DER_INTEGER = 2, DER_OCTETS = 4, DER_OID = 6, DER_ENUMERATED = 10 };
enum { DER_SEQUENCE = 0x30 };

/* 1.2.840.113741.1.13.1, the arc of the extension and of everything inside (ra-tls a.5). */
static const uint8_t sgx_arc[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

enum { ARC_TCB = 2, ARC_CONFIGURATION = 7, ARC_ATTRIBUTES = 7 };
enum { ARC_TCB_PCESVN = 17, ARC_TCB_CPUSVN = 18, ARC_TCB_ATTRIBUTES = 18 };
enum { CONFIGURATION_ATTRIBUTES = 3 };

static bool take_octets(struct cursor *cursor, uint8_t *out, size_t len)
{
    struct attest_bytes value;
    if (!av_cursor_der(cursor, DER_OCTETS, &value) || value.len != len)
        return false;
    memcpy(out, value.ptr, len);
    return true;
}

static bool take_boolean(struct cursor *cursor, bool *out)
{
    struct attest_bytes value;
    if (!av_cursor_der(cursor, DER_BOOLEAN, &value) || value.len != 1 ||
        (value.ptr[0] != 0 && value.ptr[0] != 0xff))
        return false;
    *out = value.ptr[0] != 0;
    return true;
}

/* The next SEQUENCE { OID, value } of a list; its last OID number, and a cursor over the value. */
static bool take_attribute(struct cursor *list, const uint8_t *arc, size_t arc_len,
                           unsigned *number, struct cursor *value)
{
    struct attest_bytes pair, oid;
    if (!av_cursor_der(list, DER_SEQUENCE, &pair))
        return false;
    *value = av_cursor_over(pair);
    if (!av_cursor_der(value, DER_OID, &oid) || oid.len != arc_len + 1 ||
        memcmp(oid.ptr, arc, arc_len) != 0 || oid.ptr[arc_len] > 0x7f)
        return false;
    *number = oid.ptr[arc_len];
    return true;
}

static bool parse_tcb_attribute(unsigned number, struct cursor *value, struct pck *pck)
{
    unsigned integer;
    if (number >= 1 && number <= TCB_COMPONENTS) {
        if (!av_cursor_der_uint(value, DER_INTEGER, UINT8_MAX, &integer))
            return false;
        pck->components[number - 1] = (uint8_t)integer;
        return true;
    }
    if (number == ARC_TCB_PCESVN) {
        if (!av_cursor_der_uint(value, DER_INTEGER, UINT16_MAX, &integer))
            return false;
        pck->pcesvn = (uint16_t)integer;
        return true;
    }
    return number == ARC_TCB_CPUSVN && take_octets(value, pck->cpusvn, sizeof pck->cpusvn);
}

static bool parse_configuration_attribute(unsigned number, struct cursor *value, struct pck *pck)
{
    bool *const flags[CONFIGURATION_ATTRIBUTES] = {&pck->dynamic_platform, &pck->cached_keys,
                                                   &pck->smt_enabled};
    return number >= 1 && number <= CONFIGURATION_ATTRIBUTES &&
           take_boolean(value, flags[number - 1]);
}

/* A SEQUENCE of attributes 1 to `count` under `arc`.`below`, all of them, each once. */
static bool parse_list(struct cursor *cursor, uint8_t below, unsigned count,
                       bool (*parse)(unsigned, struct cursor *, struct pck *), struct pck *pck)
{
    uint8_t arc[sizeof sgx_arc + 1];
    memcpy(arc, sgx_arc, sizeof sgx_arc);
    arc[sizeof sgx_arc] = below;
    struct attest_bytes inner;
    if (!av_cursor_der(cursor, DER_SEQUENCE, &inner))
        return false;
    struct cursor list = av_cursor_over(inner), value;
    uint32_t seen = 0;
    while (list.left > 0) {
        unsigned number;
        if (!take_attribute(&list, arc, sizeof arc, &number, &value) || number > count ||
            (seen & 1u << number) || !parse(number, &value, pck) || value.left != 0)
            return false;
        seen |= 1u << number;
    }
    return seen == (1u << (count + 1)) - 2;
}

static bool parse_attribute(unsigned number, struct cursor *value, struct pck *pck)
{
    switch (number) {
    case 1:
        return take_octets(value, pck->ppid, sizeof pck->ppid);
    case ARC_TCB:
        return parse_list(value, ARC_TCB, ARC_TCB_ATTRIBUTES, parse_tcb_attribute, pck);
    case 3:
        return take_octets(value, pck->pceid, sizeof pck->pceid);
    case 4:
        return take_octets(value, pck->fmspc, sizeof pck->fmspc);
    case 5:
        return av_cursor_der_uint(value, DER_ENUMERATED, PCK_SGX_TYPES - 1, &pck->sgx_type);
    case 6:
        pck->has_piid = true;
        return take_octets(value, pck->piid, sizeof pck->piid);
    case ARC_CONFIGURATION:
        pck->has_configuration = true;
        return parse_list(value, ARC_CONFIGURATION, CONFIGURATION_ATTRIBUTES,
                          parse_configuration_attribute, pck);
    default:
        return false;
    }
}

const char *av_pck_sgx_type_word(unsigned type)
{
    static const char *const words[PCK_SGX_TYPES] = {"standard", "scalable",
                                                     "scalable_with_integrity"};
    return type < PCK_SGX_TYPES ? words[type] : "unknown";
}

bool av_pck_parse_extension(struct attest_bytes der, struct pck *pck)
{
    enum { FIRST_FIVE = 0x3e };
    *pck = (struct pck){0};
    struct cursor whole = av_cursor_over(der);
    struct attest_bytes inner;
    if (!av_cursor_der(&whole, DER_SEQUENCE, &inner) || whole.left != 0)
        return false;
    struct cursor list = av_cursor_over(inner), value;
    uint32_t seen = 0;
    while (list.left > 0) {
        unsigned number;
        if (!take_attribute(&list, sgx_arc, sizeof sgx_arc, &number, &value) ||
            number > ARC_ATTRIBUTES || (seen & 1u << number) ||
            !parse_attribute(number, &value, pck) || value.left != 0)
            return false;
        seen |= 1u << number;
    }
    return (seen & FIRST_FIVE) == FIRST_FIVE;
}

bool av_pck_from_certificate(X509 *leaf, struct pck *pck)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.840.113741.1.13.1", 1);
    if (oid == NULL)
        return false;
    int at = X509_get_ext_by_OBJ(leaf, oid, -1);
    bool once = at >= 0 && X509_get_ext_by_OBJ(leaf, oid, at) < 0;
    ASN1_OBJECT_free(oid);
    if (!once)
        return false;
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(leaf, at));
    struct attest_bytes der = {.ptr = ASN1_STRING_get0_data(value),
                               .len = (size_t)ASN1_STRING_length(value)};
    return av_pck_parse_extension(der, pck);
}
