#include "formats/snp_table.h"

#include "bytes/cursor.h"

#include <string.h>

enum { GUID_BYTES = 16, ENTRY_BYTES = 24 };

enum place { PLACE_LEAF, PLACE_ICA, PLACE_ARK };

/* Their bytes stand in the order in which GUIDs are written down (ra-tls a.7). */
static const struct {
    uint8_t guid[GUID_BYTES];
    enum place place;
} known[] = {
    {{0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac,
      0xcd},
     PLACE_LEAF}, /* VCEK */
    {{0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8,
      0xa1},
     PLACE_LEAF}, /* VLEK */
    {{0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7,
      0x82},
     PLACE_ICA}, /* ASK or ASVK */
    {{0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0,
      0xae},
     PLACE_ARK},
};

static struct attest_bytes *place_of(const uint8_t guid[GUID_BYTES],
                                     struct attest_snp_endorsements *out)
{
    struct attest_bytes *const places[] = {
        [PLACE_LEAF] = &out->leaf, [PLACE_ICA] = &out->ica, [PLACE_ARK] = &out->ark};
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (memcmp(known[i].guid, guid, GUID_BYTES) == 0)
            return places[known[i].place];
    return NULL;
}

static bool take_part(struct attest_bytes bytes, uint32_t offset, uint32_t len,
                      struct attest_bytes *out)
{
    struct cursor cursor = av_cursor_over(bytes);
    struct attest_bytes before;
    return len > 0 && offset >= ENTRY_BYTES && av_cursor_take(&cursor, offset, &before) &&
           av_cursor_take(&cursor, len, out);
}

bool av_snp_table_parse(struct attest_bytes bytes, struct attest_snp_endorsements *out)
{
    struct cursor cursor = av_cursor_over(bytes);
    *out = (struct attest_snp_endorsements){.leaf = {NULL, 0}};
    for (size_t i = 0; i <= SNP_TABLE_ENTRIES_MAX; ++i) {
        struct attest_bytes guid, part;
        uint32_t offset, len;
        if (!av_cursor_take(&cursor, GUID_BYTES, &guid) || !av_cursor_u32le(&cursor, &offset) ||
            !av_cursor_u32le(&cursor, &len))
            return false;
        if (av_bytes_are_zero(guid)) /* the end */
            return offset == 0 && len == 0;
        if (!take_part(bytes, offset, len, &part))
            return false;
        struct attest_bytes *place = place_of(guid.ptr, out);
        if (place != NULL && place->len > 0)
            return false;
        if (place != NULL)
            *place = part;
    }
    return false;
}
