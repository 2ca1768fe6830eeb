#include "formats/snp_leaf.h"

#include "bytes/cursor.h"

#include <string.h>

enum { DER_INTEGER = 2, DER_IA5_STRING = 0x16, X509_V3 = 2, STRUCTURE_VERSION_MAX = 1 };
enum { TURIN_HWID_BYTES = 8 };

/* 1.3.6.1.4.1.3704.1 */
static const uint8_t amd_arc[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01};

/* The numbers below the arc; of .3.x the TCB component that it is. */
enum extension {
    EXT_STRUCTURE,
    EXT_PRODUCT,
    EXT_BOOT_LOADER,
    EXT_TEE,
    EXT_FIRMWARE,
    EXT_RESERVED4,
    EXT_RESERVED5,
    EXT_RESERVED6,
    EXT_RESERVED7,
    EXT_MICROCODE,
    EXT_FMC,
    EXT_HWID,
    EXT_CSP_ID,
    EXT_COUNT
};

enum { NO_COMPONENT = -1, RESERVED_COMPONENT = -2 };

static const struct {
    uint8_t numbers[2]; /* the second is 0 when there is but one */
    signed char component;
} extensions[EXT_COUNT] = {
    [EXT_STRUCTURE] = {{1, 0}, NO_COMPONENT},
    [EXT_PRODUCT] = {{2, 0}, NO_COMPONENT},
    [EXT_BOOT_LOADER] = {{3, 1}, SNP_BOOT_LOADER},
    [EXT_TEE] = {{3, 2}, SNP_TEE},
    [EXT_FIRMWARE] = {{3, 3}, SNP_FIRMWARE},
    [EXT_RESERVED4] = {{3, 4}, RESERVED_COMPONENT},
    [EXT_RESERVED5] = {{3, 5}, RESERVED_COMPONENT},
    [EXT_RESERVED6] = {{3, 6}, RESERVED_COMPONENT},
    [EXT_RESERVED7] = {{3, 7}, RESERVED_COMPONENT},
    [EXT_MICROCODE] = {{3, 8}, SNP_MICROCODE},
    [EXT_FMC] = {{3, 9}, SNP_FMC},
    [EXT_HWID] = {{4, 0}, NO_COMPONENT},
    [EXT_CSP_ID] = {{5, 0}, NO_COMPONENT},
};

#define BIT(extension) (1u << (extension))

static const unsigned always = BIT(EXT_STRUCTURE) | BIT(EXT_PRODUCT) | BIT(EXT_BOOT_LOADER) |
                               BIT(EXT_TEE) | BIT(EXT_FIRMWARE) | BIT(EXT_MICROCODE);
/* Turin's certificates leave .3.4 out; the reserved ones are zero wherever they are. */
static const unsigned reserved =
    BIT(EXT_RESERVED4) | BIT(EXT_RESERVED5) | BIT(EXT_RESERVED6) | BIT(EXT_RESERVED7);

/* What is collected before the product is known. */
struct reading {
    unsigned seen;
    struct attest_bytes hwid;
    struct snp_leaf *leaf;
};

/* Whether an OID is below AMD's arc; `index` is EXT_COUNT when it is none that we know. */
static bool is_amd(const ASN1_OBJECT *oid, enum extension *index)
{
    struct attest_bytes bytes = {.ptr = OBJ_get0_data(oid), .len = OBJ_length(oid)}, arc, rest;
    struct cursor cursor = av_cursor_over(bytes);
    if (!av_cursor_take(&cursor, sizeof amd_arc, &arc) ||
        memcmp(arc.ptr, amd_arc, sizeof amd_arc) != 0 ||
        !av_cursor_take(&cursor, cursor.left, &rest))
        return false;
    for (*index = 0; *index < EXT_COUNT; ++*index) {
        const uint8_t *numbers = extensions[*index].numbers;
        size_t len = numbers[1] == 0 ? 1 : 2;
        if (rest.len == len && memcmp(rest.ptr, numbers, len) == 0)
            break;
    }
    return true;
}

/* "Milan-B0", "Genoa": a product, and perhaps its stepping. */
static bool take_product(struct cursor *value, enum snp_product *out)
{
    struct attest_bytes text;
    if (!av_cursor_der(value, DER_IA5_STRING, &text))
        return false;
    for (*out = 0; *out < SNP_PRODUCTS; ++*out) {
        const char *name = av_snp_product_name(*out);
        size_t len = strlen(name);
        if (text.len >= len && memcmp(text.ptr, name, len) == 0 &&
            (text.len == len || (text.len > len + 1 && text.ptr[len] == '-')))
            return true;
    }
    return false;
}

static bool take_csp_id(struct cursor *value, char out[SNP_CSP_ID_BYTES_MAX + 1])
{
    struct attest_bytes text;
    if (!av_cursor_der(value, DER_IA5_STRING, &text) || text.len == 0 ||
        text.len > SNP_CSP_ID_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.len; ++i)
        if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7e)
            return false;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

static bool take_value(enum extension index, struct cursor *value, struct reading *reading)
{
    int component = extensions[index].component;
    unsigned integer;
    if (index == EXT_PRODUCT)
        return take_product(value, &reading->leaf->product);
    if (index == EXT_HWID) /* raw, in no type of its own */
        return av_cursor_take(value, value->left, &reading->hwid);
    if (index == EXT_CSP_ID)
        return take_csp_id(value, reading->leaf->csp_id);
    unsigned max = index == EXT_STRUCTURE            ? STRUCTURE_VERSION_MAX
                   : component == RESERVED_COMPONENT ? 0
                                                     : UINT8_MAX;
    if (!av_cursor_der_uint(value, DER_INTEGER, max, &integer))
        return false;
    if (component >= 0)
        reading->leaf->tcb.svn[component] = (uint8_t)integer;
    return true;
}

static const char *read_extension(X509_EXTENSION *extension, struct reading *reading)
{
    enum extension index;
    if (!is_amd(X509_EXTENSION_get_object(extension), &index))
        return NULL;
    if (index == EXT_COUNT)
        return "an AMD extension that is unknown";
    if (reading->seen & BIT(index))
        return "an AMD extension twice";
    reading->seen |= BIT(index);
    const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(extension);
    struct attest_bytes bytes = {.ptr = ASN1_STRING_get0_data(octets),
                                 .len = (size_t)ASN1_STRING_length(octets)};
    struct cursor value = av_cursor_over(bytes);
    return take_value(index, &value, reading) && value.left == 0
               ? NULL
               : "an AMD extension in another encoding";
}

/* What this kind of certificate must have, and nothing else. */
static const char *check_seen(const struct reading *reading)
{
    const struct snp_leaf *leaf = reading->leaf;
    unsigned wanted = always | BIT(leaf->is_vlek ? EXT_CSP_ID : EXT_HWID);
    size_t hwid_len = leaf->product == SNP_TURIN ? TURIN_HWID_BYTES : SNP_CHIP_ID_BYTES;
    if (leaf->product == SNP_TURIN)
        wanted |= BIT(EXT_FMC);
    if ((reading->seen & ~reserved) != wanted)
        return "an AMD extension is missing, or of another kind of certificate";
    if (!leaf->is_vlek && reading->hwid.len != hwid_len)
        return "the HWID is of another length";
    return NULL;
}

bool av_snp_leaf_parse(X509 *certificate, bool is_vlek, struct snp_leaf *leaf, const char **wrong)
{
    *leaf = (struct snp_leaf){.is_vlek = is_vlek};
    struct reading reading = {.leaf = leaf};
    *wrong = X509_get_version(certificate) == X509_V3 ? NULL : "it is not of version 3";
    for (int i = 0; i < X509_get_ext_count(certificate) && *wrong == NULL; ++i)
        *wrong = read_extension(X509_get_ext(certificate, i), &reading);
    if (*wrong == NULL)
        *wrong = check_seen(&reading);
    if (*wrong == NULL && !is_vlek)
        memcpy(leaf->chip_id, reading.hwid.ptr, reading.hwid.len);
    return *wrong == NULL;
}
