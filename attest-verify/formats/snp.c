#include "formats/snp.h"

#include <stddef.h>

static const char *const product_names[SNP_PRODUCTS] = {"Milan", "Genoa", "Turin"};
static const char *const component_names[SNP_COMPONENTS] = {"fmc", "boot_loader", "tee", "snp",
                                                            "microcode"};

enum { FAMILY_ZEN34 = 0x19, FAMILY_ZEN5 = 0x1a, TCB_BYTES = 8, RESERVED = -1 };

/* Which component stands in each byte of a TCB_VERSION: two layouts, by family. */
static const signed char layout_zen34[TCB_BYTES] = {
    SNP_BOOT_LOADER, SNP_TEE, RESERVED, RESERVED, RESERVED, RESERVED, SNP_FIRMWARE, SNP_MICROCODE};
static const signed char layout_zen5[TCB_BYTES] = {
    SNP_FMC, SNP_BOOT_LOADER, SNP_TEE, SNP_FIRMWARE, RESERVED, RESERVED, RESERVED, SNP_MICROCODE};

static const struct {
    uint8_t family, first_model, last_model;
    enum snp_product product;
} processors[] = {
    {FAMILY_ZEN34, 0x00, 0x0f, SNP_MILAN},
    {FAMILY_ZEN34, 0x10, 0x1f, SNP_GENOA},
    {FAMILY_ZEN34, 0xa0, 0xaf, SNP_GENOA}, /* Bergamo and Siena */
    {FAMILY_ZEN5, 0x00, 0x11, SNP_TURIN},
};

const char *av_snp_product_name(enum snp_product product)
{
    return product < SNP_PRODUCTS ? product_names[product] : "unknown";
}

const char *av_snp_component_name(enum snp_component component)
{
    return component < SNP_COMPONENTS ? component_names[component] : "unknown";
}

bool av_snp_product_of_cpuid(const uint8_t cpuid[3], enum snp_product *out)
{
    for (size_t i = 0; i < sizeof processors / sizeof *processors; ++i)
        if (cpuid[0] == processors[i].family && cpuid[1] >= processors[i].first_model &&
            cpuid[1] <= processors[i].last_model) {
            *out = processors[i].product;
            return true;
        }
    return false;
}

static const signed char *layout_of(enum snp_product product)
{
    return product == SNP_TURIN ? layout_zen5 : layout_zen34;
}

bool av_snp_tcb_read(enum snp_product product, struct attest_bytes bytes, struct snp_tcb *out)
{
    const signed char *layout = layout_of(product);
    *out = (struct snp_tcb){{0}};
    if (bytes.len != TCB_BYTES)
        return false;
    for (size_t i = 0; i < TCB_BYTES; ++i) {
        if (layout[i] != RESERVED)
            out->svn[layout[i]] = bytes.ptr[i];
        else if (bytes.ptr[i] != 0)
            return false;
    }
    return true;
}

const char *av_snp_tcb_above(const struct snp_tcb *low, const struct snp_tcb *high)
{
    for (size_t i = 0; i < SNP_COMPONENTS; ++i)
        if (low->svn[i] > high->svn[i])
            return component_names[i];
    return NULL;
}

bool av_snp_has_component(enum snp_product product, enum snp_component component)
{
    return component != SNP_FMC || product == SNP_TURIN;
}
